"""The rasters of a prediction: names, what they hold, how they are drawn."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from minerisk.pipelines.formats.palette import (
    AREA_LEGEND,
    CLASS_LEGEND,
    DENSITY_RAMP,
    DISSIMILARITY_RAMP,
    EXPECTED_ERROR_RAMP,
    LINES_LEGEND,
    SPOKEN_RAMP,
    UNMASKED_RAMP,
    Legend,
    Ramp,
)
from minerisk.pipelines.predict.reasons import REASON_BANDS


@dataclass(frozen=True)
class Band:
    """A raster: what its band holds, and its colours.

    Attributes
    ----------
    tags
        What it says of itself beside the tags of every raster.
    """

    description: str
    style: Ramp | Legend
    unit: str = "1"
    tags: Mapping[str, str] = field(default_factory=dict)


PROBABILITY, LOWER_END, UPPER_END = "probability", "probability_lower", "probability_upper"
UNMASKED = "probability_unmasked"
DISSIMILARITY, AREA, RISK_CLASS = "dissimilarity", "area_of_applicability", "risk_class"
LINES = "lines_known"
DENSITY, EXPECTED_ERROR = "local_point_density", "expected_error"
REASONS = "reasons"

NOTHING_SAID: Mapping[str, str] = {
    "NODATA": "outside the study area (area_of_applicability.tif: 255), or the model cannot say "
    "(area_of_applicability.tif: 0); never low"
}
NOT_FOR_RANKING: Mapping[str, str] = {
    "USE": "not for ranking: it has a number where the model cannot say, too. For scores and "
    "checks; rank by probability.tif or risk_class.tif",
    "NODATA": "outside the study area",
}

PREDICTED: Mapping[str, Band] = {
    PROBABILITY: Band(
        "calibrated probability of contamination; nodata where the model cannot say",
        SPOKEN_RAMP,
        tags=NOTHING_SAID,
    ),
    LOWER_END: Band(
        "lower end of the interval of the probability; nodata where the model cannot say",
        SPOKEN_RAMP,
        tags=NOTHING_SAID,
    ),
    UPPER_END: Band(
        "upper end of the interval of the probability; nodata where the model cannot say",
        SPOKEN_RAMP,
        tags=NOTHING_SAID,
    ),
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
SPEAKING = frozenset({PROBABILITY, LOWER_END, UPPER_END})
"""Those that hold nothing where the model cannot say."""
UNMASKED_BAND = Band(
    "NOT FOR RANKING: probability of every cell, also where the model cannot say",
    UNMASKED_RAMP,
    tags=NOT_FOR_RANKING,
)
STORED: Mapping[str, tuple[str, Band]] = {
    **{name: (name, band) for name, band in PREDICTED.items()},
    UNMASKED: (PROBABILITY, UNMASKED_BAND),
}
"""The rasters written from tiles: the band of the tiles that each is of, and what it holds."""
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
