"""What the report says of quality place by place: regions, hazard classes, intervals, novelty."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minerisk.models.applicability.area_of_applicability import MAX_POINTS
from minerisk.pipelines.formats.cog import raster_grid, read_raster_like
from minerisk.pipelines.formats.palette import DISSIMILARITY_RAMP
from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.language.numbers import interval, number
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.report.hazards import hazard_rows
from minerisk.pipelines.run.strips import strips

HAZARD_WORDS: Mapping[str, str] = {
    "ap": marked("anti-personnel"),
    "at": marked("anti-tank"),
    "uxo": marked("unexploded ordnance"),
    "any": marked("kind not recorded"),
}


def quality_facts(run_dir: Path, data: Mapping[str, Any], texts: Texts = ENGLISH) -> dict[str, Any]:
    """Gather the tables of quality, worded and rounded; empty where nothing was measured."""
    return {
        "settings": _settings(data),
        "regions": _regions(data, texts),
        "hazards": _hazards(data, texts),
        "classes": hazard_rows(data, texts),
        "cover": _cover(data.get("interval_cover") or {}, texts),
        "novelty": _novelty(RunFolder(run_dir).rasters, texts),
        "readings": _readings(data, texts),
    }


def _settings(data: Mapping[str, Any]) -> str:
    """Say what was chosen for the final model; nothing if nothing was searched."""
    final = (data.get("settings") or {}).get("final") or [{}]
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in final[-1].items())


def _readings(data: Mapping[str, Any], texts: Texts) -> list[dict[str, str]]:
    return [
        {
            "reading": texts.told(row["reading"]),
            "auc": number(row["roc_auc"]),
            "precision": number(row["average_precision"]),
            "expected": number(row["expected_over_found"]),
            "prevalence": number(row["prevalence"], "share"),
            "same": number(row["same_top"], "share"),
        }
        for row in (data.get("unsurveyed") or {}).get("readings") or ()
    ]


def _regions(data: Mapping[str, Any], texts: Texts) -> list[dict[str, Any]]:
    """Pair what each left-out region was told with what was found in it."""
    scored = {row["region"]: row for row in data.get("regions", [])}
    return [
        {
            "region": row["region"],
            "cells": f"{row['cells']:,}",
            "positive": f"{row['positive']:,}",
            "auc": interval(_ranked(scored.get(row["region"], {})), to=texts.say("to")),
            **_told(row, texts),
        }
        for row in data.get("reliability_by_region", [])
    ]


def _ranked(row: Mapping[str, Any]) -> Any:
    return (row.get("intervals") or {}).get("roc_auc", row.get("roc_auc"))


def _told(row: Mapping[str, Any], texts: Texts) -> dict[str, Any]:
    low, high = row["low"], row["high"]
    outside = ""
    if not low <= row["predicted"] <= high:
        outside = texts.say("too low") if row["predicted"] < low else texts.say("too high")
    return {
        "predicted": number(row["predicted"], "share"),
        "observed": interval([row["observed"], low, high], "share", to=texts.say("to")),
        "outside": outside,
    }


def _hazards(data: Mapping[str, Any], texts: Texts) -> list[dict[str, Any]]:
    """Say where the finds of each class lie: in which third of the land, by probability."""
    names = ("lowest", "middle", "highest")
    found: dict[str, dict[str, Any]] = {}
    for row in data.get("reliability_by_hazard", []):
        words = texts.say(HAZARD_WORDS.get(row["hazard"], row["hazard"]))
        known = found.setdefault(row["hazard"], {"words": words, "positive": 0})
        known["positive"] += row.get("positive", 0)
        known[names[row["third"] - 1]] = number(row["finds"], "share")
    return list(found.values())


def _cover(measured: Mapping[str, Any], texts: Texts) -> list[dict[str, Any]]:
    return [
        {
            "name": texts.told(name),
            "stated": number(row["level"], "share"),
            "cover": interval(row["cover"], "share", to=texts.say("to")),
            "groups": f"{row['groups']:,}",
            "blocks": f"{row['blocks']:,}",
        }
        for name, row in measured.items()
        if row is not None
    ]


def _novelty(rasters: Path, texts: Texts) -> list[dict[str, str]]:
    """Say for each step of dissimilarity how much land, how many cells like it, what error."""
    names = ("dissimilarity", "local_point_density", "expected_error")
    if not all((rasters / f"{name}.tif").is_file() for name in names):
        return []
    like, told, error = _by_likeness([rasters / f"{name}.tif" for name in names])
    land = like.sum()
    return [
        {
            "words": words,
            "share": number(float(counts.sum() / land), "share"),
            "density": number(_middle(counts), "hectares"),
            "error": number(float(errors / cells)) if cells else texts.say("cannot say"),
        }
        for (_, _, words), counts, cells, errors in zip(
            texts.ramp(DISSIMILARITY_RAMP), like, told, error, strict=True
        )
        if counts.any()
    ]


def _by_likeness(
    paths: Sequence[Path],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Sum up dissimilarity, density and expected error by step of dissimilarity, by strips.

    Returns
    -------
    like, told, error
        Cells by step and density, shape ``(steps, densities)``; cells with an expected error, and
        the sum of it, shape ``(steps,)``.
    """
    geobox = raster_grid(paths[0])
    edges = [upper for upper, _, _ in DISSIMILARITY_RAMP[:-1]]
    steps, most = len(DISSIMILARITY_RAMP), MAX_POINTS + 1
    like = np.zeros(steps * most, dtype=np.int64)
    told, error = np.zeros(steps, dtype=np.int64), np.zeros(steps)
    for rows in strips(geobox.height):
        ratio, density, errors = (read_raster_like(path, geobox[rows, :]) for path in paths)
        known = np.isfinite(ratio)
        step = np.searchsorted(edges, ratio[known], side="left")
        place = step * most + density[known].astype(np.int64)
        like += np.bincount(place, minlength=steps * most)
        given = np.isfinite(errors[known])
        told += np.bincount(step[given], minlength=steps)
        error += np.bincount(step[given], errors[known][given], minlength=steps)
    return like.reshape(steps, most), told, error


def _middle(counts: NDArray[np.int64]) -> float:
    """Give the median of whole numbers, of which there are `counts`."""
    upto = np.cumsum(counts)
    middle = [(upto[-1] - 1) // 2, upto[-1] // 2]
    return float(np.searchsorted(upto, middle, side="right").mean())
