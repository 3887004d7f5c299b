"""The MLflow record in a run folder: a file that may have been moved, or sent by somebody else."""

import contextlib
import sqlite3
from pathlib import Path

from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.files import FILE, FOLDER, write_whole
from minerisk.pipelines.records.plain_file import read_plain


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


def keep_private(store: Path) -> None:
    """Let the owner alone read a store and what lies beside it: it shows where finds are."""
    if store.is_file():
        store.chmod(FILE)
    folder = artifacts_beside(store)
    if folder.is_dir():
        folder.chmod(FOLDER)
