"""An MLflow server on Postgres: the record of a run arrives there as it does in SQLite."""

import importlib.util
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from minerisk.features.errors import InputError
from minerisk.pipelines.audit.transfer import export_run, import_run
from minerisk.pipelines.provenance.manifest import read_manifest
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.tracking import mlflow_record
from minerisk.pipelines.tracking.mlflow_record import QUIET
from tests.faults.postgres import BINARIES, MISSING, Postgres, free_port, running_postgres

PATIENCE_S = 120
ALONE = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # a store is wanted, not its job queue

pytestmark = [
    pytest.mark.skipif(not BINARIES, reason=MISSING),
    pytest.mark.skipif(
        importlib.util.find_spec("psycopg2") is None,
        reason="psycopg2 is not installed: MLflow cannot speak to Postgres",
    ),
]


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    with running_postgres() as made:
        yield made


@pytest.fixture(scope="module")
def postgres(database: Postgres) -> str:
    return database.url


@contextmanager
def running_server(store: str, place: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    port = free_port()
    address = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    words = ["-m", "mlflow", "server", "--backend-store-uri", store, *address]
    words += ["--artifacts-destination", str(place)]
    uri = f"http://127.0.0.1:{port}"
    with (place / "log").open("w") as stream:
        process = subprocess.Popen([sys.executable, *words], stdout=stream, stderr=stream,
                                   env=os.environ | QUIET | ALONE)  # fmt: skip
        try:
            wait_for(f"{uri}/health", process)
            yield uri, process
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
def server(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_server(postgres, tmp_path_factory.mktemp("artifacts")) as (uri, _):
        yield uri


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(4 * PATIENCE_S):
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except (urllib.error.URLError, OSError):
            assert process.poll() is None, "the server ended"
            time.sleep(0.25)
        else:
            return
    raise AssertionError(f"{url} did not answer in {PATIENCE_S} s")


def test_a_run_is_carried_to_a_server_on_postgres(
    tiny_run: Path, server: str, tmp_path: Path
) -> None:
    from mlflow import MlflowClient

    export_run(Run.open(tiny_run), tmp_path / "run.zip")
    made = import_run(tmp_path / "run.zip", server)
    client = MlflowClient(tracking_uri=server, registry_uri=server)
    run = client.get_run(made.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.tags["minerisk.head"] == read_manifest(RunFolder(tiny_run)).head
    assert "far/roc_auc" in run.data.metrics
    assert {item.dataset.name for item in run.inputs.dataset_inputs} >= {"elevation", "front_line"}
    version = client.get_model_version_by_alias(made.registered_model, "candidate")
    assert version.run_id == made.run_id
    names = {item.path for item in client.list_artifacts(made.run_id)}
    assert {"model", "figures", "config.yaml", "MODEL_CARD.md", "folds.parquet"} <= names


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow asks a server that is gone once more, not for minutes."""
    for name, value in {"MAX_RETRIES": "1", "TIMEOUT": "5", "BACKOFF_FACTOR": "0"}.items():
        monkeypatch.setenv(f"MLFLOW_HTTP_REQUEST_{name}", value)
    monkeypatch.setenv("MLFLOW_SQLALCHEMYSTORE_POOL_PRE_PING", "true")


@pytest.mark.usefixtures("impatient")
def test_a_database_that_goes_away_in_the_middle_is_told_and_the_same_again_goes_through(
    tiny_run: Path, server: str, database: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(mlflow_record, "_log_children", lambda *_: database.stop())
        with pytest.raises(InputError, match="cannot be used") as told:
            mlflow_record.record_run(Run.open(tiny_run), server, figures=tiny_run / "figures")
    assert "\n" not in str(told.value)
    database.start()
    facts = mlflow_record.record_run(Run.open(tiny_run), server, figures=tiny_run / "figures")
    with mlflow_record.store_client(server) as client:
        assert client.get_run(facts.run_id).info.status == "FINISHED"


def test_a_database_without_a_server_before_it_that_goes_away_is_told(database: Postgres) -> None:
    def ask() -> None:
        with mlflow_record.store_client(database.url) as client:
            client.search_experiments(max_results=1)

    ask()
    database.stop()
    with pytest.raises(InputError, match=r"store postgresql\+psycopg2://127.* cannot be used"):
        ask()
    database.start()
