"""MLflow: the record of a run that a data scientist browses. SQLite unless told otherwise."""

import json
import math
import os
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from minerisk.configs.schema import Config
from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.manifest import outputs_of
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.manifest import Environment, Manifest
from minerisk.pipelines.records.metrics import Trials
from minerisk.pipelines.records.stage_facts import TrackFacts
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.readers import read_metrics

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
CONNECT_S = 5.0
STORES = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
SQLITE = "sqlite:///"
DIGEST = 32
RECORDED = ("config.yaml", "metrics.json", "trials.json")


def tracking_uri(run: Run) -> str:
    """Say where MLflow writes: the environment first, then the configuration, then SQLite."""
    given = os.environ.get("MLFLOW_TRACKING_URI") or run.config.tracking.uri
    return given or f"sqlite:///{(run.folder / 'mlflow.db').resolve()}"


def check_store(run: Run) -> None:
    """Find out before hours of training whether a tracking server answers.

    Raises
    ------
    InputError
        If the tracking store is a server and nothing listens there.
    """
    uri = tracking_uri(run)
    address = urlsplit(uri)
    if address.scheme not in {"http", "https"}:
        return
    port = address.port or {"http": 80, "https": 443}[address.scheme]
    try:
        socket.create_connection((address.hostname or "", port), timeout=CONNECT_S).close()
    except OSError as error:
        raise _unusable(uri, str(error)) from error


def _unusable(uri: str, why: str) -> InputError:
    todo = "Start the server, or unset MLFLOW_TRACKING_URI to use SQLite in the run folder."
    if uri.startswith("sqlite:"):
        todo = "Make room if the disk is full, end what holds the file, and give the command again."
    return InputError(
        f"The tracking store {uri.split('@')[-1]} cannot be used: {why}. {todo} What was finished "
        "is kept."
    )


def track(run: Run, *, figures: Path) -> TrackFacts:
    """Log a trained run, one child per far fold, and register its model as ``candidate``.

    Raises
    ------
    InputError
        If the tracking store cannot be reached.
    """
    return record_run(run, tracking_uri(run), figures=figures)


def record_run(run: Run, uri: str, *, figures: Path) -> TrackFacts:
    """Log a trained run to the store at `uri` (see `track`); its layers need not be at hand."""
    with _store(uri) as mlflow:
        return _log(mlflow, run, uri, figures)


@contextmanager
def store_client(uri: str) -> Iterator[Any]:
    """Give a client of a tracking store and its registry.

    Raises
    ------
    InputError
        If the store cannot be used: not there, locked, or full.
    """
    with _store(uri) as mlflow:
        yield mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)


@contextmanager
def _store(uri: str) -> Iterator[Any]:
    os.environ.update(QUIET)
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    import mlflow
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with _quiet(), _own_environment():
            yield mlflow
    except (MlflowException, SQLAlchemyError) as error:
        why = str(error).splitlines()[0].rstrip(".")
        raise _unusable(uri, why) from error


def _log(mlflow: Any, run: Run, uri: str, figures: Path) -> TrackFacts:
    from minerisk.pipelines.report.model_card import ModelCard

    metrics = read_metrics(run.folder)
    area = run.config.study_area.name
    name = f"minerisk-{area}"
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    client = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
    experiment = _experiment(client, run.config.tracking.experiment, uri)
    manifest = run.manifest()
    used = _environment(manifest)
    tags = _tags(run, metrics, used)
    title = f"{area} {manifest.done('train').key[:8]}"
    with mlflow.start_run(experiment_id=experiment, run_name=title, tags=tags) as parent:
        mlflow.log_params(run_params(run.config))
        mlflow.log_params({f"sha256.{key}": value for key, value in _inputs(run).items()})
        client.log_inputs(parent.info.run_id, _datasets(run, manifest))
        mlflow.log_metrics(_metric_values(metrics))
        for item in RECORDED:
            mlflow.log_artifact(str(run.folder / item))
        mlflow.log_text(ModelCard.of(run).text(), "MODEL_CARD.md")
        mlflow.log_dict(used.model_dump(mode="json"), "environment.json")
        mlflow.log_artifacts(str(run.files.model), "model")
        mlflow.log_artifacts(str(figures), "figures")
        _log_folds(mlflow, run)
        _log_children(client, parent.info, metrics, run.folder)
        version = _register(client, name, parent.info, tags)
    return TrackFacts(run_id=parent.info.run_id, registered_model=name, model_version=version)


def _experiment(client: Any, name: str, uri: str) -> str:
    known = client.get_experiment_by_name(name)
    if known is not None:
        return str(known.experiment_id)
    place = None
    if uri.startswith(SQLITE):
        place = (Path(uri.removeprefix(SQLITE)).resolve().parent / "mlflow").as_uri()
    return str(client.create_experiment(name, artifact_location=place))


def _environment(manifest: Manifest) -> Environment:
    """Find what the run was trained with, which need not be what is here now."""
    found = manifest.environment("train")
    if found is None:
        raise InputError("The manifest does not record what the run was trained with.")
    return found


def _tags(run: Run, metrics: Mapping[str, Any], used: Environment) -> dict[str, str]:
    failed = [gate["name"] for gate in metrics["gates"] if not gate["passed"]]
    findings = "SIMULATED" if run.simulated else "recorded"
    return {
        "mlflow.user": "not recorded",  # MLflow would take the name of the account
        "mlflow.note.content": f"{run.config.study_area.title}. Findings: {findings}. "
        f"Gates not passed: {', '.join(failed) or 'none'}. Compare runs by the metrics under far/.",
        "minerisk.study_area": run.config.study_area.name,
        "minerisk.findings": findings,
        "minerisk.gates_failed": ", ".join(failed) or "none",
        "minerisk.code_sha256": used.code_sha256,
        "minerisk.lock_sha256": str(used.lock_sha256),
    }


def run_params(config: Config) -> dict[str, Any]:
    """Flatten the settings that make one run another: ``features.distance.roads.cap_m``.

    Features are named by kind and layer, not by their place, so that one more shifts no other.
    """
    settings = config.model_dump(mode="json", include={"study_area", "folds", "model", "gates"})
    found: dict[str, Any] = _flat(settings)
    for item in config.model_dump(mode="json", include={"features"})["features"]:
        kind, layer = item.pop("kind"), item.pop("layer", None)
        known = f"features.{kind}.{layer}" if layer else f"features.{kind}"
        name, number = known, 1
        while any(key.startswith(f"{name}.") for key in found):
            number += 1
            name = f"{known}.{number}"
        found |= _flat(item, f"{name}.") or {f"{name}.used": True}
    return found


def _inputs(run: Run) -> dict[str, str]:
    manifest = run.manifest()
    known = manifest.layers | outputs_of(manifest, "configure", "build", "train")
    return {name.replace(":", "."): digest for name, digest in known.items()}


def _datasets(run: Run, manifest: Manifest) -> list[Any]:
    """Name each layer as an MLflow dataset; its digest has room for half of our SHA-256."""
    from mlflow.entities import Dataset, DatasetInput

    found = []
    for key, digest in sorted(manifest.layers.items()):
        name = key.removeprefix("layer:")
        layer = run.config.layers.get(name)
        facts = {
            "sha256": digest,
            "source": layer.source if layer else "",
            "licence": layer.licence if layer else "",
        }
        dataset = Dataset(name, digest[:DIGEST], "minerisk layer", json.dumps(facts))
        found.append(DatasetInput(dataset, tags=[]))
    return found


def _metric_values(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Name scores ``far/model.roc_auc``: MLflow shows what stands before the slash together."""
    values = {"prevalence": metrics["prevalence"], "range_m": metrics["range_m"]}
    for protocol, found in metrics["protocols"].items():
        for model, measures in found["models"].items():
            for name, (estimate, low, high) in measures.items():
                values[f"{protocol}/{model}.{name}"] = estimate
                values[f"{protocol} interval/{model}.{name}.low"] = low
                values[f"{protocol} interval/{model}.{name}.high"] = high
    return {name: value for name, value in values.items() if pd.notna(value)}


def _log_folds(mlflow: Any, run: Run) -> None:
    held_out = pd.read_parquet(run.files.held_out)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "folds.parquet"
        columns = ["easting", "northing", "fold_far", "fold_near"]
        held_out[columns].to_parquet(path, index=False)
        mlflow.log_artifact(str(path))


def _log_children(client: Any, parent: Any, metrics: Mapping[str, Any], folder: Path) -> None:
    """Add a child run for each region left out and for each setting that was tried."""
    for region in metrics["regions"]:
        name = f"far-{region['region']:02d}"
        _log_child(client, parent, name, scores=region, tags={"minerisk.protocol": "far"})
    for protocol, search in Trials.read(RunFolder(folder).trials).searches.items():
        for trial in search.trials:
            name = f"trial-{protocol}-{trial.choice}-{trial.trial}"
            scores: dict[str, float] = {}
            params = {"choice": trial.choice, "trial": trial.trial, **trial.settings}
            if trial.failed is not None:
                params["failed"] = trial.failed
            if trial.scores is not None:
                scores = {
                    "average_precision": trial.scores.average_precision,
                    "roc_auc": trial.scores.roc_auc,
                    "objective": trial.scores.objective,
                }
            tags = {"minerisk.protocol": f"{protocol}, inside the training land"}
            _log_child(client, parent, name, scores=scores, params=params, tags=tags)


def _log_child(
    client: Any,
    parent: Any,
    name: str,
    *,
    scores: Mapping[str, Any],
    tags: Mapping[str, str],
    params: Mapping[str, Any] | None = None,
) -> None:
    from mlflow.entities import Metric, Param

    marks = {"mlflow.parentRunId": parent.run_id, "mlflow.user": "not recorded", **tags}
    info = client.create_run(parent.experiment_id, tags=marks, run_name=name).info
    numbers = {key: value for key, value in scores.items() if _is_number(value)}
    client.log_batch(
        info.run_id,
        metrics=[Metric(key, float(value), info.start_time, 0) for key, value in numbers.items()],
        params=[Param(key, str(value)) for key, value in (params or {}).items()],
    )
    client.set_terminated(info.run_id)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _register(client: Any, name: str, info: Any, tags: Mapping[str, str]) -> str:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    source = f"{info.artifact_uri}/model"
    version = client.create_model_version(name, source=source, run_id=info.run_id, tags=dict(tags))
    client.set_registered_model_alias(name, "candidate", version.version)
    return str(version.version)


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, item in value.items():
        name = f"{prefix}{key}"
        flat |= _flat(item, f"{name}.") if isinstance(item, dict) else {name: item}
    return flat


@contextmanager
def _own_environment() -> Iterator[None]:
    """Undo that MLflow writes its store into the environment: the next run has its own."""
    before = {name: os.environ.get(name) for name in STORES}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _quiet() -> Iterator[None]:
    import logging

    loud = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in loud]
    for logger in loud:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loud, levels, strict=True):
            logger.setLevel(level)
