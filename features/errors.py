"""The one tree of errors. A caller that reports to a person catches `MineriskError`."""

from minerisk.plain_text import plain_message


class MineriskError(Exception):
    """Something the user can act on.

    The message says what came, what was expected and what to do. `exit_code` is what the command
    line returns: 2 for wrong use or bad input, 1 for a finding.
    """

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(plain_message(message))


class InputError(MineriskError):
    """A layer, file or argument that cannot be used as it is."""


class CoverError(InputError):
    """An area that the layers or the cube do not cover."""


class NoTaskError(InputError):
    """Land on which no survey task fits; there may be maps of it all the same."""


class MakeAgainError(InputError):
    """A file that this program made and cannot use: of another version, not whole, or not there.

    No other wish helps: what it belongs to is made again, or read by the version that made it.
    """


class FindingError(MineriskError):
    """A check that ran and did not pass: a gate, an audit, a validation."""

    exit_code = 1
