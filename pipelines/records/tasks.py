"""``tasks.json``: what was asked of survey tasks, what they lack, and why each is where it is."""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

from minerisk.configs.schema import Tasks
from minerisk.models.estimate import Estimate
from minerisk.models.tasks.survey_tasks import TaskSummary
from minerisk.pipelines.records.notice import Notice
from minerisk.pipelines.records.record import Document, Record


class Criterion(StrEnum):
    """ANAMA's criteria of impact."""

    CASUALTIES = "casualties"
    SOCIO_ECONOMIC = "socio_economic"
    RESETTLEMENT = "resettlement"
    RECONSTRUCTION = "reconstruction"
    FOOD_SECURITY = "food_security"
    OTHER = "other"


class Standing(StrEnum):
    """What is shown beside tasks, as it is given; the layer ``standing`` has it as its ``kind``."""

    REGISTERED = "registered area"
    OPEN_TASK = "open task"
    ACCIDENT = "accident buffer"


class Lack(StrEnum):
    """What tasks could not take into account."""

    NO_BASES = "no_bases"
    NO_ROADS = "no_roads"
    NO_RIVERS = "no_rivers"
    NO_RIVERS_OR_ROADS = "no_rivers_or_roads"
    NO_SLOPE = "no_slope"
    NO_CRITERION_LAYER = "no_criterion_layer"
    NO_VALUES = "no_values"


class Sureness(StrEnum):
    """How sure a task is, by its arm and by how far its rank may move."""

    PROBABILITY = "mean_probability"
    RANK_FIRM = "rank_firm"
    RANK_UNDECIDED = "rank_undecided"
    BAND = "rank_band"
    TO_LEARN = "to_learn"
    DRAWN_BLIND = "drawn_blind"
    SPEAKS_FOR = "speaks_for"


class NearestEvidence(StrEnum):
    """Of what kind the record nearest to a task is."""

    FIND = "evidence_find"
    ACCIDENT = "evidence_accident"
    CONFIRMED = "evidence_confirmed"
    SUSPICION = "evidence_suspicion"
    CLEARED = "evidence_cleared"


class Rule(StrEnum):
    """Ways to choose land: as tasks do, or by a rule of thumb."""

    TASKS = "tasks"
    HIGHEST_CELLS = "highest_cells"
    NEAREST_LINE = "nearest_line"
    NEAREST_FIND = "nearest_find"


class CaptureCode(StrEnum):
    """What a comparison of tasks with a rule shows."""

    NOT_MEASURED = "capture_not_measured"
    TASKS_FIND_MORE = "tasks_find_more"
    TASKS_FIND_LESS = "tasks_find_less"
    NO_DIFFERENCE = "no_difference_shown"


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
        Its row in the file of the layer, from 1; those that `keep` leaves out count too.
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
    run_state, simulated, source_kind
        What the file says of itself, as each row of the table does.
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

    version: ClassVar[int] = 2
    made_by: ClassVar[str] = "minerisk prioritize"

    run_state: str
    simulated: int
    source_kind: str
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
