"""Out-of-fold scores on folds that respect space, and what a model loses without a family."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Lock
from typing import Generic, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from minerisk.features.coverage import EDGE_M
from minerisk.models.calibration.cross_calibration import cross_calibrate
from minerisk.models.estimators.ensemble import Ensemble
from minerisk.models.estimators.members import mean_and_spread
from minerisk.models.estimators.remembered import Remembered
from minerisk.models.evaluation.results import Importance
from minerisk.models.folds.blocks import assign_blocks
from minerisk.models.folds.protocol import Protocol
from minerisk.models.table import CellTable, draw_training_rows

FAR_OUTSIDE_M = 1e6  # from the edge of a cover, where no layer is to speak
ROWS_PER_FOLD = 8_000
Name = TypeVar("Name")
Made = TypeVar("Made")


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
        The pipeline of each fold; empty where they are not kept.
    """

    score: NDArray[np.float64]
    spread: NDArray[np.float64]
    fitted: tuple[Pipeline, ...]


@dataclass(frozen=True)
class Stated:
    """Makes the same pipeline for any training land, and so asks for none."""

    pipeline: Pipeline

    def __call__(self, land: CellTable) -> Pipeline:
        """Return the pipeline."""
        return self.pipeline


class DrawnRows:
    """The training rows of one fold: drawn once, and encoded once for all models of the fold.

    All positives are used, and negatives drawn with weights that undo the drawing.

    Parameters
    ----------
    table
        All the land; unlabelled rows are never drawn.
    train, test
        Numbers of the rows that training rows are drawn from, and of those that every model
        scores, which are encoded once too.
    drawing
        How rows are drawn.
    """

    def __init__(
        self,
        table: CellTable,
        train: NDArray[np.int64],
        test: NDArray[np.int64],
        drawing: Drawing,
    ) -> None:
        self._table, self._train, self._test = table, train, test
        drawn, self.weight = draw_training_rows(
            table.state[train],
            table.weight[train],
            negatives_per_positive=drawing.negatives_per_positive,
            rng=np.random.default_rng(drawing.seed),
        )
        self._rows = train[drawn]
        self.y = (table.state[self._rows] == 1).astype(int)
        self.block = assign_blocks(table.coordinates[self._rows], block_m=drawing.block_m)
        self._drawn: _Once[tuple[ColumnTransformer, pd.DataFrame, Remembered]] = _Once()
        self._tested: _Once[pd.DataFrame] = _Once()

    def made_by(self, make: Callable[[CellTable], Pipeline]) -> Pipeline:
        """Return what is made for the land that rows were drawn from, copied only if it is read."""
        return make.pipeline if isinstance(make, Stated) else make(self._table.take(self._train))

    def fit(self, pipeline: Pipeline) -> Pipeline:
        """Return a fitted pipeline of the same steps; an ensemble draws whole blocks of rows."""
        columns, drawn, known = self._drawn.of(pipeline.named_steps["columns"], self._encode_drawn)
        classifier = clone(pipeline.named_steps["classifier"])
        if isinstance(classifier, Ensemble):
            weight = self.weight
            classifier.fit(drawn, self.y, sample_weight=weight, groups=self.block, known=known)
        else:
            classifier.fit(drawn, self.y, sample_weight=self.weight)
        return Pipeline([("columns", columns), ("classifier", classifier)])

    def score(self, fitted: Pipeline) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Score the cells to be scored by what `fit` returned.

        Returns
        -------
        score, spread
            Uncalibrated probability, and standard deviation of the members' log-odds (NaN for a
            model without members), shape ``(n,)``.
        """
        columns = self._tested.of(fitted.named_steps["columns"], self._encode_tested)
        classifier = fitted.named_steps["classifier"]
        if not isinstance(classifier, Ensemble):
            return classifier.predict_proba(columns)[:, 1], np.full(len(columns), np.nan)
        mean, spread = mean_and_spread(classifier.member_log_odds(columns))
        return 1.0 / (1.0 + np.exp(-mean)), spread

    def score_silenced(self, fitted: Pipeline, covered: Sequence[str]) -> NDArray[np.float64]:
        """Score the cells to be scored as if layers with a coverage said nothing of them.

        Parameters
        ----------
        fitted
            What `fit` returned.
        covered
            The columns of those layers.
        """
        columns = self._tested.of(fitted.named_steps["columns"], self._encode_tested)
        silent: dict[str, float] = dict.fromkeys(covered, np.nan)
        if EDGE_M in columns:
            silent[EDGE_M] = -FAR_OUTSIDE_M
        found = fitted.named_steps["classifier"].predict_proba(columns.assign(**silent))
        return np.asarray(found)[:, 1]

    def _encode_drawn(
        self, columns: ColumnTransformer
    ) -> tuple[ColumnTransformer, pd.DataFrame, Remembered]:
        fitted = clone(columns)
        drawn = fitted.fit_transform(self._table.cells.iloc[self._rows], self.y)
        return fitted, drawn, Remembered()

    def _encode_tested(self, fitted: ColumnTransformer) -> pd.DataFrame:
        return fitted.transform(self._table.cells.iloc[self._test])


class _Once(Generic[Made]):
    """What was made of columns: once for each object that is given, by one thread at a time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._made: dict[int, tuple[ColumnTransformer, Made]] = {}

    def of(self, columns: ColumnTransformer, make: Callable[[ColumnTransformer], Made]) -> Made:
        with self._lock:
            if id(columns) not in self._made:  # the object is kept, so that its id stays its own
                self._made[id(columns)] = columns, make(columns)
            return self._made[id(columns)][1]


def fit_pipeline(pipeline: Pipeline, table: CellTable, *, drawing: Drawing) -> Pipeline:
    """Return the pipeline fitted on the labelled rows of a table; see `DrawnRows`."""
    rows = np.arange(len(table.state))
    return DrawnRows(table, rows, rows[:0], drawing).fit(pipeline)


def draw_folds(table: CellTable, protocol: Protocol, drawing: Drawing) -> Iterator[DrawnRows]:
    """Draw the training rows of each fold, each with a seed of its own."""
    for number, (train, test) in enumerate(protocol.folds):
        own = replace(drawing, seed=drawing.seed + number)
        yield DrawnRows(table, train, test, own)


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
    drawn = draw_folds(table, protocol, drawing)
    return out_of_fold_models({"": make_pipeline}, protocol, drawn, rows=len(table.state))[""]


def out_of_fold_models(
    makers: Mapping[Name, Callable[[CellTable], Pipeline]],
    protocol: Protocol,
    drawn: Iterable[DrawnRows],
    *,
    rows: int,
    threads: int = 1,
    step: Callable[[int], None] = lambda fold: None,
    keep: Collection[Name] | None = None,
) -> dict[Name, OutOfFold]:
    """Fit several models on each fold's training rows, as `out_of_fold` does for one.

    Parameters
    ----------
    makers
        By the model's name.
    protocol
        The folds.
    drawn
        What `draw_folds` returned for them.
    rows
        How many rows the table has.
    threads
        How many models of a fold are fitted side by side.
    step
        Called with the number of each fold before it is begun.
    keep
        Models whose fitted pipelines are kept, of which a forest's takes megabytes; none: all.
    """
    scores = {name: np.full((2, rows), np.nan) for name in makers}
    fitted: dict[Name, list[Pipeline]] = {name: [] for name in makers}

    def fit_and_score(
        name: Name,
        before: Future[None] | None,
        fold: DrawnRows,
        test: NDArray[np.int64],
    ) -> None:
        if before is not None:  # a search counts its training sets: folds keep their order
            before.result()
        pipeline = fold.fit(fold.made_by(makers[name]))
        scores[name][:, test] = fold.score(pipeline)
        if keep is None or name in keep:
            fitted[name].append(pipeline)

    # The first model takes longest. While it ends a fold, the others begin the next.
    names = [*list(makers)[1:], *list(makers)[:1]]
    begun: dict[Name, Future[None]] = {}
    with ThreadPoolExecutor(threads) as pool:
        for number, ((_, test), fold) in enumerate(zip(protocol.folds, drawn, strict=True)):
            step(number)
            before = begun
            begun = {
                name: pool.submit(fit_and_score, name, before.get(name), fold, test)
                for name in names
            }
            for future in before.values():
                future.result()
        for future in begun.values():
            future.result()  # an error of any of them is raised here
    return {
        name: OutOfFold(score=score, spread=spread, fitted=tuple(fitted[name]))
        for name, (score, spread) in scores.items()
    }


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
