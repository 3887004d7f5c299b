"""The front line and its positions: distance, shape, depth, sides.

These are its kernels; its kinds of feature are built by `minerisk.features.cube.build_feature`.
"""

from typing import TYPE_CHECKING

from minerisk.lazy import import_on_first_use

if TYPE_CHECKING:
    from minerisk.features.front.depth_zones import share_below, zone_share, zones
    from minerisk.features.front.distance import expected_distance, held_side
    from minerisk.features.front.facing import chance_of_side
    from minerisk.features.front.nearest_segment import Nearest, nearest_to_cells, nearest_to_points
    from minerisk.features.front.trace import (
        Shape,
        Trace,
        left_of,
        shape_of,
        to_nearer_end,
        trace_of,
    )
else:
    __getattr__, __dir__ = import_on_first_use(__name__)

__all__ = [
    "Nearest",
    "Shape",
    "Trace",
    "chance_of_side",
    "expected_distance",
    "held_side",
    "left_of",
    "nearest_to_cells",
    "nearest_to_points",
    "shape_of",
    "share_below",
    "to_nearer_end",
    "trace_of",
    "zone_share",
    "zones",
]
