"""Pipelines of columns and a classifier: the model, and the rules of thumb that it has to beat."""

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline

from minerisk.models.estimators.distance_rule import DistanceRule
from minerisk.models.estimators.estimators import LogisticEnsemble
from minerisk.models.estimators.findings_encoder import FindingsEncoder
from minerisk.models.estimators.random_forest import RandomForest


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
    rule_columns: tuple[str, ...],
    seed: int,
) -> dict[str, Pipeline]:
    """Make what every model is compared with: prevalence, distance rule, logistic, forest.

    Parameters
    ----------
    plain, encoded
        The features; and the features with what past findings say.
    rule_columns
        Distances that the rule may go by; none for no rule.
    seed
        Of the forest.
    """
    models = {
        "random_forest": Pipeline([("columns", encoded), ("classifier", RandomForest(seed=seed))]),
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
