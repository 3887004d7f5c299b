"""The front line and its positions: distance, shape, depth, sides."""
