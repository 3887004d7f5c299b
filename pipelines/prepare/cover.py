"""What the layers of a run cover of its study area, and of its findings."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.configs.bounds import Frozen, layer_settings, names_in
from minerisk.configs.schema import Config
from minerisk.features.coverage import covered
from minerisk.features.kinds import COVER, layers_of
from minerisk.features.layers.sources import Layers
from minerisk.pipelines.records.manifest import LayerCover
from minerisk.pipelines.run.layers import FeatureSpec
from minerisk.pipelines.run.row_blocks import row_blocks

EDGE_CAP_M = 20_000.0


def cover_feature(
    config: Config, layers: Layers, features: Sequence[FeatureSpec]
) -> list[FeatureSpec]:
    """Return what tells where layers speak, if a layer that features read states its coverage."""
    stated = covered_layers(layers, features)
    if not stated:
        return []
    lines = [name for name in _lines(config) if name in layers.names()]
    known = lines if set(lines) & set(stated) else []
    return [(COVER, {"layer": stated, "lines": known, "cap_m": EDGE_CAP_M})]


def covered_layers(layers: Layers, features: Sequence[FeatureSpec]) -> list[str]:
    """Name the layers that features read and that state their coverage, in order."""
    read = dict.fromkeys(name for item in features for name in layers_of(*item))
    return [name for name in read if layers.source(name).coverage is not None]


def layer_covers(
    layers: Layers,
    names: Sequence[str],
    *,
    geobox: GeoBox,
    inside: NDArray[np.bool_],
    state: xr.DataArray,
) -> tuple[LayerCover, ...]:
    """Count the cells of a study area, and those with a finding, that each layer speaks for.

    Parameters
    ----------
    layers, names
        Layers that state their coverage.
    geobox, inside
        Grid, and the cells of the study area.
    state
        Labels of the cells, 1 where there is evidence.
    """
    counts = {name: np.zeros(4, dtype=np.int64) for name in names}
    for rows in row_blocks(geobox.height):
        part, asked = geobox[rows, :], inside[rows]
        found = asked & (state[rows].to_numpy() == 1)
        for name, count in counts.items():
            known = covered(layers, name, part)
            speaks = asked if known is None else asked & known
            count += [asked.sum(), speaks.sum(), found.sum(), (found & speaks).sum()]
    return tuple(
        LayerCover(
            layer=name,
            share=float(count[1] / max(count[0], 1)),
            findings=int(count[2]),
            silent_findings=int(count[2] - count[3]),
        )
        for name, count in counts.items()
    )


def _lines(config: Config) -> list[str]:
    """Name the layers that features read as front lines or positions, in order."""
    return list(dict.fromkeys(name for item in config.features for name in _lines_of(item)))


def _lines_of(feature: Frozen) -> list[str]:
    settings = layer_settings(type(feature))
    return [
        name
        for setting, reads in settings.items()
        if reads.front or reads.positions
        for name in names_in(getattr(feature, setting))
    ]
