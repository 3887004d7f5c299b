"""Scores of a run by the land: by the values of a feature, and by region left out."""

from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.results import Stratum
from minerisk.pipelines.records.record import Record


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


class RegionLeftOut(Record):
    """Far scores of one region left out whole.

    Attributes
    ----------
    region
        Number of its fold.
    cells, positive
        Searched cells, and those with a find.
    every_line_known
        Share of these cells for which every layer of lines speaks, 0 to 1; None where no layer
        states its cover.
    model
        ROC-AUC with its 90 % interval from the region's own blocks; no values with one class.
    rule
        ROC-AUC of the plain rule there; None with one class.
    """

    region: int
    cells: int
    positive: int
    every_line_known: float | None
    model: Estimate
    rule: float | None


class ByRegion(Record):
    """Far scores of a run and of its plain rule by region left out.

    Attributes
    ----------
    simulated
        Whether findings are.
    block_m
        Side of the resampled blocks, metres.
    regions
        By number.
    """

    simulated: bool
    block_m: float
    regions: tuple[RegionLeftOut, ...]
