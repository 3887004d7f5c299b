"""Layers as people have them: intake, vectors, rasters, quality."""

from typing import TYPE_CHECKING

from minerisk.lazy import import_on_first_use

if TYPE_CHECKING:
    from minerisk.features.layers.bands import open_band
    from minerisk.features.layers.intake import checked_path, sha256_of
    from minerisk.features.layers.quality import validate_layers
    from minerisk.features.layers.sources import Layers, RasterSource, VectorSource
    from minerisk.features.layers.vector_crs import parse_crs
    from minerisk.features.layers.vectors import read_frame, repair
else:
    __getattr__, __dir__ = import_on_first_use(__name__)

__all__ = [
    "Layers",
    "RasterSource",
    "VectorSource",
    "checked_path",
    "open_band",
    "parse_crs",
    "read_frame",
    "repair",
    "sha256_of",
    "validate_layers",
]
