"""Messages of the catalogues: what a test finds in the code, and what a translator sees."""

from dataclasses import dataclass


def marked(message: str) -> str:
    """Mark a constant as a message of the catalogues, and return it as it is."""
    return message


@dataclass(frozen=True)
class Plural:
    """A message with a number in it: ``Plural("{count} problem", "{count} problems")``.

    Attributes
    ----------
    one, many
        English for one, and for any other number. A catalogue has as many forms as its language.
    by
        Name of the value that decides.
    """

    one: str
    many: str
    by: str = "count"


Message = str | Plural
