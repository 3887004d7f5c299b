"""The feature cube: every feature of a study area on one grid, as Zarr."""

from typing import TYPE_CHECKING

from minerisk.lazy import import_on_first_use

if TYPE_CHECKING:
    from minerisk.features.cube.build import Tiling, build_cube
    from minerisk.features.cube.feature import build_feature, build_window
    from minerisk.features.cube.line_sensitivity import Sensitivity, front_sensitivity
    from minerisk.features.cube.store import cube_geobox, families_of, open_cube
else:
    __getattr__, __dir__ = import_on_first_use(__name__)

__all__ = [
    "Sensitivity",
    "Tiling",
    "build_cube",
    "build_feature",
    "build_window",
    "cube_geobox",
    "families_of",
    "front_sensitivity",
    "open_cube",
]
