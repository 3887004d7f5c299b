"""One page that a survey manager can read, print and file: `report.html`, with nothing remote."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from minerisk.features.errors import InputError
from minerisk.pipelines.language.messages import ENGLISH, Texts, texts
from minerisk.pipelines.language.numbers import interval, listed, number
from minerisk.pipelines.language.page import page
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.plotting.data_uri import data_uri
from minerisk.pipelines.plotting.figures import (
    MODEL_WORDS,
    capture_figure,
    importance_figure,
    region_figure,
    reliability_figure,
    tasks_capture_figure,
)
from minerisk.pipelines.plotting.map_layers import MapLayers
from minerisk.pipelines.provenance.files import write_whole
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.report.inputs import inputs, outputs, unknowns
from minerisk.pipelines.report.maps import layers_of_run, run_maps
from minerisk.pipelines.report.quality import quality_facts
from minerisk.pipelines.report.tasks import tasks_facts
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.readers import read_metrics
from minerisk.pipelines.train.figures import fold_map

MEASURES: Sequence[tuple[str, str, str]] = (
    ("roc_auc", "ROC-AUC", "number"),
    ("average_precision", marked("average precision"), "number"),
    ("found_in_top_5", marked("found in the first 5 % of land"), "share"),
    ("found_in_top_20", marked("found in the first 20 % of land"), "share"),
    ("lowest_class_miss_rate", marked("missed if the last 50 % were never surveyed"), "share"),
)
CALIBRATION: Sequence[tuple[str, str, str]] = (
    ("calibration_slope", marked("slope (1 is right; under 1: too sure of itself)"), "number"),
    (
        "calibration_intercept",
        marked("intercept (0 is right; under 0: predicts too much)"),
        "number",
    ),
    ("ece", marked("mean gap between predicted and observed"), "share"),
    ("brier", marked("Brier score (smaller is better)"), "number"),
    ("log_loss", marked("log loss (smaller is better)"), "number"),
)
PROTOCOLS: Mapping[str, str] = {
    "far": marked("Far: whole regions it was not taught on"),
    "near": marked("Near: as far from the training land as the unsurveyed land is"),
    "later": marked("Later: finds made after the day it was taught up to"),
    "random": marked("Random folds: optimistic reference, never the quality of this map"),
}
NO_LAYERS = MapLayers()
TEMPLATES = Path(__file__).parent / "templates"


def report_of_run(run: Run, language: str = "en") -> Path:
    """Write the report of a run: ``report.html``, or ``report_<language>.html`` beside it.

    Raises
    ------
    InputError
        If the run has no ``metrics.json``, or there are no texts in that language.
    """
    title = run.config.study_area.title
    return write_report(
        run.folder, config_title=title, layers=layers_of_run(run), language=language
    )


def write_report(
    run_dir: Path,
    *,
    config_title: str,
    layers: MapLayers = NO_LAYERS,
    language: str = "en",
) -> Path:
    """Write ``report.html`` of a run from the files in its folder.

    Reads ``metrics.json``; and, where they are there, ``rasters/``, ``tasks.csv``, ``tasks.gpkg``,
    ``cube.zarr``, ``config.yaml``, ``manifest.json`` and ``figures/folds.png``. What is missing is
    left out, and said to be.

    Parameters
    ----------
    run_dir
        The run folder.
    config_title
        What was asked for: the title of the study area.
    layers
        What is drawn over the map.
    language
        Another than English goes into ``report_<language>.html``: the English one is on record.

    Raises
    ------
    InputError
        If there is no ``metrics.json``, or it is not one; or no catalogue of the language.
    """
    told = texts(language)
    data = _metrics(RunFolder(run_dir).metrics)
    maps = run_maps(run_dir, layers, simulated=bool(data.get("simulated")), texts=told)
    facts = report_facts(run_dir, data, shares=maps["shares"], told=told) | maps
    name = "report.html" if language == "en" else f"report_{language}.html"
    made = page("report.html.j2", told, folder=TEMPLATES, title=config_title, **facts)
    return write_whole(run_dir / name, made)


def report_facts(
    run_dir: Path, data: Mapping[str, Any], *, shares: Mapping[str, float], told: Texts
) -> dict[str, Any]:
    """Gather all that the page says but its maps, worded and rounded.

    Parameters
    ----------
    run_dir, data
        The run folder and its metrics.
    shares
        Of the land on the map, by class; empty where there is no map.
    told
        The words of the page's language.
    """
    protocols = data.get("protocols", {})
    config = _config(RunFolder(run_dir).config)
    manifest = _manifest(RunFolder(run_dir).manifest)
    far = protocols.get("far", {}).get("models", {})
    chosen = chosen_model(data)
    tasks = tasks_facts(run_dir, told)
    return {
        "simulated": bool(data.get("simulated")),
        "data": data,
        "cells": data.get("cells", {}),
        "cell_m": f"{float(data.get('resolution_m', 0)):g}",
        "cell_ha": float(data.get("resolution_m", 0)) ** 2 / 10_000,
        "chosen_words": told.say(MODEL_WORDS.get(chosen, chosen)),
        "verdict": verdict(far, chosen, told),
        "tiles": _tiles(far.get(chosen, {}), shares, data, told),
        "tables": [
            _table(name, protocols[name], chosen, told) for name in PROTOCOLS if name in protocols
        ],
        "calibration": _rows(far.get(chosen, {}), CALIBRATION, told),
        "effort": _effort(far, chosen, told),
        "figures": _figures(run_dir, data, tasks.get("capture", {}), told),
        "quality": quality_facts(run_dir, data, told),
        "permuted": data.get("permuted"),
        "gates": [
            dict(
                gate,
                words=told.told(gate.get("words") or gate["name"]),
                value=number(gate.get("value")),
                threshold=number(gate.get("threshold")),
            )
            for gate in data.get("gates", [])
        ],
        "tasks": tasks,
        "unknowns": unknowns(config, manifest, data, told),
        "inputs": inputs(config, manifest),
        "outputs": outputs(manifest),
        "environment": next(reversed(manifest.get("environments", {}).values()), {}),
    }


def chosen_model(data: Mapping[str, Any]) -> str:
    """Give the name of the model whose map this is."""
    return str(data.get("model") or "model")


def verdict(models: Mapping[str, Mapping[str, Any]], chosen: str, told: Texts = ENGLISH) -> str:
    """Say in a sentence how the model stands to the distance rule on land it has not seen."""
    mine = _estimate(models.get(chosen, {}).get("found_in_top_20"))
    rule = _estimate(models.get("distance_rule", {}).get("found_in_top_20"))
    if math.isnan(mine):
        return told.say("How good the model is on land it has not seen was not measured.")
    if math.isnan(rule):
        return told.say(
            "On regions it had never seen, the 20 % of land it puts first held {share} of the "
            "contaminated cells; land picked at random would hold 20 %. The distance rule was not "
            "measured.",
            share=number(mine, "share"),
        )
    start = told.say(
        "On regions it had never seen, the 20 % of land it puts first held {share} of the "
        "contaminated cells; land picked at random would hold 20 %, the distance rule {rule}.",
        share=number(mine, "share"),
        rule=number(rule, "share"),
    )
    if mine > max(rule, 0.2):
        return start
    if rule > 0.2:
        worse = told.say("Here the model is no better than the rule of thumb: use the rule.")
    else:
        worse = told.say("Neither is of use here: do not survey in this order.")
    return f"{start} {worse}"


def _metrics(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(f"{path} is missing; expected the metrics of a trained run. Train first.")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as failure:
        raise InputError(f"{path} is not valid JSON: {failure}. Train again.") from failure
    if not isinstance(data, dict):
        raise InputError(f"{path} holds a {type(data).__name__}; expected an object. Train again.")
    return read_metrics(path.parent) if "schema_version" in data else data


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
    scores: Mapping[str, Any], measures: Sequence[tuple[str, str, str]], told: Texts
) -> list[tuple[str, tuple[str, str]]]:
    return [
        (told.say(words), interval(scores.get(name), kind, to=told.say("to")))
        for name, words, kind in measures
        if name in scores
    ]


def _table(name: str, protocol: Mapping[str, Any], chosen: str, told: Texts) -> dict[str, Any]:
    models, to = protocol.get("models", {}), told.say("to")
    return {
        "name": name,
        "heading": told.say(PROTOCOLS[name]),
        "words": "" if name == "random" else told.told(protocol.get("words", "")),
        "columns": [told.say(words) for _, words, _ in MEASURES],
        "rows": [
            {
                "words": told.say(MODEL_WORDS.get(model, model)),
                "chosen": model == chosen and name != "random",
                "values": [interval(scores.get(key), kind, to=to) for key, _, kind in MEASURES],
            }
            for model, scores in _in_order(models)
        ],
    }


def _in_order(models: Mapping[str, Any]) -> list[tuple[str, Any]]:
    known = [name for name in MODEL_WORDS if name in models]
    return [(name, models[name]) for name in [*known, *sorted(set(models) - set(known))]]


def _effort(
    models: Mapping[str, Mapping[str, Any]], chosen: str, told: Texts
) -> list[dict[str, Any]]:
    rule, mine, to = models.get("distance_rule", {}), models.get(chosen, {}), told.say("to")
    return [
        {
            "share": f"{share} %",
            "model": interval(mine.get(f"hectares_to_{share}"), "hectares", to=to),
            "rule": interval(rule.get(f"hectares_to_{share}"), "hectares", to=to),
        }
        for share in (50, 80, 95)
        if f"hectares_to_{share}" in mine
    ]


def _tiles(
    scores: Mapping[str, Any], shares: Mapping[str, float], data: Mapping[str, Any], told: Texts
) -> list[dict[str, str]]:
    silent = shares.get("cannot_say", 1 - float(data.get("applicable_share") or math.nan))
    gates = data.get("gates", [])
    passed = sum(bool(gate.get("passed")) for gate in gates)
    land = number(_estimate(scores.get("hectares_to_80")), "hectares")
    return [
        {
            "value": number(_estimate(scores.get("found_in_top_20")), "share"),
            "words": told.say(
                "of contaminated cells lie in the 20 % of land put first, on regions left out"
            ),
        },
        {
            "value": told.say("{hectares} ha", hectares=land),
            "words": told.say(
                "of test land to survey, in the model's order, until 80 % of them are found"
            ),
        },
        {
            "value": number(silent, "share"),
            "words": told.say("of the land: the model cannot say"),
        },
        {
            "value": told.say("{passed} of {all}", passed=passed, all=len(gates)) if gates else "–",
            "words": told.say("gates passed, agreed before training"),
        },
    ]


def _figures(
    run_dir: Path, data: Mapping[str, Any], tasks: Mapping[str, Any], told: Texts
) -> dict[str, str]:
    drawn: dict[str, bytes] = {}
    simulated = bool(data.get("simulated"))
    if curves := data.get("capture", {}).get("far"):
        drawn["capture"] = capture_figure(curves, simulated=simulated, texts=told)
    if bins := data.get("reliability", {}).get("far"):
        drawn["reliability"] = reliability_figure(bins, simulated=simulated, texts=told)
    if rows := data.get("importance"):
        drawn["importance"] = importance_figure(rows, simulated=simulated, texts=told)
    if regions := [row for row in data.get("regions", []) if row.get("roc_auc") is not None]:
        drawn["regions"] = region_figure(regions, simulated=simulated, texts=told)
    if tasks.get("rows"):
        drawn["tasks_capture"] = tasks_capture_figure(
            tasks["found"], tasks["land"], words=tasks["names"], simulated=simulated, texts=told
        )
    if (folds := RunFolder(run_dir).figures / "folds.png").is_file():
        drawn["folds"] = folds.read_bytes()
    if told.language != "en" and (held := RunFolder(run_dir).held_out).is_file():
        drawn["folds"] = fold_map(pd.read_parquet(held), "far", data, told)
    return {name: data_uri(image) for name, image in drawn.items()}
