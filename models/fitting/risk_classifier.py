"""The risk model as a scikit-learn classifier: fitted on a table, calibrated on land held out."""

import warnings
from typing import Any, Protocol, Self

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from minerisk.features.errors import InputError
from minerisk.models.calibration.conformal import EXPECTED
from minerisk.models.calibration.cross_calibration import choose_kind
from minerisk.models.estimators.column_pipeline import risk_pipeline
from minerisk.models.estimators.ensemble import Ensemble
from minerisk.models.estimators.estimators import LightGBMEnsemble
from minerisk.models.estimators.findings_encoder import FindingsEncoder
from minerisk.models.estimators.stored_members import added_class
from minerisk.models.evaluation.measures import ModelName
from minerisk.models.evaluation.out_of_fold_scores import (
    Drawing,
    calibrate_across_folds,
    out_of_fold,
)
from minerisk.models.fitting.final_model import FAR, fit_final_model
from minerisk.models.folds.blocks import assign_blocks
from minerisk.models.folds.facts import Fold
from minerisk.models.folds.protocol import Protocol as Way
from minerisk.models.folds.protocol import Splitter
from minerisk.models.folds.regions import join_thin_regions
from minerisk.models.folds.splits import BlockKFold, LeaveRegionOut
from minerisk.models.inputs import COORDINATES, as_coordinates
from minerisk.models.risk_model import RiskModel
from minerisk.models.selection.held_out_scores import HeldOutScores
from minerisk.models.selection.protocols import HeldOut, choose_block, label_range
from minerisk.models.table import CellTable

FOLDS = 5
LEAF_CELLS = 200
HECTARE_M2 = 10_000.0


class SplitsRows(Protocol):
    """What a scikit-learn splitter can do."""

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Any:  # theirs state no types
        """Yield training and test row numbers."""
        ...


class RiskClassifier(ClassifierMixin, BaseEstimator):
    """A calibrated risk model of a table, for scikit-learn's tools.

    It learns as a run does: rows are held out in blocks of land (or regions, or by any splitter),
    a model that did not see them scores them, a calibrator and an interval are learned from those
    scores, and the model is then fitted on all rows. Nothing is searched: the settings of
    `estimator` are used as they are.

    Parameters
    ----------
    estimator
        What scores rows, not fitted: `LightGBMEnsemble`, `LogisticEnsemble`, `DistanceRule`, or
        the name of one that another package adds (entry point ``minerisk.estimators``). None is a
        `LightGBMEnsemble` whose leaves hold a tenth of the positives, and at most 200 rows.
    findings
        Encoder of past findings, not fitted; it needs coordinates. None leaves them out.
    folds
        Splitter whose test rows the calibrator is learned from; each row has to be tested once.
        None leaves out the regions that `fit` gets as `groups`, or else blocks of land wider than
        the range in which labels are alike, and so wide that five positives lie in one on average
        (as far as the land allows).
    calibrator
        A kind of `minerisk.models.calibration.CALIBRATORS`, ``chosen`` by held-out log loss, or
        the name of one that another package adds (entry point ``minerisk.calibrators``).
    interval
        Level of the interval around a probability.
    negatives_per_positive
        Negatives drawn for training, corrected for by weights; None takes all.
    seed
        Of every draw.

    Attributes
    ----------
    model_
        The fitted, frozen `RiskModel`: probability, interval, and where it cannot say.
    classes_
        The two labels, ascending; the second is the one that probabilities are of.
    held_out_
        Calibrated probability of each row of `fit` by models that did not see its fold, shape
        ``(n,)``.
    fold_
        The fold that tested each row, shape ``(n,)``.

    Notes
    -----
    Columns ``easting`` and ``northing`` (metres, one projected CRS), or the geometry of a
    GeoDataFrame, say where a row lies and are never features. Rows without them are taken to be
    independent of each other, with a warning: for land they hardly are.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame(rng.uniform(0, 50_000, (600, 2)), columns=["easting", "northing"])
    >>> X["line_distance_m"] = (X["easting"] - 25_000).abs()
    >>> y = rng.random(600) < 0.5 * np.exp(-X["line_distance_m"] / 8_000)
    >>> model = RiskClassifier().fit(X, y)
    >>> near, far = model.predict_proba(X.assign(line_distance_m=[500.0, 24_000.0] * 300))[:2, 1]
    >>> bool(near > 4 * far)
    True
    """

    def __init__(
        self,
        estimator: Ensemble | str | None = None,
        *,
        findings: FindingsEncoder | None = None,
        folds: SplitsRows | None = None,
        calibrator: str = "chosen",
        interval: float = 0.9,
        negatives_per_positive: float | None = None,
        seed: int = 7,
    ) -> None:
        self.estimator = estimator
        self.findings = findings
        self.folds = folds
        self.calibrator = calibrator
        self.interval = interval
        self.negatives_per_positive = negatives_per_positive
        self.seed = seed

    def fit(
        self,
        X: ArrayLike | pd.DataFrame | gpd.GeoDataFrame,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Hold rows out, calibrate on them, and fit the model on all rows.

        Parameters
        ----------
        X
            One row a cell, numbers; NaN where a feature has no value.
        y
            Two classes.
        sample_weight
            How far each label is believed, in training; 0 or more.
        groups
            Region of each row, to be left out whole.

        Raises
        ------
        ValueError
            If X or y are not what scikit-learn's classifiers take.
        InputError
            If the folds do not test each row once, or lack a class.
        """
        cells = self._cells(X, reset=True)
        labels = self._labels(y, len(cells))
        weight = _weights(sample_weight, cells)
        _refuse_one_class(labels, weight)
        table = _table(cells, labels, weight, groups)
        block_m = self._block_m(table)
        held = self._held_out(table, block_m, groups, X)
        drawing = Drawing(self.negatives_per_positive or float(len(labels)), block_m, self.seed)
        ensemble = self._ensemble(int(labels.sum()))
        pipeline = risk_pipeline(table.features, findings=self.findings, classifier=ensemble)
        scores = self._scores(table, held, lambda _: pipeline, drawing)
        self.model_: RiskModel = fit_final_model(
            scores, lambda _: pipeline, drawing=drawing, interval=self.interval
        )
        self.held_out_, self.fold_ = scores.probability[FAR], held.blocks.fold_of_row(len(labels))
        return self

    def predict_proba(self, X: ArrayLike | pd.DataFrame | gpd.GeoDataFrame) -> NDArray[np.float64]:
        """Return the calibrated probability of each class, shape ``(n, 2)``.

        NaN where a row has no feature at all. Where the model *cannot say* is told by
        ``model_.predict(X).applicable``, not here.
        """
        check_is_fitted(self, "model_")
        positive = self.model_.predict(self._cells(X, reset=False)).probability.astype(np.float64)
        return np.column_stack([1.0 - positive, positive])

    def predict(self, X: ArrayLike | pd.DataFrame | gpd.GeoDataFrame) -> NDArray[Any]:
        """Return the likelier class of each row, shape ``(n,)``. Rank land by probability instead.

        Raises
        ------
        InputError
            If a row has no feature: that no class can be named is not the lower class.
        """
        positive = self.predict_proba(X)[:, 1]
        if np.isnan(positive).any():
            raise InputError(
                f"{int(np.isnan(positive).sum())} rows have no feature at all, so that no class can"
                " be named. Leave them out, or use predict_proba, which gives NaN there."
            )
        return np.asarray(self.classes_[(positive > 0.5).astype(np.int64)])

    def __sklearn_tags__(self) -> Tags:
        """State what it takes: two classes, and missing values."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        return tags

    def _cells(self, X: ArrayLike | pd.DataFrame, *, reset: bool) -> pd.DataFrame:
        """Return coordinates and features as a table, checked as scikit-learn checks them."""
        frame = _with_places(X)
        array = validate_data(
            self,
            frame,
            reset=reset,
            dtype="numeric",
            ensure_all_finite="allow-nan",
            ensure_min_samples=2 if reset else 1,
        )
        names = getattr(self, "feature_names_in_", None)
        if names is None:
            names = [f"x{number}" for number in range(array.shape[1])]
        cells = pd.DataFrame(np.asarray(array, dtype=np.float64), columns=list(names))
        if all(name in cells for name in COORDINATES):
            as_coordinates(cells[list(COORDINATES)].to_numpy())
            return cells
        if reset:
            self._caution_no_places()
        return cells.assign(easting=np.arange(len(cells), dtype=np.float64), northing=0.0)

    def _caution_no_places(self) -> None:
        if self.findings is not None:
            raise InputError(
                "Past findings are known by where they are, and X has no columns easting and "
                "northing. Add them, or leave findings out."
            )
        warnings.warn(
            "X has no columns easting and northing (metres) and no geometry: its rows are held out "
            "at random, as if they were independent. On land they are not, and probabilities and "
            "intervals will look better than they are. Give a DataFrame with both columns.",
            UserWarning,
            stacklevel=4,
        )

    def _labels(self, y: ArrayLike, rows: int) -> NDArray[np.int8]:
        """Return 0 and 1 for the two classes, and keep the classes."""
        if y is None:
            raise ValueError("RiskClassifier requires y to be passed, but the target y is None.")
        labels = column_or_1d(y, warn=True)
        check_classification_targets(labels)
        self.classes_, number = np.unique(labels, return_inverse=True)
        if len(labels) != rows:
            raise ValueError(f"X has {rows} rows and y {len(labels)}; expected one label a row.")
        if len(self.classes_) > 2:
            raise ValueError(
                "Only binary classification is supported. The type of the target is multiclass: y "
                f"has {len(self.classes_)} classes. Give 1 where something was found and 0 where "
                "nothing was."
            )
        return number.astype(np.int8)

    def _block_m(self, table: CellTable) -> float:
        if not _placed(table):
            return 1.0  # each row is a place of its own
        reach, splits = label_range(table), self._splits(table)
        side_m = choose_block(table, reach, count=splits)[0]
        # A block with hardly a positive does not tell how far blocks lie off the model.
        while _blocks(table, side_m) * EXPECTED > table.state.sum():
            wider_m = choose_block(table, reach, block_m=1.25 * side_m, count=splits)[0]
            if wider_m <= side_m:
                break
            side_m = wider_m
        return side_m

    @staticmethod
    def _splits(table: CellTable) -> int:
        return min(FOLDS, *np.bincount(table.state).tolist())

    def _held_out(
        self, table: CellTable, block_m: float, groups: ArrayLike | None, X: object
    ) -> HeldOut:
        """Return how rows are held out, as one protocol."""
        rows, y = len(table.state), table.state
        if self.folds is not None:
            way, folds = Splitter.BLOCKS, self.folds.split(_shown(table, X), y, groups)
        elif groups is not None:
            way, folds = Splitter.REGIONS, LeaveRegionOut().split(None, y, groups=table.region)
        elif _placed(table):
            blocks = BlockKFold(self._splits(table), block_m=block_m, seed=self.seed)
            way, folds = Splitter.BLOCKS, blocks.split(None, y, coordinates=table.coordinates)
        else:
            at_random = BlockKFold(self._splits(table), block_m=block_m, seed=self.seed)
            way, folds = Splitter.RANDOM, at_random.split(None, y, coordinates=table.coordinates)
        protocol = Way(FAR, way, _tested_once([(train, test) for train, test in folds], rows))
        return HeldOut({FAR: protocol}, protocol, 0.0, block_m, None, {}, ())

    def _ensemble(self, positives: int) -> Ensemble:
        if self.estimator is None:
            return LightGBMEnsemble(
                min_cells_in_leaf=int(np.clip(positives // 10, 1, LEAF_CELLS)), seed=self.seed
            )
        if isinstance(self.estimator, Ensemble):
            return clone(self.estimator)
        if isinstance(self.estimator, str):
            return added_class(self.estimator)()
        raise InputError(
            f"The estimator is {self.estimator!r}; expected a LightGBMEnsemble, LogisticEnsemble, "
            "DistanceRule or another Ensemble, whose members give an interval."
        )

    def _scores(
        self, table: CellTable, held: HeldOut, make: Any, drawing: Drawing
    ) -> HeldOutScores:
        """Score each row by a model that did not see its fold, and calibrate across folds."""
        found = out_of_fold(make, table, held.protocols[FAR], drawing=drawing)
        y, fold = table.state, held.protocols[FAR].fold_of_row(len(table.state))
        kind = self.calibrator
        if kind == "chosen":
            kind = choose_kind(found.score, y, fold)
        probability = {FAR: calibrate_across_folds(found.score, y, fold, kind=kind)}
        return HeldOutScores(table, held, {(FAR, ModelName.MODEL): found}, {}, kind, probability)


def _with_places(X: ArrayLike | pd.DataFrame) -> ArrayLike | pd.DataFrame:
    """Put the geometry of a GeoDataFrame into columns of coordinates."""
    if not isinstance(X, gpd.GeoDataFrame):
        return X
    easting, northing = as_coordinates(X).T
    frame = pd.DataFrame(X.drop(columns=X.geometry.name))
    return frame.assign(easting=easting, northing=northing)


def _placed(table: CellTable) -> bool:
    """Whether rows lie somewhere, or are places of their own."""
    return bool(np.ptp(table.coordinates[:, 1]) > 0) or not np.array_equal(
        table.coordinates[:, 0], np.arange(len(table.state))
    )


def _blocks(table: CellTable, side_m: float) -> int:
    return int(np.unique(assign_blocks(table.coordinates, block_m=side_m)).size)


def _table(
    cells: pd.DataFrame,
    labels: NDArray[np.int8],
    weight: NDArray[np.float32],
    groups: ArrayLike | None,
) -> CellTable:
    region = np.zeros(len(cells), dtype=np.int32)
    table = CellTable(cells, labels, weight, region, cell_ha=1.0)
    if groups is None:
        return table
    if np.shape(groups) != (len(cells),):
        raise InputError(
            f"The groups have shape {np.shape(groups)}; expected the region of each of "
            f"{len(cells)} rows."
        )
    named = np.unique(np.asarray(groups), return_inverse=True)[1].astype(np.int32)
    joined = join_thin_regions(named, labels == 1, table.coordinates)
    return CellTable(cells, labels, weight, joined.astype(np.int32), cell_ha=1.0)


def _shown(table: CellTable, X: object) -> object:
    """Return what a splitter is to see: the table with coordinates, or X as it came."""
    return table.cells if _placed(table) else X


def _weights(sample_weight: ArrayLike | None, cells: pd.DataFrame) -> NDArray[np.float32]:
    weight = _check_sample_weight(sample_weight, cells, ensure_non_negative=True)
    return np.asarray(weight, dtype=np.float32)


def _refuse_one_class(labels: NDArray[np.int8], weight: NDArray[np.float32]) -> None:
    """Refuse labels of which a class has less than two rows that count."""
    least = int(np.bincount(labels[weight > 0], minlength=2).min())
    if least < 2:
        raise ValueError(
            f"{least} row(s) of positive weight hold the rarer class; expected 2 or more of each "
            "class, so that rows of each can be held out."
        )


def _tested_once(folds: list[Fold], rows: int) -> list[Fold]:
    times = np.bincount(np.concatenate([test for _, test in folds]), minlength=rows)
    if (times != 1).any():
        raise InputError(
            f"The folds test {int((times == 0).sum())} of {rows} rows never and "
            f"{int((times > 1).sum())} more than once; expected each once, so that every row has "
            "one held-out score. Use another splitter for the calibration (folds=)."
        )
    return folds
