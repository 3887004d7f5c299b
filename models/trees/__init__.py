"""Stored tree ensembles: reading, checking, scores and SHAP values."""
