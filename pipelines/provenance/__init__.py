"""Hashes, manifest, reviews, signatures: the trail of a run."""
