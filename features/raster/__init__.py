"""Kernels on grids: rasterise, distance, discs."""
