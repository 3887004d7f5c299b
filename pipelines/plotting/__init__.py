"""Figures and maps."""
