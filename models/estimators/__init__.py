"""Estimators in scikit-learn's protocol, and what learns from past findings."""
