"""``table_metrics.json``: every score of models evaluated on a plain table, with types."""

import datetime as dt
from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

from minerisk.models.cautions import Caution
from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.measures import ModelName, RankMeasures
from minerisk.models.evaluation.results import (
    CapturePoint,
    Curves,
    Gate,
    PermutedSkill,
    RegionScores,
    ReliabilityBin,
)
from minerisk.models.folds.protocol import ProtocolName
from minerisk.pipelines.records.metrics import CellCounts, ProtocolScores
from minerisk.pipelines.records.notice import Notice
from minerisk.pipelines.records.record import Document, Record


class TableNotice(StrEnum):
    """What a reader of scores of a table has to know of its rows and columns."""

    ROWS_WITHOUT_COORDINATES = "table_rows_without_coordinates"
    FEATURES_NAME_GROUPS = "table_features_name_groups"
    ROWS_SHARE_PLACES = "table_rows_share_places"


class LeftOut(StrEnum):
    """Why a column is not used as a feature."""

    NOT_NUMBERS = "not numbers"
    CONSTANT = "the same everywhere"


class TableFile(Record):
    """The table that was read: its name, hash and label column."""

    file: str
    sha256: str
    label: str


class LaterMeasures(Record):
    """How land is ranked that was found later; calibration is not measured on one fold."""

    roc_auc: Estimate
    average_precision: Estimate
    found_in_top_5: Estimate
    found_in_top_10: Estimate


class LaterScores(Record):
    """Scores of models trained on rows dated up to a day, on rows dated after it.

    Attributes
    ----------
    until
        That day.
    trained, tested, positive
        Rows trained on, rows scored, and those of them with finds.
    models
        Measures of the model and of each rule of thumb.
    """

    until: dt.date
    trained: int
    tested: int
    positive: int
    models: Mapping[ModelName, LaterMeasures]


class TableMetrics(Document):
    """Every score of models evaluated on a plain table; the fields are those of `Metrics`.

    Attributes
    ----------
    table
        What was read.
    features, left_out
        Columns used, and columns that are not, with the reason.
    notices
        What a reader has to know of the table.
    hectares
        Whether the hectares of a row are known; without them measures in hectares have no value.
    later
        Scores on later rows; None without dates.
    """

    version: ClassVar[int] = 1
    made_by: ClassVar[str] = "minerisk evaluate table"

    table: TableFile
    crs: str
    features: tuple[str, ...]
    left_out: Mapping[str, LeftOut]
    notices: tuple[Notice[TableNotice], ...]
    cautions: tuple[Caution, ...]
    hectares: bool
    cells: CellCounts
    prevalence: float
    range_m: float
    block_m: float
    protocols: Mapping[ProtocolName, ProtocolScores]
    later: LaterScores | None
    comparison: Mapping[ProtocolName, Mapping[ModelName, RankMeasures]]
    regions: tuple[RegionScores, ...]
    capture: Mapping[ProtocolName, Mapping[ModelName, tuple[CapturePoint, ...]]]
    curves: Curves
    reliability: Mapping[ProtocolName, tuple[ReliabilityBin, ...]]
    permuted: PermutedSkill
    applicable_share: float
    gates: tuple[Gate, ...]

    @property
    def far(self) -> ProtocolScores:
        """Scores on groups left out."""
        return self.protocols[ProtocolName.FAR]
