"""What each stage of a run reports in the manifest."""

from minerisk.pipelines.records.notice import Notice
from minerisk.pipelines.records.problem import Problem
from minerisk.pipelines.records.record import Record
from minerisk.pipelines.records.task_codes import Lack


class NoFacts(Record):
    """A stage that reports nothing but its outputs."""


class ValidateFacts(Record):
    """How many problems validation found that do not stop the run."""

    warnings: int
    notes: int


class MovedColumn(Record):
    """How far a feature moves where drawn lines are off by their stated positional error.

    Attributes
    ----------
    change
        Mean absolute change over cells and draws, in `unit`.
    spread
        Standard deviation over cells, in `unit`.
    share
        Change over spread.
    """

    column: str
    unit: str
    change: float
    spread: float
    share: float


class LineError(Record):
    """How sensitive the features are to the stated positional error of drawn lines.

    Attributes
    ----------
    cell_m
        Cell of the grid that it was measured on, metres.
    draws
        How often the lines were displaced at random.
    rows
        Greatest share first; empty where no layer states an error.
    """

    cell_m: float
    draws: int
    rows: tuple[MovedColumn, ...] = ()


class BuildFacts(Record):
    """What the feature cube and the labels hold.

    Attributes
    ----------
    built
        Whether the cube was built now; False where one with the same key was there.
    cells
        Cells of the study area.
    shape
        Height and width of the grid.
    features
        Columns, in order.
    left_out
        Features whose optional layer has no file.
    regions
        Number of regions that the surveyed land is divided into.
    """

    built: bool
    cells: int
    shape: tuple[int, int]
    features: tuple[str, ...]
    left_out: tuple[Problem, ...]
    line_error: LineError
    regions: int


class TrainFacts(Record):
    """Whether all gates passed."""

    gates_passed: bool


class TrackFacts(Record):
    """Where MLflow has the run."""

    run_id: str
    registered_model: str
    model_version: str


class PrioritizeFacts(Record):
    """What the survey tasks had to do without."""

    missing: tuple[Notice[Lack], ...]
