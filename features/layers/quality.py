"""What is wrong with the layers of a study area, found before anything is computed."""

import datetime as dt
import logging
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.features.layers import intake, vectors
from minerisk.features.layers.problems import (
    LayerCode,
    LayerProblem,
    error,
    note,
    warning,
)
from minerisk.features.layers.raster_quality import check_raster
from minerisk.features.layers.sources import Layers, RasterSource, VectorSource
from minerisk.features.layers.vector_quality import (
    column_problems,
    crs_problems,
    date_problems,
    exchanged_axes,
    kept_problems,
)
from minerisk.features.vector_files.columns import Column

logger = logging.getLogger(__name__)

LONG_STEP_M = 5_000.0
_TELLING = re.compile(
    r"imsma|clear(ed|ance)|contaminat|hazard|mine(field|d)?s?$|^mines?_|suspect|suspicion|"
    r"accident|incident|victim|casualt|finding|(^|_)(uxo|erw|sha|cha|label)(_|$)|explosive"
)


def validate_layers(
    layers: Layers,
    *,
    area: str,
    crs: str,
    evidence: Collection[str] = (),
    features: Collection[str] = (),
    areas: Collection[str] = (),
    units: Mapping[str, str] = MappingProxyType({}),
    reach_m: float = 0.0,
    columns: Mapping[str, Sequence[Column]] = MappingProxyType({}),
    as_of: dt.date | None = None,
) -> list[LayerProblem]:
    """Check every layer: CRS, geometry, duplicates, cover, values, dates, and label leakage.

    Parameters
    ----------
    layers
        The layers of the study area.
    area
        Name of the polygon layer of the land the map is for.
    crs
        CRS of the study area, projected, in metres.
    evidence
        Names of the layers that labels are made of.
    features
        Names of the layers that features are made of.
    areas
        Names of the layers of which land is meant: they must be polygons.
    units
        Raster layer to the unit that it is read in, such as ``m`` for elevation.
    reach_m
        How far beyond the area features look, metres: values of rasters are checked that far.
    columns
        By layer, the columns that are read of it beside its dates.
    as_of
        Evidence dated later is left out; without it, dates are not compared with any day.

    Returns
    -------
    list of LayerProblem
        In the order of the layers; the area's own first.
    """
    problems: list[LayerProblem] = []
    boundary: gpd.GeoDataFrame | None = None
    try:
        boundary = layers.vector(area, crs=crs)
    except InputError as failure:
        if area not in layers.names():
            problems.append(error(area, LayerCode.UNREADABLE, reason=str(failure)))
    if boundary is not None and (flat := _rows_without_land(area, boundary)):
        problems += flat
        boundary = None
    problems += _shared_with_evidence(layers, evidence=evidence, features=features)
    for name in sorted(layers.names(), key=lambda known: known != area):
        logger.info("checking %s", name)
        try:
            source = layers.source(name)
            if str(source.path).startswith("@"):
                problems.append(note(name, LayerCode.MADE_BY_RUN, path=str(source.path)))
            elif isinstance(source, RasterSource):
                problems += check_raster(
                    layers, name, area=boundary, crs=crs, unit=units.get(name), reach_m=reach_m
                )
            else:
                problems += _check_vector(
                    layers,
                    name,
                    source,
                    boundary=boundary,
                    crs=crs,
                    as_of=as_of,
                    columns=columns.get(name, ()),
                )
        except intake.MissingCrsError as failure:
            problems.append(error(name, LayerCode.NO_CRS, reason=str(failure)))
        except InputError as failure:
            problems.append(error(name, LayerCode.UNREADABLE, reason=str(failure)))
        else:
            if name in areas and name != area and not str(source.path).startswith("@"):
                problems += _rows_without_land(name, layers.repaired(name)[0])
            if name in features and name not in evidence:
                problems += _leaking_columns(layers, name)
    return problems


def _rows_without_land(name: str, frame: gpd.GeoDataFrame) -> list[LayerProblem]:
    flat = int((shapely.get_dimensions(frame.geometry.array) < vectors.AREA).sum())
    return [error(name, LayerCode.NOT_POLYGONS, flat=flat, rows=len(frame))] if flat else []


def _check_vector(
    layers: Layers,
    name: str,
    source: VectorSource,
    *,
    boundary: gpd.GeoDataFrame | None,
    crs: str,
    as_of: dt.date | None,
    columns: Sequence[Column],
) -> Iterator[LayerProblem]:
    stored = layers.as_stored(name)
    frame, repairs = vectors.repair(stored)
    yield from kept_problems(layers, name)
    if frame.empty:
        yield error(name, LayerCode.EMPTY, rows=len(stored))
        return
    yield from _repairs(name, repairs)
    yield from _duplicates(name, frame)
    used = stored[~(stored.geometry.isna() | stored.geometry.is_empty)]
    yield from date_problems(layers, name, source, used, as_of=as_of)
    yield from column_problems(name, used, columns)
    there = vectors.to_crs(frame, crs, name=name)
    yield from crs_problems(name, source, frame, crs=crs)
    yield from _long_steps(name, there)
    if boundary is not None:
        yield from exchanged_axes(name, frame, boundary)
        yield from _reach(name, there, boundary)


def _repairs(name: str, repairs: vectors.Repairs) -> Iterator[LayerProblem]:
    invalid, dropped, rows = repairs.invalid, repairs.dropped, repairs.features
    if invalid and dropped:
        values = {"invalid": invalid, "rows": rows, "dropped": dropped}
        yield warning(name, LayerCode.LOST_GEOMETRY, **values)
    elif invalid:
        yield warning(name, LayerCode.REPAIRED_GEOMETRY, invalid=invalid, rows=rows)
    elif dropped:
        yield warning(name, LayerCode.UNBOUNDED_GEOMETRY, dropped=dropped)
    if repairs.empty:
        yield warning(name, LayerCode.NO_GEOMETRY, empty=repairs.empty, rows=rows)


def _duplicates(name: str, frame: gpd.GeoDataFrame) -> Iterator[LayerProblem]:
    keys = pd.DataFrame(frame.drop(columns=frame.geometry.name)).astype(str)
    keys["geometry"] = shapely.to_wkb(shapely.normalize(frame.geometry.array))
    count = int(keys.duplicated().sum())
    if count:
        yield warning(name, LayerCode.DUPLICATES, repeated=count, rows=len(frame))


def _long_steps(name: str, frame: gpd.GeoDataFrame) -> Iterator[LayerProblem]:
    lengths = step_lengths(frame.geometry.array)
    long = int((lengths > LONG_STEP_M).sum())
    if long:
        longest = float(lengths.max()) / 1000
        values = {"long": long, "steps": len(lengths), "longest_km": round(longest, 3)}
        yield warning(name, LayerCode.LONG_STEPS, **values)


def step_lengths(shapes: NDArray[np.object_]) -> NDArray[np.float64]:
    """Compute the lengths between consecutive vertices of all lines and rings, in CRS units."""
    parts = shapely.get_parts(shapely.get_parts(np.asarray(shapes, dtype=object)))
    dimension = shapely.get_dimensions(parts)
    lines = np.concatenate([parts[dimension == 1], shapely.get_rings(parts[dimension == 2])])
    coordinates, index = shapely.get_coordinates(lines, return_index=True)
    steps = np.hypot(*np.diff(coordinates, axis=0).T)
    return steps[np.diff(index) == 0]


def _reach(
    name: str, frame: gpd.GeoDataFrame, boundary: gpd.GeoDataFrame
) -> Iterator[LayerProblem]:
    land = boundary.union_all()
    shapely.prepare(land)
    touching = int(shapely.intersects(land, frame.geometry.array).sum())
    if touching == 0:
        yield error(name, LayerCode.OUTSIDE, rows=len(frame))
    elif touching < len(frame):
        outside = len(frame) - touching
        yield note(name, LayerCode.PARTLY_OUTSIDE, outside=outside, rows=len(frame))


def _shared_with_evidence(
    layers: Layers, *, evidence: Collection[str], features: Collection[str]
) -> Iterator[LayerProblem]:
    """Find feature layers that are evidence too, by name or by being the same file and layer."""
    known = [name for name in evidence if name in layers.names()]
    for name in dict.fromkeys(features):
        same = name if name in evidence else None
        if same is None and name in layers.names():
            same = next((other for other in known if _same_data(layers, name, other)), None)
        if same == name:
            yield error(name, LayerCode.EVIDENCE_AS_FEATURE)
        elif same is not None:
            yield error(name, LayerCode.SAME_DATA_AS_EVIDENCE, evidence=same)


def _same_data(layers: Layers, one: str, other: str) -> bool:
    """Return whether two layers read the same file and layer, and may read the same rows of it."""
    first, second = layers.source(one), layers.source(other)
    if first.path != second.path:
        return False
    if isinstance(first, RasterSource) or isinstance(second, RasterSource):
        return type(first) is type(second)
    if None not in (first.layer, second.layer) and first.layer != second.layer:
        return False
    shared = set(first.keep) & set(second.keep)
    return all(set(first.keep[column]) & set(second.keep[column]) for column in shared)


def _leaking_columns(layers: Layers, name: str) -> Iterator[LayerProblem]:
    source = layers.source(name)
    if not isinstance(source, VectorSource) or str(source.path).startswith("@"):
        return
    columns = [str(column) for column in layers.as_stored(name).columns]
    telling = tuple(column for column in columns if _TELLING.search(column.lower()))
    if telling:
        yield warning(name, LayerCode.TELLING_COLUMNS, columns=telling)
