"""What would end a run when it is recorded, after hours of training, ends it before."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from minerisk.configs.load import load_config
from minerisk.configs.schema import Config
from minerisk.features.errors import InputError
from minerisk.pipelines.cli.main import app
from minerisk.pipelines.steps import run_steps
from minerisk.pipelines.tracking.drivers import check_driver, shown
from minerisk.pipelines.tracking.mlflow_record import QUIET, check_given_store

ROOT = Path(__file__).resolve().parents[3]
TINY = ROOT / "configs" / "tiny.yaml"


def config(uri: str) -> Config:
    tiny = load_config(TINY)
    return tiny.model_copy(update={"tracking": tiny.tracking.model_copy(update={"uri": uri})})


@pytest.mark.parametrize(
    ("uri", "module", "package"),
    [
        ("mysql://user:secret@db/risk", "MySQLdb", "mysqlclient"),
        ("postgresql+psycopg2://user:secret@db/risk", "psycopg2", "psycopg2-binary"),
        ("postgresql+psycopg://user:secret@db/risk", "psycopg", r"psycopg\[binary\]"),
        ("mssql+pyodbc://user:secret@db/risk", "pyodbc", "pyodbc"),
    ],
)
def test_a_missing_driver_is_named_with_what_to_install(
    uri: str, module: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=rf"module {module}.*pip install {package}`") as refusal:
        check_given_store(config(uri))
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("uri", ["postgres://db/risk", "oracle://db/risk", "db"])
def test_a_store_of_no_known_kind_is_refused_with_the_kinds_there_are(uri: str) -> None:
    with pytest.raises(InputError, match=r"no known kind.*postgresql://.*https://"):
        check_driver(uri)


def test_a_uri_is_shown_without_name_and_password() -> None:
    assert shown("http://user:secret@host:5000/a") == "http://host:5000/a"
    assert shown("sqlite:////tmp/x.db") == "sqlite:////tmp/x.db"


def test_a_deleted_experiment_is_refused_before_training_and_taken_when_restored(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    os.environ.update(QUIET)
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path / 'store.db'}"
    check_given_store(config(uri))  # made here
    assert capfd.readouterr() == ("", "")
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    number = client.create_experiment("minerisk")
    client.delete_experiment(number)
    with pytest.raises(InputError, match=rf"was deleted\. Restore it .*--experiment-id {number}`"):
        check_given_store(config(uri))
    client.restore_experiment(number)
    check_given_store(config(uri))


def test_a_run_and_validate_tell_before_any_stage_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "MySQLdb", None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "mysql://db/risk")
    with pytest.raises(InputError, match="pip install mysqlclient"):
        run_steps(TINY, tmp_path / "run")
    assert not (tmp_path / "run" / "cube.zarr").exists()
    done = CliRunner().invoke(app, ["validate", str(TINY)])
    assert done.exit_code == 1
    assert "pip install mysqlclient" in done.stderr


MAKES = """
import os, signal, sys, threading
from minerisk.pipelines.tracking.mlflow_record import prepare_mlflow, store_client
prepare_mlflow()
import sqlalchemy
made = []

@sqlalchemy.event.listens_for(sqlalchemy.engine.Engine, "before_cursor_execute")
def kill(connection, cursor, statement, *_):
    if statement.lstrip().upper().startswith("CREATE TABLE"):
        made.append(statement)
        if len(made) == 7:
            os.kill(os.getpid(), signal.SIGKILL)

with store_client("sqlite:///" + sys.argv[1]) as client:
    client.search_experiments()
"""


def test_a_store_whose_making_was_killed_is_made_again(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    done = subprocess.run([sys.executable, "-c", MAKES, str(store)], cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    assert not store.exists()
    check_given_store(config(f"sqlite:///{store}"))
    assert [path.name for path in tmp_path.iterdir()] == ["store.db"]
