"""The shape of the ground: slope, landform, wetness, visibility.

These are its kernels; its kinds of feature are built by `minerisk.features.cube.build_feature`.
"""

from typing import TYPE_CHECKING

from minerisk.lazy import import_on_first_use

if TYPE_CHECKING:
    from minerisk.features.terrain.landform import FORMS, Outlook, outlook
    from minerisk.features.terrain.terrain import derivatives
    from minerisk.features.terrain.visibility import Watched, commanding_ground, count_observers
    from minerisk.features.terrain.wetness import gathered_cells
else:
    __getattr__, __dir__ = import_on_first_use(__name__)

__all__ = [
    "FORMS",
    "Outlook",
    "Watched",
    "commanding_ground",
    "count_observers",
    "derivatives",
    "gathered_cells",
    "outlook",
]
