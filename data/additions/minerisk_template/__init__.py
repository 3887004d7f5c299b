"""A feature, an estimator and a calibrator of one's own for minerisk."""
