"""From scores to probabilities with intervals."""
