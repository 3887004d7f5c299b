"""Search effort: where anyone has looked, how long ago, and by what means.

What is known of the search says where finds *can* be known, not where contamination is. It is for
models of survey bias; a model of contamination that reads it learns the survey.
"""

import datetime as dt
from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.errors import InputError
from minerisk.features.grid import resolution
from minerisk.features.layers.quality import parse_dates
from minerisk.features.layers.sources import Layers
from minerisk.features.raster.proximity import distance_to
from minerisk.features.raster.rasterise import burn_greatest, coverage_fraction
from minerisk.features.variable import Variable, to_dataset

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
    date_column = getattr(layers.source(layer), "date_column", None)
    frame = _until(layers.vector(layer, crs=str(geobox.crs)), layer, date_column, as_of)
    share = coverage_fraction(geobox, frame)
    metres = distance_to(share > 0, resolution_m=resolution(geobox), cap_m=cap_m)
    variables = {
        f"{layer}_searched": Variable(share, "1", f"share of the cell that {layer} has searched"),
        f"{layer}_unsearched_m": Variable(
            metres, "m", f"distance to land that {layer} has searched, at most {cap_m:g} m"
        ),
    }
    if date_column is not None and as_of is not None:
        words = f"years from the last search by {layer} to {as_of}; {cap_years:g} or more, or never"
        years = years_since(geobox, frame, date_column, as_of=as_of)
        shown = np.where(share > 0, np.minimum(years, cap_years), cap_years).astype(np.float32)
        variables[f"{layer}_years"] = Variable(shown, "year", words)
    for name, values in _means(frame, layer, means_column, means or {}).items():
        variables[f"{layer}_searched_{name}"] = Variable(
            coverage_fraction(geobox, values), "1", f"share of the cell searched by {name}"
        )
    return to_dataset(geobox, variables)


def years_since(
    geobox: GeoBox, frame: gpd.GeoDataFrame, date_column: str, *, as_of: dt.date
) -> NDArray[np.float64]:
    """Compute the years from the last dated search that touches a cell; NaN where there is none."""
    gone = (parse_dates(frame[date_column]) - pd.Timestamp(as_of)).dt.days
    days = np.asarray(gone, dtype=np.float64)
    return -burn_greatest(geobox, frame, days, all_touched=True) / DAYS_PER_YEAR


def _until(
    frame: gpd.GeoDataFrame, layer: str, date_column: str | None, as_of: dt.date | None
) -> gpd.GeoDataFrame:
    if date_column is None or as_of is None:
        return frame
    dates = parse_dates(_column(frame, layer, date_column))
    unread = frame[date_column].notna() & dates.isna()
    if unread.any():
        raise InputError(
            f"Column {date_column} of layer {layer} has {frame[date_column][unread].iloc[0]!r}; "
            "expected a date such as 1994-05-31."
        )
    return frame[~(dates > pd.Timestamp(str(as_of)))]


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
    given = _column(frame, layer, column).astype(str)
    return {name: frame[given.isin(list(values))] for name, values in means.items()}


def _column(frame: gpd.GeoDataFrame, layer: str, column: str) -> pd.Series:
    if column not in frame.columns:
        raise InputError(
            f"Layer {layer} has no column {column}; it has {sorted(map(str, frame.columns))}."
        )
    return frame[column]
