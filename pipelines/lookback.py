"""`minerisk lookback`: what a run said where an accident or a find happened later, and why."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import lightgbm as lgb
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from numpy.typing import NDArray

from features.errors import InputError
from features.sources import Layers, VectorSource
from models.model_text import check_model_text
from models.reasons import reasons
from pipelines.build import feature_families, read_cells
from pipelines.context import Run
from pipelines.evaluate_labels import Land, find_places, read_land
from pipelines.manifest import read_manifest, sha256_path, write_json, write_whole
from pipelines.predict import load_model
from pipelines.prioritize import csv_text
from pipelines.ranking_shift import region_words
from pipelines.styles import CLASS_NAMES, OUTSIDE

FINDINGS = "past_findings"
SHOWN = 3
MAX_FEATURES = 10_000

Explain = Callable[[Run, NDArray[np.int64], NDArray[np.int64]], list[dict[str, float]]]
"""From a run and the rows and columns of cells to what each family of features added, log-odds."""


def reasons_by_family(
    run: Run, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> list[dict[str, float]]:
    """Say what each family of features added to the score of cells.

    Exact SHAP values of the trees (Lundberg et al. 2020, doi:10.1038/s42256-019-0138-9), summed
    over the columns of a family and averaged over the members of the ensemble.

    Parameters
    ----------
    rows, columns
        Places in the grid, shape ``(n,)``; a cell may come more than once.

    Returns
    -------
    list of dict
        For each place, family to log-odds; empty where the members are no trees.
    """
    model, boosters = load_model(run.folder), read_trees(run.folder)
    if not boosters:
        return [{} for _ in rows]
    shape = xr.open_zarr(run.folder / "labels.zarr", chunks=None, consolidated=False)["state"].shape
    chosen = np.zeros(shape, dtype=bool)
    chosen[rows, columns] = True
    frame = model.columns(read_cells(run, chosen).cells)
    matrix = frame.to_numpy(dtype=np.float32)
    family = {name: kind for kind, names in feature_families(run).items() for name in names}
    kinds, group = np.unique(
        [family.get(name, FINDINGS) for name in frame.columns], return_inverse=True
    )
    added = reasons(boosters, matrix, group.tolist())
    sums = {str(kind): added[:, number] for number, kind in enumerate(kinds)}
    order = np.cumsum(chosen).reshape(shape)[rows, columns] - 1
    return [{kind: float(values[place]) for kind, values in sums.items()} for place in order]


def read_trees(folder: Path) -> list[lgb.Booster]:
    """Read the tree ensemble of a run, each text checked before LightGBM's parser sees it."""
    return [
        lgb.Booster(model_str=check_model_text(path.read_bytes(), features=MAX_FEATURES))
        for path in sorted((folder / "model").glob("member_*.lgb"))
    ]


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
        class, region and kind, and what each family of features added where the run missed and
        where it did not. ``words``: sentences.

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
    places = find_places(land, frame)
    inside = [place for place in places if place["class"] is not None]
    if not inside:
        raise InputError(
            f"None of the {len(places)} events of {events.name} lies in the study area of "
            f"{run_dir}. Check the layer, and that the run is of the same land."
        )
    for place in inside:
        place["kind"] = None if kind is None else str(frame[kind].iloc[place["find"]])
    _add_region(run, land, inside)
    _add_tasks(run, inside)
    _add_reasons(run, land, inside, explain)
    data: dict[str, Any] = {
        "study_area": run.config.study_area.name,
        "simulated": run.simulated,
        "events_file": {"file": events.name, "sha256": sha256_path(events)},
        "head": read_manifest(run_dir).get("head"),
        "outside_study_area": len(places) - len(inside),
        "events": inside,
        "patterns": _patterns(land, inside),
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


def _add_region(run: Run, land: Land, places: Sequence[dict[str, Any]]) -> None:
    labels = xr.open_zarr(run.folder / "labels.zarr", chunks=None, consolidated=False)
    rows, columns = _cells(land, places)
    for place, region in zip(places, labels["region"].to_numpy()[rows, columns], strict=True):
        place["region"] = int(region)


def _add_tasks(run: Run, places: Sequence[dict[str, Any]]) -> None:
    path = run.folder / "tasks.gpkg"
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


def _patterns(land: Land, places: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Count new events, leaving out those that the run had learned from."""
    new = [place for place in places if place["trained_as"] != "positive"]
    asked = land.classes != OUTSIDE
    classes = []
    for code, name in sorted(CLASS_NAMES.items(), reverse=True):
        share = float((land.classes[asked] == code).mean())
        count = sum(place["class"] == name for place in new)
        classes.append({"class": name, "land_share": share, "events": count})
    return {
        "new": len(new),
        "known_before": len(places) - len(new),
        "missed": sum(_missed(place) for place in new),
        "cannot_say": sum(place["class"] == "cannot_say" for place in new),
        "tasked": sum(place["task"] is not None for place in new),
        "classes": classes,
        "regions": _counted(new, "region"),
        "kinds": _counted([place for place in new if place["kind"] is not None], "kind"),
        "families": _families(new),
    }


def _missed(place: Mapping[str, Any]) -> bool:
    return bool(place["class"] == "lower")


def _counted(places: Sequence[Mapping[str, Any]], by: str) -> list[dict[str, Any]]:
    rows = []
    for value in sorted({place[by] for place in places}):
        here = [place for place in places if place[by] == value]
        rows.append(
            {
                by: value,
                "events": len(here),
                "missed": sum(map(_missed, here)),
                "cannot_say": sum(place["class"] == "cannot_say" for place in here),
            }
        )
    return sorted(rows, key=lambda row: (-row["missed"], -row["events"], str(row[by])))


def _families(places: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give the mean log-odds each family added at misses and elsewhere; what misled comes first."""
    told = [place for place in places if place["reasons"]]
    names = sorted({reason["family"] for place in told for reason in place["reasons"]})
    rows: list[dict[str, Any]] = []
    for name in names:
        added = {
            missed: [
                reason["log_odds"]
                for place in told
                for reason in place["reasons"]
                if reason["family"] == name and _missed(place) is missed
            ]
            for missed in (True, False)
        }
        means = {key: float(np.mean(values)) if values else None for key, values in added.items()}
        rows.append({"family": name, "at_misses": means[True], "elsewhere": means[False]})
    return sorted(rows, key=lambda row: (row["at_misses"] or 0.0, row["family"]))


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
    for by in ("region", "kind"):
        worst = [row for row in patterns[f"{by}s"] if row["missed"]]
        lines += [
            f"{region_words(row[by]) if by == 'region' else row[by]}: {row['missed']} of "
            f"{row['events']} new events missed."
            for row in worst[:5]
        ]
    pulled = [row for row in patterns["families"] if (row["at_misses"] or 0.0) < 0][:SHOWN]
    lines += [
        f"What pulled the misses down: {row['family']} ({row['at_misses']:+.2f} log-odds in the "
        f"mean; {row['elsewhere'] or 0.0:+.2f} at the others)."
        for row in pulled
    ]
    return lines
