"""Kernels on grids: rasterise, distance, discs."""

from typing import TYPE_CHECKING

from minerisk.lazy import import_on_first_use

if TYPE_CHECKING:
    from minerisk.features.raster.discs import position_and_roughness, positions_and_roughnesses
    from minerisk.features.raster.proximity import (
        disc_density,
        disc_half_widths,
        disc_sum,
        distance_to,
        signed_distance,
    )
    from minerisk.features.raster.rasterise import (
        burn_greatest,
        burn_mask,
        count_points,
        coverage_fraction,
        line_length,
    )
else:
    __getattr__, __dir__ = import_on_first_use(__name__)

__all__ = [
    "burn_greatest",
    "burn_mask",
    "count_points",
    "coverage_fraction",
    "disc_density",
    "disc_half_widths",
    "disc_sum",
    "distance_to",
    "line_length",
    "position_and_roughness",
    "positions_and_roughnesses",
    "signed_distance",
]
