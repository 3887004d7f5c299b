"""Out-of-fold scores on folds that respect space, and what a model loses without a family."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from minerisk.models.calibration.cross_calibration import cross_calibrate
from minerisk.models.estimators.members import mean_and_spread
from minerisk.models.evaluation.results import Importance
from minerisk.models.folds.blocks import assign_blocks
from minerisk.models.folds.protocol import Protocol
from minerisk.models.table import CellTable, draw_training_rows

ROWS_PER_FOLD = 8_000


@dataclass(frozen=True)
class Drawing:
    """How training rows are drawn."""

    negatives_per_positive: float
    block_m: float
    seed: int


@dataclass(frozen=True)
class OutOfFold:
    """Scores of rows by models that never saw their fold.

    Attributes
    ----------
    score
        Uncalibrated probability, NaN where no fold tests the row; shape ``(n,)``.
    spread
        Standard deviation of the log-odds of an ensemble's members, NaN for other models.
    fitted
        The pipeline of each fold.
    """

    score: NDArray[np.float64]
    spread: NDArray[np.float64]
    fitted: tuple[Pipeline, ...]


def fit_pipeline(pipeline: Pipeline, table: CellTable, *, drawing: Drawing) -> Pipeline:
    """Fit a pipeline on the labelled rows of a table.

    All positives are used, and negatives drawn with weights that undo the drawing; an ensemble
    draws whole blocks.
    """
    rng = np.random.default_rng(drawing.seed)
    rows, weight = draw_training_rows(
        table.state,
        table.weight,
        negatives_per_positive=drawing.negatives_per_positive,
        rng=rng,
    )
    extra: dict[str, Any] = {"classifier__sample_weight": weight}
    if hasattr(pipeline.named_steps["classifier"], "member_log_odds"):
        extra["classifier__groups"] = assign_blocks(
            table.coordinates[rows], block_m=drawing.block_m
        )
    return pipeline.fit(table.cells.iloc[rows], (table.state[rows] == 1).astype(int), **extra)


def out_of_fold(
    make_pipeline: Callable[[CellTable], Pipeline],
    table: CellTable,
    protocol: Protocol,
    *,
    drawing: Drawing,
) -> OutOfFold:
    """Fit on each fold's training rows, score its test rows.

    Parameters
    ----------
    make_pipeline
        Gives a new, unfitted pipeline for a training table; it may choose by that table alone.
    table
        Labelled cells only.
    protocol
        The folds.
    drawing
        How training rows are drawn; each fold has its own seed.
    """
    score, spread = np.full((2, len(table.state)), np.nan)
    fitted = []
    for number, (train, test) in enumerate(protocol.folds):
        fold_drawing = Drawing(
            drawing.negatives_per_positive, drawing.block_m, drawing.seed + number
        )
        training = table.take(train)
        pipeline = fit_pipeline(make_pipeline(training), training, drawing=fold_drawing)
        score[test], spread[test] = score_rows(pipeline, table.cells.iloc[test])
        fitted.append(pipeline)
    return OutOfFold(score=score, spread=spread, fitted=tuple(fitted))


def score_rows(
    pipeline: Pipeline, cells: pd.DataFrame
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Score cells with a fitted pipeline.

    Returns
    -------
    score, spread
        Uncalibrated probability, and standard deviation of the members' log-odds (NaN for a model
        without members), shape ``(n,)``.
    """
    columns = pipeline[:-1].transform(cells)
    classifier = pipeline.named_steps["classifier"]
    if not hasattr(classifier, "member_log_odds"):
        return classifier.predict_proba(columns)[:, 1], np.full(len(cells), np.nan)
    mean, spread = mean_and_spread(classifier.member_log_odds(columns))
    return 1.0 / (1.0 + np.exp(-mean)), spread


def calibrate_across_folds(
    score: NDArray[np.float64],
    y: NDArray[np.int8],
    fold: NDArray[np.int64],
    *,
    kind: str,
) -> NDArray[np.float64]:
    """Calibrate each fold's scores with the other folds', so that calibration is tested too.

    See `minerisk.models.calibration.cross_calibration.cross_calibrate` for the kinds.

    Returns
    -------
    ndarray, shape (n,)
        Probabilities; NaN where `score` is.
    """
    probability = np.full(len(score), np.nan)
    scored = np.isfinite(score)
    probability[scored] = cross_calibrate(score[scored], y[scored], fold[scored], kind=kind)
    return probability


def grouped_importance(
    scores: OutOfFold,
    table: CellTable,
    protocol: Protocol,
    *,
    groups: Mapping[str, Sequence[str]],
    metric: Callable[[NDArray[np.int8], NDArray[np.float64]], float],
    rng: np.random.Generator,
) -> list[Importance]:
    """Measure what a model loses when a family of features is shuffled on held-out land.

    Parameters
    ----------
    scores, table, protocol
        What `out_of_fold` gave, and what it was given.
    groups
        Family name to its columns.
    metric
        Called with (y, score), such as ROC-AUC.
    rng
        Draws at most 8,000 held-out rows of each fold, and shuffles.

    Returns
    -------
    list of Importance
        Largest drop first. Source: Fisher, Rudin and Dominici 2019, JMLR 20(177).
    """
    drops: dict[str, list[float]] = {family: [] for family in groups}
    for pipeline, (_, test) in zip(scores.fitted, protocol.folds, strict=True):
        rows = np.sort(rng.permutation(test)[:ROWS_PER_FOLD])
        y = (table.state[rows] == 1).astype(np.int8)
        if y.min() == y.max():
            continue
        columns = pipeline[:-1].transform(table.cells.iloc[rows])
        classifier = pipeline.named_steps["classifier"]
        whole = metric(y, classifier.predict_proba(columns)[:, 1])
        for family, names in groups.items():
            shuffled = _shuffle(columns, list(names), rng)
            drops[family].append(whole - metric(y, classifier.predict_proba(shuffled)[:, 1]))
    rows_out = [_drop_summary(family, np.asarray(values)) for family, values in drops.items()]
    return sorted(rows_out, key=lambda row: -row.drop)


def _shuffle(columns: pd.DataFrame, names: list[str], rng: np.random.Generator) -> pd.DataFrame:
    shuffled = columns.copy()
    present = [name for name in names if name in columns]
    shuffled[present] = columns[present].to_numpy()[rng.permutation(len(columns))]
    return shuffled


def _drop_summary(family: str, drops: NDArray[np.float64]) -> Importance:
    if len(drops) == 0:
        return Importance(family, 0.0, 0.0, 0.0)
    error = drops.std(ddof=1) / np.sqrt(len(drops)) if len(drops) > 1 else 0.0
    mean = float(drops.mean())
    return Importance(family, mean, mean - 2 * float(error), mean + 2 * float(error))
