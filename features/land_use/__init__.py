"""Land cover, roads, settlements: distances, densities, edges.

Its kinds of feature are built by `minerisk.features.cube.build_feature`.
"""
