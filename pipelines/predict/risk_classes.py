"""Risk classes: probabilities cut by share of the land the model can speak for."""

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.pipelines.formats.palette import (
    CANNOT_SAY,
    CLASS_COLOURS,
    CLASS_NAMES,
    CLASS_WORDS,
    ELEVATED,
    HIGHER,
    LOWER,
    OUTSIDE,
    Legend,
)
from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.records.rasters import ClassCuts, ClassRule

BY_SHARE: Mapping[int, str] = {
    HIGHER: marked("highest {higher:share} of land"),
    ELEVATED: marked("next {elevated:share} of land"),
    LOWER: marked("the rest of the land"),
}
BY_RATE: Mapping[int, str] = {
    HIGHER: marked("from {higher:g} a km²"),
    ELEVATED: marked("from {elevated:g} a km²"),
    LOWER: marked("under {elevated:g} a km²"),
}
"""Of contaminated cells expected."""

log = logging.getLogger(__name__)


def classify(
    probability: NDArray[np.floating],
    applicable: NDArray[np.bool_],
    inside: NDArray[np.bool_],
    *,
    higher_share: float,
    elevated_share: float,
) -> tuple[NDArray[np.uint8], ClassCuts]:
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
        ``higher`` and ``elevated``, for `classify_with`; None if nothing can be told apart.
    """
    values = known_values(probability, applicable, inside)
    cuts = class_cuts(
        lambda: iter([values]), higher_share=higher_share, elevated_share=elevated_share
    )
    return classify_with(probability, applicable, inside, cuts=cuts), cuts


def known_values(
    probability: NDArray[np.floating],
    applicable: NDArray[np.bool_],
    inside: NDArray[np.bool_],
) -> NDArray[np.floating]:
    """Select the probabilities that classes are cut by: where the model can speak."""
    return probability[applicable & inside & np.isfinite(probability)]


def class_cuts(
    parts: Callable[[], Iterator[NDArray[np.floating]]],
    *,
    higher_share: float,
    elevated_share: float,
) -> ClassCuts:
    """Find the cuts of `classify` in probabilities that come in parts, such as blocks of rows.

    Parameters
    ----------
    parts
        Yields the `known_values` of all land, part by part, and the same each time it is called.
        It is called a few times, and one part is held at a time.
    higher_share, elevated_share
        As in `classify`.
    """
    if not (higher_share > 0 and elevated_share > 0 and higher_share + elevated_share <= 1):
        raise InputError(
            f"Class shares are {higher_share} and {elevated_share}; expected each above 0 and "
            "both together at most 1."
        )
    shares = (higher_share, higher_share + elevated_share)
    found = [(part.size, part.min(), part.max()) for part in parts() if part.size]
    size = sum(count for count, _, _ in found)
    if size and min(low for _, low, _ in found) == max(high for _, _, high in found):
        log.warning("The model predicts one probability for all land: every cell is cannot_say.")
        size = 0
    if not size:
        return ClassCuts(higher=None, elevated=None)
    places = [size - min(max(math.ceil(round(share * size, 6)), 1), size) for share in shares]
    higher, elevated = _ordered(parts, places)
    return ClassCuts(higher=higher, elevated=elevated)


def rate_cuts(cuts: tuple[float, float], *, resolution_m: float) -> ClassCuts:
    """Cut by agreed rates: contaminated cells a km² of elevated and of higher land.

    Examples
    --------
    >>> rate_cuts((0.8, 1.6), resolution_m=250)
    ClassCuts(higher=0.1, elevated=0.05)
    """
    elevated, higher = (cut * (resolution_m / 1_000) ** 2 for cut in cuts)
    return ClassCuts(higher=higher, elevated=elevated)


def rule_tag(rule: ClassRule) -> str:
    """Say in the metadata of a class raster by what it is cut."""
    if rule.cuts is not None:
        elevated, higher = rule.cuts
        return (
            f"cut by agreed rates: elevated from {elevated:g} expected contaminated cells a km2, "
            f"higher from {higher:g}"
        )
    return (
        f"cut by share of the land that the model can speak for: highest {rule.higher_share:.0%} "
        f"higher, next {rule.elevated_share:.0%} elevated; not by what the land holds"
    )


def class_legend(rule: ClassRule, texts: Texts = ENGLISH) -> Legend:
    """Say in a legend what each class means, and by what it is cut."""
    shares = {"higher": rule.higher_share, "elevated": rule.elevated_share}
    rates = {} if rule.cuts is None else dict(zip(("elevated", "higher"), rule.cuts, strict=True))
    cut = BY_SHARE if rule.cuts is None else BY_RATE
    words = {
        code: f"{told} · {texts.say(cut[code], **(shares | rates))}" if code in cut else told
        for code, told in texts.words(CLASS_WORDS).items()
    }
    return Legend(CLASS_COLOURS, words)


def classify_with(
    probability: NDArray[np.floating],
    applicable: NDArray[np.bool_],
    inside: NDArray[np.bool_],
    *,
    cuts: ClassCuts,
) -> NDArray[np.uint8]:
    """Cut probabilities into classes at given cuts, so that a part reads as in the whole."""
    classes = np.full(probability.shape, OUTSIDE, dtype=np.uint8)
    classes[inside] = CANNOT_SAY
    known = inside & applicable & np.isfinite(probability)
    if cuts.higher is None or cuts.elevated is None:
        return classes
    classes[known] = LOWER
    classes[known & (probability >= cuts.elevated)] = ELEVATED
    classes[known & (probability >= cuts.higher)] = HIGHER
    return classes


def area_of_applicability(dissimilarity: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Mark where the data support a statement: 1 inside, 0 outside, 255 where nothing is known.

    Parameters
    ----------
    dissimilarity
        Dissimilarity index by its threshold: at most 1 is inside (as in CAST's ``aoa``).
    """
    inside = (dissimilarity <= 1).astype(np.uint8)
    return np.where(np.isfinite(dissimilarity), inside, np.uint8(OUTSIDE))


def count_classes(classes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count the cells of each code, shape ``(256,)``."""
    return np.bincount(classes.ravel(), minlength=256)


def class_shares(counts: NDArray[np.int64]) -> dict[str, float]:
    """Compute the share of the land in the study area that each class has, of counts by code."""
    land = max(int(counts.sum() - counts[OUTSIDE]), 1)
    return {name: int(counts[code]) / land for code, name in CLASS_NAMES.items()}


def _ordered(
    parts: Callable[[], Iterator[NDArray[np.floating]]], places: Sequence[int]
) -> list[float]:
    """Find the values at places in ascending order, exactly, by counting digits of 16 bits.

    The bits of floats that are not negative ascend as the floats do.
    """
    kind = next(parts()).dtype
    bits = np.dtype(f"u{kind.itemsize}")
    heads, left = [0] * len(places), list(places)
    for shift in range(8 * kind.itemsize - 16, -1, -16):
        counts = np.zeros((len(places), 1 << 16), dtype=np.int64)
        for part in parts():
            digits = np.ascontiguousarray(part + part.dtype.type(0)).view(bits) >> bits.type(shift)
            for number, head in enumerate(heads):
                own = digits[digits >> bits.type(16) == head] & bits.type(0xFFFF)
                counts[number] += np.bincount(own.astype(np.int64), minlength=1 << 16)
        for number, count in enumerate(counts):
            upto = np.cumsum(count)
            digit = int(np.searchsorted(upto, left[number], side="right"))
            left[number] -= int(upto[digit] - count[digit])
            heads[number] = heads[number] << 16 | digit
    return [float(np.array(head, dtype=bits).view(kind)) for head in heads]
