"""The model and the rules of thumb it has to beat, all with scikit-learn's protocol."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from features.errors import InputError
from models.findings_encoder import FindingsEncoder
from models.table import COORDINATES
from models.tree_kernel import kernel_of

LEAST_ROWS = 4_096  # for fewer, LightGBM is done before the kernel has read the trees


class LightGBMEnsemble(ClassifierMixin, BaseEstimator):
    """Small LightGBM models, each on blocks drawn with replacement; their mean log-odds is used.

    Drawing blocks, not cells, keeps neighbours together, so the spread of the members says how
    much the answer depends on which places happened to be surveyed.

    Parameters
    ----------
    members
        How many models.
    trees, learning_rate, leaves, min_cells_in_leaf, feature_share, row_share, l2
        Size and regularisation of each.
    seed, threads
        The same seed gives the same trees, whatever the number of threads.
    """

    def __init__(
        self,
        *,
        members: int = 8,
        trees: int = 300,
        learning_rate: float = 0.04,
        leaves: int = 15,
        min_cells_in_leaf: int = 200,
        feature_share: float = 0.5,
        row_share: float = 0.7,
        l2: float = 10.0,
        seed: int = 7,
        threads: int = 2,
    ) -> None:
        self.members = members
        self.trees = trees
        self.learning_rate = learning_rate
        self.leaves = leaves
        self.min_cells_in_leaf = min_cells_in_leaf
        self.feature_share = feature_share
        self.row_share = row_share
        self.l2 = l2
        self.seed = seed
        self.threads = threads

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> "LightGBMEnsemble":
        """Train every member.

        Parameters
        ----------
        X, y
            Features, shape ``(n, p)``, NaN allowed; and 0 or 1, shape ``(n,)``.
        sample_weight
            Weight of each row.
        groups
            Block of each row; without it, every member sees all rows.
        """
        matrix = np.asarray(X, dtype=np.float32)
        target = np.asarray(y, dtype=np.float32)
        weight = np.ones(len(target)) if sample_weight is None else np.asarray(sample_weight)
        rng = np.random.default_rng(self.seed)
        self.classes_ = np.array([0, 1])
        drawn = [weight * _drawn(groups, len(target), rng) for _ in range(self.members)]
        # A thread per member: no member waits for another, and each uses one thread of its own.
        with ThreadPoolExecutor(max_workers=self.threads) as pool:
            trained = pool.map(
                lambda member: self._train(matrix, target, drawn[member], member),
                range(self.members),
            )
            self.boosters_ = list(trained)
        return self

    def member_log_odds(self, X: ArrayLike) -> NDArray[np.float64]:
        """Give the raw score of every member, shape ``(n, members)``, log-odds."""
        matrix = np.asarray(X, dtype=np.float32)
        return member_log_odds(self.boosters_, matrix, threads=self.threads)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Give the probabilities of 0 and 1, shape ``(n, 2)``, before calibration."""
        positive = 1.0 / (1.0 + np.exp(-self.member_log_odds(X).mean(axis=1)))
        return np.column_stack([1.0 - positive, positive])

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """Give the likelier of 0 and 1, shape ``(n,)``."""
        return (self.predict_proba(X)[:, 1] > 0.5).astype(np.int64)

    def _train(
        self,
        matrix: NDArray[np.float32],
        target: NDArray[np.float32],
        weight: NDArray[np.float64],
        member: int,
    ) -> lgb.Booster:
        kept = weight > 0
        if len(np.unique(target[kept])) < 2:
            raise InputError(
                "A resampled set of blocks holds only one class; expected positives and negatives "
                "in several blocks. Use smaller blocks or more findings."
            )
        data = lgb.Dataset(matrix[kept], target[kept], weight=weight[kept], free_raw_data=True)
        return lgb.train(self._parameters(member), data, num_boost_round=self.trees)

    def _parameters(self, member: int) -> dict[str, Any]:
        return {
            "objective": "binary",
            "learning_rate": self.learning_rate,
            "num_leaves": self.leaves,
            "min_data_in_leaf": self.min_cells_in_leaf,
            "feature_fraction": self.feature_share,
            "bagging_fraction": self.row_share,
            "bagging_freq": 1,
            "lambda_l2": self.l2,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "seed": self.seed + member,
            "verbosity": -1,
        }


def member_log_odds(
    boosters: list[lgb.Booster], matrix: NDArray[np.float32], *, threads: int
) -> NDArray[np.float64]:
    """Score rows with every booster: the one place where trees are walked.

    Returns
    -------
    ndarray, shape (n, len(boosters))
        Log-odds before calibration; the same bytes from the kernel as from LightGBM.
    """
    kernel = kernel_of(tuple(boosters)) if len(matrix) >= LEAST_ROWS else None
    if kernel is not None:
        return kernel.raw(matrix, threads=threads)
    with ThreadPoolExecutor(max_workers=threads) as pool:
        scores = pool.map(
            lambda booster: booster.predict(matrix, raw_score=True, num_threads=1), boosters
        )
        return np.column_stack(list(scores))


def _drawn(groups: ArrayLike | None, rows: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Count how often each row's block comes up when blocks are drawn with replacement."""
    if groups is None:
        return np.ones(rows)
    _, block = np.unique(np.asarray(groups), return_inverse=True)
    blocks = int(block.max()) + 1
    times = np.bincount(rng.integers(blocks, size=blocks), minlength=blocks)
    return times[block].astype(np.float64)


class DistanceRule(ClassifierMixin, BaseEstimator):
    """The rule of thumb: the nearer to one thing, the likelier.

    Nothing is learned, so scores of all folds rank by distance alone; what they mean as
    probabilities is left to the calibration that every model passes through.

    Parameters
    ----------
    column
        Name of the distance column, metres. A column that is not there is an error.
    """

    def __init__(self, column: str) -> None:
        self.column = column

    def fit(
        self, X: pd.DataFrame, y: ArrayLike, *, sample_weight: ArrayLike | None = None
    ) -> "DistanceRule":
        """Check that the column is there."""
        self._distance(X)
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Give scores that fall with distance, by e every 10 km, shape ``(n, 2)``."""
        score = 0.5 * np.exp(-self._distance(X) / 10_000.0)
        return np.column_stack([1.0 - score, score])

    def _distance(self, X: pd.DataFrame) -> NDArray[np.float64]:
        if self.column not in X:
            raise InputError(
                f"The distance rule needs the column {self.column}; the table has {list(X)}."
            )
        return np.nan_to_num(X[self.column].to_numpy(dtype=np.float64), nan=1e6)


def risk_pipeline(
    features: list[str],
    *,
    findings: FindingsEncoder | None,
    classifier: BaseEstimator,
    dense: bool = False,
) -> Pipeline:
    """Put findings encoder, features and classifier into one scikit-learn Pipeline.

    Parameters
    ----------
    features
        Columns taken as they are.
    findings
        Encoder of past findings, or none.
    classifier
        Any classifier with ``predict_proba``.
    dense
        Whether the classifier needs filled and scaled columns.
    """
    parts: list[tuple[str, Any, list[str]]] = [("features", "passthrough", features)]
    if findings is not None:
        parts.append(("findings", findings, list(COORDINATES)))
    columns = ColumnTransformer(parts, verbose_feature_names_out=False)
    columns.set_output(transform="pandas")
    steps: list[tuple[str, Any]] = [("columns", columns)]
    if dense:
        steps += [("fill", SimpleImputer(strategy="median")), ("scale", StandardScaler())]
    return Pipeline([*steps, ("classifier", classifier)])


def baselines(
    features: list[str],
    *,
    findings: FindingsEncoder | None,
    rule_column: str | None,
    seed: int,
    threads: int,
) -> Mapping[str, Pipeline]:
    """Give what every model is shown beside: prevalence, distance rule, logistic, forest."""
    forest = RandomForestClassifier(
        n_estimators=100, min_samples_leaf=50, n_jobs=threads, random_state=seed
    )
    models = {
        "random_forest": risk_pipeline(features, findings=findings, classifier=forest),
        "logistic_regression": risk_pipeline(
            features, findings=findings, classifier=LogisticRegression(max_iter=500), dense=True
        ),
        "prevalence": risk_pipeline(
            features, findings=None, classifier=DummyClassifier(strategy="prior")
        ),
    }
    if rule_column is not None:
        models["distance_rule"] = risk_pipeline(
            features, findings=None, classifier=DistanceRule(rule_column)
        )
    return models
