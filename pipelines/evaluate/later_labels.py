"""`minerisk evaluate later`: score a run on finds that came after it, the test that counts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.features.grid import cells_inside
from minerisk.features.layers.sources import Layers, VectorSource
from minerisk.features.raster.rasterise import burn_mask
from minerisk.models.evaluation.area_curves import boyce_index, prediction_area, success_rate
from minerisk.models.evaluation.intervals import effective_rows, wilson
from minerisk.models.evaluation.metrics import block_bootstrap
from minerisk.models.folds.splits import assign_blocks
from minerisk.pipelines.evaluate.predicted_land import (
    RASTERS,
    TRAINED_AS,
    Land,
    _cells,
    find_places,
    read_land,
)
from minerisk.pipelines.formats.palette import CLASS_NAMES, OUTSIDE
from minerisk.pipelines.provenance.files import sha256_path, write_json
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.run.folder import Run

FORMAT = 1
LEVEL = 0.9


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
        "run": {name: sha256_path(RunFolder(run_dir).rasters / name) for name in RASTERS},
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
