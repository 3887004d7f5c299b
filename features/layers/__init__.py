"""Layers as people have them: intake, vectors, rasters, quality."""
