"""Survey tasks of a run."""
