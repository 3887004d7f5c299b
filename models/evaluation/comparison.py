"""By how much one model is better than another on the same land.

Each is put in order and drawn once, for all that is asked: all finds and each kind of find are
labels of the same rows, and models are compared on the same draws of blocks.
"""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minerisk.features.evidence.codes import REAL_FINDS
from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.intervals import percentile_interval
from minerisk.models.evaluation.measures import Measure, ModelName, RankMeasures
from minerisk.models.evaluation.metrics import (
    Interval,
    intervals_of,
    measured_draws,
    miss_bound,
)
from minerisk.models.evaluation.results import FindScores
from minerisk.models.evaluation.score_groups import DrawnBlocks, Measured, Part
from minerisk.models.folds.blocks import assign_blocks
from minerisk.models.inputs import checked_scores
from minerisk.models.table import CellTable

LEVEL = 0.9
DRAWS, SEED = 200, 0
Name = TypeVar("Name")


def compare(
    y: ArrayLike,
    p: ArrayLike,
    q: ArrayLike,
    blocks: ArrayLike,
    *,
    cell_ha: float,
    draws: int = 200,
) -> dict[str, Interval]:
    """Measure by how much `p` differs from `q` on the same rows, with paired intervals.

    Both are measured on the same draws of blocks, so that what makes a draw easy or hard for
    both cancels out: two models can differ clearly though their own intervals overlap.

    Parameters
    ----------
    y
        Labels 0 and 1, shape (n,).
    p, q
        Probabilities of two models, 0 to 1, shape (n,).
    blocks
        Block of every row, shape (n,).
    cell_ha
        Area of a row, hectares.
    draws
        How often blocks are drawn.

    Returns
    -------
    dict
        Measure of `score`: (measure of `p` minus measure of `q`, low and high end of its 90 %
        interval); NaN where either has no value. Whether more is better depends on the measure.
    """
    return compare_each(y, p, {"": q}, blocks, cell_ha=cell_ha, draws=draws)[""]


def compare_each(
    y: ArrayLike,
    p: ArrayLike,
    others: Mapping[Name, ArrayLike],
    blocks: ArrayLike,
    *,
    cell_ha: float,
    draws: int = 200,
    part: Part = "all",
) -> dict[Name, dict[str, Interval]]:
    """Compare one model with each of several, as `compare` does; it is measured once."""
    drawn = partial(measured_draws, y, blocks=blocks, cell_ha=cell_ha, draws=draws, part=part)
    one = drawn(p)
    return {name: differences_of(one, drawn(q)) for name, q in others.items()}


def level_of(measured: Measured, name: str) -> Interval:
    """Give one measure with the interval of its draws."""
    value = measured[0][name]
    low, high = percentile_interval(measured[1][name], level=LEVEL)
    return value, float(np.fmin(low, value)), float(np.fmax(high, value))


def differences_of(one: Measured, other: Measured) -> dict[str, Interval]:
    """Give each measure of one model minus that of another on the same draws, with its interval."""
    differences = {}
    for name, drawn in one[1].items():
        difference = one[0][name] - other[0][name]
        low, high = percentile_interval(drawn - other[1][name], level=LEVEL)
        differences[name] = (
            difference,
            float(np.fmin(low, difference)),
            float(np.fmax(high, difference)),
        )
    return differences


class Ranked(NamedTuple):
    """Ranking measures of one model and their draws.

    Attributes
    ----------
    every
        Of all positives.
    finds, cells
        Of each kind of find that a cell holds; and how many cells hold it.
    miss_bound
        What the upper end of ``lowest_class_miss_rate`` is at least.
    """

    every: Measured
    finds: Mapping[str, Measured]
    cells: Mapping[str, int]
    miss_bound: float

    def intervals(self) -> dict[str, Interval]:
        """Give the measures of all positives with 90 % intervals, as `metrics.block_bootstrap`."""
        return intervals_of(self.every, level=LEVEL, miss_bound=self.miss_bound)


def rank_models(
    scores: Mapping[ModelName, NDArray[np.float64]], table: CellTable, *, block_m: float
) -> dict[ModelName, Ranked]:
    """Measure how each model ranks the land that all of them scored.

    Parameters
    ----------
    scores
        Held-out scores of each model, NaN where none, shape ``(n,)``. Prevalence, whose constant
        differs from fold to fold, is taken as one constant.
    table
        The labelled cells, with the kinds of evidence that hold them.
    block_m
        Side of the resampled blocks, metres.
    """
    scored = np.all([np.isfinite(score) for score in scores.values()], axis=0)
    blocks = assign_blocks(table.coordinates[scored], block_m=block_m)
    found = (table.state[scored] == 1).astype(np.int8)
    kinds = {name: held for name in REAL_FINDS if (held := table.holds(name)[scored]).any()}
    ranked = {}
    for name, score in scores.items():
        own = np.zeros(found.size) if name is ModelName.PREVALENCE else score[scored]
        labels, value, weight = checked_scores(found, own, None)
        drawn = DrawnBlocks(value, weight, blocks, draws=DRAWS, seed=SEED)
        ranked[name] = Ranked(
            every=drawn.measured(labels, cell_ha=table.cell_ha, part="ranks"),
            finds={
                kind: drawn.measured(
                    checked_scores(held, value, None)[0], cell_ha=table.cell_ha, part="ranks"
                )
                for kind, held in kinds.items()
            },
            cells={kind: int(held.sum()) for kind, held in kinds.items()},
            miss_bound=miss_bound(drawn.groups, labels, weight, drawn.block, level=0.5 + LEVEL / 2),
        )
    return ranked


def compare_models(
    ranked: Mapping[ModelName, Ranked], *, model: ModelName = ModelName.MODEL
) -> dict[ModelName, RankMeasures]:
    """Compute the measures of `model` minus those of each other, on the same resampled blocks.

    Scores are taken as they are, so that only ranking measures are compared.
    """
    own = ranked[model].every
    return {
        name: RankMeasures.of(differences_of(own, other.every))
        for name, other in ranked.items()
        if name is not model
    }


def assess_finds(
    ranked: Mapping[ModelName, Ranked], *, model: ModelName = ModelName.MODEL
) -> list[FindScores]:
    """Measure how much of each kind of find lies in the first 20 % of held-out land.

    Most labels are areas that somebody suspected, who knew the line. A find was not drawn by
    anybody, so that each kind is measured by itself, on all land that was held out.

    Parameters
    ----------
    ranked
        Each model on the same land.
    model
        The one that is compared with each other.

    Returns
    -------
    list of FindScores
        Kinds that no cell holds are left out.
    """
    measure, first = Measure.FOUND_IN_TOP_20, ranked[model].finds
    others = {name: one.finds for name, one in ranked.items() if name is not model}
    return [
        FindScores(
            evidence=evidence,
            cells=ranked[model].cells[evidence],
            found={
                name: Estimate.of(level_of(finds[evidence], measure))
                for name, finds in ({model: first} | others).items()
            },
            minus={
                name: Estimate.of(differences_of(first[evidence], finds[evidence])[measure])
                for name, finds in others.items()
            },
        )
        for evidence in first
    ]
