"""What survey tasks are made on, what is asked of them, and what they are."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from minerisk.models.tasks.rank_intervals import HAZARD

Array = NDArray[np.float64]
JointDraws = Callable[
    [NDArray[np.int64], NDArray[np.int64]], Iterable[tuple[slice, NDArray[np.float64]]]
]


class Arm(StrEnum):
    """Why a task is there: ranked by benefit, to learn from, or drawn blind as a check."""

    RANKED = "ranked"
    LEARN = "learn"
    CONTROL = "control"


class Firmness(StrEnum):
    """Whether a rank can be distinguished from those around it."""

    HOLDS = "holds"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class TaskLand:
    """What is known of each cell; arrays of shape ``(height, width)``.

    Attributes
    ----------
    probability, lower, upper
        Hazard: probability of contamination and its interval, NaN where there is none.
    applicable
        True where the data support a statement. Other land is never in the ranked arm.
    inside
        True in the study area.
    open_land
        True where a task may lie: inside, not searched, not registered, not in an open task.
    cell_ha
        Hectares of a cell.
    effort
        Team-days per hectare, travel included.
    parcel
        Number of the parcel (`minerisk.models.tasks.shapes.parcels`); none is one parcel.
    dissimilarity
        To the training land over its limit; above 1 the model cannot say. None: equal everywhere.
    criteria
        Impact: criterion to a value of 0 to 1. Empty: every find counts alike.
    joint
        Draws the probabilities of cells jointly, by their rows and columns: some cells at a time,
        which ones and their draws, shape ``(draws, cells)``. None: each task is drawn by itself,
        from the mean ends of its cells.
    """

    probability: Array
    lower: Array
    upper: Array
    applicable: NDArray[np.bool_]
    inside: NDArray[np.bool_]
    open_land: NDArray[np.bool_]
    cell_ha: float
    effort: Array
    parcel: NDArray[np.int32] | None = None
    dissimilarity: Array | None = None
    criteria: Mapping[str, Array] = field(default_factory=dict)
    joint: JointDraws | None = None

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where the model can speak."""
        return self.applicable & np.isfinite(self.probability)


@dataclass(frozen=True)
class TaskRequest:
    """What is asked of the tasks.

    Attributes
    ----------
    budget_ha, team_days
        Of all tasks together, at most.
    min_ha, max_ha
        Hectares of a ranked task. Control tasks have `min_ha`.
    random_share, learn_share
        Shares of the budget for the control arm, and for land to learn from, at most.
    seed
        Of the control draw and of the draws of ranks.
    weights
        Weight of each criterion, and of the hazard itself (``hazard``).
    level
        Stated cover of the interval of the probability.
    """

    budget_ha: float
    min_ha: float
    max_ha: float
    random_share: float
    seed: int
    learn_share: float = 0.0
    team_days: float = math.inf
    weights: Mapping[str, float] = field(default_factory=lambda: {HAZARD: 1.0})
    level: float = 0.9


@dataclass(frozen=True)
class TaskSummary:
    """Land, effort and expected finds of all tasks, and how good the choice is.

    Attributes
    ----------
    land_ha, open_ha
        Of the study area, and of it open to tasks.
    statement_ha, no_statement_ha
        Of the open land: where the model can speak, and where it cannot.
    ranked_ha, learn_ha, control_ha, ranked_days, learn_days, control_days
        Land and team-days of each arm.
    expected_finds_all, expected_finds_ranked
        Expected cells with a finding on open land, and in ranked tasks.
    share_of_expected_finds
        The second over the first; None without any.
    gap, benefit, one_by_one, candidates
        As in `minerisk.models.tasks.selection.Chosen`; no gap where the search gave up.
    bands
        Bands of ranked tasks. One: their order is no better than a draw.
    """

    land_ha: float
    open_ha: float
    statement_ha: float
    no_statement_ha: float
    ranked_ha: float
    learn_ha: float
    control_ha: float
    ranked_days: float
    learn_days: float
    control_days: float
    expected_finds_all: float
    expected_finds_ranked: float
    share_of_expected_finds: float | None
    budget_ha: float
    seed: int
    gap: float | None
    benefit: float
    one_by_one: float
    candidates: int
    bands: int = 0


@dataclass(frozen=True)
class SurveyTasks:
    """Survey tasks on a grid.

    Attributes
    ----------
    owner
        int32, shape ``(height, width)``: the number of the task each cell belongs to, 0 for none.
    table
        One row per task, in order of its number (1, 2, …): ``task``, ``arm`` (`Arm`), ``rank``
        (within its arm; missing for control), ``cells``, ``hectares``, ``expected_finds``
        (expected number of cells with a recordable finding), ``expected_finds_per_ha``,
        ``probability``, ``lower``, ``upper`` (means over the task), ``impact`` (mean, 0 to 1),
        ``team_days``, ``benefit`` (hazard times impact, summed), ``benefit_per_day``,
        ``applicable_share``, ``dissimilarity``, ``compactness``; for ranked tasks ``rank_low``
        and ``rank_high`` under the probability intervals, ``weight_rank_low`` and
        ``weight_rank_high`` under changed weights, ``place`` (`Firmness`), which is undecided
        where the ranks span more than half of all places, and ``band``: tasks of one band cannot
        be told apart (`rank_intervals.rank_bands`). Statements of the model are taken over
        applicable cells only, and missing where there are none.
    summary
        Over all tasks.
    """

    owner: NDArray[np.int32]
    table: pd.DataFrame
    summary: TaskSummary
