"""From scores of held-out land to the numbers that are reported."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from minerisk.features.evidence.codes import HAZARD_BITS
from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.area_curves import (
    CURVE_POINTS,
    boyce_index,
    grouped_draws,
    plot_of,
    success_of,
)
from minerisk.models.evaluation.comparison import LEVEL, Ranked, rank_models
from minerisk.models.evaluation.measures import Measures, ModelName, RankMeasures
from minerisk.models.evaluation.metrics import (
    Interval,
    block_bootstrap,
    capture_curve,
    reliability,
)
from minerisk.models.evaluation.out_of_fold_scores import calibrate_across_folds
from minerisk.models.evaluation.results import (
    CapturePoint,
    Curves,
    HazardScores,
    RegionScores,
    ReliabilityBin,
    SuccessPoint,
    ThresholdPoint,
)
from minerisk.models.evaluation.score_groups import Part
from minerisk.models.folds.blocks import assign_blocks
from minerisk.models.folds.protocol import Protocol
from minerisk.models.table import CellTable


def assess(
    score: NDArray[np.float64],
    table: CellTable,
    protocol: Protocol,
    *,
    block_m: float,
    kind: str,
    ranks: bool = True,
    ranked: Ranked | None = None,
    probability: NDArray[np.float64] | None = None,
) -> Measures:
    """Measure pooled held-out scores, with 90 % intervals from resampled blocks.

    Ranking measures are taken from the scores as they are. Probability measures are taken after
    calibrating each fold with the other folds' scores, so that calibration is tested as well.

    Parameters
    ----------
    score
        Held-out scores between 0 and 1, NaN where none, shape ``(n,)``.
    table
        The labelled cells.
    protocol
        The folds that gave the scores.
    block_m
        Side of the resampled blocks, metres.
    kind
        Kind of calibrator: see `minerisk.models.calibration.cross_calibration.cross_calibrate`.
    ranks
        False for a model that tells no two cells apart: its constant differs from fold to fold
        (more positives held out, fewer left to learn from), and pooled it would rank backwards.
    ranked, probability
        How it ranks, and the scores calibrated so, where they are known; they are made if not.

    Returns
    -------
    Measures
        See `metrics.score`. A measure may have no value, as the calibration slope of a constant.
    """
    scored = np.isfinite(score)
    y = (table.state[scored] == 1).astype(np.int8)
    blocks = assign_blocks(table.coordinates[scored], block_m=block_m)
    if ranked is None:
        name = ModelName.MODEL if ranks else ModelName.PREVALENCE
        ranked = rank_models({name: score}, table, block_m=block_m)[name]
    if probability is None:
        found, fold = (table.state == 1).astype(np.int8), protocol.fold_of_row(len(score))
        probability = calibrate_across_folds(score, found, fold, kind=kind)
    calibrated = block_bootstrap(
        y,
        probability[scored],
        blocks,
        cell_ha=table.cell_ha,
        level=LEVEL,
        part="probabilities",
    )
    if not ranks:  # constants that differ by fold alone: their slope says how folds were drawn
        calibrated["calibration_slope"] = (np.nan, np.nan, np.nan)
    return Measures.of(ranked.intervals() | calibrated)


def assess_regions(
    score: NDArray[np.float64],
    probability: NDArray[np.float64],
    table: CellTable,
    protocol: Protocol,
    *,
    block_m: float | None = None,
) -> list[RegionScores]:
    """Measure each left-out region by itself; with `block_m`, with intervals.

    Parameters
    ----------
    score, probability
        Held-out scores, NaN where none, and what each fold's mean by those of the other folds
        (`calibrate_across_folds`), shape ``(n,)``.
    """
    y = (table.state == 1).astype(np.int8)
    fold = protocol.fold_of_row(len(score))
    rows = []
    for number in range(len(protocol.folds)):
        test = (fold == number) & np.isfinite(score)
        both = 0 < y[test].sum() < test.sum()
        centre = table.coordinates[test].mean(axis=0)
        found = None if block_m is None else _part(y, probability, test, table, block_m=block_m)
        rows.append(
            RegionScores(
                region=number,
                cells=int(test.sum()),
                positive=int(y[test].sum()),
                roc_auc=float(roc_auc_score(y[test], score[test])) if both else None,
                mean_probability=float(probability[test].mean()),
                observed=float(y[test].mean()),
                easting=float(centre[0]),
                northing=float(centre[1]),
                intervals=None if found is None else Measures.of(found),
            )
        )
    return rows


def assess_hazards(
    score: NDArray[np.float64],
    table: CellTable,
    protocol: Protocol,
    hazard: NDArray[np.uint8],
    *,
    block_m: float,
) -> list[HazardScores]:
    """Measure each hazard class: its positives against all negatives, other positives left out.

    Parameters
    ----------
    hazard
        Bits of every row (`codes.HAZARD_BITS`), shape ``(n,)``; a row may hold several.

    Returns
    -------
    list of HazardScores
        Probabilities are of any hazard, so that their calibration says nothing of one class and
        only ranking is measured.
    """
    y = (table.state == 1).astype(np.int8)
    scored = np.isfinite(score)
    rows = []
    for name, bit in HAZARD_BITS.items():
        chosen = scored & ((y == 0) | ((hazard & bit) > 0))
        found = _part(y, score, chosen, table, block_m=block_m, part="ranks")
        ranked = None if found is None else RankMeasures.of(found)
        rows.append(HazardScores(name, int(chosen.sum()), int(y[chosen].sum()), ranked))
    return rows


def assess_curves(
    score: NDArray[np.float64], table: CellTable, *, block_m: float, draws: int = 200
) -> Curves:
    """Compute Boyce index, success-rate and P–A curves of pooled held-out scores."""
    scored = np.isfinite(score)
    y, p = (table.state[scored] == 1).astype(np.int8), score[scored]
    blocks = assign_blocks(table.coordinates[scored], block_m=block_m)
    groups, sampled = grouped_draws(y, p, blocks, draws=draws)
    curve = success_of(groups, sampled, points=CURVE_POINTS, level=LEVEL)
    plot = plot_of(groups, sampled, level=LEVEL)
    boyce = None
    if p.min() < p.max():
        index = boyce_index(y, p, blocks, draws=draws, level=LEVEL).index
        boyce = Estimate.of(index)
    lines = np.column_stack([curve.land, curve.found, curve.low, curve.high])
    steps = np.column_stack([plot.threshold, plot.found, plot.land])
    return Curves(
        boyce=boyce,
        success_rate=tuple(SuccessPoint(*row) for row in np.round(lines, 6).tolist()),
        area=Estimate.of(curve.area),
        prediction_area=tuple(ThresholdPoint(*row) for row in np.round(steps, 6).tolist()),
        crossing=Estimate.of(plot.crossing),
        density=Estimate.of(plot.density),
    )


def _part(
    y: NDArray[np.int8],
    p: NDArray[np.float64],
    chosen: NDArray[np.bool_],
    table: CellTable,
    *,
    block_m: float,
    part: Part = "all",
) -> dict[str, Interval] | None:
    """Measure some of the rows, with intervals; None with one class or one block only."""
    own = y[chosen]
    blocks = assign_blocks(table.coordinates[chosen], block_m=block_m)
    if not 0 < own.sum() < own.size or len(np.unique(blocks)) < 2:
        return None
    return block_bootstrap(own, p[chosen], blocks, cell_ha=table.cell_ha, level=LEVEL, part=part)


def capture_curves(
    scores: Mapping[ModelName, NDArray[np.float64]], table: CellTable
) -> dict[ModelName, tuple[CapturePoint, ...]]:
    """Compute the share found against the share of land searched, for each model."""
    curves = {}
    for name, score in scores.items():
        scored = np.isfinite(score)
        y = (table.state[scored] == 1).astype(np.int8)
        rows = np.round(capture_curve(y, score[scored]), 6).tolist()
        curves[name] = tuple(CapturePoint(*row) for row in rows)
    return curves


def reliability_bins(
    probability: NDArray[np.float64], table: CellTable, *, block_m: float
) -> list[ReliabilityBin]:
    """Compare predicted with observed share on held-out land, by tenths of the land.

    Parameters
    ----------
    probability
        Held-out scores calibrated by those of other folds, NaN where none, shape ``(n,)``.
    """
    y, scored = (table.state == 1).astype(np.int8), np.isfinite(probability)
    blocks = assign_blocks(table.coordinates[scored], block_m=block_m)
    return reliability(y[scored], probability[scored], blocks=blocks, level=LEVEL)
