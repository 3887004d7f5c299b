"""The chance that land was surveyed, and weights that undo the choice of where to look.

People survey where they can get to and where someone was hurt. Land that nobody surveyed is
therefore not like surveyed land. Weights by the odds of not being surveyed make surveyed land
stand for unsurveyed land, as far as there is surveyed land like it: `overlap` says how far.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin, clone
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler

from minerisk.features.errors import InputError
from minerisk.models.folds.blocks import spread_blocks
from minerisk.models.folds.splits import folds_from_ids

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

CHANCE_CLIP = 1e-4
BALANCED = 0.1
"""A standardised difference up to this is commonly called balanced (Austin 2009)."""


@dataclass(frozen=True)
class Overlap:
    """How far surveyed land can stand for unsurveyed land.

    Attributes
    ----------
    surveyed, unsurveyed
        Rows of each.
    effective_rows
        Kish's effective number of surveyed rows under the weights.
    least_chance
        Smallest chance that counts as overlap.
    beyond_share
        Share of unsurveyed rows whose chance is below `least_chance`: nothing surveyed is like
        them, and what is said of them is extrapolation.
    trimmed_share
        Share of surveyed rows that carry the largest weight allowed.
    balance
        Per feature: ``feature``, ``before`` and ``after``, the standardised mean difference of
        surveyed from unsurveyed rows without and with weights; NaN for a constant column.
    """

    surveyed: int
    unsurveyed: int
    effective_rows: float
    least_chance: float
    beyond_share: float
    trimmed_share: float
    balance: pd.DataFrame

    @property
    def unbalanced(self) -> list[str]:
        """Features that still differ by more than 0.1 standard deviations."""
        after = self.balance["after"].abs() > BALANCED
        return [str(name) for name in self.balance.loc[after, "feature"]]


def smooth_logistic(*, knots: int = 5, strength: float = 0.05) -> Pipeline:
    """Make a logistic regression on cubic splines of each column, ridge-penalised.

    Parameters
    ----------
    knots
        Knots per column, at its quantiles.
    strength
        Inverse of the penalty (scikit-learn's ``C``) on standardised columns.
    """
    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        SplineTransformer(n_knots=knots, knots="quantile", extrapolation="constant"),
        StandardScaler(copy=False),  # of the splines, which nobody else reads
        LogisticRegression(C=strength, solver="newton-cholesky"),
    )


def survey_chance(
    X: ArrayLike,
    surveyed: ArrayLike,
    blocks: ArrayLike,
    *,
    model: ClassifierMixin | None = None,
    folds: int = 5,
    seed: int = 0,
) -> Array:
    """Estimate the chance of every cell to have been surveyed, from cells in other blocks.

    Parameters
    ----------
    X
        What decided where people surveyed: access, places, early accidents; shape ``(n, p)``, NaN
        allowed. Nothing that was learnt by the survey.
    surveyed
        Whether each cell was surveyed, shape ``(n,)``.
    blocks
        Block of each cell, wider than the units that were surveyed as a whole.
    model
        Any classifier with ``predict_proba``; by default `smooth_logistic`.
    folds, seed
        Folds of whole blocks, and the seed that deals them.

    Returns
    -------
    ndarray, shape (n,)
        Chance out of fold, kept within 0.0001 of 0 and 1.

    Raises
    ------
    InputError
        If shapes differ, or all or none of the cells were surveyed.
    """
    matrix = np.asarray(X, dtype=np.float64)
    mask = as_mask(surveyed, len(matrix))
    chance = np.full(len(mask), np.nan)
    learner = smooth_logistic() if model is None else model
    fold = spread_blocks(blocks, mask.astype(np.int64), n_splits=folds, seed=seed)
    for train, test in folds_from_ids(fold):
        fitted = clone(learner).fit(matrix[train], mask[train].astype(np.int64))
        chance[test] = fitted.predict_proba(matrix[test])[:, 1]
    return np.clip(chance, CHANCE_CLIP, 1 - CHANCE_CLIP)


class KnownChances:
    """Chances of survey that were learned before, by all that they are learned from.

    Layers of one run are taught on the same land by other weights: where it was surveyed is the
    same, and takes longer to learn than all else that is measured of it.
    """

    def __init__(self) -> None:
        self._known: dict[str, Array] = {}

    def of(self, X: ArrayLike, surveyed: ArrayLike, blocks: ArrayLike, *, seed: int) -> Array:
        """Return `survey_chance` of the same arguments, learned once."""
        parts = [np.ascontiguousarray(part) for part in (X, surveyed, blocks)]
        seen = hashlib.sha256(repr([(part.shape, part.dtype.str) for part in parts]).encode())
        for part in parts:
            seen.update(part.tobytes())
        key = f"{seen.hexdigest()} {seed}"
        if key not in self._known:
            self._known[key] = survey_chance(parts[0], parts[1], parts[2], seed=seed)
        return self._known[key]


def transport_weights(chance: ArrayLike, surveyed: ArrayLike, *, trim: float = 0.99) -> Array:
    """Weigh surveyed cells so that they stand for unsurveyed cells.

    The weight is the odds of not being surveyed, ``(1 - e) / e``, stabilised to a mean of 1 over
    the surveyed cells, with the largest cut to the `trim` quantile before that.

    Parameters
    ----------
    chance
        Chance of being surveyed, within 0 and 1, shape ``(n,)``.
    surveyed
        Whether each cell was surveyed, shape ``(n,)``.
    trim
        Quantile of the weights of surveyed cells at which they are cut; 1 cuts none.

    Returns
    -------
    ndarray, shape (n,)
        Weights; 0 where not surveyed.

    Notes
    -----
    Cole and Hernán 2008, doi 10.1093/aje/kwn164 (stabilising, trimming); Westreich et al. 2017,
    doi 10.1093/aje/kwx164 (odds weights for land not sampled).

    Examples
    --------
    A surveyed cell of a kind that is seldom surveyed counts for more:

    >>> transport_weights([0.5, 0.25, 0.5], [True, True, False], trim=1.0)
    array([0.5, 1.5, 0. ])
    """
    e, mask = _checked(chance, surveyed)
    return _stabilised((1 - e) / e, mask, trim)


def overlap(
    X: pd.DataFrame,
    chance: ArrayLike,
    surveyed: ArrayLike,
    weights: ArrayLike,
    *,
    least_chance: float | None = None,
) -> Overlap:
    """Measure how far weighted surveyed land is like unsurveyed land.

    Parameters
    ----------
    X
        Features to compare, shape ``(n, p)``, NaN allowed.
    chance, surveyed
        As in `transport_weights`.
    weights
        What it gave, shape ``(n,)``.
    least_chance
        Chance below which unsurveyed land counts as beyond; by default the 1 % quantile of the
        chances of surveyed land.

    Notes
    -----
    Balance: difference of means over the root of the mean of both variances, unweighted in the
    denominator (Austin 2009, doi 10.1002/sim.3697).
    """
    e, mask = _checked(chance, surveyed)
    weight = np.asarray(weights, dtype=np.float64)
    used = weight[mask]
    least = float(np.quantile(e[mask], 0.01)) if least_chance is None else least_chance
    return Overlap(
        surveyed=int(mask.sum()),
        unsurveyed=int((~mask).sum()),
        effective_rows=float(used.sum() ** 2 / (used**2).sum()),
        least_chance=least,
        beyond_share=float((e[~mask] < least).mean()),
        trimmed_share=float(np.isclose(used, used.max()).mean()),
        balance=standardised_differences(X, mask, weight),
    )


def standardised_differences(
    X: pd.DataFrame, surveyed: ArrayLike, weights: ArrayLike
) -> pd.DataFrame:
    """Compare the means of surveyed and unsurveyed cells, before and after weighting.

    Returns
    -------
    DataFrame
        ``feature``, ``before``, ``after``, in standard deviations.
    """
    mask = as_mask(surveyed, len(X))
    weight = np.asarray(weights, dtype=np.float64)
    rows = []
    for name in X.columns:
        column = X[name].to_numpy(dtype=np.float64)
        known = np.isfinite(column)
        here, there = column[mask & known], column[~mask & known]
        used = weight[mask & known]
        if len(here) < 2 or len(there) < 2 or used.sum() == 0:
            rows.append((str(name), np.nan, np.nan))
            continue
        spread = np.sqrt((here.var(ddof=1) + there.var(ddof=1)) / 2)
        spread = spread if spread > 0 else np.nan
        before = (here.mean() - there.mean()) / spread
        after = (np.average(here, weights=used) - there.mean()) / spread
        rows.append((str(name), before, after))
    return pd.DataFrame(rows, columns=["feature", "before", "after"])


def as_mask(surveyed: ArrayLike, size: int) -> Mask:
    """Return the mask of surveyed rows.

    Raises
    ------
    InputError
        If the shape differs, or all or none of the rows were surveyed.
    """
    mask = np.asarray(surveyed)
    if mask.shape != (size,):
        raise InputError(f"The surveyed mask has shape {mask.shape}; expected ({size},).")
    if not np.isin(mask, (0, 1)).all():
        raise InputError("The surveyed mask holds more than yes and no; expected booleans.")
    mask = mask.astype(bool)
    if mask.all() or not mask.any():
        raise InputError(
            f"{int(mask.sum())} of {size} cells were surveyed; expected some of each. Without "
            "unsurveyed land nothing is to be carried over, without surveyed land nothing can be."
        )
    return mask


def _checked(chance: ArrayLike, surveyed: ArrayLike) -> tuple[Array, Mask]:
    e = np.asarray(chance, dtype=np.float64)
    mask = as_mask(surveyed, e.size)
    if not ((e > 0) & (e < 1)).all():
        raise InputError(
            f"Chances of being surveyed run from {e.min():g} to {e.max():g}; expected them "
            "within 0 and 1. Use survey_chance."
        )
    return e, mask


def _stabilised(raw: Array, mask: Mask, trim: float) -> Array:
    if not 0 < trim <= 1:
        raise InputError(f"trim is {trim}; expected a quantile above 0, up to 1.")
    cut = np.minimum(raw, np.quantile(raw[mask], trim))
    return np.where(mask, cut / cut[mask].mean(), 0.0)
