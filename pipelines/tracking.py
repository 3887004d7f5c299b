"""MLflow: the record of a run that a data scientist browses. SQLite unless told otherwise."""

import os
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from features.errors import InputError
from pipelines.context import Run, read_metrics
from pipelines.manifest import environment, outputs_of

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
    return InputError(
        f"The tracking store {uri.split('@')[-1]} cannot be used: {why}. Start the server, or "
        "unset MLFLOW_TRACKING_URI to use SQLite in the run folder. What was finished is kept."
    )


def track(run: Run, *, figures: Path) -> dict[str, str]:
    """Log a trained run, one child per far fold, and register its model as ``candidate``.

    Returns
    -------
    dict
        ``run_id``, ``model_version`` and ``registered_model``.

    Raises
    ------
    InputError
        If the tracking store cannot be reached.
    """
    with _store(run) as mlflow:
        return _log(mlflow, run, tracking_uri(run), figures)


@contextmanager
def store_client(run: Run) -> Iterator[Any]:
    """Give a client of the tracking store and registry of a run.

    Raises
    ------
    InputError
        If the store cannot be used: not there, locked, or full.
    """
    uri = tracking_uri(run)
    with _store(run) as mlflow:
        yield mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)


@contextmanager
def _store(run: Run) -> Iterator[Any]:
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
        raise _unusable(tracking_uri(run), why) from error


def _log(mlflow: Any, run: Run, uri: str, figures: Path) -> dict[str, str]:
    metrics = read_metrics(run.folder)
    name = f"minerisk-{run.config.study_area.name}"
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    client = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
    experiment = _experiment(client, run, uri)
    tags = _tags(run, metrics)
    with mlflow.start_run(experiment_id=experiment, run_name=name, tags=tags) as parent:
        mlflow.log_params(_flat(run.config.model_dump(mode="json", include={"folds", "model"})))
        mlflow.log_params({f"sha256.{key}": value for key, value in _inputs(run).items()})
        mlflow.log_metrics(_metric_values(metrics))
        mlflow.log_artifact(str(run.folder / "config.yaml"))
        for scores in ("metrics.json", "trials.json"):
            mlflow.log_artifact(str(run.folder / scores))
        mlflow.log_dict(environment(), "environment.json")
        mlflow.log_artifacts(str(run.folder / "model"), "model")
        mlflow.log_artifacts(str(figures), "figures")
        _log_folds(mlflow, run, metrics, experiment)
        version = _register(client, name, parent.info, tags)
    return {"run_id": parent.info.run_id, "registered_model": name, "model_version": version}


def _experiment(client: Any, run: Run, uri: str) -> str:
    name = run.config.tracking.experiment
    known = client.get_experiment_by_name(name)
    if known is not None:
        return str(known.experiment_id)
    local = uri.startswith("sqlite")
    place = (run.folder / "mlflow").resolve().as_uri() if local else None
    return str(client.create_experiment(name, artifact_location=place))


def _tags(run: Run, metrics: Mapping[str, Any]) -> dict[str, str]:
    failed = [gate["name"] for gate in metrics["gates"] if not gate["passed"]]
    return {
        "mlflow.user": "not recorded",  # MLflow would take the name of the account
        "minerisk.study_area": run.config.study_area.name,
        "minerisk.findings": "SIMULATED" if run.simulated else "recorded",
        "minerisk.gates_failed": ", ".join(failed) or "none",
        "minerisk.code_sha256": str(environment()["code_sha256"]),
        "minerisk.lock_sha256": str(environment()["lock_sha256"]),
    }


def _inputs(run: Run) -> dict[str, str]:
    known = run.layer_inputs() | outputs_of(run.folder, "configure", "build", "train")
    return {name.replace(":", "."): digest for name, digest in known.items()}


def _metric_values(metrics: Mapping[str, Any]) -> dict[str, float]:
    values = {"prevalence": metrics["prevalence"], "range_m": metrics["range_m"]}
    for protocol, found in metrics["protocols"].items():
        for model, measures in found["models"].items():
            for name, (estimate, low, high) in measures.items():
                values[f"{protocol}.{model}.{name}"] = estimate
                values[f"{protocol}.{model}.{name}.low"] = low
                values[f"{protocol}.{model}.{name}.high"] = high
    return {name: value for name, value in values.items() if pd.notna(value)}


def _log_folds(mlflow: Any, run: Run, metrics: Mapping[str, Any], experiment: str) -> None:
    held_out = pd.read_parquet(run.folder / "held_out.parquet")
    for region in metrics["regions"]:
        name = f"far-{region['region']:02d}"
        with mlflow.start_run(experiment_id=experiment, run_name=name, nested=True):
            values = {key: v for key, v in region.items() if isinstance(v, int | float)}
            mlflow.log_metrics({key: float(value) for key, value in values.items()})
            mlflow.set_tag("minerisk.protocol", "far")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "folds.parquet"
        columns = ["easting", "northing", "fold_far", "fold_near"]
        held_out[columns].to_parquet(path, index=False)
        mlflow.log_artifact(str(path))


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
