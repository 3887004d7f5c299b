"""The feature cube: every feature of a study area on one grid, as Zarr."""
