"""Why two runs can differ: in what a stage was made of, or made with."""

from enum import StrEnum

from minerisk.pipelines.records.record import Record


class CauseCode(StrEnum):
    """What of a stage is not the same in both runs."""

    NOT_MADE = "not_made"
    SETTINGS = "settings"
    LAYER = "layer"
    CODE = "code"
    PYTHON = "python"
    MACHINE = "machine"
    LIBRARY = "library"


LASTING = frozenset({CauseCode.CODE, CauseCode.PYTHON, CauseCode.MACHINE, CauseCode.LIBRARY})
"""Causes that hold for every stage from where they begin."""


class Cause(Record):
    """One thing that is not the same in both runs.

    Attributes
    ----------
    name
        Layer or library; empty for the others.
    then, now
        Value in the first and in the second run; None where it has none.
    """

    code: CauseCode
    name: str = ""
    then: str | None = None
    now: str | None = None
