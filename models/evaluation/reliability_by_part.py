"""Predicted against found, for each region and each class of hazard."""

from dataclasses import asdict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minerisk.features.errors import InputError
from minerisk.features.evidence.codes import HAZARD_BITS
from minerisk.models.evaluation.intervals import effective_rows, wilson
from minerisk.models.evaluation.results import HazardReliability, PartReliability, RegionReliability

Array = NDArray[np.float64]


def reliability_by_region(
    y: ArrayLike,
    p: ArrayLike,
    region: ArrayLike,
    *,
    blocks: ArrayLike,
    level: float = 0.9,
) -> list[RegionReliability]:
    """Compare mean probability with the share found, region by region.

    Parameters
    ----------
    y
        Labels 0 and 1, shape (n,).
    p
        Held-out calibrated probabilities, NaN where there is none, shape (n,).
    region
        Region of each row, shape (n,); rows with a negative one are left out.
    blocks
        Block of each row, wider than labels are alike, shape (n,).
    level
        Cover of the interval of the share found.

    Returns
    -------
    list of RegionReliability
        By rising region.
    """
    labels, probability, block, known = _checked(y, p, blocks)
    place = np.asarray(region)
    if place.shape != labels.shape:
        raise InputError(f"The regions have shape {place.shape}; expected {labels.shape}.")
    names = np.unique(place[known & (place >= 0)])
    return [
        RegionReliability(
            region=int(name),
            **asdict(_compare(labels, probability, block, known & (place == name), level)),
        )
        for name in names
    ]


def reliability_by_hazard(
    y: ArrayLike,
    p: ArrayLike,
    hazard: ArrayLike,
    *,
    blocks: ArrayLike,
    level: float = 0.9,
) -> list[HazardReliability]:
    """Compare mean probability with the share found, for each class of hazard.

    The map gives the probability of any hazard. Cut by that probability into thirds of the land,
    each third says how much of what was found there is of the class: a class whose finds do not
    gather in the upper third is not what the map shows.

    Parameters
    ----------
    y, p, blocks, level
        As in `reliability_by_region`.
    hazard
        Bits of what was found in each cell (`codes.HAZARD_BITS`), shape (n,).

    Returns
    -------
    list of HazardReliability
        Three a class that was found, the lowest third first.
    """
    labels, probability, block, known = _checked(y, p, blocks)
    bits = np.asarray(hazard).astype(np.int64)
    if bits.shape != labels.shape:
        raise InputError(f"The hazards have shape {bits.shape}; expected {labels.shape}.")
    edges = np.quantile(probability[known], [1 / 3, 2 / 3])
    third = np.searchsorted(edges, np.nan_to_num(probability), side="right")
    rows = []
    for name, bit in HAZARD_BITS.items():
        own = labels * ((bits & bit) > 0)
        total = own[known].sum()
        if total == 0:
            continue
        for number in range(3):
            chosen = known & (third == number)
            land = _compare(own, probability, block, chosen, level) if chosen.any() else None
            share = float(own[chosen].sum() / total)
            rows.append(HazardReliability(hazard=name, third=number + 1, finds=share, land=land))
    return rows


def _checked(
    y: ArrayLike, p: ArrayLike, blocks: ArrayLike
) -> tuple[Array, Array, NDArray[np.int64], NDArray[np.bool_]]:
    labels, probability = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    block = np.asarray(blocks, dtype=np.int64)
    known = np.isfinite(probability)
    if not (labels.shape == probability.shape == block.shape and labels.ndim == 1):
        raise InputError(
            f"Labels, probabilities and blocks have shapes {labels.shape}, {probability.shape} and "
            f"{block.shape}; expected the same (n,)."
        )
    if not known.any():
        raise InputError("No row has a probability; expected held-out probabilities.")
    return labels, probability, block, known


def _compare(
    labels: Array,
    probability: Array,
    block: NDArray[np.int64],
    chosen: NDArray[np.bool_],
    level: float,
) -> PartReliability:
    found, predicted = labels[chosen], float(probability[chosen].mean())
    observed = float(found.mean())
    rows = effective_rows(found, np.ones(found.size), block[chosen])
    low, high = wilson(observed, rows, level=level)
    return PartReliability(
        cells=int(found.size),
        positive=int(found.sum()),
        predicted=predicted,
        observed=observed,
        low=low,
        high=high,
        ratio=observed / predicted if predicted > 0 else None,
    )
