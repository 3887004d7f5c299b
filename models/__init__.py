"""Turn numbers into probabilities: folds, estimators, calibration, applicability, metrics.

Nothing in this room knows YAML, a disk layout or MLflow.
"""
