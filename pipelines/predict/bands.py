"""The rasters of a prediction: names, what they hold, how they are drawn."""

from collections.abc import Mapping
from dataclasses import dataclass

from minerisk.pipelines.formats.palette import (
    AREA_LEGEND,
    CLASS_LEGEND,
    DENSITY_RAMP,
    DISSIMILARITY_RAMP,
    EXPECTED_ERROR_RAMP,
    LINES_LEGEND,
    PROBABILITY_RAMP,
    Legend,
    Ramp,
)
from minerisk.pipelines.predict.reasons import REASON_BANDS


@dataclass(frozen=True)
class Band:
    """A raster: what its band holds, and its colours."""

    description: str
    style: Ramp | Legend
    unit: str = "1"


PROBABILITY, LOWER_END, UPPER_END = "probability", "probability_lower", "probability_upper"
DISSIMILARITY, AREA, RISK_CLASS = "dissimilarity", "area_of_applicability", "risk_class"
LINES = "lines_known"
DENSITY, EXPECTED_ERROR = "local_point_density", "expected_error"
REASONS = "reasons"

PREDICTED: Mapping[str, Band] = {
    PROBABILITY: Band("calibrated probability of contamination", PROBABILITY_RAMP),
    LOWER_END: Band("lower end of the interval of the probability", PROBABILITY_RAMP),
    UPPER_END: Band("upper end of the interval of the probability", PROBABILITY_RAMP),
    DISSIMILARITY: Band(
        "dissimilarity index by its threshold; above 1 is outside the area of applicability",
        DISSIMILARITY_RAMP,
    ),
    DENSITY: Band("surveyed training cells like this one", DENSITY_RAMP),
    EXPECTED_ERROR: Band(
        "expected log loss minus that of the prevalence everywhere; above 0 the model is worse",
        EXPECTED_ERROR_RAMP,
    ),
}
"""What the model computes of each cell."""
DERIVED: Mapping[str, Band] = {
    AREA: Band(
        "1 inside the area of applicability, 0 outside: the model cannot say", AREA_LEGEND, "class"
    ),
    RISK_CLASS: Band("risk class; cannot_say is not low", CLASS_LEGEND, "class"),
    LINES: Band(
        "front lines and positions: 2 every one is known here, 1 some are, 0 none is",
        LINES_LEGEND,
        "class",
    ),
}
"""What is made of those."""
ALL_BANDS = (*PREDICTED, *REASON_BANDS)
"""The bands that tiles are predicted into."""
