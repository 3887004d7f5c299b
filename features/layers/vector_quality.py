"""What to know of a vector layer before it is used: rows left out, columns, CRS, exchanged axes."""

import datetime as dt
from collections.abc import Iterable, Iterator

import geopandas as gpd
import numpy as np
import shapely

from minerisk.features.errors import InputError
from minerisk.features.layers import vector_crs
from minerisk.features.layers.problems import LayerCode, LayerProblem, error, note, warning
from minerisk.features.layers.sources import Layers, VectorSource
from minerisk.features.vector_files.columns import Column
from minerisk.features.vector_files.dates import read_days, row_words

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


def date_problems(
    layers: Layers,
    name: str,
    source: VectorSource,
    frame: gpd.GeoDataFrame,
    *,
    as_of: dt.date | None,
) -> Iterator[LayerProblem]:
    """Find dates that cannot be read, records without one, and those after `as_of`.

    Parameters
    ----------
    frame
        The records with a geometry; their index counts the rows of the file.
    """
    column = source.date_column
    if column is None:
        return
    if column not in frame:
        known = tuple(map(str, frame))
        yield error(name, LayerCode.NO_DATE_COLUMN, column=column, known=known)
        return
    given = frame[column]
    days, faults = read_days(given, date_format=source.date_format, today=layers.today)
    for fault in faults:
        rows = row_words(given.index[list(fault.places)])
        yield error(name, LayerCode(fault.code), column=column, rows=rows, example=fault.example)
    undated = int(np.isnan(days.last).sum()) - sum(len(fault.places) for fault in faults)
    if undated:
        yield note(name, LayerCode.UNDATED, undated=undated, rows=len(frame))
    late = 0 if as_of is None else int(days.after(as_of).sum())
    if late:
        yield warning(name, LayerCode.LATE_DATES, dates=late, as_of=str(as_of))


def column_problems(
    name: str, frame: gpd.GeoDataFrame, columns: Iterable[Column]
) -> Iterator[LayerProblem]:
    """Find columns that what reads them would refuse, by reading them in the same way."""
    for column in columns:
        try:
            column.read(frame, name)
        except InputError as failure:
            yield error(name, LayerCode.UNREADABLE_COLUMN, reason=str(failure))


def crs_problems(
    name: str, source: VectorSource, frame: gpd.GeoDataFrame, *, crs: str
) -> Iterator[LayerProblem]:
    """Tell whose word the CRS is, and whether its datum can be brought to the study area's."""
    if source.crs is not None and source.easting is None:  # a CSV file must give it
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
