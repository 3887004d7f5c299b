"""From probabilities to survey tasks: ranked, to learn from, and a blind control arm."""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.models.tasks.arms import MOST_NOVEL, control_tasks, learning_tasks
from minerisk.models.tasks.rank_intervals import (
    DRAWS,
    HAZARD,
    drawn_alone,
    impact_of,
    rank_bands,
    rank_ends,
    ranks_under_weights,
    undecided,
    weight_draws,
)
from minerisk.models.tasks.selection import Chosen, Limits, best_tasks
from minerisk.models.tasks.shapes import compactness
from minerisk.models.tasks.survey_tasks import (
    Arm,
    Firmness,
    SurveyTasks,
    TaskLand,
    TaskRequest,
    TaskSummary,
)

Array = NDArray[np.float64]

ARMS = tuple(Arm)


def make_tasks(land: TaskLand, request: TaskRequest) -> SurveyTasks:
    """Group cells into survey tasks.

    The control arm is drawn first, from all open land, cannot-say land included, whatever the model
    predicts: it is the only unbiased check of it. Then comes cannot-say land to learn from,
    chosen by dissimilarity, area and spread; what is left of the budget goes to the ranked arm,
    chosen for the most hazard times impact (`selection.best_tasks`) and ranked by benefit
    per team-day.

    Returns
    -------
    SurveyTasks
        Contiguous over cell edges, disjoint, and the same for the same input.

    Raises
    ------
    InputError
        If shapes differ, probabilities leave 0 to 1, or the sizes cannot be met.
    """
    _check(land, request)
    known = land.open_land & land.known
    limits = _limits(land, request)
    days = np.where(land.inside, land.effort * land.cell_ha, 0.0).astype(np.float64)
    parcel = np.ones(known.shape, dtype=np.int32) if land.parcel is None else land.parcel
    owner, (drawn, learned) = _unranked(land, request, parcel, limits=limits, days=days)
    impact = np.broadcast_to(impact_of(land.criteria, request.weights), known.shape)
    benefit = np.where(known, land.probability * impact, 0.0).astype(np.float64)
    left = Limits(
        limits.cells - int(np.count_nonzero(owner)),
        limits.least,
        limits.greatest,
        limits.days - float(days[owner > 0].sum()),
    )
    chosen = best_tasks(benefit, known & (owner == 0), parcel, limits=left, days=days)
    owner[chosen.owner > 0] = drawn + learned + chosen.owner[chosen.owner > 0]
    table, numbers = _table(land, request, owner, days, (drawn, learned))
    renumber = np.zeros(len(numbers) + 1, dtype=np.int32)
    renumber[numbers] = np.arange(1, numbers.size + 1, dtype=np.int32)
    return SurveyTasks(renumber[owner], table, _summary(table, land, request, chosen))


def _unranked(
    land: TaskLand,
    request: TaskRequest,
    parcel: NDArray[np.int32],
    *,
    limits: Limits,
    days: Array,
) -> tuple[NDArray[np.int32], tuple[int, int]]:
    """Draw the control arm, then choose land to learn from; count the tasks of each."""
    control = control_tasks(
        land.open_land,
        parcel,
        days=days,
        limits=limits,
        share=request.random_share,
        seed=request.seed,
    )
    owner = control.copy()
    drawn = int(control.max(initial=0))
    learn = learning_tasks(
        land.dissimilarity,
        (owner == 0) & land.open_land & ~land.known,
        parcel,
        days=days,
        limits=limits,
        share=request.learn_share,
    )
    owner[learn > 0] = drawn + learn[learn > 0]
    return owner, (drawn, int(learn.max(initial=0)))


def _check(land: TaskLand, request: TaskRequest) -> None:
    arrays = (land.probability, land.lower, land.upper, land.applicable, land.inside, land.effort)
    shapes = {array.shape for array in (*arrays, *land.criteria.values())}
    if len(shapes) != 1 or land.probability.ndim != 2:
        raise InputError(f"Arrays have shapes {sorted(shapes)}; expected one (height, width).")
    known = land.probability[np.isfinite(land.probability)]
    if known.size and (known.min() < 0 or known.max() > 1):
        raise InputError(
            f"Probabilities run from {known.min():g} to {known.max():g}; expected 0 to 1."
        )
    sizes = 0 < request.min_ha <= request.max_ha
    if not sizes or not land.cell_ha > 0 or not request.budget_ha > 0 or not request.team_days > 0:
        raise InputError(
            f"Task sizes are {request.min_ha:g} to {request.max_ha:g} ha of a budget of "
            f"{request.budget_ha:g} ha and {request.team_days:g} team-days, cells {land.cell_ha:g} "
            "ha; expected all above zero and the least size not above the greatest."
        )
    if _limits(land, request).greatest < _limits(land, request).least:
        raise InputError(
            f"No whole number of cells of {land.cell_ha:g} ha lies between {request.min_ha:g} and "
            f"{request.max_ha:g} ha. Raise the greatest task size."
        )


def _limits(land: TaskLand, request: TaskRequest) -> Limits:
    return Limits(
        cells=math.floor(round(request.budget_ha / land.cell_ha, 6)),
        least=max(math.ceil(round(request.min_ha / land.cell_ha, 6)), 1),
        greatest=math.floor(round(request.max_ha / land.cell_ha, 6)),
        days=request.team_days,
    )


def _table(
    land: TaskLand,
    request: TaskRequest,
    owner: NDArray[np.int32],
    days: Array,
    made: tuple[int, int],
) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Describe the tasks, ranked ones first; also give their old numbers in that order."""
    count = int(owner.max(initial=0))
    mine, spoken = owner > 0, (owner > 0) & land.known

    def total(layer: Array, where: NDArray[np.bool_]) -> Array:
        sums = np.bincount(owner[where], weights=layer[where], minlength=count + 1)[1:]
        return np.asarray(sums, dtype=np.float64)

    cells = np.bincount(owner[mine], minlength=count + 1)[1:]
    hazard = np.nan_to_num(land.probability).astype(np.float64)
    by_criterion = [
        total(hazard, spoken),
        *(total(hazard * c, spoken) for c in land.criteria.values()),
    ]
    weights = [request.weights[name] for name in (HAZARD, *land.criteria)]
    shares = np.asarray(weights) / sum(weights)
    impact = np.broadcast_to(impact_of(land.criteria, request.weights), owner.shape)
    number = np.arange(1, count + 1)
    arms = [str(Arm.CONTROL), str(Arm.LEARN)]
    support = total(np.ones(owner.shape), spoken)
    with np.errstate(invalid="ignore"):
        frame = {
            "arm": np.select([number <= made[0], number <= sum(made)], arms, str(Arm.RANKED)),
            "cells": cells,
            "hectares": cells * land.cell_ha,
            "expected_finds": np.where(support > 0, by_criterion[0], np.nan),
            "expected_finds_per_ha": by_criterion[0] / support / land.cell_ha,
            "probability": by_criterion[0] / support,
            "lower": total(land.lower, spoken) / support,
            "upper": total(land.upper, spoken) / support,
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
    ranked = (table["arm"] == Arm.RANKED).to_numpy()
    drawn = _drawn(land, request, owner, table)
    if drawn is not None:
        _add_joint_ends(table, drawn, support, request.level)
    _add_ranks(table, ranked, [sums[ranked] for sums in by_criterion], weights, request, drawn)
    return _in_order(table)


def _drawn(
    land: TaskLand, request: TaskRequest, owner: NDArray[np.int32], table: pd.DataFrame
) -> Array | None:
    """Sum the joint draws over each task: hazard and hazard times criterion.

    Returns
    -------
    ndarray
        Shape ``(1 + criteria, draws, tasks)``; None without joint draws.
    """
    if land.joint is None:
        return None
    rows, columns = np.nonzero((owner > 0) & land.known)
    order = np.argsort(owner[rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]
    task = owner[rows, columns] - 1
    layers = [np.ones(task.size), *(layer[rows, columns] for layer in land.criteria.values())]
    sums = np.zeros((len(layers), DRAWS, len(table)))
    for piece, values in land.joint(rows, columns):
        for total, layer in zip(sums, layers, strict=True):
            total += _by_task(values * layer[piece], task[piece], len(table))
    return sums


def _by_task(values: Array, task: NDArray[np.int32], count: int) -> Array:
    """Sum columns of cells, which come in the order of their tasks, shape ``(draws, tasks)``."""
    sums = np.zeros((len(values), count))
    present, starts = np.unique(task, return_index=True)
    if present.size:
        sums[:, present] = np.add.reduceat(values, starts, axis=1)
    return sums


def _add_joint_ends(table: pd.DataFrame, drawn: Array, support: Array, level: float) -> None:
    """Replace the mean ends of the cells by those of the task, drawn as one."""
    with np.errstate(invalid="ignore", divide="ignore"):
        means = drawn[0] / support
    ends = np.quantile(means, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    table["lower"] = np.minimum(ends[0], table["probability"])
    table["upper"] = np.maximum(ends[1], table["probability"])


def _add_ranks(
    table: pd.DataFrame,
    ranked: NDArray[np.bool_],
    sums: list[Array],
    weights: list[float],
    request: TaskRequest,
    joint: Array | None,
) -> None:
    rows = table[ranked]
    days = np.maximum(rows["team_days"].to_numpy(dtype=np.float64), 1e-12)
    worth = rows["benefit_per_day"].to_numpy(dtype=np.float64)
    if joint is None:
        probability, lower, upper = (
            rows[name].to_numpy(dtype=np.float64) for name in ("probability", "lower", "upper")
        )
        by_itself = drawn_alone(probability, (lower, upper), level=request.level, seed=request.seed)
        part = by_itself / np.maximum(probability, 1e-12)
        hazards = np.stack([layer * part for layer in sums])
    else:
        hazards = joint[:, :, ranked]
    shares = np.asarray(weights) / sum(weights)
    drawn = rank_ends(np.tensordot(shares, hazards, axes=1) / days)
    weighed = ranks_under_weights(sums, days, weights, seed=request.seed)
    both = np.einsum("dw,wdt->dt", weight_draws(weights, seed=request.seed), hazards) / days
    names = ("rank_low", "rank_high", "weight_rank_low", "weight_rank_high", "band")
    for name, values in zip(names, (*drawn, *weighed, rank_bands(worth, both)), strict=True):
        table[name] = pd.Series(values, index=rows.index, dtype="Int64").reindex(table.index)
    open_rank = undecided(*drawn) | undecided(*weighed)
    firmness = [str(Firmness.UNDECIDED if is_open else Firmness.HOLDS) for is_open in open_rank]
    place = pd.Series(firmness, index=rows.index, dtype=object)
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
    table.insert(2, "rank", rank.astype("Int64").where(table["arm"] != Arm.CONTROL))
    table.insert(3, "band", table.pop("band"))
    return table, number[order]


def _summary(
    table: pd.DataFrame, land: TaskLand, request: TaskRequest, chosen: Chosen
) -> TaskSummary:
    known = land.open_land & land.known
    everything = float(land.probability[known].sum(dtype=np.float64))
    expected = float(table.loc[table["arm"] == Arm.RANKED, "expected_finds"].sum())

    def hectares(where: NDArray[np.bool_]) -> float:
        return int(np.count_nonzero(where)) * land.cell_ha

    def total(column: str, arm: Arm) -> float:
        return float(table.loc[table["arm"] == arm, column].sum())

    return TaskSummary(
        land_ha=hectares(land.inside),
        open_ha=hectares(land.open_land),
        statement_ha=hectares(known),
        no_statement_ha=hectares(land.open_land & ~known),
        ranked_ha=total("hectares", Arm.RANKED),
        learn_ha=total("hectares", Arm.LEARN),
        control_ha=total("hectares", Arm.CONTROL),
        ranked_days=total("team_days", Arm.RANKED),
        learn_days=total("team_days", Arm.LEARN),
        control_days=total("team_days", Arm.CONTROL),
        expected_finds_all=everything,
        expected_finds_ranked=expected,
        share_of_expected_finds=expected / everything if everything else None,
        budget_ha=request.budget_ha,
        seed=request.seed,
        gap=chosen.gap if math.isfinite(chosen.gap) else None,
        benefit=chosen.benefit,
        one_by_one=chosen.one_by_one,
        candidates=chosen.candidates,
        bands=int(table["band"].max()) if (table["arm"] == Arm.RANKED).any() else 0,
    )
