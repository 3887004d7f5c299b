"""How a run compares: with another, with the same made again, with its layers as they are now."""

import datetime as dt
from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

import pydantic

from minerisk.models.estimate import Estimate
from minerisk.pipelines.records.record import Document, Record


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


class ChangeKind(StrEnum):
    """How something differs from the first run to the second."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Change(Record):
    """A setting, or a layer by its hash, that is not the same in both runs."""

    kind: ChangeKind
    name: str
    then: pydantic.JsonValue = None
    now: pydantic.JsonValue = None


class SharedScores(Record):
    """Both runs scored on the cells that both held out with the same label.

    Attributes
    ----------
    cells
        Cells that each run held out.
    shared, same_label
        Cells that both held out, and those of them with the same label.
    protocols
        Protocol and measure to the second run's score less the first's, with 90 % intervals paired
        over blocks; empty where too few cells are shared.
    """

    cells: tuple[int, int]
    shared: int
    same_label: int
    protocols: Mapping[str, Mapping[str, Estimate]] = {}


class ClassChange(Record):
    """Land that changed its risk class."""

    before: str
    after: str
    hectares: float


class Moves(Record):
    """How much land moved in the ranking and changed its class.

    Attributes
    ----------
    region, district
        Number of the region or name of the district; both None for all land. Region -1 is land
        that nobody surveyed.
    hectares
        Land that both runs speak of.
    mean_shift
        Mean shift in the ranking, percentile points; above 0 is earlier.
    moved_share
        Share of the land ranked by both that moved by 10 points or more.
    changed_ha, changes
        Land that changed its class; greatest change first.
    """

    region: int | None = None
    district: str | None = None
    hectares: float
    mean_shift: float | None
    moved_share: float | None
    changed_ha: float
    changes: tuple[ClassChange, ...]


class TaskMove(Record):
    """A ranked task that only one of two runs has.

    Attributes
    ----------
    covered
        Share of it that lies in ranked tasks of the other run.
    """

    task: str
    rank: int
    hectares: float
    latitude: float
    longitude: float
    covered: float


class TaskMoves(Record):
    """Ranked tasks that are gone in the second run, and those that are new in it."""

    gone: tuple[TaskMove, ...] = ()
    new: tuple[TaskMove, ...] = ()


class Comparison(Document):
    """Two finished runs beside each other; differences are those of the second from the first.

    Attributes
    ----------
    first, second
        Heads of their trails.
    simulated
        Whether the findings of either are.
    settings, data, made_with
        What differs: settings, layers that cube and labels were made of, and code or libraries.
    regions
        All land first, then each region; None where the maps lie on different grids.
    districts
        None where the second run has no layer of them.
    no_regions, no_districts
        Why there are none.
    tasks
        Ranked tasks that only one of the runs has.
    """

    version: ClassVar[int] = 1
    made_by: ClassVar[str] = "minerisk compare"

    first: str
    second: str
    simulated: bool
    settings: tuple[Change, ...]
    data: tuple[Change, ...]
    made_with: tuple[Cause, ...]
    scores: SharedScores
    regions: tuple[Moves, ...] | None
    districts: tuple[Moves, ...] | None
    no_regions: str | None
    no_districts: str | None
    tasks: TaskMoves


class FamilyWorth(Record):
    """ROC-AUC that shuffling a family of features costs on far land; None where not measured."""

    family: str
    auc_drop: float | None


class LayerChange(Record):
    """A layer that is not as the run read it.

    Attributes
    ----------
    missing
        Why it cannot be read; None where it can.
    columns, of_columns
        Features that are made of it, and how many there are in all.
    boundary
        Whether it bounds the study area.
    rows_new, rows_gone
        Rows of a layer of findings; None for other layers.
    """

    layer: str
    missing: str | None
    columns: tuple[str, ...]
    of_columns: int
    families: tuple[FamilyWorth, ...]
    boundary: bool
    rows_new: int | None = None
    rows_gone: int | None = None


class StateChange(Record):
    """Cells whose label would change."""

    before: str
    after: str
    cells: int


class LabelChanges(Record):
    """The labels of the run beside those of the layers as they are now.

    Attributes
    ----------
    range_m
        Autocorrelation range of the labels.
    ranked_land_within_range
        Share of the ranked land within that range of a changed cell.
    newly_positive_land_above
        Share of the land ranked above the newly positive cells, median; None without any.
    """

    cells: tuple[StateChange, ...]
    changed_cells: int
    range_m: float
    ranked_land_within_range: float
    newly_positive_land_above: float | None


class IncidentCounts(Record):
    """Accidents or finds since a day.

    Attributes
    ----------
    since
        None where all count.
    rows, inside, new
        Rows after that day; those in the study area; those in cells that the run was not trained
        on as positive.
    classes
        Risk class to new incidents in it.
    """

    since: dt.date | None
    rows: int
    inside: int
    new: int
    classes: Mapping[str, int]


class Status(Document):
    """Whether the rasters of a run are stale, and why.

    Attributes
    ----------
    labels
        None where no layer of findings changed, or a layer is missing.
    incidents
        None where no file of them was given.
    rasters
        Every raster of the run and of its requests.
    """

    version: ClassVar[int] = 1
    made_by: ClassVar[str] = "minerisk status"

    stale: bool
    simulated: bool
    layers: tuple[LayerChange, ...]
    labels: LabelChanges | None
    incidents: IncidentCounts | None
    rasters: tuple[str, ...]
