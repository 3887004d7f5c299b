"""An MLflow server on Postgres: the record of a run arrives there as it does in SQLite."""

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from minerisk.pipelines.audit.transfer import export_run, import_run
from minerisk.pipelines.provenance.manifest import read_manifest
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.tracking.mlflow_record import QUIET

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
PATIENCE_S = 120
ALONE = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # a store is wanted, not its job queue

pytestmark = [
    pytest.mark.skipif(not BINARIES, reason="postgresql is not installed (Debian: postgresql)"),
    pytest.mark.skipif(
        importlib.util.find_spec("psycopg2") is None,
        reason="psycopg2 is not installed: MLflow cannot speak to Postgres",
    ),
]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """A Postgres of its own, on a socket of 127.0.0.1; it refuses to run as root."""
    folder = Path(tempfile.mkdtemp(prefix="minerisk-postgres-"))  # pytest's own is root's alone
    as_user: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    port = free_port()
    binaries = BINARIES[-1]
    make = ["initdb", "-D", str(folder), "-U", "minerisk", "-A", "trust", "--no-sync"]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    control = [*as_user, str(binaries / "pg_ctl"), "-D", str(folder), "-w"]
    subprocess.run([*as_user, str(binaries / make[0]), *make[1:]], check=True, cwd="/",
                   stdout=subprocess.DEVNULL)  # fmt: skip
    subprocess.run([*control, "-o", options, "-l", str(folder / "log"), "start"], check=True,
                   cwd="/", stdout=subprocess.DEVNULL)  # fmt: skip
    yield f"postgresql+psycopg2://minerisk@127.0.0.1:{port}/postgres"
    subprocess.run([*control, "-m", "immediate", "stop"], check=True, cwd="/",
                   stdout=subprocess.DEVNULL)  # fmt: skip
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def server(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    place, port = tmp_path_factory.mktemp("artifacts"), free_port()
    address = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    words = ["-m", "mlflow", "server", "--backend-store-uri", postgres, *address]
    words += ["--artifacts-destination", str(place)]
    uri = f"http://127.0.0.1:{port}"
    with (place / "log").open("w") as stream:
        process = subprocess.Popen([sys.executable, *words], stdout=stream, stderr=stream,
                                   env=os.environ | QUIET | ALONE)  # fmt: skip
        try:
            wait_for(f"{uri}/health", process)
            yield uri
        finally:
            process.terminate()
            process.wait(30)


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
    assert "far/model.roc_auc" in run.data.metrics or "far/lightgbm.roc_auc" in run.data.metrics
    assert {item.dataset.name for item in run.inputs.dataset_inputs} >= {"elevation", "front_line"}
    version = client.get_model_version_by_alias(made.registered_model, "candidate")
    assert version.run_id == made.run_id
    names = {item.path for item in client.list_artifacts(made.run_id)}
    assert {"model", "figures", "config.yaml", "MODEL_CARD.md", "folds.parquet"} <= names
