"""``tasks.json``: what was asked of survey tasks, what they lack, and why each is where it is."""

from collections.abc import Mapping
from typing import ClassVar

from minerisk.configs.schema import Tasks
from minerisk.models.estimate import Estimate
from minerisk.models.tasks.survey_tasks import TaskSummary
from minerisk.pipelines.records.notice import Notice
from minerisk.pipelines.records.record import Document, Record
from minerisk.pipelines.records.task_codes import (
    CaptureCode,
    Criterion,
    Lack,
    NearestEvidence,
    Rule,
    Standing,
    Sureness,
)


class FamilyReason(Record):
    """A family of features that moves the score of a task.

    Attributes
    ----------
    family
        Its name; of distances, densities and values that of their layer.
    kind
        The kind of its first feature, such as ``distance``.
    """

    family: str
    kind: str


class EvidenceRecord(Record):
    """The record of evidence nearest to a task.

    Attributes
    ----------
    identity
        Its own id; None where the layer has none.
    row
        Its row in the layer, from 1.
    date
        ISO 8601; None where it is not recorded.
    metres
        To the task; 0 inside it.
    """

    code: NearestEvidence
    layer: str
    identity: str | None
    row: int
    date: str | None
    metres: float


class TaskReasons(Record):
    """Why a task is where it is, how sure that is, and what is missing.

    Attributes
    ----------
    sureness
        By arm: the probability and the rank, what is to be learned, or that it is a check.
    speaks
        Whether the model can speak for any of it.
    strongest
        Families that move its score most.
    raised_by, lowered_by
        Those of them that raise and that lower it.
    gaps
        Columns that miss a value in part of the task.
    """

    task: str
    sureness: tuple[Notice[Sureness], ...]
    speaks: bool
    strongest: tuple[str, ...]
    raised_by: tuple[FamilyReason, ...]
    lowered_by: tuple[FamilyReason, ...]
    evidence: EvidenceRecord
    gaps: tuple[str, ...]


class Capture(Record):
    """What tasks and rules of thumb find on regions left out, for the same land.

    Attributes
    ----------
    shares
        Of the land, 0 to 1.
    cells, positive
        Cells of those regions, and those with a find.
    found
        Rule to the share of finds at each share of land, with its interval.
    tasks_minus
        Rule to the difference, tasks minus it, with its interval.
    """

    shares: tuple[float, ...]
    cells: int
    positive: int
    found: Mapping[Rule, tuple[Estimate, ...]]
    tasks_minus: Mapping[Rule, tuple[Estimate, ...]]


class TaskFile(Document):
    """What is known of a set of survey tasks beside their table.

    Attributes
    ----------
    asked
        Settings of the tasks.
    weights, criteria
        Impact: weights of the hazard and of each criterion, and the criteria at hand.
    missing
        What could not be taken into account.
    standing
        What is shown beside the tasks, and how many.
    ranked, undecided
        Tasks of the ranked arm, and those whose rank is not distinguishable from others.
    block_side
        Cells to a side of the blocks that tasks are cut from; 1 is single cells.
    left_out_regions
        How tasks do on regions left out; None for tasks of a request.
    reasons
        In the order of the table.
    """

    version: ClassVar[int] = 1
    made_by: ClassVar[str] = "minerisk prioritize"

    asked: Tasks
    summary: TaskSummary
    weights: Mapping[str, float]
    criteria: tuple[Criterion, ...]
    missing: tuple[Notice[Lack], ...]
    standing: Mapping[Standing, int]
    ranked: int
    undecided: int
    block_side: int
    left_out_regions: Capture | Notice[CaptureCode] | None
    reasons: tuple[TaskReasons, ...]
