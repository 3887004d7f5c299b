"""From scores of held-out land to the numbers that are reported."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from models.evaluation import Protocol, calibrate_across_folds
from models.metrics import ReliabilityBin, block_bootstrap, capture_curve, reliability
from models.splits import assign_blocks
from models.table import CellTable

PROBABILITY_MEASURES = (
    "brier",
    "log_loss",
    "calibration_slope",
    "calibration_intercept",
    "ece",
)
LEVEL = 0.9


def assess(
    score: NDArray[np.float64],
    table: CellTable,
    protocol: Protocol,
    *,
    block_m: float,
    ranks: bool = True,
    draws: int = 200,
    seed: int = 0,
) -> dict[str, Any]:
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
    ranks
        False for a model that tells no two cells apart: its constant differs from fold to fold
        (more positives held out, fewer left to learn from), and pooled it would rank backwards.

    Returns
    -------
    dict
        Measure to (estimate, low, high); see `models.metrics.score`. None where a measure has no
        value, as the calibration slope of a constant.
    """
    scored = np.isfinite(score)
    y = (table.state[scored] == 1).astype(np.int8)
    blocks = assign_blocks(table.coordinates[scored], block_m=block_m)
    value = score[scored] if ranks else np.full(len(y), y.mean())
    ranked = block_bootstrap(
        y, value, blocks, cell_ha=table.cell_ha, draws=draws, seed=seed, level=LEVEL
    )
    fold = protocol.fold_of_row(len(score))
    probability = calibrate_across_folds(score, (table.state == 1).astype(np.int8), fold)[scored]
    calibrated = block_bootstrap(
        y, probability, blocks, cell_ha=table.cell_ha, draws=draws, seed=seed, level=LEVEL
    )
    measures = ranked | {name: calibrated[name] for name in PROBABILITY_MEASURES}
    return {name: [_plain(value) for value in values] for name, values in measures.items()}


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def assess_regions(
    score: NDArray[np.float64], table: CellTable, protocol: Protocol
) -> list[dict[str, Any]]:
    """Measure each left-out region by itself: cells, positives, ROC-AUC and mean probability."""
    y = (table.state == 1).astype(np.int8)
    fold = protocol.fold_of_row(len(score))
    probability = calibrate_across_folds(score, y, fold)
    rows = []
    for number in range(len(protocol.folds)):
        test = (fold == number) & np.isfinite(score)
        both = 0 < y[test].sum() < test.sum()
        centre = table.coordinates[test].mean(axis=0)
        rows.append(
            {
                "region": number,
                "cells": int(test.sum()),
                "positive": int(y[test].sum()),
                "roc_auc": float(roc_auc_score(y[test], score[test])) if both else None,
                "mean_probability": float(probability[test].mean()),
                "observed": float(y[test].mean()),
                "easting": float(centre[0]),
                "northing": float(centre[1]),
            }
        )
    return rows


def capture_curves(scores: Mapping[str, NDArray[np.float64]], table: CellTable) -> dict[str, Any]:
    """Give the share found against the share of land searched, for each model."""
    curves = {}
    for name, score in scores.items():
        scored = np.isfinite(score)
        y = (table.state[scored] == 1).astype(np.int8)
        curves[name] = np.round(capture_curve(y, score[scored]), 6).tolist()
    return curves


def reliability_bins(
    score: NDArray[np.float64], table: CellTable, protocol: Protocol, *, block_m: float
) -> list[ReliabilityBin]:
    """Compare predicted with observed share on held-out land, by tenths of the land."""
    y = (table.state == 1).astype(np.int8)
    probability = calibrate_across_folds(score, y, protocol.fold_of_row(len(score)))
    scored = np.isfinite(probability)
    blocks = assign_blocks(table.coordinates[scored], block_m=block_m)
    return reliability(y[scored], probability[scored], blocks=blocks, level=LEVEL)
