"""Readers of the files in a run folder."""

import json
from pathlib import Path
from typing import Any

import xarray as xr

from minerisk.features.errors import InputError
from minerisk.models.evaluation.results import GateName
from minerisk.models.risk_model import RiskModel
from minerisk.pipelines.language.metric_words import (
    GATES,
    caution_words,
    hazard_words,
    reading_words,
    splitter_words,
    unsurveyed_words,
)
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.metrics import Metrics


def load_model(folder: Path) -> RiskModel:
    """Read the model of a run."""
    target = RunFolder(folder).model
    if not target.is_dir():
        raise InputError(f"{folder} has no model; train first (`minerisk run`).")
    files = {item.name: item.read_bytes() for item in sorted(target.iterdir()) if item.is_file()}
    return RiskModel.from_files(files)


def open_labels(folder: Path) -> xr.Dataset:
    """Open the labels of a run lazily."""
    return xr.open_zarr(RunFolder(folder).labels, chunks=None, consolidated=False)


def read_metrics(folder: Path) -> dict[str, Any]:
    """Read the metrics of a trained run as plain values. Goes: use `Run.metrics`."""
    path = RunFolder(folder).metrics
    if not path.is_file():
        raise InputError(f"{folder} has no metrics.json; train first (`minerisk run`).")
    try:
        plain: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(
            f"{path} is not JSON ({error}). It was changed by hand; train again."
        ) from error
    return _with_words(Metrics.read(path), plain) if "schema_version" in plain else plain


def _with_words(metrics: Metrics, plain: dict[str, Any]) -> dict[str, Any]:
    """Add what earlier versions of the file held, until all readers have moved to `Metrics`."""
    folds = {key: found["folds"] for key, found in plain["protocols"].items()}
    plain |= {"model": "model", "folds": folds}
    for known, protocol in metrics.protocols.items():
        plain["protocols"][known]["words"] = splitter_words(protocol.splitter, protocol.until)
    for gate in plain["gates"]:
        gate["words"] = GATES[GateName(gate["name"])]
    plain["warnings"] = [caution_words(caution) for caution in metrics.cautions]
    if metrics.unsurveyed is not None:
        plain["unsurveyed"]["words"] = unsurveyed_words(metrics.unsurveyed)
        rows = plain["unsurveyed"]["readings"]
        for row, reading in zip(rows, metrics.unsurveyed.readings, strict=True):
            row["reading"] = reading_words(reading)
    for name, hazard in metrics.hazards.items():
        facts = hazard.model_dump(exclude={"trained", "far", "far_by_any"})
        known_facts = hazard.model_dump(mode="json", exclude_none=True)
        plain["hazards"][name] = known_facts | {"words": hazard_words(name, **facts)}
    for row in plain["reliability_by_hazard"]:
        row |= row["land"] or {}
    plain["cells"] = {k: v for k, v in plain["cells"].items() if v is not None}
    return plain
