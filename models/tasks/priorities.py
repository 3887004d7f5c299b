"""From probabilities to survey tasks: ranked, to learn from, and a blind control arm."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.models.tasks.arms import MOST_NOVEL, control_tasks, learning_tasks
from minerisk.models.tasks.rank_intervals import (
    HAZARD,
    impact_of,
    luck,
    ranks_under_intervals,
    ranks_under_weights,
)
from minerisk.models.tasks.selection import Limits, best_tasks
from minerisk.models.tasks.shapes import compactness

Array = NDArray[np.float64]

RANKED, LEARN, CONTROL = "ranked", "learn", "control"
ARMS = (RANKED, LEARN, CONTROL)


@dataclass(frozen=True)
class Land:
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


@dataclass(frozen=True)
class Wishes:
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
        Of the control draw and of the shaken ranks.
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
class Tasks:
    """Survey tasks on a grid.

    Attributes
    ----------
    owner
        int32, shape ``(height, width)``: the number of the task each cell belongs to, 0 for none.
    table
        One row per task, in order of its number (1, 2, …): ``task``, ``arm`` (``ranked``,
        ``learn`` or ``control``), ``rank`` (within its arm; missing for control), ``cells``,
        ``hectares``, ``expected_finds`` (expected number of cells with a recordable finding),
        ``expected_finds_per_ha``, ``probability``, ``lower``, ``upper`` (means over the task),
        ``impact`` (mean, 0 to 1), ``team_days``, ``benefit`` (hazard times impact, summed),
        ``benefit_per_day``, ``applicable_share``, ``dissimilarity``, ``compactness``; for ranked
        tasks ``rank_low`` and ``rank_high`` under the probability intervals,
        ``weight_rank_low`` and ``weight_rank_high`` under changed weights, and ``place``:
        ``holds``, or ``luck`` where the ranks span more than half of all places. What the model
        says is taken over applicable cells only, and missing where there are none.
    summary
        Hectares, team-days and expected finds of all land and of each arm; how good the choice
        is: ``gap`` and ``one_by_one`` as in `minerisk.models.tasks.selection.Chosen`.
    """

    owner: NDArray[np.int32]
    table: pd.DataFrame
    summary: dict[str, float]


def make_tasks(land: Land, wishes: Wishes) -> Tasks:
    """Group cells into survey tasks.

    The control arm is drawn first, from all open land, cannot-say land included, without a look at
    the model: it is the only unbiased check of it. Then comes cannot-say land to learn from,
    chosen by dissimilarity, area and spread; what is left of the budget goes to the ranked arm,
    chosen for the most hazard times impact (`selection.best_tasks`) and ranked by benefit
    per team-day.

    Returns
    -------
    Tasks
        Contiguous over cell edges, disjoint, and the same for the same input.

    Raises
    ------
    InputError
        If shapes differ, probabilities leave 0 to 1, or the sizes cannot be met.
    """
    _check(land, wishes)
    known = land.open_land & land.applicable & np.isfinite(land.probability)
    limits = _limits(land, wishes)
    days = np.where(land.inside, land.effort * land.cell_ha, 0.0).astype(np.float64)
    parcel = np.ones(known.shape, dtype=np.int32) if land.parcel is None else land.parcel
    owner = np.zeros(known.shape, dtype=np.int32)
    control = control_tasks(
        land.open_land,
        parcel,
        days=days,
        limits=limits,
        share=wishes.random_share,
        seed=wishes.seed,
    )
    owner[control > 0] = control[control > 0]
    drawn = int(control.max(initial=0))
    learn = learning_tasks(
        land.dissimilarity,
        (owner == 0) & land.open_land & ~known,
        parcel,
        days=days,
        limits=limits,
        share=wishes.learn_share,
    )
    owner[learn > 0] = drawn + learn[learn > 0]
    learned = int(learn.max(initial=0))
    impact = np.broadcast_to(impact_of(land.criteria, wishes.weights), known.shape)
    benefit = np.where(known, land.probability * impact, 0.0).astype(np.float64)
    left = Limits(
        limits.cells - int(np.count_nonzero(owner)),
        limits.least,
        limits.greatest,
        limits.days - float(days[owner > 0].sum()),
    )
    chosen = best_tasks(benefit, known & (owner == 0), parcel, limits=left, days=days)
    owner[chosen.owner > 0] = drawn + learned + chosen.owner[chosen.owner > 0]
    table, numbers = _table(land, wishes, owner, days, (drawn, learned))
    renumber = np.zeros(len(numbers) + 1, dtype=np.int32)
    renumber[numbers] = np.arange(1, numbers.size + 1, dtype=np.int32)
    quality = {
        "gap": chosen.gap,
        "benefit": chosen.benefit,
        "one_by_one": chosen.one_by_one,
        "candidates": float(chosen.candidates),
    }
    return Tasks(renumber[owner], table, _summary(table, land, wishes) | quality)


def _check(land: Land, wishes: Wishes) -> None:
    arrays = (land.probability, land.lower, land.upper, land.applicable, land.inside, land.effort)
    shapes = {array.shape for array in (*arrays, *land.criteria.values())}
    if len(shapes) != 1 or land.probability.ndim != 2:
        raise InputError(f"Arrays have shapes {sorted(shapes)}; expected one (height, width).")
    known = land.probability[np.isfinite(land.probability)]
    if known.size and (known.min() < 0 or known.max() > 1):
        raise InputError(
            f"Probabilities run from {known.min():g} to {known.max():g}; expected 0 to 1."
        )
    sizes = 0 < wishes.min_ha <= wishes.max_ha
    if not sizes or not land.cell_ha > 0 or not wishes.budget_ha > 0 or not wishes.team_days > 0:
        raise InputError(
            f"Task sizes are {wishes.min_ha:g} to {wishes.max_ha:g} ha of a budget of "
            f"{wishes.budget_ha:g} ha and {wishes.team_days:g} team-days, cells {land.cell_ha:g} "
            "ha; expected all above zero and the least size not above the greatest."
        )
    if _limits(land, wishes).greatest < _limits(land, wishes).least:
        raise InputError(
            f"No whole number of cells of {land.cell_ha:g} ha lies between {wishes.min_ha:g} and "
            f"{wishes.max_ha:g} ha. Raise the greatest task size."
        )


def _limits(land: Land, wishes: Wishes) -> Limits:
    return Limits(
        cells=math.floor(round(wishes.budget_ha / land.cell_ha, 6)),
        least=max(math.ceil(round(wishes.min_ha / land.cell_ha, 6)), 1),
        greatest=math.floor(round(wishes.max_ha / land.cell_ha, 6)),
        days=wishes.team_days,
    )


def _table(
    land: Land,
    wishes: Wishes,
    owner: NDArray[np.int32],
    days: Array,
    made: tuple[int, int],
) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Describe the tasks, ranked ones first; also give their old numbers in that order."""
    count = int(owner.max(initial=0))
    known = land.applicable & np.isfinite(land.probability)
    mine, said = owner > 0, (owner > 0) & known

    def total(layer: Array, where: NDArray[np.bool_]) -> Array:
        sums = np.bincount(owner[where], weights=layer[where], minlength=count + 1)[1:]
        return np.asarray(sums, dtype=np.float64)

    cells = np.bincount(owner[mine], minlength=count + 1)[1:]
    hazard = np.nan_to_num(land.probability).astype(np.float64)
    by_criterion = [total(hazard, said), *(total(hazard * c, said) for c in land.criteria.values())]
    weights = [wishes.weights[name] for name in (HAZARD, *land.criteria)]
    shares = np.asarray(weights) / sum(weights)
    impact = np.broadcast_to(impact_of(land.criteria, wishes.weights), owner.shape)
    number = np.arange(1, count + 1)
    support = total(np.ones(owner.shape), said)
    with np.errstate(invalid="ignore"):
        frame = {
            "arm": np.select([number <= made[0], number <= sum(made)], [CONTROL, LEARN], RANKED),
            "cells": cells,
            "hectares": cells * land.cell_ha,
            "expected_finds": np.where(support > 0, by_criterion[0], np.nan),
            "expected_finds_per_ha": by_criterion[0] / support / land.cell_ha,
            "probability": by_criterion[0] / support,
            "lower": total(land.lower, said) / support,
            "upper": total(land.upper, said) / support,
            "impact": total(impact, mine) / cells,
            "team_days": total(days, mine),
            "benefit": np.where(support > 0, shares @ np.asarray(by_criterion), np.nan),
            "applicable_share": support / np.maximum(cells, 1),
            "compactness": compactness(owner, count),
        }
    for name, layer in land.criteria.items():
        frame[f"impact_{name}"] = total(layer, mine) / cells
    novelty = np.ones(owner.shape) if land.dissimilarity is None else land.dissimilarity
    frame["dissimilarity"] = total(np.nan_to_num(novelty, nan=MOST_NOVEL), mine) / cells
    table = pd.DataFrame(frame)
    table["benefit_per_day"] = table["benefit"] / np.maximum(table["team_days"], 1e-12)
    ranked = (table["arm"] == RANKED).to_numpy()
    _add_ranks(table, ranked, [sums[ranked] for sums in by_criterion], weights, wishes)
    return _in_order(table)


def _add_ranks(
    table: pd.DataFrame,
    ranked: NDArray[np.bool_],
    sums: list[Array],
    weights: list[float],
    wishes: Wishes,
) -> None:
    rows = table[ranked]
    days = np.maximum(rows["team_days"].to_numpy(dtype=np.float64), 1e-12)
    probability, lower, upper = (
        rows[name].to_numpy(dtype=np.float64) for name in ("probability", "lower", "upper")
    )
    drawn = ranks_under_intervals(
        rows["benefit_per_day"].to_numpy(dtype=np.float64),
        probability,
        (lower, upper),
        level=wishes.level,
        seed=wishes.seed,
    )
    weighed = ranks_under_weights(sums, days, weights, seed=wishes.seed)
    names = ("rank_low", "rank_high", "weight_rank_low", "weight_rank_high")
    for name, values in zip(names, (*drawn, *weighed), strict=True):
        table[name] = pd.Series(values, index=rows.index, dtype="Int64").reindex(table.index)
    shaky = luck(*drawn) | luck(*weighed)
    place = pd.Series(np.where(shaky, "luck", "holds"), index=rows.index, dtype=object)
    table["place"] = place.reindex(table.index)


def _in_order(table: pd.DataFrame) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Put ranked tasks first by benefit per day, then those to learn from, then control."""
    number = np.arange(1, len(table) + 1)
    arm = table["arm"].map({name: place for place, name in enumerate(ARMS)}).to_numpy(dtype=int)
    worth = np.where(arm == 0, table["benefit_per_day"].to_numpy(dtype=np.float64), 0.0)
    order = np.lexsort((number, -worth, arm))
    table = table.iloc[order].reset_index(drop=True)
    table.insert(0, "task", number)
    rank = table.groupby("arm").cumcount() + 1
    table.insert(2, "rank", rank.astype("Int64").where(table["arm"] != CONTROL))
    return table, number[order]


def _summary(table: pd.DataFrame, land: Land, wishes: Wishes) -> dict[str, float]:
    known = land.open_land & land.applicable & np.isfinite(land.probability)
    everything = float(land.probability[known].sum(dtype=np.float64))
    ranked = table[table["arm"] == RANKED]
    expected = float(ranked["expected_finds"].sum())
    cells = {
        "land_ha": land.inside,
        "open_ha": land.open_land,
        "statement_ha": known,
        "no_statement_ha": land.open_land & ~known,
    }
    return {
        **{name: int(np.count_nonzero(where)) * land.cell_ha for name, where in cells.items()},
        **{f"{arm}_ha": float(table.loc[table["arm"] == arm, "hectares"].sum()) for arm in ARMS},
        **{f"{arm}_days": float(table.loc[table["arm"] == arm, "team_days"].sum()) for arm in ARMS},
        "expected_finds_all": everything,
        "expected_finds_ranked": expected,
        "share_of_expected_finds": expected / everything if everything else math.nan,
        "budget_ha": float(wishes.budget_ha),
        "seed": float(wishes.seed),
    }
