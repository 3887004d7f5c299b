"""Where the MLflow record is: a store that somebody here named, or a file in the run folder.

That file may have been moved with its folder, or sent by somebody else.
"""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from minerisk.configs.schema import Config
from minerisk.features.errors import InputError
from minerisk.features.files.plain_files import read_plain
from minerisk.pipelines.provenance.files import FILE, FOLDER, write_whole
from minerisk.pipelines.provenance.run_folder import MLFLOW_MODEL
from minerisk.pipelines.run.folder import Run

SQLITE = "sqlite:///"


def tracking_uri(run: Run) -> str:
    """Choose where MLflow writes: the environment first, then the configuration, then SQLite.

    A configuration that lies in a run folder may be from anybody: no address in it is called.
    """
    given = given_uri(run.config) if run.given else os.environ.get("MLFLOW_TRACKING_URI")
    return given or own_uri(run)


def own_uri(run: Run) -> str:
    """Name the store in the run folder."""
    return f"{SQLITE}{run.files.mlflow.resolve()}"


@contextlib.contextmanager
def settled(run: Run) -> Iterator[str]:
    """Yield the store of a run; one in its folder logs beside itself, may move, stays private."""
    uri = tracking_uri(run)
    own = uri == own_uri(run)
    if own:
        settle_store(run.files.mlflow)
    try:
        yield uri
        if own:
            make_movable(run.files.mlflow)
    finally:
        if own:
            keep_private(run.files.mlflow)


def given_uri(config: Config) -> str | None:
    """Return the store that the environment or a configuration names."""
    return os.environ.get("MLFLOW_TRACKING_URI") or config.tracking.uri


def store_elsewhere(run: Run) -> str | None:
    """Return the address that a run folder names and nobody here gave; None where there is none."""
    if run.given or os.environ.get("MLFLOW_TRACKING_URI"):
        return None
    return run.config.tracking.uri


def artifacts_beside(store: Path) -> Path:
    """Name the folder that the artifacts of a store of ours go into."""
    return store.resolve().parent / "mlflow"


def settle_store(store: Path) -> None:
    """Make a store log beside itself, whatever folder it names, and be a file of its own.

    MLflow keeps the place of artifacts in the store: that of a run folder that was moved, or
    copied, would go on writing where the folder was.

    Raises
    ------
    InputError
        If it is no store that can be read.
    """
    if not store.is_file():
        return
    if store.stat().st_nlink > 1:  # SQLite writes in place, and would change the other name too
        write_whole(store, read_plain(store))
    place = artifacts_beside(store).as_uri()
    try:
        with contextlib.closing(sqlite3.connect(store)) as database, database:
            database.execute(
                "UPDATE experiments SET artifact_location = ? WHERE artifact_location != ?",
                (place, place),
            )
    except sqlite3.Error as error:
        raise InputError(
            f"{store} cannot be used ({error}). Remove it: the run is then logged anew."
        ) from error


def make_movable(store: Path) -> None:
    """Let a store name its artifacts relative to its own folder: they are found where it lies.

    MLflow writes whole paths, and reads relative ones from the folder that it is started in.
    """
    beside = artifacts_beside(store).name
    model = f"artifacts/{MLFLOW_MODEL}"
    with contextlib.closing(sqlite3.connect(store)) as database, database:
        database.execute("UPDATE experiments SET artifact_location = ?", (beside,))
        database.execute(
            "UPDATE runs SET artifact_uri = ? || run_uuid || '/artifacts'", (f"{beside}/",)
        )
        database.execute(
            "UPDATE model_versions SET source = :place || run_id || :model, "
            "storage_location = :place || run_id || :model",
            {"place": f"{beside}/", "model": f"/{model}"},
        )


def keep_private(store: Path) -> None:
    """Let the owner alone read a store and what lies beside it: it shows where finds are."""
    if store.is_file():
        store.chmod(FILE)
    folder = artifacts_beside(store)
    if folder.is_dir():
        folder.chmod(FOLDER)


def make_whole(path: Path) -> None:
    """Make a new SQLite store beside, and rename it: one whose tables are half made is of no use.

    MLflow makes the tables one by one, and never goes on with what a process that was killed has
    left of them.
    """
    if path.exists() or not path.parent.is_dir():
        return
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # two that begin at once make it one after the other
        if not path.exists():
            write_whole(path, empty_store())
    finally:
        os.close(handle)


@cache
def empty_store() -> bytes:
    """Make a SQLite store in which nothing is recorded, once in a process: it takes a second."""
    from mlflow import MlflowClient

    with TemporaryDirectory(prefix="minerisk-") as folder:
        path = Path(folder) / "mlflow.db"
        client = MlflowClient(tracking_uri=f"{SQLITE}{path}", registry_uri=f"{SQLITE}{path}")
        client.search_experiments(max_results=1)
        client.search_registered_models(max_results=1)
        return path.read_bytes()
