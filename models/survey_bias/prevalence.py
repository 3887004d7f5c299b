"""How much of the land that nobody surveyed holds something, with its interval.

What was learnt on surveyed land is carried over twice: by a model's held-out predictions, and by
weights that make surveyed land stand for unsurveyed land. Each repairs the other: the estimate
is right if either the model or the chance of being surveyed is (doubly robust).
"""

from collections.abc import Hashable, Mapping
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, rankdata
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from minerisk.features.errors import InputError
from minerisk.models.calibration.intercept_only import InterceptCalibrator
from minerisk.models.evaluation.intervals import effective_rows, exact_binomial, percentile_interval
from minerisk.models.survey_bias.facts import Prevalence
from minerisk.models.survey_bias.propensity import as_mask

Array = NDArray[np.float64]
Name = TypeVar("Name", bound=Hashable)

FAINT = 0.01  # a sum this small beside its standard error has left what a share can be


def unsurveyed_prevalence(
    predicted: ArrayLike,
    found: ArrayLike,
    weights: ArrayLike,
    blocks: ArrayLike,
    *,
    detection: float | tuple[float, float] = 1.0,
    known: ArrayLike | None = None,
    draws: int = 1_000,
    level: float = 0.95,
    seed: int = 0,
) -> Prevalence:
    """Estimate the share of unsurveyed cells that hold something.

    Mean prediction over unsurveyed cells, plus the weighted mean of what the model missed or
    said too much on surveyed cells, divided by the chance that a survey finds what is there. Where
    that sum is hardly above 0, or below it, the model and weighted surveyed land contradict each
    other: the model's log-odds are then moved until weighted surveyed land is right.

    Parameters
    ----------
    predicted
        Calibrated probability that a survey *finds* something in each cell, shape ``(n,)``:
        held-out on surveyed cells, by the whole model elsewhere.
    found
        1 found, 0 searched and nothing found; anything on unsurveyed cells; shape ``(n,)``.
    weights
        `propensity.transport_weights`: above 0 on surveyed cells, 0 on others.
    blocks
        Block of each cell, at least as wide as the units that were surveyed as a whole.
    detection
        Chance that a survey finds what is there; or its lowest and highest value, drawn evenly.
    known
        Unsurveyed cells where something is known to lie, such as accidents, shape ``(n,)``.
    draws, level, seed
        Draws of blocks, stated cover, seed.

    Returns
    -------
    Prevalence
        The interval holds the spread over blocks drawn with replacement, on the log scale, and
        that of detection; and, since the share is that of this land and not of land like it, the
        scatter of whole unsurveyed blocks about the model. Where log-odds were moved, it reaches
        up to what weighted surveyed land alone allows for, which is never 0.

    Raises
    ------
    InputError
        If shapes differ, a value is out of range, or fewer than 5 blocks were surveyed.

    Notes
    -----
    Augmented inverse weighting for a target population: Dahabreh et al. 2020,
    doi 10.1002/sim.8426. Moved log-odds, which stay within bounds: van der Laan and Rubin 2006,
    doi 10.2202/1557-4679.1043. Blocks of rows: Lahiri 2003, doi 10.1007/978-1-4757-3803-2.
    """
    p, weight, mask = _checked(predicted, weights)
    y = np.where(mask, np.asarray(found, dtype=np.float64), 0.0)
    low, high = (detection, detection) if isinstance(detection, (int, float)) else detection
    if not 0 < low <= high <= 1:
        raise InputError(f"detection is {detection}; expected shares above 0, up to 1, ascending.")
    sums = _block_sums(p, y, weight, mask, np.asarray(blocks))
    if (sums[:, 3] > 0).sum() < 5:
        raise InputError(
            f"{int((sums[:, 3] > 0).sum())} blocks hold surveyed cells; expected at least 5 to "
            "say how far blocks differ. Use smaller blocks."
        )
    rng = np.random.default_rng(seed)
    spread, share = _spread(sums, draws, rng), _augmented(sums.sum(axis=0))
    most = 0.0
    if share <= FAINT * spread:
        share, most = _within_bounds(p, y, weight, blocks, level=level)
    drawn = _draws(share, spread, draws, rng) / rng.uniform(low, high, draws)
    middle = (low + high) / 2
    at_least = 0.0 if known is None else float(np.asarray(known, dtype=bool)[~mask].mean())
    estimate = max(share / middle, at_least)
    lower, upper = percentile_interval(drawn, level=level)
    upper = max(upper, most / low)
    return Prevalence(
        estimate=min(estimate, 1.0),
        lower=float(np.clip(lower, at_least, 1.0)),
        upper=float(np.clip(upper, at_least, 1.0)),
        level=level,
        known=at_least,
        by_model=float(p[~mask].mean() / middle),
        by_weights=float(np.average(y[mask], weights=weight[mask]) / middle),
        surveyed=float(y[mask].mean() / middle),
        blocks=int((sums[:, 3] > 0).sum()),
    )


def compare_readings(
    readings: Mapping[Name, ArrayLike],
    found: ArrayLike,
    surveyed: ArrayLike,
    *,
    top_share: float = 0.2,
) -> pd.DataFrame:
    """Set readings of the same land side by side, such as search negatives and unlabelled land.

    Parameters
    ----------
    readings
        Name to probability of each cell, held-out on surveyed cells; shape ``(n,)`` each. The
        first is the one that the others are compared with.
    found
        1 found, 0 searched and nothing found; anything on unsurveyed cells.
    surveyed
        Whether each cell was surveyed.
    top_share
        Share of unsurveyed land that counts as the top.

    Returns
    -------
    DataFrame
        One row a reading: ``reading``; on surveyed cells ``roc_auc``, ``average_precision``,
        ``log_loss`` and ``expected_over_found`` (1 is calibrated in the large); on unsurveyed
        cells ``prevalence`` (mean probability), ``rank_correlation`` (Spearman) and ``same_top``
        (share of the top land in common) with the first reading, and ``mean_difference`` (mean
        absolute).
    """
    if not readings:
        raise InputError("No reading came; expected at least one name with its probabilities.")
    values = {name: np.asarray(p, dtype=np.float64) for name, p in readings.items()}
    first = next(iter(values.values()))
    mask = as_mask(surveyed, first.size)
    y = np.asarray(found)[mask]
    top = _top(first[~mask], top_share)
    rows = []
    for name, p in values.items():
        here, there = np.clip(p[mask], 1e-6, 1 - 1e-6), p[~mask]
        rows.append(
            {
                "reading": name,
                "roc_auc": float(roc_auc_score(y, here)),
                "average_precision": float(average_precision_score(y, here)),
                "log_loss": float(log_loss(y, here, labels=[0, 1])),
                "expected_over_found": float(here.sum() / y.sum()),
                "prevalence": float(there.mean()),
                "rank_correlation": _rank_correlation(first[~mask], there),
                "same_top": float((top & _top(there, top_share)).sum() / top.sum()),
                "mean_difference": float(np.abs(first[~mask] - there).mean()),
            }
        )
    return pd.DataFrame(rows)


def _checked(predicted: ArrayLike, weights: ArrayLike) -> tuple[Array, Array, NDArray[np.bool_]]:
    p, weight = np.asarray(predicted, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if p.shape != weight.shape or p.ndim != 1:
        raise InputError(
            f"Predictions have shape {p.shape}, weights {weight.shape}; expected one shape (n,)."
        )
    if not (np.isfinite(p).all() and (p >= 0).all() and (p <= 1).all()):
        raise InputError("Some predictions are not probabilities; calibrate, and leave out NaN.")
    if not (np.isfinite(weight).all() and (weight >= 0).all()):
        raise InputError("Some weights are negative or not finite; expected 0 or more.")
    return p, weight, as_mask(weight > 0, p.size)


def _block_sums(
    p: Array, y: Array, weight: Array, mask: NDArray[np.bool_], blocks: NDArray[np.generic]
) -> Array:
    """Sum by block: unsurveyed predictions, unsurveyed rows, weighted residual, weight, rows."""
    _, block = np.unique(blocks, return_inverse=True)
    columns = (np.where(mask, 0, p), ~mask, weight * (y - p), weight, mask)
    return np.column_stack([np.bincount(block, np.asarray(c, dtype=float)) for c in columns])


def _augmented(total: Array) -> float:
    return float(total[0] / total[1] + total[2] / total[3])


def _within_bounds(
    p: Array, y: Array, weight: Array, blocks: ArrayLike, *, level: float
) -> tuple[float, float]:
    """Return a share that cannot fall below 0, and the most that surveyed land allows for.

    The model's log-odds are moved until weighted surveyed land is right, instead of adding what it
    misses. The most is the exact upper end of the weighted share found, blocks being the rows.
    """
    mask = weight > 0
    _, block = np.unique(np.asarray(blocks)[mask], return_inverse=True)
    rows = effective_rows(y[mask], weight[mask], block)
    found = float(np.average(y[mask], weights=weight[mask]))
    most = exact_binomial(found, rows, level=level)[1]
    if found in (0.0, 1.0):
        return found, most
    moved = InterceptCalibrator().fit(p[mask], y[mask], weight[mask])
    return float(moved.transform(p[~mask]).mean()), most


def _spread(sums: Array, draws: int, rng: np.random.Generator) -> float:
    """Estimate the standard error of the share: blocks drawn again, and their scatter."""
    surveyed = sums[sums[:, 3] > 0]
    times = rng.multinomial(len(surveyed), np.full(len(surveyed), 1 / len(surveyed)), size=draws)
    residual = times @ surveyed[:, 2] / (times @ surveyed[:, 3])
    shift = sums[:, 0].sum() / sums[:, 1].sum() + residual
    mean = sums[:, 2].sum() / sums[:, 3].sum()
    estimation = shift.std(ddof=1)
    # Residuals of an unsurveyed block scatter as those of surveyed blocks, by its number of rows.
    deviation = surveyed[:, 2] - mean * surveyed[:, 3]
    per_row = (deviation**2).sum() / surveyed[:, 3].sum()
    scatter = np.sqrt(per_row / sums[:, 1].sum())
    return float(np.hypot(estimation, scatter))


def _draws(share: float, spread: float, draws: int, rng: np.random.Generator) -> Array:
    """Draw shares before detection, evenly over a log-normal."""
    relative = spread / max(share, 1e-9)
    return share * np.exp(np.sqrt(np.log1p(relative**2)) * norm.ppf(_even(draws, rng)))


def _even(draws: int, rng: np.random.Generator) -> Array:
    """Return evenly spread quantiles in random order."""
    return rng.permutation((np.arange(draws) + 0.5) / draws)


def _rank_correlation(a: Array, b: Array) -> float:
    """Compute Spearman's correlation; NaN if either is constant."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def _top(p: Array, share: float) -> NDArray[np.bool_]:
    top = np.zeros(p.size, dtype=bool)
    top[np.argsort(-p, kind="stable")[: max(1, round(share * p.size))]] = True
    return top
