"""The survey results of a run: every delivery kept as it came, chained, never overwritten."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

from minerisk.features.errors import FindingError, InputError
from minerisk.features.layers.sources import Layers, VectorSource
from minerisk.pipelines.feedback.survey_results import FIND, M2_PER_HA, NO_FIND
from minerisk.pipelines.provenance.clock import now
from minerisk.pipelines.provenance.files import (
    canonical,
    replacing,
    sha256_path,
    sha256_text,
    write_whole,
)
from minerisk.pipelines.provenance.manifest import locked, read_manifest

FEEDBACK = "feedback"
DELIVERIES = "deliveries.jsonl"
FIELDS = {
    *("number", "at", "by", "file", "received_sha256", "stored", "stored_sha256", "records"),
    *("finds", "land_ha", "hours_per_ha", "head", "before", "sha256"),
}


@dataclass(frozen=True)
class Delivery:
    """Where a delivery came from.

    Attributes
    ----------
    path
        The file as it was received.
    by
        Who delivers it, in their own words; may be empty.
    hours_per_ha
        Team-hours that search a hectare once, where that was needed.
    """

    path: Path
    by: str = ""
    hours_per_ha: float | None = None


@dataclass(frozen=True)
class FeedbackLog:
    """The deliveries of a run, oldest first, and what is wrong with their chain, a line each."""

    entries: tuple[Mapping[str, Any], ...] = ()
    problems: tuple[str, ...] = ()


def read_deliveries(folder: Path) -> FeedbackLog:
    """Read and check the deliveries of a run: every line, every link, every stored file."""
    path = folder / FEEDBACK / DELIVERIES
    if not path.exists():
        return FeedbackLog()
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError) as error:
        return FeedbackLog(problems=(f"{FEEDBACK}/{DELIVERIES} cannot be read ({error})",))
    problems = [] if lines.pop() == "" and lines else [f"{DELIVERIES} does not end with a line"]
    entries: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        where = f"{FEEDBACK}/{DELIVERIES}, line {number}"
        entry = _entry(line)
        if entry is None:
            problems.append(f"{where} is no delivery: it was written by hand")
            break
        if line != canonical(entry) or entry["sha256"] != _sha256(entry):
            problems.append(f"{where} is not as it was written")
        if entry["number"] != number or entry["before"] != _end(entries):
            problems.append(f"{where} does not follow the line before it")
        stored = folder / FEEDBACK / f"{number:04d}.fgb"
        if not stored.is_file() or sha256_path(stored) != entry["stored_sha256"]:
            problems.append(f"{FEEDBACK}/{stored.name} is missing or not as it was stored")
        entries.append(entry)
    return FeedbackLog(tuple(entries), tuple(problems))


def add_delivery(folder: Path, results: gpd.GeoDataFrame, source: Delivery) -> Mapping[str, Any]:
    """Add results that were read and checked; nothing that is there is changed.

    Raises
    ------
    InputError
        If the same file is on record already.
    FindingError
        If what is on record was changed.
    """
    received = sha256_path(source.path)
    with locked(folder):
        log = intact(folder)
        for entry in log.entries:
            if entry["received_sha256"] == received:
                raise InputError(
                    f"{source.path.name} is on record already, as delivery {entry['number']} of "
                    f"{entry['at']}. Nothing was added; leave the file out to go on with it."
                )
        number = len(log.entries) + 1
        stored = write_features(folder / FEEDBACK / f"{number:04d}.fgb", results)
        searched = results[results["outcome"] == NO_FIND]
        entry = {
            "number": number,
            "at": now().isoformat(timespec="seconds"),
            "by": source.by.strip(),
            "file": source.path.name,
            "received_sha256": received,
            "stored": stored.name,
            "stored_sha256": sha256_path(stored),
            "records": len(results),
            "finds": int((results["outcome"] == FIND).sum()),
            "land_ha": round(float(searched.geometry.area.sum()) / M2_PER_HA, 2),
            "hours_per_ha": source.hours_per_ha,
            "head": str(read_manifest(folder).get("head")),
            "before": _end(log.entries),
        }
        entry["sha256"] = _sha256(entry)
        lines = [canonical(known) for known in (*log.entries, entry)]
        write_whole(folder / FEEDBACK / DELIVERIES, "\n".join(lines) + "\n")
    return entry


def intact(folder: Path) -> FeedbackLog:
    """Read the deliveries, or stop if they are not as they were written."""
    log = read_deliveries(folder)
    if log.problems:
        raise FindingError(
            f"{log.problems[0]}. Survey results are never changed; put back the folder "
            f"{folder / FEEDBACK} as it was."
        )
    return log


def stored_results(folder: Path, *, crs: str) -> gpd.GeoDataFrame:
    """Read all results on record, oldest delivery first, with the number of their ``delivery``.

    Raises
    ------
    InputError
        If there are none.
    """
    log, home = intact(folder), folder / FEEDBACK
    if not log.entries:
        raise InputError(
            f"{folder} has no survey results yet. Add some: `minerisk feedback add RUN FILE`."
        )
    frames = []
    for entry in log.entries:
        source = VectorSource((home / f"{entry['number']:04d}.fgb").resolve())
        frame = Layers({"results": source}, home.resolve()).vector("results", crs=crs)
        frames.append(frame.assign(delivery=entry["number"]))
    return gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=frames[0].crs)


def write_features(path: Path, frame: gpd.GeoDataFrame) -> Path:
    """Write FlatGeobuf, whole or not at all; the same rows give the same bytes."""
    try:
        with replacing(path) as partial:
            pyogrio.write_dataframe(
                frame,
                partial,
                layer="results",
                driver="FlatGeobuf",
                geometry_type="Unknown",
                layer_options={"SPATIAL_INDEX": "NO"},
            )
    except (DataSourceError, DataLayerError, FeatureError) as failure:
        raise InputError(
            f"{path} could not be written ({failure}). Check that the disk has room."
        ) from failure
    return path


def _entry(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found.keys() == FIELDS else None


def _end(entries: Any) -> str | None:
    return str(entries[-1]["sha256"]) if entries else None


def _sha256(entry: Mapping[str, Any]) -> str:
    return sha256_text(canonical({k: value for k, value in entry.items() if k != "sha256"}))
