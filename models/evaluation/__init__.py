"""Out-of-fold scores, metrics, intervals, comparison, nested search."""
