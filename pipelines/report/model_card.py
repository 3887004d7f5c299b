"""`MODEL_CARD.md` and the record behind it: what a model is for, how good, and where it fails.

The record follows ODMAP (Overview, Data, Model, Assessment, Prediction; Zurell et al. 2020,
doi:10.1111/ecog.04960), with what a reviewer of mine action asks besides.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from minerisk.features.errors import InputError
from minerisk.pipelines.language.numbers import interval, number
from minerisk.pipelines.plotting.figures import MODEL_WORDS
from minerisk.pipelines.records.manifest import Manifest
from minerisk.pipelines.report.quality import quality_facts
from minerisk.pipelines.report.report import CALIBRATION, MEASURES, PROTOCOLS, chosen_model, verdict
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.hazards import ANY, HAZARD_TITLES, hazard_folder
from minerisk.pipelines.run.readers import read_metrics

INTENDED = (
    "The desk assessment of a non-technical survey (IMAS 08.10): one indirect source of "
    "information among others, named by its run.",
    "Ranking land and survey tasks: where to survey first.",
    "Saying where the data do not support a statement (cannot say).",
)
NOT_FOR = (
    "deciding that land needs no survey: lower means survey later",
    "opening, closing, lowering or redrawing a registered hazardous area (SHA, CHA)",
    "direct evidence, or cancelling or reducing land",
    "any statement on land marked cannot say",
    "finding the place of a single mine, or planning a route",
    "land outside its study area, or evidence later than its date",
)
LABEL_RULES = (
    "positive: a cell with evidence, weighted by the kind of evidence",
    "negative by search: a cell that was surveyed and in which nothing was recorded",
    "unlabelled: every other cell; never taken as negative",
)


def card_record(folder: Path, *, hazard: str = ANY) -> dict[str, Any]:
    """Gather the record of a run from its files, nothing typed by hand.

    Parameters
    ----------
    folder
        The run folder.
    hazard
        Class of the model that the record is of.

    Raises
    ------
    InputError
        If the run is not trained.
    """
    home = folder if hazard == ANY else hazard_folder(folder, hazard)
    run, metrics = Run.open(folder), read_metrics(home)
    manifest = run.manifest()
    chosen = chosen_model(metrics)
    far = metrics.get("protocols", {}).get("far", {}).get("models", {})
    if chosen not in far:
        raise InputError(f"{folder} says nothing of its model on far land. Train it again.")
    return {
        "overview": _overview(run, metrics, manifest) | {"hazard": HAZARD_TITLES[hazard]},
        "data": _data(run, metrics, manifest),
        "model": _model(run, metrics, chosen),
        "assessment": {
            "verdict": verdict(far, chosen),
            "protocols": _protocols(metrics),
            "calibration": _named(far[chosen], CALIBRATION),
            "gates": metrics.get("gates", []),
            "permuted_labels": metrics.get("permuted"),
            **quality_facts(home, metrics),
        },
        "prediction": _prediction(metrics),
        "known_failures": _failures(metrics),
        "reviewers": _reviewers(run),
    }


def card_text(record: Mapping[str, Any]) -> str:
    """Write the record as Markdown that a survey manager can read."""
    overview, model = record["overview"], record["model"]
    blocks = [
        f"# Model card: {_cell(overview['title'])}",
        f"**{overview['mark']}**" if overview["mark"] else "",
        f"Run `{overview['head']}`, evidence up to {overview['as_of']}, cells of "
        f"{overview['resolution_m']:g} m on {overview['crs']}. "
        f"Hazard: {overview['hazard'].lower()}. State: {record['reviewers']['state']}.",
        "## What it is for",
        _list(INTENDED),
        "## What it must not be used for",
        _list(NOT_FOR),
        "## What went in",
        _table(
            ("Layer", "Source and date", "Licence", "SHA-256"),
            [
                (row["name"], row["source"], row["licence"], row["sha256"][:16])
                for row in record["data"]["layers"]
            ],
        ),
        "Source and date are as the configuration states them.",
        "## Label rules",
        _list(LABEL_RULES),
        _table(
            ("Layer", "Kind of evidence", "Weight", "Hazard"),
            [
                (row["layer"], row["evidence"], f"{row['weight']:g}", row["hazard"])
                for row in record["data"]["evidence"]
            ],
        ),
        _cells(record["data"]["cells"]),
        "## The model",
        _list(
            [
                f"{model['kind']}; {model['members']} members",
                f"probabilities calibrated with `{model['calibrator']}`",
                f"trained by: {', '.join(overview['trained_by']) or 'not recorded'}",
            ]
        ),
        "## Folds",
        _list(
            f"{row['heading']}: {row['folds']} folds; {row['words']}"
            for row in record["assessment"]["protocols"]
        ),
        "## How good it is on land held out",
        record["assessment"]["verdict"],
        *_scores(record["assessment"]["protocols"]),
        *_quality(record["assessment"]),
        "## Where it can speak",
        _list(record["prediction"]),
        "## Known failures",
        _list(record["known_failures"]),
        "## Gates, agreed before training",
        _table(
            ("Gate", "Threshold", "Value", "Result"),
            [
                (
                    gate["words"],
                    number(gate["threshold"]),
                    number(gate["value"]),
                    "passed" if gate["passed"] else "NOT PASSED",
                )
                for gate in record["assessment"]["gates"]
            ],
        ),
        "## Reviews",
        _list(record["reviewers"]["words"]),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _overview(run: Run, metrics: Mapping[str, Any], manifest: Manifest) -> dict[str, Any]:
    used = manifest.environment("train")
    mark = "SIMULATED findings: no accuracy may be claimed, nothing may be used in the field."
    return {
        "title": run.config.study_area.title,
        "study_area": run.config.study_area.name,
        "mark": mark if run.simulated else "",
        "head": manifest.head or "not chained",
        "as_of": metrics.get("as_of") or "no common date",
        "crs": metrics.get("crs"),
        "resolution_m": float(metrics.get("resolution_m", 0)),
        "trained_by": list(manifest.trained_by),
        "intended_use": list(INTENDED),
        "not_for": list(NOT_FOR),
        "code": used and used.code_sha256,
    }


def _data(run: Run, metrics: Mapping[str, Any], manifest: Manifest) -> dict[str, Any]:
    hashes = manifest.layers
    return {
        "layers": [
            {
                "name": name,
                "source": layer.source or "not stated",
                "licence": layer.licence or "not stated",
                "sha256": hashes.get(f"layer:{name}", "made by the run"),
                "position_error_m": getattr(layer, "position_error_m", None),
            }
            for name, layer in sorted(run.config.layers.items())
        ],
        "label_rules": list(LABEL_RULES),
        "evidence": [
            item.model_dump(include={"layer", "evidence", "weight", "hazard"})
            for item in run.config.labels.positive
        ],
        "search_weight": run.config.labels.search_weight,
        "cells": metrics.get("cells", {}),
        "prevalence": metrics.get("prevalence"),
    }


def _model(run: Run, metrics: Mapping[str, Any], chosen: str) -> dict[str, Any]:
    return {
        "kind": MODEL_WORDS.get(chosen, chosen),
        "members": run.config.model.members,
        "calibrator": metrics.get("calibrator", "not recorded"),
        "features": [item.kind for item in run.config.features],
        "seed": run.config.model.seed,
        "importance": metrics.get("importance", []),
    }


def _protocols(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "heading": PROTOCOLS[name],
            "folds": found.get("folds"),
            "words": found.get("words", ""),
            "models": {
                MODEL_WORDS.get(model, model): _named(scores, MEASURES)
                for model, scores in found.get("models", {}).items()
            },
        }
        for name, found in metrics.get("protocols", {}).items()
        if name in PROTOCOLS
    ]


def _named(
    scores: Mapping[str, Any], measures: Sequence[tuple[str, str, str]]
) -> dict[str, list[str]]:
    return {
        words: list(interval(scores.get(key), kind))
        for key, words, kind in measures
        if key in scores
    }


def _prediction(metrics: Mapping[str, Any]) -> list[str]:
    share = metrics.get("applicable_share")
    return [
        f"It speaks for {number(share, 'share')} of the study area; elsewhere it says cannot say.",
        "Nearness to the training land in feature space decides (area of applicability, Meyer and "
        "Pebesma 2021, doi:10.1111/2041-210X.13650).",
        "The interval is of the calibrated probability; its cover is tested above.",
    ]


def _failures(metrics: Mapping[str, Any]) -> list[str]:
    """Say where the model was put to the test and did not hold."""
    found = [
        f"gate not passed: {gate['words']} (value {number(gate['value'])}, agreed "
        f"{number(gate['threshold'])})"
        for gate in metrics.get("gates", [])
        if not gate["passed"]
    ]
    found += [
        f"region {row['region']}: no better than chance when left out (ROC-AUC "
        f"{number(row['roc_auc'])})"
        for row in metrics.get("regions", [])
        if row.get("roc_auc") is not None and row["roc_auc"] <= 0.5
    ]
    for row in metrics.get("reliability_by_region", []):
        if not row["low"] <= row["predicted"] <= row["high"]:
            side = "too little" if row["predicted"] < row["low"] else "too much"
            found.append(f"region {row['region']}: predicts {side} when left out")
    found += _gathered([str(words) for words in metrics.get("warnings", [])])
    found.append("unrecorded laying, moved mines and items below the cell size leave no trace")
    return found


def _gathered(warnings: Sequence[str]) -> list[str]:
    """Say once what is said of several columns in the same words."""
    alike: dict[str, list[str]] = {}
    for words in warnings:
        rest = words.partition(" ")[2]
        alike.setdefault(re.sub(r"[\d.]+", "#", rest, count=1), []).append(words)
    return [
        first
        if not others
        else f"{first} The same of: {', '.join(other.partition(' ')[0] for other in others)}."
        for first, *others in alike.values()
    ]


def _reviewers(run: Run) -> dict[str, Any]:
    log = run.reviews()
    words = [f"{entry.at}: {entry.decision} by {entry.by}: {entry.note}" for entry in log.entries]
    return {
        "state": log.state,
        "words": [*words, *log.problems] or ["nobody has reviewed this run"],
    }


def _cells(cells: Mapping[str, Any]) -> str:
    rows = [(name, f"{int(count):,}") for name, count in cells.items()]
    return _table(("Cells", "Number"), rows)


def _scores(protocols: Sequence[Mapping[str, Any]]) -> list[str]:
    blocks = []
    for protocol in protocols:
        columns = [words for _, words, _ in MEASURES]
        rows = [
            (model, *(_worded(scores.get(column)) for column in columns))
            for model, scores in protocol["models"].items()
        ]
        blocks += [f"### {protocol['heading']}", _table(("Model", *columns), rows)]
    return blocks


def _quality(found: Mapping[str, Any]) -> list[str]:
    blocks = ["## Calibration on far land"]
    blocks.append(
        _table(
            ("Measure", "Value"),
            [(words, _worded(value)) for words, value in found["calibration"].items()],
        )
    )
    if found["regions"]:
        blocks += [
            "### Region by region, each left out whole",
            _table(
                ("Region", "Cells", "Positive", "ROC-AUC", "Predicted", "Found"),
                [
                    (
                        str(row["region"]),
                        row["cells"],
                        row["positive"],
                        _worded(row["auc"]),
                        row["predicted"],
                        _worded(row["observed"]),
                    )
                    for row in found["regions"]
                ],
            ),
        ]
    if found["hazards"]:
        blocks += [
            "### By hazard class: where the finds lie, in thirds of the land by probability",
            _table(
                ("Found", "Cells", "Highest third", "Middle", "Lowest third"),
                [
                    (
                        row["words"],
                        f"{row['positive']:,}",
                        *(row.get(name, "–") for name in ("highest", "middle", "lowest")),
                    )
                    for row in found["hazards"]
                ],
            ),
        ]
    if found["classes"]:
        blocks += [
            "### Models of one hazard class: ROC-AUC on far land, beside the model of any hazard",
            _table(
                ("Class", "Positive", "Own model", "Any hazard", "Result"),
                [
                    (
                        row["hazard"],
                        row["positive"],
                        _worded(row["own"]),
                        _worded(row["any"]),
                        row["words"],
                    )
                    for row in found["classes"]
                ],
            ),
        ]
    return blocks


def _worded(value: Sequence[str] | None) -> str:
    if value is None:
        return "–"
    return f"{value[0]} ({value[1]})" if value[1] else value[0]


def _list(lines: Any) -> str:
    return "\n".join(f"- {_cell(line)}" for line in lines)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: Any) -> str:
    """Keep a word from outside on its line and in its column, and out of HTML."""
    plain = " ".join(str(text).split())
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
