"""What a reader of scores has to know, as codes with values; words are made where it is shown."""

from dataclasses import dataclass
from enum import StrEnum


class CautionCode(StrEnum):
    """What to be careful about.

    ``range_beyond_reach`` (values `range_m`, `reach_m`): the semivariance still rises at the
    greatest distance looked at. ``no_structure`` (`reach_m`): neighbours so far apart are no more
    alike than any others. ``blocks_too_small`` (`block_m`, `range_m`): blocks are smaller than
    labels are alike; ``area_too_small``: so, and the area holds no larger ones.
    ``feature_constant``, ``feature_names_region``, ``feature_nearly_names_region``
    (`within_share`), ``feature_smooth`` (`range_m`, `block_m`): how the `feature` can tell a model
    where a cell is. ``feature_tells_cover``: it tells little but which land layers speak for.
    ``calibration_not_known`` (`slope_low`, `slope_high`): land held out leaves open whether
    probabilities mean what they say.
    """

    RANGE_BEYOND_REACH = "range_beyond_reach"
    NO_STRUCTURE = "no_structure"
    BLOCKS_TOO_SMALL = "blocks_too_small"
    AREA_TOO_SMALL = "area_too_small"
    FEATURE_CONSTANT = "feature_constant"
    FEATURE_NAMES_REGION = "feature_names_region"
    FEATURE_NEARLY_NAMES_REGION = "feature_nearly_names_region"
    FEATURE_TELLS_COVER = "feature_tells_cover"
    FEATURE_SMOOTH = "feature_smooth"
    CALIBRATION_NOT_KNOWN = "calibration_not_known"


@dataclass(frozen=True, kw_only=True)
class Caution:
    """One thing to be careful about.

    Attributes
    ----------
    code
        Which; says which of the values are there.
    feature
        Column of features, where it is about one.
    range_m, reach_m, block_m
        Autocorrelation range, distance looked at, side of a block, metres.
    within_share
        Share of a feature's variance that lies within regions.
    slope_low, slope_high
        Interval of the calibration slope on regions left out; none where it has no such end.
    """

    code: CautionCode
    feature: str | None = None
    range_m: float | None = None
    reach_m: float | None = None
    block_m: float | None = None
    within_share: float | None = None
    slope_low: float | None = None
    slope_high: float | None = None
