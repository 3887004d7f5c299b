"""Verify, reproduce, decide on and hand over a run."""
