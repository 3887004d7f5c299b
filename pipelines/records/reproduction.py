"""How a run made again compares with the run: stage by stage, output by output."""

from enum import StrEnum
from typing import ClassVar

from minerisk.pipelines.records.cause import Cause
from minerisk.pipelines.records.record import Document, Record


class Sameness(StrEnum):
    """How near two outputs, or two runs, are."""

    IDENTICAL = "identical"
    CLOSE = "within 1e-6"
    DIFFERS = "differs"
    PICTURE = "other picture"
    ONE_SIDE = "missing on one side"
    NOT_MADE = "not made again"


BEYOND = frozenset({Sameness.DIFFERS, Sameness.ONE_SIDE, Sameness.NOT_MADE})
"""What makes a run differ. Pictures, and pages that show them, do not."""


class OutputDifference(Record):
    """An output whose bytes are not the same.

    Attributes
    ----------
    name
        As in the manifest; empty where the whole stage was not made again.
    largest
        Largest difference of its numbers, relative above 1 and absolute below; None where it
        differs in something else, or where a number is known on one side only.
    """

    name: str
    same: Sameness
    largest: float | None = None


class StageComparison(Record):
    """A stage of the run beside the same stage made again."""

    stage: str
    causes: tuple[Cause, ...] = ()
    outputs: tuple[OutputDifference, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether an output differs beyond 1e-6."""
        return any(output.same in BEYOND for output in self.outputs)


class Reproduction(Document):
    """A run beside the same run made again.

    Attributes
    ----------
    verdict
        *identical*, *within 1e-6* or *differs*, of all outputs but pictures and pages that show
        them.
    first_difference
        First stage with an output that differs beyond 1e-6.
    first_cause
        First stage with other settings, layers, code or libraries.
    """

    version: ClassVar[int] = 1
    made_by: ClassVar[str] = "minerisk reproduce"

    verdict: Sameness
    first_difference: str | None
    first_cause: str | None
    stages: tuple[StageComparison, ...]
