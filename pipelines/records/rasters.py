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
    unsearched_share
        Share of its land that nobody has searched; None where that is none, or the model cannot
        say, and so below.
    expected
        Contaminated cells of the run that are expected on that land.
    share_of_expected
        Of all that is expected on unsearched land where the model can speak.
    per_km2
        Expected contaminated cells a km² of it.
    highest_upper
        Highest upper end of the probability of a cell.
    held_out
        What held-out land showed; None where it shows nothing.
    """

    risk_class: str
    cells: int
    land_share: float
    unsearched_share: float | None = None
    expected: Estimate | None = None
    share_of_expected: float | None = None
    per_km2: float | None = None
    highest_upper: float | None = None
    held_out: HeldOutClass | None = None


class RegionOff(Record):
    """How far whole regions lie off the model, learned from sums of a class in a region left out.

    Attributes
    ----------
    sd
        Standard deviation, log-odds.
    sums, cover
        Sums that were looked at, and the share of them that the interval held, each with what the
        other regions teach; None where there are none.
    """

    sd: float
    sums: int
    cover: float | None


class RiskClasses(Document):
    """``classes.json``: where classes are cut, and what each holds of the land of its folder.

    Attributes
    ----------
    run_state, simulated, source_kind
        What the file says of itself, as each row of a table does.
    level, regions
        Of the intervals of what is expected.
    """

    version: ClassVar[int] = 3
    made_by: ClassVar[str] = "minerisk predict --run RUN"

    run_state: str
    simulated: int
    source_kind: str
    cuts: ClassCuts
    rule: ClassRule
    level: float
    regions: RegionOff
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
