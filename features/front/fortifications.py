"""Where a place lies with respect to trenches, bunkers and other positions."""

from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.errors import InputError
from minerisk.features.grid import resolution
from minerisk.features.layers.sources import Layers
from minerisk.features.raster.proximity import disc_half_widths, disc_sum, distance_to
from minerisk.features.raster.rasterise import burn_mask, count_points, line_length
from minerisk.features.variable import Variable, radius_name, to_dataset
from minerisk.features.vector_files.columns import TypeColumn
from minerisk.features.vector_files.kept_rows import KeepValue

# Lengths are summed as whole millimetres: no rounding, so tiles equal the whole.
_STEPS_PER_METRE = 1_000.0


def fortifications(
    layers: Layers,
    geobox: GeoBox,
    *,
    layer: str,
    type_column: str | None = None,
    types: Mapping[str, Sequence[KeepValue]] | None = None,
    radii_m: Sequence[float],
    cap_m: float,
) -> xr.Dataset:
    """Compute the distance to fortifications, how many lie within each radius, and their length.

    Parameters
    ----------
    layers
        Holds `layer`: points, lines or polygons. Each geometry counts once, lines and polygons
        at a point that lies on them.
    geobox
        North-up grid in metres, wider than the area asked for by `cap_m` and every radius.
    layer
        Name of the layer.
    type_column, types
        Column of the layer, and by name of a type its values: each type is told apart, beside all
        of the layer together.
    radii_m, cap_m
        Radii of the counts, and the distance beyond which all read the same, metres.

    Returns
    -------
    Dataset
        float32 ``(y, x)``: ``fortifications_<layer>_distance_m`` and, by radius,
        ``fortifications_<layer>_count_<radius>`` and, of lines, ``..._length_<radius>``, metres;
        the same for each type as ``fortifications_<layer>_<type>_...``.

    Raises
    ------
    InputError
        If the column is missing, or no record is of a type.
    """
    frame, cell = layers.vector(layer, crs=str(geobox.crs)), resolution(geobox)
    variables = {}
    for name, own in by_type(frame, layer, type_column=type_column, types=types).items():
        start, what = f"fortifications_{name}_", name.replace("_", " ")
        mask = burn_mask(geobox, own, all_touched=True)
        distance = distance_to(mask, resolution_m=cell, cap_m=cap_m)
        words = f"distance to the nearest of {what}, at most {cap_m:,g} m"
        variables[f"{start}distance_m"] = Variable(distance, "m", words)
        counts = np.rint(count_points(geobox, own)).astype(np.int64)
        for radius in radii_m:
            number = _within(counts, radius, cell).astype(np.float32)
            words = f"number of {what} within {radius:,g} m"
            found = Variable(number, "1", words, disc_m=radius)
            variables[f"{start}count_{radius_name(radius)}"] = found
        lines = own[shapely.get_dimensions(own.geometry.array) == 1]
        for radius in radii_m if len(lines) else ():
            metres = length_within(geobox, lines, radius_m=radius)
            words = f"metres of {what} within {radius:,g} m"
            found = Variable(metres, "m", words, disc_m=radius)
            variables[f"{start}length_{radius_name(radius)}"] = found
    return to_dataset(geobox, variables)


def by_type(
    frame: gpd.GeoDataFrame,
    layer: str,
    *,
    type_column: str | None,
    types: Mapping[str, Sequence[KeepValue]] | None,
) -> dict[str, gpd.GeoDataFrame]:
    """Return the rows of a layer, and of each type, by ``<layer>`` and ``<layer>_<type>``.

    Raises
    ------
    InputError
        If only one of column and types is given, the column is missing, or a type has no record.
    """
    if (type_column is None) != (not types):
        raise InputError(
            f"fortifications of {layer}: type_column is {type_column!r} and types {types!r}; "
            "expected both or neither."
        )
    found = {} if type_column is None else TypeColumn(type_column, types or {}).read(frame, layer)
    return {layer: frame} | {f"{layer}_{name}": own for name, own in found.items()}


def length_within(
    geobox: GeoBox, lines: gpd.GeoDataFrame, *, radius_m: float
) -> NDArray[np.float32]:
    """Compute the metres of line in the cells whose centre is no farther than a radius."""
    steps = np.rint(line_length(geobox, lines) * _STEPS_PER_METRE).astype(np.int64)
    metres = _within(steps, radius_m, resolution(geobox)) / _STEPS_PER_METRE
    return np.asarray(metres, dtype=np.float32)


def _within(values: NDArray[np.int64], radius_m: float, cell: float) -> NDArray[np.int64]:
    return disc_sum(values, disc_half_widths(radius_m, resolution_m=cell))
