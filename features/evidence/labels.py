"""Three-state labels: positive by evidence, negative by search, unlabelled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.errors import InputError
from minerisk.features.evidence.codes import EVIDENCE, EVIDENCE_BITS, HAZARD_BITS
from minerisk.features.grid import cell_centres
from minerisk.features.raster.rasterise import burn_greatest, burn_mask, coverage_fraction

CELL_RULES = ("centre", "touch", "cover")
POSITIVE, NEGATIVE, UNLABELLED = 1, 0, -1
ATTRIBUTES = {
    "state": {"words": "1 positive, 0 negative by search, -1 unlabelled"},
    "weight": {"words": "how far the label is believed"},
    "hazard": {"words": "bits: 1 ap, 2 at, 4 uxo, 8 any"},
    "last_date": {"unit": "days since 1970-01-01", "words": "latest record"},
    "evidence": {"words": f"strongest evidence: {EVIDENCE}"},
    "kinds": {"words": f"bits, every kind of evidence: {EVIDENCE_BITS}"},
}
"""What the values of each band mean."""


@dataclass(frozen=True)
class EvidenceLayer:
    """A layer that says: contamination was found, or suspected, here.

    Attributes
    ----------
    frame
        Points, lines or polygons in the grid's CRS. Columns ``hazard`` (ap, at, uxo or any) and
        ``day`` (days since 1970-01-01, NaN where not known) are used where they are present.
    evidence
        A key of `EVIDENCE`.
    weight
        How far it is believed, above 0 and at most 1.
    hazard
        Hazard class of records without one of their own.
    cells
        Which cells a polygon marks: ``centre`` (those whose centre it holds; others it touches
        stay as they are), ``touch`` (any it touches) or ``cover`` (those it covers by
        `min_coverage`; others it touches become unlabelled).
    min_coverage
        Share of a cell that polygons must cover, for ``cover``.
    """

    frame: gpd.GeoDataFrame
    evidence: str
    weight: float
    hazard: str = "any"
    cells: str = "touch"
    min_coverage: float = 0.0


def label_cells(
    geobox: GeoBox,
    evidence: Sequence[EvidenceLayer],
    *,
    surveyed: gpd.GeoDataFrame | None,
    search_weight: float,
    searches: Sequence[tuple[float, gpd.GeoDataFrame]] = (),
) -> xr.Dataset:
    """Label each cell by what was found, and by whether anyone looked.

    Parameters
    ----------
    geobox
        North-up grid in metres.
    evidence
        Finding layers. Where several hold a cell, the one with the greatest weight speaks; of
        equals, the first.
    surveyed
        Polygons, in the grid's CRS, where survey results are at hand; without them nothing is
        negative.
    search_weight
        How far a search without finds is believed.
    searches
        More searched land: weight and polygons. Where several hold a cell, the greatest weight
        speaks; evidence that touches a cell speaks before any search.

    Returns
    -------
    Dataset
        ``(y, x)``: ``state`` int8 (1 positive, 0 negative by search, -1 unlabelled), ``weight``
        float32 (0 where unlabelled), ``hazard`` uint8 (bits of `HAZARD_BITS`), ``last_date``
        float64 (days since 1970-01-01, NaN where not known), ``evidence`` uint8 (code of the
        strongest, of `EVIDENCE`; 0 for none), ``kinds`` uint8 (bits of `EVIDENCE_BITS`: every kind
        of evidence that holds the cell).

    Raises
    ------
    InputError
        If a kind of evidence, weight or hazard class makes no sense.

    Examples
    --------
    A find in the first cell, a search without finds in the second, nothing known of the third.

    >>> import shapely
    >>> from minerisk.features.grid import study_grid
    >>> bounds = (500_000, 4_400_000, 500_300, 4_400_100)
    >>> geobox = study_grid(bounds, crs="EPSG:32638", resolution_m=100)
    >>> find = shapely.Point(500_050, 4_400_050)
    >>> search = shapely.box(500_100, 4_400_000, 500_200, 4_400_100)
    >>> finds = gpd.GeoDataFrame(geometry=[find], crs="EPSG:32638")
    >>> searched = gpd.GeoDataFrame(geometry=[search], crs="EPSG:32638")
    >>> layer = EvidenceLayer(finds, "find", weight=1.0)
    >>> label_cells(geobox, [layer], surveyed=searched, search_weight=0.9)["state"].values
    array([[ 1,  0, -1]], dtype=int8)
    """
    shape = tuple(geobox.shape)
    weight, code = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.uint8)
    hazard, date = np.zeros(shape, dtype=np.uint8), np.full(shape, np.nan)
    kinds, touched = np.zeros(shape, dtype=np.uint8), np.zeros(shape, dtype=bool)
    for layer in evidence:
        _check(layer)
        touch = burn_mask(geobox, layer.frame, all_touched=layer.cells != "centre")
        held = touch & _enough(geobox, layer)
        stronger = held & (np.float32(layer.weight) > weight)
        weight[stronger], code[stronger] = layer.weight, EVIDENCE[layer.evidence]
        kinds[held] |= EVIDENCE_BITS[layer.evidence]
        hazard |= np.where(held, _hazard_bits(geobox, layer), 0).astype(np.uint8)
        date = np.fmax(date, np.where(held, _last_date(geobox, layer), np.nan))
        touched |= touch
    state = np.full(shape, UNLABELLED, dtype=np.int8)
    given = [] if surveyed is None else [(search_weight, surveyed)]
    for believed, polygons in [*given, *searches]:
        _check_weight(believed)
        searched = burn_mask(geobox, polygons, all_touched=False) & ~touched
        state[searched] = NEGATIVE
        weight[searched] = np.maximum(weight[searched], np.float32(believed))
    state[code > 0] = POSITIVE
    bands: dict[str, NDArray[Any]] = {
        "state": state,
        "weight": weight,
        "hazard": hazard,
        "last_date": date,
        "evidence": code,
        "kinds": kinds,
    }
    return _to_dataset(geobox, bands)


def _check(layer: EvidenceLayer) -> None:
    if layer.evidence not in EVIDENCE:
        raise InputError(f"The evidence is {layer.evidence!r}; expected one of {list(EVIDENCE)}.")
    if layer.cells not in CELL_RULES:
        raise InputError(f"Cells are marked by {layer.cells!r}; expected one of {CELL_RULES}.")
    _check_weight(layer.weight)


def _check_weight(weight: float) -> None:
    if not 0 < weight <= 1:
        raise InputError(f"The weight of evidence is {weight}; expected above 0, at most 1.")


def _enough(geobox: GeoBox, layer: EvidenceLayer) -> NDArray[np.bool_]:
    """Mark where points and lines lie, and where polygons cover enough of the cell."""
    if layer.cells != "cover":
        return np.ones(tuple(geobox.shape), dtype=bool)
    flat = ~layer.frame.geom_type.isin(["Polygon", "MultiPolygon"]).to_numpy()
    covered = coverage_fraction(geobox, layer.frame) >= layer.min_coverage
    return covered | burn_mask(geobox, layer.frame[flat], all_touched=True)


def _hazard_bits(geobox: GeoBox, layer: EvidenceLayer) -> NDArray[np.uint8]:
    classes = pd.Series(layer.hazard, index=layer.frame.index)
    if "hazard" in layer.frame.columns:
        classes = layer.frame["hazard"].fillna(layer.hazard)
    unknown = sorted(set(map(str, classes.unique())) - set(HAZARD_BITS))
    if unknown:
        raise InputError(f"The hazard classes are {unknown}; expected {list(HAZARD_BITS)}.")
    bits = np.zeros(tuple(geobox.shape), dtype=np.uint8)
    for name in sorted(classes.unique()):
        own = burn_mask(geobox, layer.frame[(classes == name).to_numpy()], all_touched=True)
        bits[own] |= HAZARD_BITS[name]
    return bits


def _last_date(geobox: GeoBox, layer: EvidenceLayer) -> NDArray[np.float64]:
    if "day" not in layer.frame.columns:
        return np.full(tuple(geobox.shape), np.nan)
    days = layer.frame["day"].to_numpy(dtype=np.float64)
    return burn_greatest(geobox, layer.frame, days, True)


def _to_dataset(geobox: GeoBox, bands: Mapping[str, NDArray[Any]]) -> xr.Dataset:
    easting, northing = cell_centres(geobox)
    return xr.Dataset(
        {name: (("y", "x"), values, ATTRIBUTES[name]) for name, values in bands.items()},
        coords={"y": northing, "x": easting},
    )
