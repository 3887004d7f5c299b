"""Venn-Abers: two probabilities per score, one of which is calibrated whatever the scores are."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minerisk.features.errors import InputError
from minerisk.models.calibration.calibrator import Calibrator
from minerisk.models.calibration.score_bins import as_scores, gather
from minerisk.models.inputs import checked_scores
from minerisk.models.plain_values import rising

Array = NDArray[np.float64]

MAX_KNOTS = 2_048
"""More different scores than this are first gathered into bins, even in log-odds."""


@dataclass
class VennAbersCalibrator(Calibrator):
    """The staircase fitted twice: with the new cell as a negative, and as a positive.

    The pair brackets the probability; its width says how little the held-out cells tell at that
    score. `transform` merges the pair into the one probability whose log loss is never far from
    that of either. A find more or less moves it by no more than the pair is wide, so that no
    probability is 0 or 1.

    Attributes
    ----------
    scores
        Knots, rising, shape (k,).
    as_negative
        Shape (k + 1,): lower probability where 0, 1, ... k knots are at or below the score.
    as_positive
        Shape (k + 1,): upper probability where 0, 1, ... k knots are below the score.

    Notes
    -----
    Vovk, Petej and Fedorova 2015, Advances in Neural Information Processing Systems 28
    (arXiv 1511.00213), algorithms 1 to 4; the merged probability is that of Vovk and Petej 2014,
    UAI, for log loss. The new cell has weight 1.

    Examples
    --------
    Four cells say little, so the pairs are wide; the merged probability lies between.

    >>> fitted = VennAbersCalibrator().fit([0.2, 0.4, 0.6, 0.8], [0, 0, 1, 1])
    >>> lower, upper = fitted.pair([0.3, 0.7])
    >>> lower.round(3), upper.round(3)
    (array([0. , 0.5]), array([0.5, 1. ]))
    >>> fitted.transform([0.3, 0.7]).round(3)
    array([0.333, 0.667])
    """

    scores: tuple[float, ...] = (0.5,)
    as_negative: tuple[float, ...] = (0.0, 0.5)
    as_positive: tuple[float, ...] = (0.5, 1.0)

    kind: ClassVar[str] = "venn_abers"

    def fit(self, scores: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> Self:
        """Fit to held-out scores.

        Parameters
        ----------
        scores
            Uncalibrated probabilities, 0 to 1, shape (n,).
        y
            Labels 0 and 1, shape (n,).
        weight
            Weight of every row, shape (n,); the new cell weighs 1.
        """
        labels, score, weights = checked_scores(y, scores, weight)
        kept = weights > 0
        groups = gather(score[kept], labels[kept], weights[kept], limit=MAX_KNOTS)
        land, found = groups.positive + groups.negative, groups.positive
        self.scores = tuple(groups.score.tolist())
        upper = upper_probabilities(land, found)
        # A negative among rising scores is a positive among falling ones with labels turned.
        lower = 1.0 - upper_probabilities(land[::-1], (land - found)[::-1])[::-1]
        upper, lower = np.maximum.accumulate(upper), np.maximum.accumulate(lower)
        self.as_negative = (0.0, *lower.tolist())
        self.as_positive = (*upper.tolist(), 1.0)
        return self

    def pair(self, scores: ArrayLike) -> tuple[Array, Array]:
        """Return lower and upper probability, each the shape of `scores`; NaN where it is NaN."""
        score = as_scores(scores)
        knots = np.asarray(self.scores)
        lower = np.asarray(self.as_negative)[np.searchsorted(knots, score, side="right")]
        upper = np.asarray(self.as_positive)[np.searchsorted(knots, score, side="left")]
        blank = np.isnan(score)
        return np.where(blank, np.nan, lower), np.where(blank, np.nan, upper)

    def transform(self, scores: ArrayLike) -> Array:
        """Return the merged probability, the shape of `scores`; NaN where the score is NaN."""
        lower, upper = self.pair(scores)
        return np.asarray(upper / (1.0 - lower + upper))

    def check(self) -> None:
        """Refuse staircases that fall or have other knots; see `PlainRecord.check`."""
        lower, upper = self.as_negative, self.as_positive
        fits = len(lower) == len(upper) == len(self.scores) + 1
        rise = rising(self.scores) and rising(lower) and rising(upper)
        if not (fits and rise and upper[0] > 0):
            raise InputError(
                "The Venn-Abers calibrator's knots and probabilities do not rise together; "
                "expected k rising knots and k + 1 rising probabilities, twice. The model file is "
                "damaged."
            )


def upper_probabilities(land: Array, found: Array) -> Array:
    """Return the isotonic value at each knot with a positive of weight 1 added there.

    Parameters
    ----------
    land, found
        Rows and positives at each knot, weighted, by rising score, shape (k,).

    Returns
    -------
    ndarray, shape (k,)
    """
    count = land.size
    # points[i + 1] is the cumulative sum after i knots; points[0] makes room for the positive.
    points = [(-1.0, -1.0), (0.0, 0.0)]
    points += list(zip(np.cumsum(land).tolist(), np.cumsum(found).tolist(), strict=True))
    corners = points[:2]
    for point in points[2:]:
        while len(corners) > 1 and _turn(corners[-2], corners[-1], point) <= 0:
            corners.pop()
        corners.append(point)
    corners.reverse()
    out = np.empty(count)
    for i in range(1, count + 1):
        (x0, y0), (x1, y1) = corners[-1], corners[-2]
        out[i - 1] = (y1 - y0) / (x1 - x0)
        moved = (
            points[i - 1][0] + points[i + 1][0] - points[i][0],
            points[i - 1][1] + points[i + 1][1] - points[i][1],
        )
        points[i] = moved
        if _turn(corners[-1], corners[-2], moved) >= 0:
            continue
        corners.pop()
        while len(corners) > 1 and _turn(moved, corners[-1], corners[-2]) <= 0:
            corners.pop()
        corners.append(moved)
    return out


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    """Return a value above 0 where the path a, b, c turns left, that is, c lies above ab."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
