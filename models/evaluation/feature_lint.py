"""Features that tell a model where a cell is, rather than what it is like."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from minerisk.features.errors import InputError
from minerisk.models.cautions import Caution, CautionCode
from minerisk.models.estimate import finite
from minerisk.models.folds.autocorrelation import autocorrelation_range
from minerisk.models.inputs import as_coordinates
from minerisk.models.table import CellTable

CONSTANT_SHARE = 1e-6
"""Within-region share of variance under which a feature counts as constant per region."""
LOW_SHARE = 0.1
"""Within-region share of variance under which a feature counts as nearly so."""
MAX_ROWS = 20_000
"""Rows drawn to measure the range; the share of variance is taken from all."""
_LEAST_KNOWN = 30
MEASURED = ["feature", "within_share", "range_m"]
FLAGS = {
    "constant": CautionCode.FEATURE_CONSTANT,
    "constant_per_region": CautionCode.FEATURE_NAMES_REGION,
    "nearly_constant_per_region": CautionCode.FEATURE_NEARLY_NAMES_REGION,
    "tells_cover": CautionCode.FEATURE_TELLS_COVER,
    "smooth": CautionCode.FEATURE_SMOOTH,
}


@dataclass(frozen=True, eq=False)
class FeatureLint:
    """What the features give away about place.

    Attributes
    ----------
    table
        One row a feature, in the order of the columns: ``feature``, ``known`` (share of rows
        with a value), ``within_share`` (of the variance, within regions; NaN for a constant),
        ``range_m`` (autocorrelation range in metres; NaN if it cannot be measured),
        ``range_to_block``, and the flags ``constant`` (one value everywhere),
        ``constant_per_region``, ``nearly_constant_per_region``, ``tells_cover`` (most of its
        variance is between land that layers speak for and land that they do not) and ``smooth``
        (range beyond the block).
    cautions
        One a flag: constants first, then those constant per region, nearly so, those that tell
        the cover, and smooth; of each kind, the longest range first.
    """

    table: pd.DataFrame
    cautions: tuple[Caution, ...]


def lint_features(
    features: pd.DataFrame,
    coordinates: ArrayLike,
    *,
    regions: ArrayLike,
    block_m: float,
    cover: ArrayLike | None = None,
    max_m: float | None = None,
    seed: int = 0,
) -> FeatureLint:
    """Find features that can act as the name of a place.

    A feature that is constant per region, or so smooth that it hardly varies within a block,
    lets a model learn which region was contaminated instead of why. It scores well in blocks
    next to each other and fails in the next district.

    Parameters
    ----------
    features
        Numbers, shape (n, p); NaN where there is no value.
    coordinates
        Easting and northing in metres, shape (n, 2).
    regions
        Region of every row, such as its municipality, shape (n,). Only constancy in these
        regions is seen.
    block_m
        Side of the blocks of the folds, metres.
    cover
        What of the layers is known of every row, as any code, shape (n,); None where every layer
        speaks everywhere.
    max_m
        Greatest distance looked at, metres; by default a third of the area's longer side, and
        at least twice `block_m`.
    seed
        Seed of the draw of up to 20,000 rows for the range.

    Returns
    -------
    FeatureLint

    Raises
    ------
    InputError
        If shapes do not fit, a column is not numeric, or there are fewer than two regions.

    Notes
    -----
    The within-region share is 1 less the between-region sum of squares over the total (one-way
    analysis of variance). Of noise it is near 1.
    """
    points = as_coordinates(coordinates)
    names, region = np.unique(np.asarray(regions), return_inverse=True)
    codes = np.zeros(len(points)) if cover is None else np.asarray(cover)
    known_land = np.unique(codes, return_inverse=True)[1]
    _check(features, points, region, regions=names.size, block_m=block_m)
    longer = float(np.ptp(points, axis=0).max())
    reach = max(longer / 3, 2 * block_m) if max_m is None else max_m
    rng = np.random.default_rng(seed)
    drawn = np.sort(rng.choice(len(points), min(len(points), MAX_ROWS), replace=False))
    rows = []
    for name in features.columns:
        values = features[name].to_numpy(dtype=np.float64)
        known = np.isfinite(values)
        share = _share(values, region)
        range_m = _range(values[drawn], points[drawn], reach, seed)
        row = _row(str(name), float(known.mean()), share, range_m, block_m)
        rows.append(row | {"tells_cover": _share(values, known_land) < LOW_SHARE})
    table = pd.DataFrame(rows)
    farthest = table.sort_values("range_m", ascending=False, kind="stable")
    cautions = (
        Caution(
            code=code,
            feature=str(name),
            within_share=finite(share),
            range_m=finite(range_m),
            block_m=block_m,
        )
        for flag, code in FLAGS.items()
        for name, share, range_m in farthest.loc[farthest[flag], MEASURED].to_numpy()
    )
    return FeatureLint(table, tuple(cautions))


def within_region_share(values: ArrayLike, regions: ArrayLike) -> float:
    """Compute the share of a feature's variance that lies within regions.

    Parameters
    ----------
    values
        Shape (n,); NaN where there is no value, which is left out.
    regions
        Region of every row, shape (n,).

    Returns
    -------
    float
        0 for a feature constant per region, 1 where all regions have the same mean; NaN where
        all values are equal or none is known.

    Examples
    --------
    >>> within_region_share([0, 2, 4, 6], ["a", "a", "b", "b"])
    0.2
    >>> within_region_share([1, 1, 3, 3], ["a", "a", "b", "b"])
    0.0
    """
    return _share(
        np.asarray(values, dtype=np.float64), np.unique(np.asarray(regions), return_inverse=True)[1]
    )


def place_columns(table: CellTable) -> tuple[str, ...]:
    """Name the features that are constant within a region, or as good as so.

    A model can tell by them which region a place lies in. No label is looked at.
    """
    region = np.unique(table.region[table.labelled], return_inverse=True)[1]
    shares = {
        name: _share(table.cells[name].to_numpy(dtype=np.float64)[table.labelled], region)
        for name in table.features
    }
    return tuple(name for name, share in shares.items() if share <= CONSTANT_SHARE)


def _share(given: NDArray[np.float64], region: NDArray[np.int64]) -> float:
    known = np.isfinite(given)
    if not known.any():
        return float("nan")
    centred = given[known] - given[known].mean()
    total = float(centred @ centred)
    # Values that differ by rounding alone are equal.
    if total <= known.sum() * (1e-7 * float(np.abs(given[known]).max())) ** 2:
        return float("nan")
    own = region[known]
    mean = np.bincount(own, weights=centred) / np.maximum(np.bincount(own), 1)
    rest = centred - mean[own]
    return min(float(rest @ rest) / total, 1.0)


def _row(
    name: str, known: float, share: float, range_m: float, block_m: float
) -> dict[str, float | str | bool]:
    return {
        "feature": name,
        "known": known,
        "within_share": share,
        "range_m": range_m,
        "range_to_block": range_m / block_m,
        "constant": bool(np.isnan(share)),
        "constant_per_region": share <= CONSTANT_SHARE,
        "nearly_constant_per_region": CONSTANT_SHARE < share < LOW_SHARE,
        "smooth": range_m > block_m,
    }


def _range(
    values: NDArray[np.float64], points: NDArray[np.float64], reach: float, seed: int
) -> float:
    known = values[np.isfinite(values)]
    if known.size < _LEAST_KNOWN or np.ptp(known) == 0:
        return float("nan")
    return autocorrelation_range(values, points, max_m=reach, seed=seed).range_m


def _check(
    features: pd.DataFrame,
    points: NDArray[np.float64],
    region: NDArray[np.int64],
    *,
    regions: int,
    block_m: float,
) -> None:
    if not len(features) == len(points) == len(region):
        raise InputError(
            f"There are {len(features)} rows of features, {len(points)} coordinates and "
            f"{len(region)} regions; expected as many of each."
        )
    if len(features) == 0 or features.shape[1] == 0:
        raise InputError(f"The features have shape {features.shape}; expected rows and columns.")
    text = [str(name) for name in features if not pd.api.types.is_numeric_dtype(features[name])]
    if text:
        raise InputError(f"The features {text[:5]} are not numbers; encode them or leave them out.")
    if regions < 2:
        raise InputError("There is 1 region; expected at least 2 to compare. Use a wider area.")
    if not (np.isfinite(block_m) and block_m > 0):
        raise InputError(f"block_m is {block_m}; expected metres above zero.")
