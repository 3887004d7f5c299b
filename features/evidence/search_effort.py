"""Search effort: where anyone has looked, how long ago, and by what means.

What is known of the search says where finds *can* be known, not where contamination is. It is for
models of survey bias; a model of contamination that reads it learns the survey.
"""

import datetime as dt
from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.errors import InputError
from minerisk.features.grid import resolution
from minerisk.features.layers.sources import Layers
from minerisk.features.layers.vectors import areas
from minerisk.features.raster.proximity import distance_to
from minerisk.features.raster.rasterise import burn_greatest, coverage_fraction
from minerisk.features.variable import Variable, to_dataset
from minerisk.features.vector_files.columns import TextColumn
from minerisk.features.vector_files.dates import day_number

DAYS_PER_YEAR = 365.25


def search_effort(
    layers: Layers,
    geobox: GeoBox,
    *,
    layer: str,
    as_of: dt.date | None = None,
    means_column: str | None = None,
    means: Mapping[str, Sequence[str]] | None = None,
    cap_m: float,
    cap_years: float,
) -> xr.Dataset:
    """Compute where, how long ago and by what means the ground was searched.

    Parameters
    ----------
    layers
        Holds `layer`: polygons of searched land, with the layer's `date_column` if it has one.
    geobox
        North-up grid in metres, wider than the area asked for by `cap_m`.
    layer
        Name of the layer.
    as_of
        The day to count years back from; searches dated later are left out. Without it, or
        without a date column, no years are given.
    means_column, means
        Column with the means of search; name of a means: its values.
    cap_m, cap_years
        Greater distances and longer times read as this; never searched reads `cap_years`.

    Returns
    -------
    Dataset
        float32 ``(y, x)``: ``<layer>_searched`` and, by means, ``<layer>_searched_<means>`` (share
        of the cell), ``<layer>_unsearched_m`` (distance to searched land) and, with dates,
        ``<layer>_years`` since the last search of any part of the cell, NaN where it was searched
        on an unknown day.

    Raises
    ------
    InputError
        If a column is missing, a date cannot be read, or `means` comes without `means_column`.
    """
    frame, days = _until(layers, layer, crs=str(geobox.crs), as_of=as_of)
    share = coverage_fraction(geobox, frame)
    metres = distance_to(share > 0, resolution_m=resolution(geobox), cap_m=cap_m)
    variables = {
        f"{layer}_searched": Variable(share, "1", f"share of the cell that {layer} has searched"),
        f"{layer}_unsearched_m": Variable(
            metres, "m", f"distance to land that {layer} has searched, at most {cap_m:,g} m"
        ),
    }
    if days is not None and as_of is not None:
        words = f"years from the last search by {layer} to {as_of}; {cap_years:g} or more, or never"
        years = years_since(geobox, frame, days, as_of=as_of)
        shown = np.where(share > 0, np.minimum(years, cap_years), cap_years).astype(np.float32)
        variables[f"{layer}_years"] = Variable(shown, "year", words)
    for name, values in _means(frame, layer, means_column, means or {}).items():
        variables[f"{layer}_searched_{name}"] = Variable(
            coverage_fraction(geobox, values), "1", f"share of the cell searched by {name}"
        )
    return to_dataset(geobox, variables)


def years_since(
    geobox: GeoBox, frame: gpd.GeoDataFrame, days: NDArray[np.float64], *, as_of: dt.date
) -> NDArray[np.float64]:
    """Compute the years from the last dated search that touches a cell; NaN where there is none.

    Parameters
    ----------
    days
        Day of each search since 1970-01-01, NaN where not known.
    """
    gone = days - day_number(as_of)
    return -burn_greatest(geobox, frame, gone, all_touched=True) / DAYS_PER_YEAR


def _until(
    layers: Layers, layer: str, *, crs: str, as_of: dt.date | None
) -> tuple[gpd.GeoDataFrame, NDArray[np.float64] | None]:
    """Return the searches up to a day, and the day of each."""
    frame = areas(layers.vector(layer, crs=crs), name=layer)
    days = layers.days(layer, frame)
    if days is None or as_of is None:
        return frame, None
    kept = ~days.after(as_of)
    return frame[kept], days.last[kept]


def _means(
    frame: gpd.GeoDataFrame, layer: str, column: str | None, means: Mapping[str, Sequence[str]]
) -> dict[str, gpd.GeoDataFrame]:
    if (column is None) != (not means):
        raise InputError(
            f"The search effort of {layer} has means_column {column} and means {dict(means)}; "
            "expected both or neither."
        )
    if column is None:
        return {}
    given = TextColumn(column, "means_column").read(frame, layer)
    return {name: frame[np.isin(given, list(values))] for name, values in means.items()}
