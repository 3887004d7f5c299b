"""Where a model may speak: dissimilarity, area of applicability, expected error."""
