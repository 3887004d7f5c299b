"""`minerisk build`: from layers to the feature cube and the labels."""

import datetime as dt
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.features import rasterize
from scipy.spatial import cKDTree

from configs.schema import Config, Evidence, Search
from features.cube import Tiling, build_cube, cube_geobox, open_cube
from features.errors import InputError
from features.grid import cell_centres, resolution
from features.labels import EvidenceLayer, label_cells
from features.sources import Layers, VectorSource
from models.splits import assign_blocks, cluster_regions, join_thin_regions
from models.table import MARKS, CellTable
from pipelines.console import Progress
from pipelines.context import Run
from pipelines.layers import effort_features, present_features
from pipelines.line_error import line_error

log = logging.getLogger(__name__)

GROUPING_M = 5_000.0
SLIVER = 0.05


def build(run: Run, *, progress: Progress) -> tuple[Sequence[Path], dict[str, Any]]:
    """Write ``cube.zarr``, ``labels.zarr`` and, if asked for, ``effort.zarr`` of search effort."""
    config, layers = run.config, run.layers()
    geobox, inside = run.grid(layers)
    cube = run.folder / "cube.zarr"
    features, left_out = present_features(config, layers)
    for line in left_out:
        log.warning("%s.", line)
    tiling = Tiling(run=run.workers.run)
    built = build_cube(
        layers,
        features,
        geobox=geobox,
        inside=inside,
        path=cube,
        progress=progress.step,
        tiling=tiling,
    )
    made = [cube]
    if effort := effort_features(config, layers):
        # A store of its own: whatever reads the cube cannot take it for a feature.
        made.append(run.folder / "effort.zarr")
        build_cube(layers, effort, geobox=geobox, inside=inside, path=made[-1], tiling=tiling)
    labels = label_land(config, layers, geobox)
    labels["state"] = labels["state"].where(inside, -1).astype(np.int8)
    labels["region"] = (("y", "x"), _regions(config, layers, geobox, labels["state"].to_numpy()))
    path = write_zarr(labels, run.folder / "labels.zarr")
    opened = open_cube(cube)
    units = {name: str(opened[name].attrs["unit"]) for name in opened.attrs["variables"]}
    facts = {
        "built": built,
        "cells": int(inside.sum()),
        "shape": list(geobox.shape),
        "features": list(units),
        "left_out": left_out,
        "line_error": line_error(config, layers, features, units=units),
        "regions": int(labels["region"].max()) + 1,
    }
    return [*made, path], facts


def read_cells(run: Run, chosen: NDArray[np.bool_] | None = None) -> CellTable:
    """Read cells of a run with features, labels and marks of what was found there.

    Parameters
    ----------
    run
        A run whose cube and labels are built.
    chosen
        Cells to read, shape ``(height, width)``; by default the labelled ones.
    """
    cube = open_cube(run.folder / "cube.zarr")
    labels = xr.open_zarr(run.folder / "labels.zarr", chunks=None, consolidated=False)
    geobox = cube_geobox(cube)
    rows, columns = np.nonzero(labels["state"].to_numpy() >= 0 if chosen is None else chosen)
    easting, northing = cell_centres(geobox)
    data: dict[str, Any] = {"easting": easting[columns], "northing": northing[rows]}
    for name in cube.attrs["variables"]:
        data[name] = cube[name].to_numpy()[rows, columns]
    for mark, name in zip(MARKS, ("hazard", "evidence", "last_date"), strict=True):
        data[mark] = labels[name].to_numpy()[rows, columns]
    return CellTable(
        cells=pd.DataFrame(data),
        state=labels["state"].to_numpy()[rows, columns],
        weight=labels["weight"].to_numpy()[rows, columns],
        region=labels["region"].to_numpy()[rows, columns],
        cell_ha=resolution(geobox) ** 2 / 10_000,
    )


def feature_families(run: Run) -> dict[str, list[str]]:
    """Group the features of a run's cube by family."""
    return families_of(open_cube(run.folder / "cube.zarr"))


def families_of(cube: xr.Dataset) -> dict[str, list[str]]:
    """Group a cube's features by family; distances and the like by their layer."""
    families: dict[str, list[str]] = {}
    for name in cube.attrs["variables"]:
        attrs = cube[name].attrs
        family = attrs["family"]
        if family in {"distance", "density", "value"}:
            family = str(attrs["layer"])
        families.setdefault(family, []).append(str(name))
    return families


def write_zarr(dataset: xr.Dataset, path: Path) -> Path:
    """Write a Zarr store whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    dataset.to_zarr(partial, mode="w", zarr_format=3, consolidated=False)
    shutil.rmtree(path, ignore_errors=True)
    partial.rename(path)
    return path


def label_land(config: Config, layers: Layers, geobox: GeoBox) -> xr.Dataset:
    """Label the cells of a grid from the finding layers, as they are now."""
    crs = config.study_area.crs
    as_of = config.study_area.as_of
    evidence = [
        EvidenceLayer(
            frame=frame,
            evidence=item.evidence,
            weight=weight,
            hazard=item.hazard,
            cells=item.cells,
            min_coverage=item.min_coverage,
        )
        for item in config.labels.positive
        for weight, frame in _by_weight(_dated(_evidence_frame(layers, item, crs), as_of), item)
    ]
    surveyed = None
    if config.labels.surveyed is not None:
        whole = Search(layer=config.labels.surveyed)
        surveyed = _dated(_record_frame(layers, whole, crs), as_of)
    return label_cells(
        geobox,
        evidence,
        surveyed=surveyed,
        search_weight=config.labels.search_weight,
        searches=[
            frame
            for item in config.labels.searches
            for frame in _by_weight(_dated(_record_frame(layers, item, crs), as_of), item)
        ],
    )


def _by_weight(
    frame: gpd.GeoDataFrame, item: Evidence | Search
) -> list[tuple[float, gpd.GeoDataFrame]]:
    """Take records of different weight apart."""
    if "weight" not in frame:
        return [(item.weight, frame)]
    weights = pd.to_numeric(frame["weight"], errors="coerce")
    wrong = frame["weight"][~((weights > 0) & (weights <= 1))]
    if len(wrong):
        raise InputError(
            f"The layer {item.layer} has the weight {wrong.iloc[0]!r} in {item.weight_column}; "
            "expected numbers above 0, at most 1. Correct it."
        )
    return [(item.weight * float(value), part) for value, part in frame.groupby(weights)]


def _evidence_frame(layers: Layers, item: Evidence, crs: str) -> gpd.GeoDataFrame:
    frame, own = layers.vector(item.layer, crs=crs), _record_frame(layers, item, crs)
    if item.hazard_column is not None:
        own["hazard"] = _column(frame, item.hazard_column, item.layer).astype(str).str.lower()
    return own


def _record_frame(layers: Layers, item: Evidence | Search, crs: str) -> gpd.GeoDataFrame:
    """Read records with their geometry and, where columns are named, weight and date."""
    frame = layers.vector(item.layer, crs=crs)
    source = layers.source(item.layer)
    columns: dict[str, Any] = {}
    if item.weight_column is not None:
        columns["weight"] = _column(frame, item.weight_column, item.layer)
    if isinstance(source, VectorSource) and source.date_column is not None:
        dates = _column(frame, source.date_column, item.layer)
        columns["date"] = pd.to_datetime(dates, errors="coerce")
    return gpd.GeoDataFrame(columns, geometry=frame.geometry.to_numpy(), crs=frame.crs)


def _column(frame: gpd.GeoDataFrame, name: str, layer: str) -> pd.Series:
    if name not in frame:
        raise InputError(
            f"The layer {layer} has no column {name!r}; it has {list(frame.columns)}. Correct the "
            "configuration."
        )
    return frame[name].reset_index(drop=True)


def _dated(frame: gpd.GeoDataFrame, as_of: dt.date | None) -> gpd.GeoDataFrame:
    if as_of is None or "date" not in frame:
        return frame
    return frame[~(frame["date"] > pd.Timestamp(as_of))]


def _regions(
    config: Config, layers: Layers, geobox: GeoBox, state: NDArray[np.int8]
) -> NDArray[np.int32]:
    """Give each cell the region it is left out with; -1 where nothing is labelled."""
    asked = config.study_area.regions
    labelled = np.nonzero(state >= 0)
    region = np.full(state.shape, -1, dtype=np.int32)
    if labelled[0].size == 0:
        return region
    easting, northing = cell_centres(geobox)
    centres = np.column_stack([easting[labelled[1]], northing[labelled[0]]])
    unit: NDArray[np.int64]
    if asked.layer is None:
        unit = np.unique(assign_blocks(centres, block_m=GROUPING_M), return_inverse=True)[1]
    else:
        frame = layers.vector(asked.layer, crs=config.study_area.crs)
        unit = polygon_numbers(geobox, frame)[labelled].astype(np.int64)
    grouped = _group_units(unit, centres, count=asked.count, seed=config.model.seed)
    joined = join_thin_regions(grouped, (state[labelled] == 1).astype(int), centres)
    region[labelled] = np.unique(joined, return_inverse=True)[1]
    return region


def _group_units(
    unit: NDArray[np.int64], centres: NDArray[np.float64], *, count: int, seed: int
) -> NDArray[np.int64]:
    """Group units into regions by k-means; slivers follow the region nearest to them."""
    units, index = np.unique(unit, return_inverse=True)
    sizes = np.bincount(index)
    middle = np.column_stack([np.bincount(index, weights=axis) / sizes for axis in centres.T])
    whole = sizes >= SLIVER * np.median(sizes)
    region = np.empty(len(units), dtype=np.int64)
    region[whole] = cluster_regions(middle[whole], count=min(count, int(whole.sum())), seed=seed)
    _, nearest = cKDTree(middle[whole]).query(middle[~whole])
    region[~whole] = region[whole][nearest]
    return region[index]


def polygon_numbers(geobox: GeoBox, frame: gpd.GeoDataFrame) -> NDArray[np.int32]:
    """Give each cell the row of the polygon that holds its centre; -1 where none does."""
    shapes = [(shape, number) for number, shape in enumerate(frame.geometry)]
    return rasterize(
        shapes,
        out_shape=tuple(geobox.shape),
        transform=geobox.transform,
        fill=-1,
        dtype="int32",
    )
