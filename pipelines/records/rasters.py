"""What is known of the risk rasters of a run or a request."""

from collections.abc import Mapping
from typing import ClassVar

from minerisk.models.estimate import Estimate
from minerisk.pipelines.records.record import Document, Record


class ClassCuts(Record):
    """The least probability of a class; None where nothing can be told apart."""

    higher: float | None
    elevated: float | None


class ClassRule(Record):
    """By what classes are cut.

    Attributes
    ----------
    higher_share, elevated_share
        Shares of the area of applicability that a class takes; they count where `cuts` is None.
    cuts
        Agreed rates: expected contaminated cells a km² from which land is elevated, and higher.
    """

    higher_share: float
    elevated_share: float
    cuts: tuple[float, float] | None = None


class HeldOutClass(Record):
    """A class on land that was held out.

    Attributes
    ----------
    cells, positive
        Labelled cells in it, and those that hold something.
    expected
        Positive cells that were expected in it.
    found_share, expected_share
        Of all that is positive, and of all that was expected.
    """

    cells: int
    positive: int
    expected: float
    found_share: Estimate
    expected_share: float


class ClassRow(Record):
    """What a class holds.

    Attributes
    ----------
    cells, land_share
        Cells of the map, and their share of the land asked for.
    expected
        Contaminated cells of the run that are expected in it; None where the model cannot say, and
        so below.
    share_of_expected
        Of all that is expected where the model can speak.
    per_km2
        Expected contaminated cells a km².
    highest_upper
        Highest upper end of the probability of a cell.
    held_out
        What held-out land showed; None where it shows nothing.
    """

    risk_class: str
    cells: int
    land_share: float
    expected: Estimate | None = None
    share_of_expected: float | None = None
    per_km2: float | None = None
    highest_upper: float | None = None
    held_out: HeldOutClass | None = None


class RiskClasses(Document):
    """``classes.json``: where classes are cut, and what each holds of the land of its folder."""

    version: ClassVar[int] = 2
    made_by: ClassVar[str] = "minerisk predict --run RUN"

    cuts: ClassCuts
    rule: ClassRule
    rows: tuple[ClassRow, ...]


class HazardComparison(Record):
    """Probabilities of a hazard class beside those of any hazard, of the same cells.

    Attributes
    ----------
    mean, mean_any
        Mean probability of the class, and of any hazard.
    above_any
        Share of cells where that of the class is above that of any hazard by more than a tenth.
    """

    mean: float
    mean_any: float
    above_any: float


class RasterFacts(Record):
    """Of the rasters of any hazard, or of one class.

    Attributes
    ----------
    cells, shape
        Cells asked for, and rows and columns of the rasters.
    classes
        Share of the land of each risk class.
    hazards
        Each hazard class beside any hazard; none where no cell is known to both.
    """

    cells: int
    shape: tuple[int, int]
    classes: Mapping[str, float]
    hazards: Mapping[str, HazardComparison] = {}
