"""How people and vehicles move: trafficability, avenues of approach, chokepoints.

These are its kernels; its kinds of feature are built by `minerisk.features.cube.build_feature`.
"""

from typing import TYPE_CHECKING

from minerisk.lazy import import_on_first_use

if TYPE_CHECKING:
    from minerisk.features.movement.avenues_of_approach import (
        corridor,
        on_foot,
        on_wheels,
        route_costs,
    )
    from minerisk.features.movement.chokepoints import saddles
    from minerisk.features.movement.trafficability import walking_speed, wheeled_speed
else:
    __getattr__, __dir__ = import_on_first_use(__name__)

__all__ = [
    "corridor",
    "on_foot",
    "on_wheels",
    "route_costs",
    "saddles",
    "walking_speed",
    "wheeled_speed",
]
