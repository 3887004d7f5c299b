"""`minerisk compare`: what two runs differ in, and what follows from it on the map."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from minerisk.features.errors import CoverError, InputError, MineriskError
from minerisk.models.evaluation.comparison import compare
from minerisk.models.folds.blocks import assign_blocks
from minerisk.pipelines.evaluate.comparison_lines import cause_words
from minerisk.pipelines.evaluate.districts import read_districts
from minerisk.pipelines.evaluate.predicted_land import read_land
from minerisk.pipelines.evaluate.ranking_shift import (
    Side,
    by_district,
    by_region,
    rank_shift,
    region_words,
    tasks_in_and_out,
    write_map,
)
from minerisk.pipelines.formats.cog import read_raster_like
from minerisk.pipelines.formats.csv_table import csv_text
from minerisk.pipelines.provenance.environment import environment_causes
from minerisk.pipelines.provenance.files import write_json, write_whole
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.manifest import Manifest
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.readers import read_metrics

MEASURES = ("roc_auc", "average_precision", "found_in_top_20", "calibration_slope")
PROTOCOLS = ("far", "near")
SHOWN = 10


def compare_runs(first: Path, second: Path, *, out: Path | None = None) -> dict[str, Any]:
    """Compare two finished runs; nothing of either is changed.

    Parameters
    ----------
    first, second
        Run folders. Differences are those of the second from the first.
    out
        Folder for ``comparison.json``, ``districts.csv``, ``rank_shift.tif`` and
        ``rank_shift.png``, outside both.

    Returns
    -------
    dict
        ``settings``, ``data``, ``made_with`` (sentences); ``scores``: for each protocol, measure to
        (difference, low, high), 90 % intervals paired over blocks of cells that both runs held out
        with the same label, and what was shared; ``regions``; ``districts`` by name, where the
        second run has a layer of them (else None, and ``no_districts`` says why); ``tasks`` in and
        out; ``words``.

    Raises
    ------
    InputError
        If either is not a finished run, or `out` lies in one.
    """
    for folder in (first, second):
        if out is not None and out.resolve().is_relative_to(folder.resolve()):
            raise InputError(f"{out} lies in the run folder {folder}. Choose another --out.")
    one, two = Run.open(first), Run.open(second)
    data: dict[str, Any] = {
        "first": one.manifest().head,
        "second": two.manifest().head,
        "simulated": [one.simulated, two.simulated],
        "settings": list(_settings(one, two)),
        "data": list(_data(one, two)),
        "made_with": _made_with(one, two),
        "scores": _scores(one, two),
        "tasks": _tasks(one, two),
    }
    data |= _land(one, two, out)
    data["words"] = list(_words(data))
    if out is not None:
        write_json(out / "comparison.json", data)
        if data["districts"]:
            write_whole(out / "districts.csv", csv_text(_table(data["districts"])))
    return data


def _settings(one: Run, two: Run) -> Iterator[str]:
    before, now = (_flat(run.config.model_dump(mode="json")) for run in (one, two))
    for name in sorted(before.keys() | now.keys()):
        if name not in now:
            yield f"{name} was {before[name]!r}; it is not there now"
        elif name not in before:
            yield f"{name} is {now[name]!r}; it was not there before"
        elif before[name] != now[name]:
            yield f"{name} was {before[name]!r}, is {now[name]!r}"


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        pairs: list[tuple[str, Any]] = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        pairs = [(str(number), item) for number, item in enumerate(value)]
    else:
        return {name: value}
    flat: dict[str, Any] = {}
    for key, item in pairs:
        flat |= _flat(item, f"{name}.{key}" if name else key)
    return flat


def _data(one: Run, two: Run) -> Iterator[str]:
    before, now = (_layers(run.manifest()) for run in (one, two))
    for name in sorted(before.keys() | now.keys()):
        if name not in now:
            yield f"{name} was used; it is not now"
        elif name not in before:
            yield f"{name} is used; it was not before"
        elif before[name] != now[name]:
            yield f"{name} has other bytes"


def _layers(manifest: Manifest) -> dict[str, str]:
    """Give what the cube and the labels were made of: layers, and simulated findings."""
    stage = manifest.stage("build")
    inputs = {} if stage is None else stage.inputs
    return {
        name.replace("layer:", "layer "): digest
        for name, digest in inputs.items()
        if name.startswith("layer:") or name == "simulated"
    }


def _made_with(one: Run, two: Run) -> list[str]:
    before, now = (run.manifest().environment("train") for run in (one, two))
    return [cause_words(cause) for cause in environment_causes(before, now)]


def _scores(one: Run, two: Run) -> dict[str, Any]:
    """Score both runs on the cells that both held out with the same label."""
    keys = ["easting", "northing"]
    models = [str(read_metrics(run.folder)["model"]) for run in (one, two)]
    blocks_m = max(float(read_metrics(run.folder)["block_m"]) for run in (one, two))
    tables = []
    for run, model, suffix in ((one, models[0], "first"), (two, models[1], "second")):
        columns = {f"{name}_{model}": f"{name}_{suffix}" for name in PROTOCOLS}
        table = pd.read_parquet(run.files.held_out)
        tables.append(table[[*keys, "state", *columns]].rename(columns=columns))
    both = tables[0].merge(tables[1], on=keys, suffixes=("_first", "_second"))
    same = both[both["state_first"] == both["state_second"]]
    found: dict[str, Any] = {
        "cells": [len(table) for table in tables],
        "shared": len(both),
        "same_label": len(same),
        "protocols": {},
    }
    y = (same["state_first"].to_numpy() == 1).astype(np.int8)
    blocks = assign_blocks(same[keys].to_numpy(), block_m=blocks_m) if len(same) else np.zeros(0)
    if not 0 < y.sum() < y.size or len(np.unique(blocks)) < 2:
        return found
    cells = read_metrics(one.folder)["cells"]
    labelled = cells["positive"] + cells["negative"]
    area_ha = one.config.study_area.resolution_m**2 / 10_000
    cell_ha = area_ha * labelled / cells.get("drawn", labelled)  # as `CellTable.cell_ha`
    for name in PROTOCOLS:
        now, before = (same[f"{name}_{side}"].to_numpy(float) for side in ("second", "first"))
        differences = compare(y, now, before, blocks, cell_ha=cell_ha)
        found["protocols"][name] = {
            measure: [None if np.isnan(value) else float(value) for value in differences[measure]]
            for measure in MEASURES
        }
    return found


def _land(one: Run, two: Run, out: Path | None) -> dict[str, Any]:
    land = read_land(one)
    read_land(two)  # its rasters are as it wrote them
    rasters = RunFolder(two.folder).rasters
    try:
        probability, classes = (
            read_raster_like(rasters / f"{name}.tif", land.geobox)
            for name in ("probability", "risk_class")
        )
    except CoverError as error:
        return {"regions": None, "districts": None, "no_districts": str(error), "grid": str(error)}
    shift = rank_shift(land.probability, probability)
    labels = xr.open_zarr(RunFolder(one.folder).labels, chunks=None, consolidated=False)
    region = labels["region"].to_numpy()
    sides = (Side(land.probability, land.classes), Side(probability, classes))
    if out is not None:
        simulated = one.simulated or two.simulated
        write_map(
            out,
            shift,
            land.geobox,
            title=f"{two.config.study_area.title}: what moved in the ranking",
            simulated=simulated,
            tags={"FINDINGS": "SIMULATED" if simulated else "recorded"},
        )
    told: dict[str, Any] = {"districts": None, "no_districts": None, "grid": None}
    try:
        districts = read_districts(two, land.geobox)
        told["districts"] = by_district(*sides, shift, districts, cell_ha=land.cell_ha)
    except MineriskError as error:
        told["no_districts"] = str(error)
    return told | {"regions": by_region(*sides, shift, region, cell_ha=land.cell_ha)}


def _table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    told = [
        {**row, "changes": "; ".join(f"{name} {ha:,.0f} ha" for name, ha in row["changes"].items())}
        for row in rows
    ]
    return pd.DataFrame(told)


def _tasks(one: Run, two: Run) -> dict[str, list[dict[str, Any]]]:
    frames = [gpd.read_file(run.files.tasks_gpkg, layer="tasks") for run in (one, two)]
    return tasks_in_and_out(frames[0], frames[1].to_crs(frames[0].crs))


def _words(data: Mapping[str, Any]) -> Iterator[str]:
    if any(data["simulated"]):
        yield "SIMULATED findings in one of the runs: nothing here is about real land."
    for words, name in (("Settings", "settings"), ("Data", "data"), ("Made with", "made_with")):
        yield f"{words}: {'the same.' if not data[name] else ''}".rstrip()
        yield from (f"  {line}." for line in data[name])
    yield from _score_words(data["scores"])
    if data["regions"] is None:
        yield f"The maps cannot be compared: {data['grid']}"
    for row in data["regions"] or ():
        yield f"{region_words(row['region'])}: {_moved(row)}"
    yield from _district_words(data)
    for words, tasks in data["tasks"].items():
        hectares = sum(task["hectares"] for task in tasks)
        yield f"Tasks {words}: {len(tasks)}, {hectares:,.0f} ha{'; the first:' if tasks else '.'}"
        yield from (
            f"  {task['task']}, rank {task['rank']}, {task['hectares']:,.0f} ha near "
            f"{task['latitude']:.4f}, {task['longitude']:.4f}; {task['covered']:.0%} of it lies in "
            "tasks of the other run."
            for task in tasks[:SHOWN]
        )


def _moved(row: Mapping[str, Any]) -> str:
    share = row["moved_share"]
    moved = "none ranked by both" if share is None else f"{share:.1%}"
    mostly = f", mostly {next(iter(row['changes']))}" if row["changes"] else ""
    return (
        f"moved by 10 percentile points or more {moved}; changed class {row['changed_ha']:,.0f} of "
        f"{row['hectares']:,.0f} ha{mostly}."
    )


def _district_words(data: Mapping[str, Any]) -> Iterator[str]:
    if data["districts"] is None:
        if data["grid"] is None:
            yield f"Not told by district: {data['no_districts']}"
        return
    changed = [row for row in data["districts"] if row["changed_ha"] or row["moved_share"]]
    yield f"{len(changed)} of {len(data['districts'])} districts changed; those that did most:"
    yield from (f"  {row['district']}: {_moved(row)}" for row in changed[:SHOWN])


def _score_words(scores: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"Scores on the {scores['same_label']:,} cells that both held out with the same label "
        f"(of {scores['cells'][0]:,} and {scores['cells'][1]:,}; second less first, 90 % interval):"
    )
    if not scores["protocols"]:
        yield "  too few shared cells to tell."
    for protocol, measures in scores["protocols"].items():
        for name, (value, low, high) in measures.items():
            if value is None:
                continue
            sure = "holds 0" if low <= 0 <= high else "does not hold 0"
            yield f"  {protocol} {name}: {value:+.4f} ({low:+.4f} to {high:+.4f}, {sure})."
