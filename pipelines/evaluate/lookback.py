"""`minerisk lookback`: what a run said where an accident or a find happened later, and why."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from minerisk.features.cube.store import cube_geobox, open_cube
from minerisk.features.errors import InputError
from minerisk.features.layers.sources import Layers, VectorSource
from minerisk.models.attribution import attribute_to_families
from minerisk.pipelines.evaluate.land_kinds import read_ground
from minerisk.pipelines.evaluate.miss_patterns import miss_patterns, pattern_words
from minerisk.pipelines.evaluate.predicted_land import Land, find_places, read_land
from minerisk.pipelines.formats.csv_table import csv_text
from minerisk.pipelines.formats.palette import OUTSIDE
from minerisk.pipelines.provenance.files import sha256_path, write_json, write_whole
from minerisk.pipelines.run.contents import feature_families, read_cells
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.readers import load_model

SHOWN = 3

Explain = Callable[[Run, NDArray[np.int64], NDArray[np.int64]], list[dict[str, float]]]
"""From a run and the rows and columns of cells to what each family of features added, log-odds."""


def reasons_by_family(
    run: Run, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> list[dict[str, float]]:
    """Say what each family of features added to the score of cells.

    Parameters
    ----------
    rows, columns
        Places in the grid, shape ``(n,)``; a cell may come more than once.

    Returns
    -------
    list of dict
        For each place, family to log-odds, of any kind of model (see
        `minerisk.models.attribution.attribute_to_families`).
    """
    chosen = np.zeros(cube_geobox(open_cube(run.files.cube)).shape, dtype=bool)
    chosen[rows, columns] = True
    cells, model = read_cells(run, chosen).cells, load_model(run.folder)
    names, values = attribute_to_families(model, model.columns(cells), feature_families(run))
    order = np.cumsum(chosen).reshape(chosen.shape)[rows, columns] - 1
    return [dict(zip(names, map(float, values[place]), strict=True)) for place in order]


def look_back(
    run_dir: Path,
    events: Path,
    *,
    layer: str | None = None,
    kind: str | None = None,
    out: Path | None = None,
    explain: Explain = reasons_by_family,
) -> dict[str, Any]:
    """Look up what a run said where something happened after it.

    Nothing of the run is changed.

    Parameters
    ----------
    events
        Vector file, any CRS: accidents or finds, as points or polygons.
    layer
        Layer of that file, where it has more than one.
    kind
        Column by which events are counted apart, such as the kind of accident.
    out
        Folder for ``lookback.json`` and ``lookback.csv``, outside the run.
    explain
        Says why; see `reasons_by_family`.

    Returns
    -------
    dict
        ``events``: for each its class, probability, share of land ranked above it, applicability,
        region, task and reasons. ``patterns``: counts of them and of misses (class *lower*) by
        class, region, kind, distance from the front line and land cover, and what each family of
        features added where the run missed and where it did not (see
        `minerisk.pipelines.evaluate.miss_patterns.miss_patterns`). ``words``: sentences.

    Raises
    ------
    InputError
        If no event lies in the study area, or the run's rasters are not as it wrote them.
    """
    run = Run.open(run_dir)
    if out is not None and out.resolve().is_relative_to(run_dir.resolve()):
        raise InputError(f"{out} lies in the run folder {run_dir}. Choose another place.")
    land = read_land(run)
    source = VectorSource(events.resolve(), layer=layer)
    found = Layers({"events": source}, source.path.parent)
    frame = found.vector("events", crs=run.config.study_area.crs)
    if kind is not None and kind not in frame:
        raise InputError(f"{events.name} has no column {kind!r}; it has {list(frame.columns)}.")
    places = [
        {**place.model_dump(exclude={"risk_class"}), "class": place.risk_class}
        for place in find_places(land, frame)
    ]
    inside = [place for place in places if place["class"] is not None]
    if not inside:
        raise InputError(
            f"None of the {len(places)} events of {events.name} lies in the study area of "
            f"{run_dir}. Check the layer, and that the run is of the same land."
        )
    for place in inside:
        place["kind"] = None if kind is None else str(frame[kind].iloc[place["find"]])
    shares = _add_ground(run, land, inside)
    _add_tasks(run, inside)
    _add_reasons(run, land, inside, explain)
    data: dict[str, Any] = {
        "study_area": run.config.study_area.name,
        "simulated": run.simulated,
        "events_file": {"file": events.name, "sha256": sha256_path(events)},
        "head": run.manifest().head,
        "outside_study_area": len(places) - len(inside),
        "events": inside,
        "patterns": miss_patterns(land, inside, shares),
    }
    data["words"] = _words(data)
    if out is not None:
        write_json(out / "lookback.json", data)
        write_whole(out / "lookback.csv", csv_text(_table(inside)))
    return data


def _cells(land: Land, places: Sequence[Mapping[str, Any]]) -> tuple[Any, Any]:
    transform = land.geobox.transform
    easting, northing = (np.array([p[name] for p in places]) for name in ("easting", "northing"))
    columns = np.floor((easting - transform.c) / transform.a).astype(np.int64)
    return np.floor((northing - transform.f) / transform.e).astype(np.int64), columns


def _add_ground(
    run: Run, land: Land, places: Sequence[dict[str, Any]]
) -> dict[str, dict[Any, float]]:
    """Add what the land is like at each place; give the share of all land that is like it."""
    asked = land.classes != OUTSIDE
    rows, columns = _cells(land, places)
    shares = {}
    for by, ground in read_ground(run.folder).items():
        for place, code in zip(places, ground.codes[rows, columns], strict=True):
            place[by] = ground.names[code] if code >= 0 else None
        known = ground.codes[asked & (ground.codes >= 0)]
        count = np.bincount(known, minlength=len(ground.names)) / asked.sum()
        shares[by] = dict(zip(ground.names, count.tolist(), strict=True))
    return shares


def _add_tasks(run: Run, places: Sequence[dict[str, Any]]) -> None:
    path = run.files.tasks_gpkg
    tasks = gpd.read_file(path, layer="tasks") if path.is_file() else None
    for place in places:
        place["task"] = place["task_rank"] = None
        if tasks is None:
            continue
        hit = tasks[tasks.intersects(shapely.Point(place["easting"], place["northing"]))]
        if len(hit):
            rank = hit["rank"].iloc[0]  # land to learn from and the control arm have none
            place["task"] = str(hit["task"].iloc[0])
            place["task_rank"] = None if pd.isna(rank) else int(rank)


def _add_reasons(run: Run, land: Land, places: Sequence[dict[str, Any]], explain: Explain) -> None:
    known = [place for place in places if place["probability"] is not None]
    for place in places:
        place["reasons"] = []
    if not known:
        return
    rows, columns = _cells(land, known)
    for place, added in zip(known, explain(run, rows, columns), strict=True):
        ordered = sorted(added.items(), key=lambda item: (-abs(item[1]), item[0]))
        place["reasons"] = [{"family": name, "log_odds": value} for name, value in ordered]


def _table(places: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    rows = []
    for place in places:
        shown = [f"{r['family']} {r['log_odds']:+.2f}" for r in place["reasons"][:SHOWN]]
        rows.append({**place, "reasons": "; ".join(shown)})
    return pd.DataFrame(rows)


def _words(data: Mapping[str, Any]) -> list[str]:
    patterns = data["patterns"]
    new = patterns["new"]
    lines = ["SIMULATED findings: nothing here is about real land."] if data["simulated"] else []
    lines.append(
        f"{len(data['events'])} events lie in the study area ({data['outside_study_area']} do "
        f"not); {patterns['known_before']} lie in cells the run had learned from, {new} are new."
    )
    lines += [
        f"{row['class']}: {row['events']} of {new} new events, on {row['land_share']:.1%} of land."
        for row in patterns["classes"]
        if new
    ]
    if new:
        lines.append(
            f"{patterns['missed']} were missed (class lower), {patterns['cannot_say']} lie where "
            f"the run said that it cannot say, {patterns['tasked']} lie in a survey task."
        )
    return [*lines, *pattern_words(patterns)]
