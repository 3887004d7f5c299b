"""What the report says of quality place by place: regions, hazard classes, intervals, novelty."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.hazards import hazard_rows
from pipelines.rasters import read_raster, read_raster_like
from pipelines.rounding import interval, number
from pipelines.styles import DISSIMILARITY_RAMP
from pipelines.survey_bias import survey_bias_rows
from pipelines.texts import ENGLISH, Texts, marked

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
        "novelty": _novelty(run_dir / "rasters", texts),
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
        for row in survey_bias_rows(data)
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
    names = ("applicability", "local_point_density", "expected_error")
    if not all((rasters / f"{name}.tif").is_file() for name in names):
        return []
    ratio, geobox = read_raster(rasters / f"{names[0]}.tif")
    density, error = (read_raster_like(rasters / f"{name}.tif", geobox) for name in names[1:])
    known = np.isfinite(ratio)
    edges = [upper for upper, _, _ in DISSIMILARITY_RAMP[:-1]]
    step = np.searchsorted(edges, ratio[known], side="left")
    rows = []
    for place, (_, _, words) in enumerate(texts.ramp(DISSIMILARITY_RAMP)):
        own = step == place
        if not own.any():
            continue
        errors = error[known][own]
        told = bool(np.isfinite(errors).any())
        rows.append(
            {
                "words": words,
                "share": number(float(own.mean()), "share"),
                "density": number(float(np.median(density[known][own])), "hectares"),
                "error": number(float(np.nanmean(errors))) if told else texts.say("cannot say"),
            }
        )
    return rows
