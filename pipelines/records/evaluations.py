"""Evaluations of runs and of tables: what was measured, with types."""

import datetime as dt
from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

from minerisk.models.cautions import Caution
from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.measures import Measures, ModelName, RankMeasures
from minerisk.models.evaluation.results import (
    CapturePoint,
    Curves,
    Gate,
    PermutedSkill,
    RegionScores,
    ReliabilityBin,
    SuccessPoint,
)
from minerisk.models.folds.protocol import ProtocolName, Splitter
from minerisk.pipelines.records.metrics import CellCounts, ProtocolScores
from minerisk.pipelines.records.notice import Notice
from minerisk.pipelines.records.record import Document, Record


class TrainedAs(StrEnum):
    """What the model of a run learned a cell as."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    UNLABELLED = "unlabelled"


class FindPlace(Record):
    """What a run predicted for the cell of a find.

    Attributes
    ----------
    find
        Row of the find in its layer.
    easting, northing
        Metres; of a polygon, of a point in it.
    risk_class
        None outside the study area, as are the others.
    probability
        None where the run predicted none.
    applicable, trained_as
        Whether the cell is inside the area of applicability, and what it was learned as.
    land_above, hectares_above
        Share and area of the land with a higher probability, half of the land with the same
        counted.
    """

    find: int
    easting: float
    northing: float
    risk_class: str | None = None
    probability: float | None = None
    applicable: bool | None = None
    trained_as: TrainedAs | None = None
    land_above: float | None = None
    hectares_above: float | None = None

    @property
    def inside(self) -> bool:
        """Whether it lies in the study area."""
        return self.risk_class is not None

    @property
    def new(self) -> bool:
        """Whether it lies in the study area, in a cell that was not learned as positive."""
        return self.inside and self.trained_as is not TrainedAs.POSITIVE


class FindCounts(Record):
    """How many finds came later, and how many of them tell something new.

    Attributes
    ----------
    total, outside_study_area
        All, and those outside the study area.
    trained_as
        Of those inside, by what their cell was learned as.
    new, new_in_cannot_say
        In cells not learned as positive; and those of them where the run gave no class.
    """

    total: int
    outside_study_area: int
    trained_as: Mapping[TrainedAs, int]
    new: int
    new_in_cannot_say: int


class ClassShare(Record):
    """Share of land and of new finds in one risk class; None of finds where there are none."""

    risk_class: str
    land_share: float
    finds: int = 0
    find_share: Estimate | None = None
    ratio: float | None = None


class Presence(Record):
    """Where new finds lie on all land that the run had not learned as positive."""

    find_cells: int
    cells: int
    boyce: Estimate
    area_under_success_rate: Estimate
    prediction_area_crossing: Estimate
    found_in_top_5: Estimate
    found_in_top_10: Estimate
    found_in_top_20: Estimate
    success_rate: tuple[SuccessPoint, ...]


class SearchedLand(Record):
    """Searched cells that the run had no label for; no measures where there are too few."""

    cells: int
    find_cells: int
    blocks: int
    measures: Measures | None


class SearchedScores(Record):
    """Scores on searched land: all of it, and that inside the area of applicability."""

    block_m: float
    all: SearchedLand
    applicable: SearchedLand


class LabelsFile(Record):
    """The file of later finds: its name and hash."""

    file: str
    sha256: str


class LaterLabels(Document):
    """``later_labels.json``: a run scored on finds that came after it.

    Attributes
    ----------
    study_area, simulated
        Of the run.
    labels, run
        The finds, and the hashes of the rasters that were scored.
    finds, places
        Counts, and each find.
    classes
        From the highest class down.
    presence
        None where finds or probabilities are all alike.
    scored
        None without searched land.
    """

    version: ClassVar[int] = 1
    made_by: ClassVar[str] = "minerisk evaluate later"

    study_area: str
    simulated: bool
    labels: LabelsFile
    run: Mapping[str, str]
    finds: FindCounts
    classes: tuple[ClassShare, ...]
    presence: Presence | None
    scored: SearchedScores | None
    places: tuple[FindPlace, ...]


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


class Change(StrEnum):
    """What is done with a family of features in an ablation.

    ``added``: to the base model (a family of the base: to the others of it). ``dropped``: from
    the model of all families.
    """

    ADDED = "added"
    DROPPED = "dropped"


class AblationMeasure(StrEnum):
    """Measures that an ablation compares."""

    ROC_AUC = "roc_auc"
    AVERAGE_PRECISION = "average_precision"
    FOUND_IN_TOP_20 = "found_in_top_20"


class AblationRow(Record):
    """What a change of one family made of one measure.

    Attributes
    ----------
    family, change, protocol, measure
        Which.
    difference, lower, upper
        The measure with the change minus that before it, with a 90 % interval from resampled
        blocks; None where it has no value.
    """

    family: str
    change: Change
    protocol: ProtocolName
    measure: AblationMeasure
    difference: float | None
    lower: float | None
    upper: float | None

    @property
    def estimate(self) -> Estimate:
        """The difference, with its interval."""
        return Estimate(self.difference, self.lower, self.upper)


class AblationSetup(Record):
    """What every model of an ablation was scored with.

    Attributes
    ----------
    cells, positive, resolution_m
        Labelled cells, those with a find, and the side of a cell, metres.
    far_folds, near_folds, near_splitter
        Regions left out, near folds, and what made those.
    block_m
        Side of the resampled blocks, metres.
    most_members, most_negatives_per_positive
        At most, for short training.
    """

    cells: int
    positive: int
    resolution_m: float
    far_folds: int
    near_folds: int
    near_splitter: Splitter
    block_m: float
    most_members: int
    most_negatives_per_positive: float


class Ablation(Record):
    """What each family of features adds to a model, and what dropping it loses.

    Attributes
    ----------
    title, simulated, command
        Of the run, and what made this.
    setup
        What every model was scored with.
    base
        Families of the base model.
    rows
        By family, change, protocol and measure.
    """

    title: str
    simulated: bool
    command: str
    setup: AblationSetup
    base: tuple[str, ...]
    rows: tuple[AblationRow, ...]


class Ablations(Document):
    """``ablation.json``: ablations by name of the study area."""

    version: ClassVar[int] = 1
    made_by: ClassVar[str] = "minerisk ablate"

    areas: Mapping[str, Ablation]
