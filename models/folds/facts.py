"""What a fold is, and what is known of folds, as records."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Fold = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Training rows and test rows."""


@dataclass(frozen=True, kw_only=True)
class FoldFacts:
    """One fold; what each is: `fold_summary`."""

    fold: int
    n_train: int
    n_test: int
    positives_train: int
    positives: int
    prevalence: float | None
    min_distance_m: float | None
    near_share: float | None
    wasserstein_m: float | None
    empty_test: bool
    single_class_test: bool
    class_missing_train: bool
    tiny_test: bool
    imbalance: bool
    high_leakage: bool
    near_train: bool


class Matching(StrEnum):
    """What the folds that match best are: clusters, or random folds, and why."""

    CLUSTERS = "clusters"
    RANDOM_IS_FAR_ENOUGH = "random_is_far_enough"
    RANDOM_IS_BEST = "random_is_best"
    CLUSTERS_REFUSED = "clusters_refused"


@dataclass(frozen=True, kw_only=True)
class MatchFacts:
    """How well folds match the land to be predicted.

    Attributes
    ----------
    matching
        What the folds are made of.
    clusters
        How many; None for random folds.
    refused
        Why clusterings were refused most often; empty if they were not.
    wasserstein_m, wasserstein_random_m
        Of these folds and of random ones, metres (deviations, in feature space).
    test_distance_m, target_distance_m
        Mean nearest distance of test rows to training, and of the target to all rows.
    too_near
        Whether test rows are still nearer to training than the target is, so that scores are too
        good for it.
    """

    matching: Matching
    clusters: int | None
    refused: str
    wasserstein_m: float
    wasserstein_random_m: float
    test_distance_m: float
    target_distance_m: float
    too_near: bool
