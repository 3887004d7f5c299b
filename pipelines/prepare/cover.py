"""What the layers of a run cover of its study area, and of its findings."""

from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.configs.bounds import Frozen, layer_settings, names_in
from minerisk.configs.schema import Config
from minerisk.features.coverage import covered
from minerisk.features.errors import InputError
from minerisk.features.grid import Mask, strips, study_grid
from minerisk.features.kinds import COVER, layers_of
from minerisk.features.layers.problems import LayerCode, LayerProblem, error, note, warning
from minerisk.features.layers.sources import Layers
from minerisk.features.layers.vectors import areas
from minerisk.features.raster.rasterise import burn_mask
from minerisk.pipelines.records.manifest import LayerCover
from minerisk.pipelines.run.layers import FeatureSpec

EDGE_CAP_M = 20_000.0
MOST_COUNTED = 4_000_000
"""Cells on which validation counts what layers cover, at most."""


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


def cover_problems(
    config: Config, layers: Layers, features: Sequence[FeatureSpec]
) -> Iterator[LayerProblem]:
    """Tell what share of the study area layers speak for, and of findings where they are silent.

    Counted on cells of the study area, or coarser ones where it has very many. A layer that cannot
    be read has its own problem, and none here.
    """
    names = covered_layers(layers, features)
    if not names:
        return
    try:
        geobox, inside = _counted_on(config, layers)
    except InputError:
        return
    found = dict(_findings(config, layers, geobox, inside))
    for name in names:
        try:
            known = covered(layers, name, geobox)
        except InputError as failure:
            yield error(name, LayerCode.UNREADABLE, reason=str(failure))
            continue
        if known is None or not (known & inside).any():
            yield error(name, LayerCode.COVERS_NOTHING)
            continue
        share = float((known & inside).sum() / inside.sum())
        yield note(name, LayerCode.COVERAGE, share=round(share, 4))
        for evidence, marked in found.items():
            silent = int((marked & ~known).sum())
            if silent:
                values = {"found": int(marked.sum()), "silent": silent}
                yield warning(name, LayerCode.SILENT_LABELS, evidence=evidence, **values)


def _counted_on(config: Config, layers: Layers) -> tuple[GeoBox, NDArray[np.bool_]]:
    area = config.study_area
    boundary = layers.vector(area.boundary, crs=area.crs)
    west, south, east, north = boundary.total_bounds
    least = ((east - west) * (north - south) / MOST_COUNTED) ** 0.5
    cell = max(area.resolution_m, least)
    geobox = study_grid((west, south, east, north), crs=area.crs, resolution_m=cell)
    return geobox, burn_mask(geobox, areas(boundary, name=area.boundary), all_touched=False)


def _findings(
    config: Config, layers: Layers, geobox: GeoBox, inside: NDArray[np.bool_]
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    for item in config.labels.positive:
        try:
            frame = layers.vector(item.layer, crs=str(geobox.crs))
        except InputError:  # written by the run itself, or with a problem of its own
            continue
        marked = burn_mask(geobox, frame, all_touched=True) & inside
        if marked.any():
            yield item.layer, marked


def layer_covers(
    layers: Layers,
    names: Sequence[str],
    *,
    geobox: GeoBox,
    inside: Mask,
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
    for rows in strips(geobox.shape):
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
