"""Spatial and temporal folds."""
