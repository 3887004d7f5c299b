"""`minerisk evaluate --labels`: score a run on finds that came after it, the test that counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from scipy.stats import rankdata

from features.errors import InputError
from features.grid import cell_centres, cells_inside, resolution
from features.rasterise import burn_mask
from features.sources import Layers, VectorSource
from models.area_curves import boyce_index, prediction_area, success_rate
from models.intervals import effective_rows, wilson
from models.metrics import block_bootstrap
from models.splits import assign_blocks
from pipelines.context import Run, read_metrics
from pipelines.manifest import read_manifest, sha256_path, write_json
from pipelines.rasters import read_raster
from pipelines.styles import CLASS_NAMES, OUTSIDE

FORMAT = 1
LEVEL = 0.9
RASTERS = ("probability.tif", "applicability.tif", "risk_class.tif")
TRAINED_AS = {1: "positive", 0: "negative", -1: "unlabelled"}


@dataclass(frozen=True)
class Land:
    """What a run says of its land; arrays of shape (height, width)."""

    geobox: GeoBox
    probability: NDArray[np.float32]
    applicable: NDArray[np.bool_]
    classes: NDArray[np.uint8]
    trained: NDArray[np.int8]
    block_m: float

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Cells of the study area with a probability."""
        return (self.classes != OUTSIDE) & np.isfinite(self.probability)

    @property
    def cell_ha(self) -> float:
        """Area of a cell, hectares."""
        return resolution(self.geobox) ** 2 / 10_000

    def blocks(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Give the block of each chosen cell."""
        easting, northing = cell_centres(self.geobox)
        rows, columns = np.nonzero(chosen)
        centres = np.column_stack([easting[columns], northing[rows]])
        return assign_blocks(centres, block_m=self.block_m)


def evaluate_labels(
    run_dir: Path,
    labels_path: Path,
    *,
    layer: str | None = None,
    searched_layer: str | None = None,
    out: Path | None = None,
) -> dict[str, Any]:
    """Score a run on finds, and on land searched without one, that came after it.

    Nothing is trained and no file of the run is touched. What the run had been told already is
    set apart: a find in a cell it learned as positive tests nothing.

    Parameters
    ----------
    run_dir
        Folder of a run with rasters.
    labels_path
        GeoPackage or another vector file, any CRS, with finds as points or polygons.
    layer
        Layer of the finds, where the file has more than one.
    searched_layer
        Layer of the same file: polygons that were searched. Without it nothing is known of land
        without finds, and only where the finds lie can be told.
    out
        Folder or ``.json`` file to write the result to (``later_labels.json``), outside the run.

    Returns
    -------
    dict
        ``finds`` (counts), ``classes`` (share of finds and of land in each), ``places`` (each
        find: probability, class, share of land ranked above it), ``presence`` (Boyce index,
        success rate, P–A crossing, found in the top 5, 10, 20 % of land), ``scored`` (all
        measures with 90 % intervals on searched land, None without), ``words`` (sentences).

    Raises
    ------
    InputError
        If the run has no rasters or they are not as it wrote them, no find lies in its study
        area, or `out` lies in the run folder.
    """
    run = Run.open(run_dir)
    target = _target(out, run_dir)
    land = read_land(run)
    finds = _frame(labels_path, layer, run.config.study_area.crs)
    searched = None
    if searched_layer is not None:
        searched = _frame(labels_path, searched_layer, run.config.study_area.crs)
    places = find_places(land, finds)
    if not any(place["class"] for place in places):
        raise InputError(
            f"None of the {len(finds)} finds of {labels_path.name} lies in the study area of "
            f"{run_dir}. Check the layer, and that the run is of the same land."
        )
    found = _find_mask(land, finds)
    data: dict[str, Any] = {
        "format": FORMAT,
        "study_area": run.config.study_area.name,
        "simulated": run.simulated,
        "labels": {"file": labels_path.name, "sha256": sha256_path(labels_path)},
        "run": {name: sha256_path(run_dir / "rasters" / name) for name in RASTERS},
        "finds": _counts(places),
        "classes": _by_class(land, places),
        "presence": _presence(land, found & (land.trained != 1)),
        "scored": None if searched is None else _scored(land, found, searched),
        "places": places,
    }
    data["words"] = list(_words(data, searched is not None))
    if target is not None:
        write_json(target, data)
    return data


def read_land(run: Run) -> Land:
    """Read what a run says, its rasters checked against their hashes.

    Raises
    ------
    InputError
        If a raster is missing or changed.
    """
    stages = read_manifest(run.folder)["stages"]
    recorded: dict[str, str] = {}
    for stage in stages:
        recorded |= stage["outputs"]
    for name in RASTERS:
        path = run.folder / "rasters" / name
        if not path.is_file():
            raise InputError(f"{run.folder} has no rasters/{name}; run `minerisk predict` first.")
        if recorded.get(f"rasters/{name}") != sha256_path(path):
            raise InputError(
                f"rasters/{name} is not as the run wrote it (manifest.json). Run `minerisk audit`."
            )
    probability, geobox = read_raster(run.folder / "rasters" / "probability.tif")
    ratio, _ = read_raster(run.folder / "rasters" / "applicability.tif")
    classes, _ = read_raster(run.folder / "rasters" / "risk_class.tif")
    labels = xr.open_zarr(run.folder / "labels.zarr", chunks=None, consolidated=False)
    return Land(
        geobox=geobox,
        probability=probability,
        applicable=ratio <= 1,
        classes=classes,
        trained=labels["state"].to_numpy(),
        block_m=float(read_metrics(run.folder)["block_m"]),
    )


def find_places(land: Land, finds: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    """Say of each find what the run said of its cell (of a polygon: the cell of a point in it).

    Returns
    -------
    list of dict
        ``find`` (its row), ``easting``, ``northing``, ``class`` (None outside the study area),
        ``probability``, ``applicable``, ``trained_as``; ``land_above``: share of the land with a
        higher probability, half of the land with the same counted; ``hectares_above``.
    """
    rows, columns = _cells(land.geobox, finds)
    values = land.probability[land.answered]
    above = 1.0 - (rankdata(values) - 0.5) / values.size
    share = np.full(land.classes.shape, np.nan)
    share[land.answered] = above
    hectares = float(values.size * land.cell_ha)
    points = shapely.point_on_surface(finds.geometry.array)
    height, width = land.classes.shape
    places = []
    for number, (row, column, point) in enumerate(zip(rows, columns, points, strict=True)):
        place: dict[str, Any] = {"find": number, "easting": point.x, "northing": point.y}
        inside = 0 <= row < height and 0 <= column < width and land.classes[row, column] != OUTSIDE
        if not inside:
            places.append(place | {"class": None})
            continue
        known = bool(np.isfinite(share[row, column]))
        places.append(
            place
            | {
                "class": CLASS_NAMES[int(land.classes[row, column])],
                "probability": float(land.probability[row, column]) if known else None,
                "applicable": bool(land.applicable[row, column]),
                "trained_as": TRAINED_AS[int(land.trained[row, column])],
                "land_above": float(share[row, column]) if known else None,
                "hectares_above": float(share[row, column]) * hectares if known else None,
            }
        )
    return places


def _target(out: Path | None, run_dir: Path) -> Path | None:
    if out is None:
        return None
    if out.resolve().is_relative_to(run_dir.resolve()):
        raise InputError(
            f"{out} lies in the run folder {run_dir}, whose files are hashed and stay as they are. "
            "Choose another place."
        )
    return out if out.suffix == ".json" else out / "later_labels.json"


def _frame(path: Path, layer: str | None, crs: str) -> gpd.GeoDataFrame:
    source = VectorSource(path.resolve(), layer=layer)
    return Layers({"labels": source}, source.path.parent).vector("labels", crs=crs)


def _cells(geobox: GeoBox, frame: gpd.GeoDataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    points = shapely.point_on_surface(frame.geometry.array)
    transform = geobox.transform
    columns = np.floor((shapely.get_x(points) - transform.c) / transform.a)
    rows = np.floor((shapely.get_y(points) - transform.f) / transform.e)
    return rows.astype(np.int64), columns.astype(np.int64)


def _find_mask(land: Land, finds: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Mark the cells whose centre a find holds, and the cell each find lies in."""
    found = burn_mask(land.geobox, finds, False)
    rows, columns = _cells(land.geobox, finds)
    height, width = found.shape
    on_map = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    found[rows[on_map], columns[on_map]] = True
    return found & (land.classes != OUTSIDE)


def _counts(places: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    inside = [place for place in places if place["class"] is not None]
    count = {f"trained_as_{word}": 0 for word in TRAINED_AS.values()}
    for place in inside:
        count[f"trained_as_{place['trained_as']}"] += 1
    return {
        "total": len(places),
        "outside_study_area": len(places) - len(inside),
        **count,
        "new": sum(place["trained_as"] != "positive" for place in inside),
        "new_in_cannot_say": sum(
            place["trained_as"] != "positive" and place["class"] == "cannot_say" for place in inside
        ),
    }


def _by_class(land: Land, places: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give the share of new finds and of land in each class; intervals by blocks of finds."""
    new = [place for place in places if place["class"] and place["trained_as"] != "positive"]
    rows: list[dict[str, Any]] = []
    cells = int((land.classes != OUTSIDE).sum())
    blocks = None
    if new:
        points = np.array([[place["easting"], place["northing"]] for place in new])
        blocks = assign_blocks(points, block_m=land.block_m)
    for code, name in sorted(CLASS_NAMES.items(), reverse=True):
        share = float((land.classes == code).sum() / cells)
        row: dict[str, Any] = {"class": name, "land_share": share, "finds": 0, "find_share": None}
        if blocks is not None:
            hit = np.array([place["class"] == name for place in new], dtype=np.float64)
            rows_worth = effective_rows(hit, np.ones(len(hit)), blocks)
            low, high = wilson(float(hit.mean()), rows_worth, level=LEVEL)
            row |= {
                "finds": int(hit.sum()),
                "find_share": [float(hit.mean()), low, high],
                "ratio": float(hit.mean() / share) if share else None,
            }
        rows.append(row)
    return rows


def _presence(land: Land, new: NDArray[np.bool_]) -> dict[str, Any] | None:
    """Measure where new finds lie on all land that the run had not learned as positive."""
    chosen = land.answered & (land.trained != 1)
    y, p, blocks = new[chosen], land.probability[chosen].astype(np.float64), land.blocks(chosen)
    if not 0 < y.sum() < y.size or p.min() == p.max():
        return None
    curve = success_rate(y, p, blocks, level=LEVEL)
    plot = prediction_area(y, p, blocks, level=LEVEL)
    top = {
        f"found_in_top_{share}": [
            float(np.interp(share / 100, curve.land, line))
            for line in (curve.found, curve.low, curve.high)
        ]
        for share in (5, 10, 20)
    }
    return {
        "find_cells": int(y.sum()),
        "cells": int(y.size),
        "boyce": _numbers(boyce_index(y, p, blocks, level=LEVEL).index),
        "area_under_success_rate": _numbers(curve.area),
        "prediction_area_crossing": _numbers(plot.crossing),
        **top,
        "success_rate": np.round(
            np.column_stack([curve.land, curve.found, curve.low, curve.high]), 5
        ).tolist(),
    }


def _scored(
    land: Land, found: NDArray[np.bool_], searched: gpd.GeoDataFrame
) -> dict[str, Any] | None:
    """Score searched cells that the run had no label for; None if they hold one class only."""
    fresh = cells_inside(land.geobox, searched) & land.answered & (land.trained == -1)
    parts = {"all": fresh, "applicable": fresh & land.applicable}
    measured = {name: _measures(land, found, chosen) for name, chosen in parts.items()}
    return {"block_m": land.block_m, **measured}


def _measures(land: Land, found: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> dict[str, Any]:
    y, blocks = found[chosen].astype(np.int8), land.blocks(chosen)
    counts: dict[str, Any] = {
        "cells": int(y.size),
        "find_cells": int(y.sum()),
        "blocks": len(np.unique(blocks)),
        "measures": None,
    }
    if 0 < y.sum() < y.size and counts["blocks"] > 1:
        p = land.probability[chosen].astype(np.float64)
        measured = block_bootstrap(y, p, blocks, cell_ha=land.cell_ha, level=LEVEL)
        counts["measures"] = {name: _numbers(values) for name, values in measured.items()}
    return counts


def _numbers(values: Sequence[float]) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]


def _words(data: Mapping[str, Any], searched: bool) -> list[str]:
    finds = data["finds"]
    lines = ["SIMULATED findings: this says nothing about real land."] if data["simulated"] else []
    lines.append(
        f"{finds['total']} finds, {finds['outside_study_area']} outside the study area; "
        f"{finds['trained_as_positive']} lie in cells the run had learned as positive and test "
        f"nothing; {finds['new']} are new."
    )
    if finds["trained_as_negative"]:
        lines.append(
            f"{finds['trained_as_negative']} finds lie where the run had been told that a search "
            "found nothing: look at that search."
        )
    if finds["new_in_cannot_say"]:
        lines.append(
            f"{finds['new_in_cannot_say']} new finds lie where the run said that it cannot say."
        )
    lines += [
        f"{row['class']}: {row['land_share']:.1%} of the land, {_share(row['find_share'])} of the "
        f"new finds ({row['finds']})."
        for row in data["classes"]
        if finds["new"]
    ]
    if data["presence"]:
        lines.append(
            f"New finds in the top 20 % of land: {_share(data['presence']['found_in_top_20'])}; "
            "20 % is what chance gives."
        )
    return lines + _searched_words(data["scored"], searched)


def _searched_words(scored: Mapping[str, Any] | None, searched: bool) -> list[str]:
    if not searched or scored is None:
        return [
            "No layer of searched land was given, so nothing is said of land without finds: where "
            "people looked decides where finds lie."
        ]
    part = scored["all"]
    if part["measures"] is None:
        return [
            f"Searched land the run had no label for: {part['cells']} cells with "
            f"{part['find_cells']} finds in {part['blocks']} blocks; too little to score (both "
            "kinds of cell and two blocks are needed)."
        ]
    auc = part["measures"]["roc_auc"]
    return [
        f"On {part['cells']:,} searched cells that the run had no label for, {part['find_cells']} "
        f"with finds: ROC-AUC {auc[0]:.2f} ({auc[1]:.2f} to {auc[2]:.2f})."
    ]


def _share(values: Sequence[float | None] | None) -> str:
    if values is None or any(value is None for value in values):
        return "an unknown share"
    share, low, high = (float(value or 0.0) for value in values)
    return f"{share:.0%} ({low:.0%} to {high:.0%})"
