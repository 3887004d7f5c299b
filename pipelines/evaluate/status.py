"""`minerisk status`: what changed since a run was made, and how much of its ranking it touches."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.stats import rankdata

from minerisk.features.cube.store import open_cube
from minerisk.features.errors import InputError, MineriskError
from minerisk.features.grid import resolution
from minerisk.features.layers.sources import Layers, VectorSource
from minerisk.pipelines.evaluate.predicted_land import Land, find_places, read_land
from minerisk.pipelines.prepare.build import label_land
from minerisk.pipelines.provenance.files import sha256_path
from minerisk.pipelines.run.finding_rows import finding_layers, layer_rows, read_rows
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.readers import read_metrics

NAMES = {1: "positive", 0: "searched, nothing found", -1: "unlabelled"}


@dataclass(frozen=True)
class Incidents:
    """A file of accidents or finds.

    Attributes
    ----------
    path
        Vector file, any CRS.
    layer
        Layer of it, where there are more than one.
    date
        Column of dates; without it every row counts.
    since
        Day (YYYY-MM-DD) after which rows count; none is the run's ``study_area.as_of``.
    """

    path: Path
    layer: str | None = None
    date: str | None = None
    since: str | None = None


def run_status(run_dir: Path, *, incidents: Incidents | None = None) -> dict[str, Any]:
    """Say what made the rasters of a run stale. Nothing is changed and nothing trained.

    Returns
    -------
    dict
        ``stale``; ``layers``: each that changed, with rows new and gone (finding layers), and the
        columns and families made of it; ``labels``: cells by change, where the newly positive
        ones stood in the ranking, and the share of the ranked land within the range of a changed
        cell; ``incidents``: how many since, by class; ``rasters`` concerned; ``words``.

    Raises
    ------
    InputError
        If the run is not finished, or the incidents cannot be read.
    """
    run = Run.open(run_dir)
    land = read_land(run)
    layers = list(_changed_layers(run))
    changed = {row["layer"] for row in layers}
    labels = None
    if changed & set(finding_layers(run.config)) and not any(row["missing"] for row in layers):
        labels = _label_changes(run, land)
    told = None if incidents is None else _incidents(run, land, incidents)
    data: dict[str, Any] = {
        "stale": bool(layers) or bool(told and told["new"]),
        "simulated": run.simulated,
        "layers": layers,
        "labels": labels,
        "incidents": told,
        "rasters": _rasters(run_dir),
    }
    data["words"] = _words(data)
    return data


def _changed_layers(run: Run) -> list[dict[str, Any]]:
    """Compare layers by hash, then finding layers row by row."""
    recorded: dict[str, str] = {}
    for stage in run.manifest().stages:
        recorded |= stage.inputs
    layers, findings = run.layers(), finding_layers(run.config)
    written = {name for name in findings if f"layer:{name}" not in recorded}
    simulated = run.files.simulated
    remade = simulated.is_dir() and sha256_path(simulated) != recorded.get("simulated")
    names = [name.removeprefix("layer:") for name in sorted(recorded) if name.startswith("layer:")]
    rows = []
    for name in [*names, *sorted(written if remade else ())]:
        missing = None
        try:
            if name not in written and layers.sha256(name) == recorded[f"layer:{name}"]:
                continue
        except MineriskError as error:
            missing = str(error)
        row = {"layer": name, "missing": missing, **_columns(run, name)}
        if missing is None and name in findings:
            row |= _row_changes(run, layers, name)
            if name in written and not row["rows_new"] + row["rows_gone"]:
                continue
        rows.append(row)
    return rows


def _row_changes(run: Run, layers: Layers, name: str) -> dict[str, Any]:
    before, now = read_rows(run.folder).get(name), layer_rows(layers, name)
    if before is None:
        raise InputError(f"{run.folder} has no rows of layer {name} on record. Make the run again.")
    return {"rows_new": (now - before).total(), "rows_gone": (before - now).total()}


def _columns(run: Run, name: str) -> dict[str, Any]:
    """Say which features were made of a layer, and what their families were worth on far land."""
    cube = open_cube(run.files.cube)
    made = [
        column
        for column in cube.attrs["variables"]
        if name in str(cube[column].attrs.get("layer", "")).split(", ")
    ]
    families = sorted({str(cube[column].attrs.get("family", "")) for column in made})
    worth = {row["family"]: row["drop"] for row in read_metrics(run.folder)["importance"]}
    return {
        "columns": made,
        "of_columns": len(cube.attrs["variables"]),
        "families": [{"family": kind, "auc_drop": worth.get(kind)} for kind in families],
        "boundary": name == run.config.study_area.boundary,
    }


def _label_changes(run: Run, land: Land) -> dict[str, Any]:
    """Label the land anew from the layers as they are, and compare cell by cell."""
    cube = open_cube(run.files.cube)
    inside = cube["inside"].to_numpy() == 1
    stored = xr.open_zarr(run.files.labels, chunks=None, consolidated=False)
    before = stored["state"].to_numpy()
    now = label_land(run.config, run.layers(), land.geobox)["state"].to_numpy()
    now = np.where(inside, now, -1)
    changes = {
        f"{NAMES[was]} → {NAMES[becomes]}": int(((before == was) & (now == becomes)).sum())
        for was in NAMES
        for becomes in NAMES
        if was != becomes
    }
    differs = before != now
    range_m = float(read_metrics(run.folder)["range_m"])
    above = _land_above(land)[(now == 1) & (before != 1) & land.answered]
    return {
        "cells": {words: cells for words, cells in changes.items() if cells},
        "changed_cells": int(differs.sum()),
        "range_m": range_m,
        "ranked_land_within_range": _share_within(land, differs, range_m),
        "newly_positive_land_above": float(np.median(above)) if above.size else None,
    }


def _land_above(land: Land) -> NDArray[np.float64]:
    share = np.full(land.classes.shape, np.nan)
    values = land.probability[land.answered]
    share[land.answered] = 1.0 - (rankdata(values) - 0.5) / max(values.size, 1)
    return share


def _share_within(land: Land, marked: NDArray[np.bool_], range_m: float) -> float:
    if not marked.any():
        return 0.0
    distance = distance_transform_edt(~marked) * resolution(land.geobox)
    return float((distance[land.answered] <= range_m).mean())


def _incidents(run: Run, land: Land, given: Incidents) -> dict[str, Any]:
    source = VectorSource(given.path.resolve(), layer=given.layer)
    layers = Layers({"incidents": source}, source.path.parent)
    frame = layers.vector("incidents", crs=run.config.study_area.crs)
    since = _day(given.since) or run.config.study_area.as_of
    if given.date is not None:
        if given.date not in frame:
            raise InputError(
                f"{given.path.name} has no column {given.date!r}; it has {list(frame.columns)}."
            )
        dates = pd.to_datetime(frame[given.date], errors="coerce")
        if since is not None:
            frame = frame[~(dates <= pd.Timestamp(since))]  # an unknown date counts
    places = [place for place in find_places(land, frame) if place.inside]
    new = [place for place in places if place.new]
    classes = pd.Series([place.risk_class for place in new], dtype=str).value_counts()
    return {
        "since": None if since is None or given.date is None else str(since),
        "rows": len(frame),
        "inside": len(places),
        "new": len(new),
        "classes": {str(name): int(count) for name, count in sorted(classes.items())},
    }


def _day(text: str | None) -> dt.date | None:
    try:
        return None if text is None else dt.date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"--since {text!r} is no day; expected YYYY-MM-DD.") from error


def _rasters(folder: Path) -> list[str]:
    found = [*folder.glob("rasters/*.tif"), *folder.glob("requests/*/*.tif")]
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _words(data: Mapping[str, Any]) -> list[str]:
    lines = ["SIMULATED findings: nothing here is about real land."] if data["simulated"] else []
    for row in data["layers"]:
        lines += _layer_words(row)
    if data["labels"]:
        lines += _label_words(data["labels"])
    told = data["incidents"]
    if told:
        when = f" since {told['since']}" if told["since"] else ""
        classes = ", ".join(f"{count} in {name}" for name, count in told["classes"].items())
        lines.append(
            f"Incidents{when}: {told['inside']} in the study area, {told['new']} in cells the run "
            f"had not learned from ({classes or 'none'}). See `minerisk lookback`."
        )
    if data["stale"]:
        lines.append(f"STALE: {', '.join(data['rasters'])}. Make the run again (`minerisk run`).")
    else:
        lines.append("Nothing has changed since the run was made.")
    return lines


def _layer_words(row: Mapping[str, Any]) -> list[str]:
    name = row["layer"]
    if row["missing"]:
        return [f"Layer {name} cannot be read: {row['missing']}"]
    lines = []
    if "rows_new" in row:
        lines.append(
            f"Layer {name} (findings): {row['rows_new']} rows new, {row['rows_gone']} gone."
        )
    else:
        lines.append(f"Layer {name} has other bytes.")
    if row["boundary"]:
        lines.append(f"Layer {name} bounds the study area: all of the ranking is touched.")
    if row["columns"]:
        worth = ", ".join(
            f"{item['family']} {item['auc_drop']:+.3f}"
            for item in row["families"]
            if item["auc_drop"] is not None
        )
        lines.append(
            f"{len(row['columns'])} of {row['of_columns']} columns are made of {name}; all of the "
            f"ranking can move. ROC-AUC lost on far land without their families: {worth or 'none'}."
        )
    return lines


def _label_words(labels: Mapping[str, Any]) -> list[str]:
    cells = "; ".join(f"{count:,} {words}" for words, count in labels["cells"].items())
    lines = [
        f"Labels: {labels['changed_cells']:,} cells change ({cells or 'none'}). "
        f"{labels['ranked_land_within_range']:.0%} of the ranked land lies within "
        f"{labels['range_m'] / 1_000:.0f} km of one, the range of the findings."
    ]
    above = labels["newly_positive_land_above"]
    if above is not None:
        lines.append(
            f"The run ranks {above:.0%} of the land above the newly positive cells (median)."
        )
    return lines
