"""The kind of features that other packages add."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from minerisk.features.additions import load_added
from minerisk.features.errors import InputError
from minerisk.features.feature_kind import FeatureKind
from minerisk.features.layers.sources import Layers


def _added(name: str) -> FeatureKind:
    """Return the kind that another package adds under a name."""
    found = load_added("minerisk.features", name)
    if not isinstance(found, FeatureKind):
        raise InputError(
            f"The feature {name!r} that a package adds is a {type(found).__name__}; expected a "
            "minerisk.features.feature_kind.FeatureKind. Correct its package."
        )
    return found


def _build_added(
    layers: Layers,
    geobox: GeoBox,
    *,
    name: str,
    layer: str | None,
    raster: str | None,
    settings: Mapping[str, Any],
) -> xr.Dataset:
    """Build a feature that another package adds, and check what it hands over."""
    given = {key: value for key, value in (("layer", layer), ("raster", raster)) if value}
    dataset = _added(name).build(layers, geobox, **given, **settings)
    for column, values in dataset.data_vars.items():
        if values.dims != ("y", "x") or values.shape != geobox.shape or values.dtype != np.float32:
            raise InputError(
                f"The added feature {name} gave {column} as {values.dtype} {dict(values.sizes)}; "
                f"expected float32 on (y, x) of {tuple(geobox.shape)}. Use "
                "minerisk.features.variable.to_dataset."
            )
    return dataset


ADDED = "added"
"""The kind of features that other packages add (`minerisk.features.additions`)."""
ADDED_KIND = FeatureKind(
    _build_added,
    {"layer": "vector", "raster": "raster"},
    lambda params: _added(params["name"]).halo_m(params["settings"]),
    "what another package computes",
    stencil=True,
)
