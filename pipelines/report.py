"""One page that a survey manager can read, print and file: `report.html`, with nothing remote."""

import base64
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import yaml

from features.errors import InputError
from features.families import FAMILIES
from pipelines.figures import (
    MODEL_WORDS,
    capture_figure,
    figure_bytes,
    importance_figure,
    region_figure,
    reliability_figure,
)
from pipelines.manifest import write_whole
from pipelines.maps import map_figure
from pipelines.rasters import read_raster, read_raster_like
from pipelines.report_quality import quality_facts
from pipelines.report_tasks import tasks_facts
from pipelines.risk_classes import class_shares
from pipelines.rounding import interval, listed, number
from pipelines.styles import CANNOT_SAY

MEASURES: Sequence[tuple[str, str, str]] = (
    ("roc_auc", "ROC-AUC", "number"),
    ("average_precision", "average precision", "number"),
    ("found_in_top_5", "found in the first 5 % of land", "share"),
    ("found_in_top_20", "found in the first 20 % of land", "share"),
    ("lowest_class_miss_rate", "missed if the last 50 % were never surveyed", "share"),
)
CALIBRATION: Sequence[tuple[str, str, str]] = (
    ("calibration_slope", "slope (1 is right; under 1: too sure of itself)", "number"),
    ("calibration_intercept", "intercept (0 is right; under 0: predicts too much)", "number"),
    ("ece", "mean gap between predicted and observed", "share"),
    ("brier", "Brier score (smaller is better)", "number"),
    ("log_loss", "log loss (smaller is better)", "number"),
)
PROTOCOLS: Mapping[str, str] = {
    "far": "Far: whole regions it was not taught on",
    "near": "Near: as far from the training land as the unsurveyed land is",
    "later": "Later: finds made after the day it was taught up to",
    "random": "Random folds: optimistic reference, never the quality of this map",
}
OF_ANY_LAYER = frozenset({"distance", "density", "value", "change"})
"""Kinds of feature whose words mean nothing without the layer that they are made of."""
TOP_MOVED = 8


def write_report(run_dir: Path, *, config_title: str) -> Path:
    """Write ``report.html`` of a run from the files in its folder.

    Reads ``metrics.json``; and, where they are there, ``rasters/``, ``tasks.csv``,
    ``config.yaml``, ``manifest.json`` and ``figures/folds.png``. What is missing is left out, and
    said to be.

    Parameters
    ----------
    run_dir
        The run folder.
    config_title
        What was asked for: the title of the study area.

    Raises
    ------
    InputError
        If there is no ``metrics.json``, or it is not one.
    """
    data = _metrics(run_dir / "metrics.json")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report.html.j2").render(
        title=config_title, **report_facts(run_dir, data)
    )
    return write_whole(run_dir / "report.html", page)


def report_facts(run_dir: Path, data: Mapping[str, Any]) -> dict[str, Any]:
    """Gather all that the page says, worded and rounded."""
    simulated = bool(data.get("simulated"))
    protocols = data.get("protocols", {})
    config = _config(run_dir / "config.yaml")
    manifest = _manifest(run_dir / "manifest.json")
    far = protocols.get("far", {}).get("models", {})
    chosen = chosen_model(data)
    maps, shares = _maps(run_dir / "rasters", simulated)
    return {
        "simulated": simulated,
        "data": data,
        "cells": data.get("cells", {}),
        "cell_m": f"{float(data.get('resolution_m', 0)):g}",
        "cell_ha": float(data.get("resolution_m", 0)) ** 2 / 10_000,
        "chosen_words": MODEL_WORDS.get(chosen, chosen),
        "verdict": verdict(far, chosen),
        "tiles": _tiles(far.get(chosen, {}), shares, data),
        "maps": maps,
        "shares": shares,
        "tables": [
            _table(name, protocols[name], chosen) for name in PROTOCOLS if name in protocols
        ],
        "calibration": _rows(far.get(chosen, {}), CALIBRATION),
        "effort": _effort(far, chosen),
        "figures": _figures(run_dir, data, simulated),
        "quality": quality_facts(run_dir, data),
        "permuted": data.get("permuted"),
        "gates": [
            dict(gate, value=number(gate.get("value")), threshold=number(gate.get("threshold")))
            for gate in data.get("gates", [])
        ],
        "tasks": tasks_facts(run_dir),
        "unknowns": _unknowns(config, manifest),
        "inputs": _inputs(config, manifest),
        "outputs": _outputs(manifest),
        "environment": manifest.get("environment", {}),
    }


def chosen_model(data: Mapping[str, Any]) -> str:
    """Give the name of the model whose map this is."""
    return str(data.get("model") or "model")


def verdict(models: Mapping[str, Mapping[str, Any]], chosen: str) -> str:
    """Say in a sentence how the model stands to the distance rule on land it has not seen."""
    mine = _estimate(models.get(chosen, {}).get("found_in_top_20"))
    rule = _estimate(models.get("distance_rule", {}).get("found_in_top_20"))
    if math.isnan(mine):
        return "How good the model is on land it has not seen was not measured."
    start = (
        "On regions it had never seen, the 20 % of land it puts first held "
        f"{number(mine, 'share')} of the contaminated cells; land picked at random would hold 20 %"
    )
    if math.isnan(rule):
        return f"{start}. The distance rule was not measured."
    start += f", the distance rule {number(rule, 'share')}."
    if mine > max(rule, 0.2):
        return start
    if rule > 0.2:
        return f"{start} Here the model is no better than the rule of thumb: use the rule."
    return f"{start} Neither is of use here: do not survey in this order."


def _metrics(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(f"{path} is missing; expected the metrics of a trained run. Train first.")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as failure:
        raise InputError(f"{path} is not valid JSON: {failure}. Train again.") from failure
    if not isinstance(data, dict):
        raise InputError(f"{path} holds a {type(data).__name__}; expected an object. Train again.")
    return data


def _config(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found if isinstance(found, dict) else {}


def _manifest(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _estimate(values: Any) -> float:
    first = listed(values)[0]
    return math.nan if first is None or isinstance(first, list | tuple) else float(first)


def _rows(
    scores: Mapping[str, Any], measures: Sequence[tuple[str, str, str]]
) -> list[tuple[str, tuple[str, str]]]:
    return [
        (words, interval(scores.get(name), kind))
        for name, words, kind in measures
        if name in scores
    ]


def _table(name: str, protocol: Mapping[str, Any], chosen: str) -> dict[str, Any]:
    models = protocol.get("models", {})
    return {
        "name": name,
        "heading": PROTOCOLS[name],
        "words": "" if name == "random" else protocol.get("words", ""),
        "columns": [words for _, words, _ in MEASURES],
        "rows": [
            {
                "words": MODEL_WORDS.get(model, model),
                "chosen": model == chosen and name != "random",
                "values": [interval(scores.get(key), kind) for key, _, kind in MEASURES],
            }
            for model, scores in _in_order(models)
        ],
    }


def _in_order(models: Mapping[str, Any]) -> list[tuple[str, Any]]:
    known = [name for name in MODEL_WORDS if name in models]
    return [(name, models[name]) for name in [*known, *sorted(set(models) - set(known))]]


def _effort(models: Mapping[str, Mapping[str, Any]], chosen: str) -> list[dict[str, Any]]:
    rule = models.get("distance_rule", {})
    mine = models.get(chosen, {})
    return [
        {
            "share": f"{share} %",
            "model": interval(mine.get(f"hectares_to_{share}"), "hectares"),
            "rule": interval(rule.get(f"hectares_to_{share}"), "hectares"),
        }
        for share in (50, 80, 95)
        if f"hectares_to_{share}" in mine
    ]


def _tiles(
    scores: Mapping[str, Any], shares: Mapping[str, float], data: Mapping[str, Any]
) -> list[dict[str, str]]:
    silent = shares.get("cannot_say", 1 - float(data.get("applicable_share") or math.nan))
    gates = data.get("gates", [])
    passed = sum(bool(gate.get("passed")) for gate in gates)
    return [
        {
            "value": number(_estimate(scores.get("found_in_top_20")), "share"),
            "words": "of contaminated cells lie in the 20 % of land put first, on regions left out",
        },
        {
            "value": f"{number(_estimate(scores.get('hectares_to_80')), 'hectares')} ha",
            "words": "of test land to survey, in the model's order, until 80 % of them are found",
        },
        {"value": number(silent, "share"), "words": "of the land: the model cannot say"},
        {
            "value": f"{passed} of {len(gates)}" if gates else "–",
            "words": "gates passed, agreed before training",
        },
    ]


def _maps(rasters: Path, simulated: bool) -> tuple[list[dict[str, str]], dict[str, float]]:
    if not (rasters / "risk_class.tif").is_file():
        return [], {}
    classes, geobox = read_raster(rasters / "risk_class.tif")
    figure = map_figure(classes, geobox, title="Risk class", simulated=simulated)
    maps = [
        {"image": data_uri(figure_bytes(figure, dpi=110)), "words": "Risk classes and cannot say"}
    ]
    if (rasters / "probability.tif").is_file():
        figure = map_figure(
            read_raster_like(rasters / "probability.tif", geobox),
            geobox,
            title="Probability of contamination",
            simulated=simulated,
            cannot_say=np.asarray(classes == CANNOT_SAY),
        )
        words = "Probability of contamination of a cell; hatched where the model cannot say"
        maps.append({"image": data_uri(figure_bytes(figure, dpi=110)), "words": words})
    return maps, class_shares(classes)


def _figures(run_dir: Path, data: Mapping[str, Any], simulated: bool) -> dict[str, str]:
    drawn: dict[str, bytes] = {}
    if curves := data.get("capture", {}).get("far"):
        drawn["capture"] = capture_figure(curves, simulated=simulated)
    if bins := data.get("reliability", {}).get("far"):
        drawn["reliability"] = reliability_figure(bins, simulated=simulated)
    if rows := data.get("importance"):
        drawn["importance"] = importance_figure(rows, simulated=simulated)
    if regions := [row for row in data.get("regions", []) if row.get("roc_auc") is not None]:
        drawn["regions"] = region_figure(regions, simulated=simulated)
    if (folds := run_dir / "figures" / "folds.png").is_file():
        drawn["folds"] = folds.read_bytes()
    return {name: data_uri(image) for name, image in drawn.items()}


def data_uri(image: bytes) -> str:
    """Put a PNG into the page itself."""
    return "data:image/png;base64," + base64.b64encode(image).decode("ascii")


def _unknowns(config: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, Any]:
    layers = config.get("layers", {})
    used = {str(feature.get("kind")) for feature in config.get("features", [])}
    named = {str(feature.get("layer")) for feature in config.get("features", [])}
    absent = [
        family.words
        for kind, family in FAMILIES.items()
        if family.role == "feature" and kind not in OF_ANY_LAYER | used
    ]
    absent += [word for word in ("roads", "settlements") if not any(word in n for n in named)]
    moved: dict[str, Any] = {}
    for stage in manifest.get("stages", []):
        absent += stage.get("facts", {}).get("left_out", [])
        moved = stage.get("facts", {}).get("line_error", moved)
    return {
        "moved": _moved(moved),
        "errors": [
            (name.replace("_", " "), number(float(layer["position_error_m"])))
            for name, layer in layers.items()
            if layer.get("position_error_m")
        ],
        "absent": absent if used else [],
    }


def _moved(found: Mapping[str, Any]) -> dict[str, Any]:
    """Word the columns that answer most to lines being off by their stated error."""
    rows = [
        {
            "column": row["column"].replace("_", " "),
            "change": _amount(row["change"], row["unit"]),
            "share": number(row["share"], "share"),
        }
        for row in found.get("rows", [])
    ]
    return {**found, "rows": rows[:TOP_MOVED], "others": max(0, len(rows) - TOP_MOVED)}


def _amount(value: float, unit: str) -> str:
    amount = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return amount if unit == "1" else f"{amount} {unit}"


def _inputs(config: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[dict[str, str]]:
    hashes: dict[str, str] = {}
    for stage in manifest.get("stages", []):
        hashes.update(
            (name, digest)
            for name, digest in stage.get("inputs", {}).items()
            if name.startswith("layer:") or name == "config.yaml"
        )
    layers = config.get("layers", {})
    return [
        {
            "name": name.removeprefix("layer:"),
            "sha256": digest,
            "source": str(layers.get(name.removeprefix("layer:"), {}).get("source", "")),
            "licence": str(layers.get(name.removeprefix("layer:"), {}).get("licence", "")),
        }
        for name, digest in sorted(hashes.items())
    ]


def _outputs(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    found: dict[str, str] = {}
    for stage in manifest.get("stages", []):
        found.update(stage.get("outputs", {}))
    return sorted(
        (name, digest)
        for name, digest in found.items()
        if name.startswith(("rasters/", "tasks", "model", "metrics")) and not name.endswith(".qml")
    )
