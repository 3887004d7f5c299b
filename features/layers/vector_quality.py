"""What to know of a vector layer before it is used: rows left out, its CRS, exchanged axes."""

from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import shapely

from minerisk.features.layers import vector_crs
from minerisk.features.layers.problems import LayerCode, LayerProblem, note, warning
from minerisk.features.layers.sources import Layers, VectorSource

SHOWN = 20


def kept_problems(layers: Layers, name: str) -> Iterator[LayerProblem]:
    """Tell how many rows are kept, and which values to keep no row has."""
    source = layers.source(name)
    if not isinstance(source, VectorSource) or not source.keep:
        return
    kept = layers.kept(name)
    yield note(name, LayerCode.KEPT_ROWS, rows=kept.rows, of=kept.of)
    for one in kept.unmatched:
        more = (f"({len(one.known) - SHOWN} more)",) if len(one.known) > SHOWN else ()
        values = {"values": one.values, "known": (*one.known[:SHOWN], *more)}
        yield warning(name, LayerCode.UNMATCHED_VALUES, column=one.column, **values)


def crs_problems(
    name: str, source: VectorSource, frame: gpd.GeoDataFrame, *, crs: str
) -> Iterator[LayerProblem]:
    """Tell whose word the CRS is, and whether its datum can be brought to the study area's."""
    if source.crs is not None:
        yield note(name, LayerCode.CRS_GIVEN, crs=source.crs)
    own, other = frame.crs, vector_crs.parse_crs(crs)
    area = frame.to_crs("EPSG:4326").total_bounds
    if not vector_crs.shift_is_known(own, other, area):
        yield warning(name, LayerCode.SHIFT_NOT_KNOWN, datum=str(own.datum.name), crs=crs)


def exchanged_axes(
    name: str, frame: gpd.GeoDataFrame, boundary: gpd.GeoDataFrame
) -> Iterator[LayerProblem]:
    """Find features that lie in the study area only if their coordinates are exchanged.

    Parameters
    ----------
    frame
        The layer in its own CRS.
    boundary
        The study area.
    """
    own_area = boundary.to_crs(frame.crs)
    west, south, east, north = own_area.total_bounds
    left, bottom, right, top = frame.bounds.to_numpy().T
    inside = (left <= east) & (right >= west) & (bottom <= north) & (top >= south)
    swapped = (bottom <= east) & (top >= west) & (left <= north) & (right >= south)
    places = np.flatnonzero(~inside & swapped)
    if not len(places):
        return
    turned = shapely.transform(frame.geometry.array[places], lambda points: points[:, ::-1])
    count = int(shapely.intersects(own_area.union_all(), turned).sum())
    if count:
        yield warning(name, LayerCode.EXCHANGED_AXES, exchanged=count, rows=len(frame))
