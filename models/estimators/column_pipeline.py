"""Pipelines of columns and a classifier: the model, and the rules of thumb that it has to beat."""

import math
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline

from minerisk.models.estimators.distance_rule import DistanceRule
from minerisk.models.estimators.estimators import LightGBMEnsemble, LogisticEnsemble
from minerisk.models.estimators.findings_encoder import FindingsEncoder

FOREST_LEAVES = 1_024  # of a tree of the random forest, at most
FOREST_BINS = 63  # of a column: trees of so many leaves take two thirds of the time of 255 bins


def risk_columns(features: list[str], findings: FindingsEncoder | None) -> ColumnTransformer:
    """Make the columns that a model reads: features as they are, and an encoder's, if any."""
    parts: list[tuple[str, Any, list[str]]] = [("features", "passthrough", features)]
    if findings is not None:
        parts.append(("findings", findings, findings.columns))
    columns = ColumnTransformer(parts, verbose_feature_names_out=False)
    return columns.set_output(transform="pandas")


def risk_pipeline(
    features: list[str],
    *,
    findings: FindingsEncoder | None,
    classifier: BaseEstimator,
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
    """
    return Pipeline([("columns", risk_columns(features, findings)), ("classifier", classifier)])


def baselines(
    plain: ColumnTransformer,
    encoded: ColumnTransformer,
    *,
    width: int,
    rule_columns: tuple[str, ...],
    seed: int,
) -> dict[str, Pipeline]:
    """Make what every model is compared with: prevalence, distance rule, logistic, forest.

    Parameters
    ----------
    plain, encoded
        The features; and the features with what past findings say.
    width
        How many columns `encoded` gives.
    rule_columns
        Distances that the rule may go by; none for no rule.
    seed
        Of the forest.
    """
    models = {
        "random_forest": Pipeline(
            [("columns", encoded), ("classifier", random_forest(width, seed=seed))]
        ),
        "logistic_regression": Pipeline(
            [("columns", encoded), ("classifier", LogisticEnsemble(members=1, seed=seed))]
        ),
        "prevalence": Pipeline(
            [("columns", plain), ("classifier", DummyClassifier(strategy="prior"))]
        ),
    }
    if rule_columns:
        models["distance_rule"] = Pipeline(
            [("columns", plain), ("classifier", DistanceRule(rule_columns))]
        )
    return models


def random_forest(columns: int, *, seed: int) -> LightGBMEnsemble:
    """Make a random forest as scikit-learn's users have it: 100 trees, 50 rows in a leaf at least.

    A tree sees the share of rows that a bootstrap holds, and a split the square root of the
    columns. LightGBM grows it on bins of the columns, at an eighth of the processor's time.
    """
    return LightGBMEnsemble(
        members=1,
        kind="forest",
        forest_trees=100,
        forest_leaves=FOREST_LEAVES,
        forest_min_cells=50,
        bins=FOREST_BINS,
        feature_share=max(1, math.isqrt(columns)) / columns,
        seed=seed,
        threads=1,
    )
