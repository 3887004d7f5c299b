"""Risk classes: probabilities cut by share of the land the model can speak for."""

import logging
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.errors import InputError
from pipelines.styles import CANNOT_SAY, CLASS_NAMES, ELEVATED, HIGHER, LOWER, OUTSIDE

log = logging.getLogger(__name__)


def classify(
    probability: NDArray[np.floating[Any]],
    applicable: NDArray[np.bool_],
    inside: NDArray[np.bool_],
    *,
    higher_share: float,
    elevated_share: float,
) -> tuple[NDArray[np.uint8], dict[str, float]]:
    """Cut probabilities into classes by share of the applicable land.

    Ties go to the upper class: equal land is never told apart, and never put lower by chance.
    Where all land has the same probability nothing is put first, and all of it is cannot_say.

    Parameters
    ----------
    probability
        Shape ``(height, width)``, NaN where there is none.
    applicable
        True where the data support a statement.
    inside
        True in the study area.
    higher_share, elevated_share
        Shares of the applicable land: the highest, and those after them.

    Returns
    -------
    classes, cuts
        uint8: 0 cannot_say, 1 lower, 2 elevated, 3 higher, 255 outside. The least probability of
        ``higher`` and ``elevated``, for `classify_with`; NaN if nothing can be told apart.
    """
    if not (higher_share > 0 and elevated_share > 0 and higher_share + elevated_share <= 1):
        raise InputError(
            f"Class shares are {higher_share} and {elevated_share}; expected each above 0 and "
            "both together at most 1."
        )
    values = probability[applicable & inside & np.isfinite(probability)]
    if values.size and values.min() == values.max():
        log.warning("The model gives all land the same probability: every cell is cannot_say.")
        values = values[:0]
    cuts = {
        "higher": _upper_cut(values, higher_share),
        "elevated": _upper_cut(values, higher_share + elevated_share),
    }
    return classify_with(probability, applicable, inside, cuts=cuts), cuts


def classify_with(
    probability: NDArray[np.floating[Any]],
    applicable: NDArray[np.bool_],
    inside: NDArray[np.bool_],
    *,
    cuts: Mapping[str, float],
) -> NDArray[np.uint8]:
    """Cut probabilities into classes at given cuts, so that a part reads as in the whole."""
    classes = np.full(probability.shape, OUTSIDE, dtype=np.uint8)
    classes[inside] = CANNOT_SAY
    known = inside & applicable & np.isfinite(probability)
    if math.isnan(cuts["higher"]) or math.isnan(cuts["elevated"]):
        return classes
    classes[known] = LOWER
    classes[known & (probability >= cuts["elevated"])] = ELEVATED
    classes[known & (probability >= cuts["higher"])] = HIGHER
    return classes


def class_shares(classes: NDArray[np.uint8]) -> dict[str, float]:
    """Give the share of the land in the study area that each class has."""
    land = max(int(np.count_nonzero(classes != OUTSIDE)), 1)
    return {
        name: int(np.count_nonzero(classes == code)) / land for code, name in CLASS_NAMES.items()
    }


def _upper_cut(values: NDArray[np.floating[Any]], share: float) -> float:
    if not values.size:
        return math.nan
    count = min(max(math.ceil(round(share * values.size, 6)), 1), values.size)
    return float(np.partition(values, values.size - count)[values.size - count])
