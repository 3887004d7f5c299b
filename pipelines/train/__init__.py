"""Training and held-out scores of a run."""
