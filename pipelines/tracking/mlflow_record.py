"""MLflow: the record of a run that a data scientist browses. SQLite unless told otherwise."""

import json
import logging
import math
import os
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from pydantic import JsonValue

from minerisk.configs.schema import Config
from minerisk.features.errors import InputError
from minerisk.models.selection.trials import Trial
from minerisk.pipelines.provenance.manifest import outputs_of
from minerisk.pipelines.provenance.run_folder import MLFLOW_MODEL
from minerisk.pipelines.records.manifest import Environment, Manifest, TrackFacts
from minerisk.pipelines.records.metrics import Trials
from minerisk.pipelines.records.review import State
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.tracking.drivers import check_driver, shown, unusable
from minerisk.pipelines.tracking.shown import (
    DESCRIPTION,
    MAKER,
    maker,
    metric_values,
    run_params,
    run_tags,
    run_title,
    state_tags,
)
from minerisk.pipelines.tracking.store_place import (
    SQLITE,
    artifacts_beside,
    given_uri,
    make_whole,
    own_uri,
    tracking_uri,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, RunInfo

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
DATABASE = "MLFLOW_SQLALCHEMYSTORE_"
"""How the names of settings of MLflow's connections begin."""
TRAINING = {"mlflow.experimentKind": "custom_model_development"}
"""Or MLflow's pages ask what kind of experiment it is, and show those of language models."""
LOGGED_MODELS = "mlflow.log-model.history"
"""By this tag MLflow's pages show a folder of artifacts as a model."""
CONNECT_S = 5.0
DIGEST = 32


def check_store(run: Run) -> None:
    """Find out before hours of training whether the run can be recorded when it is trained.

    Raises
    ------
    InputError
        If the store's driver is not installed, nothing answers, it cannot be written, or the
        experiment was deleted.
    """
    uri = tracking_uri(run)
    if uri != own_uri(run) or run.files.mlflow.exists():  # or else it is made with the record
        _check_usable(uri, run.config.tracking.experiment)


def check_given_store(config: Config) -> None:
    """Check the store that a configuration or the environment names, as `check_store`."""
    if uri := given_uri(config):
        _check_usable(uri, config.tracking.experiment)


def _check_usable(uri: str, experiment: str) -> None:
    with store_client(uri) as client:
        _known_experiment(client, experiment, uri)
        client.search_registered_models(max_results=1)


def _check_reachable(uri: str) -> None:
    """Try the address of a server, or the file of SQLite, without MLflow, which tries for long."""
    address = urlsplit(uri)
    if uri.startswith(SQLITE):
        path = Path(uri.removeprefix(SQLITE))
        if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
            raise unusable(uri, "it cannot be written")
    if address.scheme not in {"http", "https"}:
        return
    port = address.port or {"http": 80, "https": 443}[address.scheme]
    try:
        socket.create_connection((address.hostname or "", port), timeout=CONNECT_S).close()
    except OSError as error:
        raise unusable(uri, str(error)) from error


def record_run(run: Run, uri: str, *, figures: Path) -> TrackFacts:
    """Log a trained run, one child per far fold, and register its model as ``candidate``.

    The layers of the run need not be at hand.

    Raises
    ------
    InputError
        If the tracking store at `uri` cannot be reached.
    """
    with store_client(uri) as client:
        return _log(client, run, uri, figures)


@contextmanager
def store_client(uri: str) -> Iterator["MlflowClient"]:
    """Open a client of a tracking store and its registry; MLflow's own settings stay as they are.

    Raises
    ------
    InputError
        If the store cannot be used: its driver is missing, or it is not there, locked or full.
    """
    check_driver(uri)
    _check_reachable(uri)
    prepare_mlflow()
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        if uri.startswith(SQLITE):
            make_whole(Path(uri.removeprefix(SQLITE)))
        yield MlflowClient(tracking_uri=uri, registry_uri=uri)
    except (MlflowException, SQLAlchemyError) as error:
        why = str(error).splitlines()[0].rstrip(".")
        raise unusable(uri, why) from error


@cache
def prepare_mlflow() -> None:
    """Import MLflow with the environment that it reads alone, and quiet it, once in a process.

    Nothing may call home, and nothing may be unpickled.
    """
    os.environ.update(QUIET)
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    if not any(name.startswith(DATABASE) for name in os.environ):
        # A connection that is kept would still hold the file of a folder that was made anew.
        os.environ[f"{DATABASE}POOLCLASS"] = "NullPool"
    import mlflow  # sets the levels of its loggers

    for noisy in (mlflow.__name__, "alembic"):
        logging.getLogger(noisy).setLevel(logging.ERROR)


def _log(client: "MlflowClient", run: Run, uri: str, figures: Path) -> TrackFacts:
    from minerisk.pipelines.report.model_card import ModelCard
    from minerisk.pipelines.tracking.model_folder import model_folder

    area, manifest = run.config.study_area.name, run.manifest()
    used = _environment(manifest)
    tags = run_tags(run, used) | state_tags(run, State.DRAFT)
    experiment = _experiment(client, run.config.tracking.experiment, uri)
    with _open_run(client, experiment, run_title(run, State.DRAFT), tags, trained(run)) as parent:
        known = parent.run_id
        params = run_params(run.config)
        params |= {f"sha256.{key}": value for key, value in _inputs(run).items()}
        _log_batch(client, parent, metric_values(run.metrics()), params)
        client.log_inputs(known, _datasets(run, manifest))
        for path in (run.files.config, run.files.metrics, run.files.trials):
            client.log_artifact(known, str(path))
        client.log_text(known, ModelCard.of(run, mapped=False).text(), "MODEL_CARD.md")
        client.log_dict(known, used.model_dump(mode="json"), "environment.json")
        with model_folder(run, used, run_id=known) as (folder, about):
            client.log_artifacts(known, str(folder), str(MLFLOW_MODEL))
            client.set_tag(known, LOGGED_MODELS, json.dumps([about.get_tags_dict()]))
        client.log_artifacts(known, str(figures), "figures")
        _log_folds(client, known, run)
        _log_children(client, parent, run, maker(used))
        version = _register(client, f"minerisk-{area}", parent, tags)
    return TrackFacts(run_id=known, registered_model=f"minerisk-{area}", model_version=version)


class Span(NamedTuple):
    """When something began and ended, as MLflow has it: milliseconds since 1970-01-01, UTC.

    Attributes
    ----------
    end
        None where it is not known how long it took.
    """

    start: int
    end: int | None


def trained(run: Run) -> Span:
    """Tell when a run was trained: up to when its scores were written, for as long as recorded."""
    end = run.files.metrics.stat().st_mtime
    return Span(int(1000 * (end - run.manifest().done("train").seconds)), int(1000 * end))


@contextmanager
def _open_run(
    client: "MlflowClient", experiment: str, title: str, tags: Mapping[str, str], span: Span
) -> Iterator["RunInfo"]:
    """Begin a run of MLflow and end it: finished, or failed."""
    made = client.create_run(experiment, span.start, dict(tags), run_name=title)
    info = made.info
    try:
        yield info
    except BaseException:
        client.set_terminated(info.run_id, "FAILED")
        raise
    if span.end is None:
        client.update_run(info.run_id, "FINISHED")
    else:
        client.set_terminated(info.run_id, end_time=span.end)


def _log_batch(
    client: "MlflowClient",
    info: "RunInfo",
    metrics: Mapping[str, float],
    params: Mapping[str, JsonValue],
) -> None:
    from mlflow.entities import Metric, Param

    client.log_batch(
        info.run_id,
        metrics=[Metric(key, value, info.start_time, 0) for key, value in metrics.items()],
        params=[Param(key, str(value)) for key, value in params.items()],
    )


def _experiment(client: "MlflowClient", name: str, uri: str) -> str:
    known = _known_experiment(client, name, uri)
    if known is not None:
        return known
    place = None
    if uri.startswith(SQLITE):
        place = artifacts_beside(Path(uri.removeprefix(SQLITE))).as_uri()
    return str(client.create_experiment(name, artifact_location=place, tags=TRAINING))


def _known_experiment(client: "MlflowClient", name: str, uri: str) -> str | None:
    """Return the identifier of an experiment, none if it has to be made.

    Raises
    ------
    InputError
        If it was deleted: MLflow keeps its name, and takes no run for it.
    """
    known = client.get_experiment_by_name(name)
    if known is None:
        return None
    if known.lifecycle_stage != "active":
        raise InputError(
            f"The experiment {name!r} of the tracking store {shown(uri)} was deleted. Restore it "
            f"(`mlflow experiments restore --experiment-id {known.experiment_id}`, with "
            "MLFLOW_TRACKING_URI set to the store), or name another one in tracking.experiment."
        )
    return str(known.experiment_id)


def _environment(manifest: Manifest) -> Environment:
    """Find what the run was trained with, which need not be what is here now."""
    found = manifest.environment("train")
    if found is None:
        raise InputError("The manifest does not record what the run was trained with.")
    return found


def _inputs(run: Run) -> dict[str, str]:
    manifest = run.manifest()
    known = manifest.layers | outputs_of(manifest, "configure", "build", "train")
    return {name.replace(":", "."): digest for name, digest in known.items()}


def _datasets(run: Run, manifest: Manifest) -> list["DatasetInput"]:
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


def _log_folds(client: "MlflowClient", run_id: str, run: Run) -> None:
    folds = ("fold_far", "fold_near")
    held_out = run.held_out(*folds)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "folds.parquet"
        held_out[["easting", "northing", *folds]].to_parquet(path, index=False)
        client.log_artifact(run_id, str(path))


def _log_children(client: "MlflowClient", parent: "RunInfo", run: Run, by: str) -> None:
    """Add a child for the regions left out and one for the settings tried, and theirs below."""
    regions = run.metrics().regions
    moment = Span(parent.start_time, None)
    with _child(client, parent, "regions left out", by, moment, protocol="far") as group:
        _log_batch(client, group, {"regions": len(regions)}, {})
        for region in regions:
            found = {name: value for name, value in asdict(region).items() if _is_number(value)}
            name = f"far-{region.region:02d}"
            with _child(client, group, name, by, moment, protocol="far") as info:
                _log_batch(client, info, found, {})
    searches = Trials.read(run.files.trials).searches
    tried = [(protocol, trial) for protocol, search in searches.items() for trial in search.trials]
    if not tried:
        return
    with _child(client, parent, "settings tried", by, moment) as group:
        _log_batch(client, group, {"settings": len(tried)}, {})
        for protocol, trial in tried:
            name = f"trial-{protocol}-{trial.choice}-{trial.trial}"
            inside = f"{protocol}, inside the training land"
            with _child(client, group, name, by, moment, protocol=inside) as info:
                _log_batch(client, info, _trial_scores(trial), _trial_params(trial))


def _trial_scores(trial: Trial) -> dict[str, float]:
    if trial.scores is None:
        return {}
    return {
        "average_precision": trial.scores.average_precision,
        "roc_auc": trial.scores.roc_auc,
        "objective": trial.scores.objective,
    }


def _trial_params(trial: Trial) -> dict[str, JsonValue]:
    failed = {} if trial.failed is None else {"failed": trial.failed}
    return {"choice": trial.choice, "trial": trial.trial, **trial.settings, **failed}


@contextmanager
def _child(
    client: "MlflowClient",
    parent: "RunInfo",
    name: str,
    by: str,
    span: Span,
    *,
    protocol: str | None = None,
) -> Iterator["RunInfo"]:
    """Open a run below another; how long each took by itself is not recorded."""
    marks = {"mlflow.parentRunId": parent.run_id, MAKER: by}
    if protocol is not None:
        marks["minerisk.protocol"] = protocol
    with _open_run(client, parent.experiment_id, name, marks, span) as info:
        yield info


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _register(client: "MlflowClient", name: str, info: "RunInfo", tags: Mapping[str, str]) -> str:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    source = f"{info.artifact_uri}/{MLFLOW_MODEL}"
    version = client.create_model_version(
        name, source, info.run_id, tags=dict(tags), description=tags[DESCRIPTION]
    )
    client.set_registered_model_alias(name, "candidate", version.version)
    return str(version.version)
