"""Held-out scores gathered into bins, so that a fit costs the same for any number of cells."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minerisk.features.errors import InputError
from minerisk.models.inputs import numbered

Array = NDArray[np.float64]

SCORE_CLIP = 1e-6
BINS = 4_096


@dataclass(frozen=True)
class Gathered:
    """Scores and what was found at each.

    Attributes
    ----------
    score
        Rising, shape (k,): the score itself, or the weighted mean of a bin.
    positive, negative
        Sum of weights, shape (k,).
    """

    score: Array
    positive: Array
    negative: Array

    def rows(self) -> tuple[Array, Array, Array]:
        """Return scores, labels and weights, one row per score and class that has weight."""
        score = np.concatenate([self.score, self.score])
        labels = np.repeat([0.0, 1.0], self.score.size)
        weights = np.concatenate([self.negative, self.positive])
        kept = weights > 0
        return score[kept], labels[kept], weights[kept]


def gather(scores: Array, labels: Array, weights: Array, *, limit: int) -> Gathered:
    """Gather equal scores; more than `limit` different ones go into bins even in log-odds.

    All arguments have shape (n,); every weight is above 0.
    """
    value = np.unique(scores)
    if value.size > limit:
        low, high = logit(value[[0, -1]])
        edges = np.linspace(low, high, limit + 1)[1:-1]
        group = numbered(np.searchsorted(edges, logit(scores), side="right"))
        value = np.bincount(group, weights * scores) / np.bincount(group, weights)
    else:
        group = np.searchsorted(value, scores)
    found = np.bincount(group, weights * labels, value.size)
    missed = np.bincount(group, weights * (1.0 - labels), value.size)
    return Gathered(value.astype(np.float64), found.astype(np.float64), missed.astype(np.float64))


def logit(scores: Array) -> Array:
    """Return log-odds, with scores kept a millionth off 0 and 1."""
    clipped = off_the_ends(scores)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


def off_the_ends(probability: Array) -> Array:
    """Keep probabilities a millionth off 0 and 1: no curve, however steep, proves either."""
    return np.asarray(np.clip(probability, SCORE_CLIP, 1 - SCORE_CLIP))


def as_scores(scores: ArrayLike) -> Array:
    """Return scores as float64, NaN allowed.

    Raises
    ------
    InputError
        If a score is below 0 or above 1.
    """
    score = np.asarray(scores, dtype=np.float64)
    if score.size and (np.nanmin(score, initial=0.0) < 0 or np.nanmax(score, initial=0.0) > 1):
        raise InputError(
            f"Scores run from {np.nanmin(score):g} to {np.nanmax(score):g}; expected 0 to 1. "
            "Turn a rank or a distance into a share first."
        )
    return score
