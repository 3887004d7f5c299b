"""What was tried in the search of settings, as records."""

from collections.abc import Mapping
from dataclasses import dataclass

Setting = bool | int | float | str


@dataclass(frozen=True, kw_only=True)
class TrialScores:
    """Scores of settings on folds inside a training set.

    Attributes
    ----------
    roc_auc, average_precision, found_in_top_20
        Pooled over the inner folds.
    objective
        Their sum, so that no part of the ranking is bought with another; where layers state their
        coverage, averaged with `silenced` by the share of the land that they say nothing of.
    silenced
        The same sum as if those layers said nothing of the land left out; None where all speak.
    slope, intercept
        Of Platt's curve; 1 and 0 where the scores carry too little information.
    """

    roc_auc: float
    average_precision: float
    found_in_top_20: float
    objective: float
    silenced: float | None = None
    slope: float
    intercept: float


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Settings that were tried.

    Attributes
    ----------
    choice, trial
        Number of the training set, and of the trial in its search.
    settings
        By name.
    scores
        None if they could not be scored.
    failed
        Why not; None if they were.
    """

    choice: int
    trial: int
    settings: Mapping[str, Setting]
    scores: TrialScores | None
    failed: str | None = None


@dataclass(frozen=True)
class Search:
    """Everything that was tried, and the settings chosen for each training set."""

    trials: tuple[Trial, ...]
    chosen: tuple[Mapping[str, Setting], ...]

    def is_chosen(self, trial: Trial) -> bool:
        """Return whether a trial has the settings that were chosen for its training set."""
        return trial.settings == self.chosen[trial.choice]
