"""What is known of the risk rasters of a run or a request."""

from collections.abc import Mapping
from typing import ClassVar

from minerisk.pipelines.records.record import Document, Record


class ClassCuts(Record):
    """The least probability of a class; None where nothing can be told apart."""

    higher: float | None
    elevated: float | None


class ClassShares(Record):
    """Shares of the area of applicability that a class takes."""

    higher_share: float
    elevated_share: float


class RiskClasses(Document):
    """``classes.json``: where the classes of a run are cut, so that a part reads as the whole."""

    version: ClassVar[int] = 1
    made_by: ClassVar[str] = "minerisk predict --run RUN"

    cuts: ClassCuts
    shares: ClassShares


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
