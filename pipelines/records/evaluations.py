"""What the evaluations of a finished run come to, with types."""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.measures import Measures
from minerisk.models.evaluation.results import Stratum, SuccessPoint
from minerisk.pipelines.records.record import Document, Record


class ByFeature(Record):
    """Far scores of a run by the values of one feature.

    Attributes
    ----------
    feature, unit, description
        Column of the cube, its unit, and what it is.
    simulated
        Whether findings are.
    block_m
        Side of the resampled blocks, metres.
    strata
        Land of like values, by rising value.
    """

    feature: str
    unit: str
    description: str
    simulated: bool
    block_m: float
    strata: tuple[Stratum, ...]


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
