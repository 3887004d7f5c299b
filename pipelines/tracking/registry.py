"""Where MLflow's registry says a run stands, beside where its reviews say it does."""

import contextlib
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.files import sha256_path
from minerisk.pipelines.provenance.reviews import ReviewLog
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.manifest import Manifest
from minerisk.pipelines.records.review import State
from minerisk.pipelines.records.stage_facts import TrackFacts
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.tracking.mlflow_record import SQLITE, store_client, tracking_uri

CHAMPION = "champion"
STATE = "minerisk.review"
END = "minerisk.review_sha256"
HEAD = "minerisk.head"
LOCK_WAIT_S = 2.0


def follow_reviews(run: Run, manifest: Manifest, log: ReviewLog) -> None:
    """Set the tags of a run's model version, and the alias ``champion``, as its reviews say.

    Raises
    ------
    InputError
        If the store cannot be used.
    """
    if manifest.stage("track") is None:
        return
    set_state(tracking_uri(run), manifest.facts("track", TrackFacts), log, head=manifest.head)


def set_state(uri: str, known: TrackFacts, log: ReviewLog, *, head: str) -> None:
    """Set tags and alias of a model version in the store."""
    name, version, run_id = known.registered_model, known.model_version, known.run_id
    tags = {STATE: log.state, END: log.end or "none", HEAD: head}
    with store_client(uri) as client:
        for key, value in tags.items():
            client.set_model_version_tag(name, version, key, value)
            client.set_tag(run_id, key, value)
        holder = client.get_registered_model(name).aliases.get(CHAMPION)
        if log.champion:
            client.set_registered_model_alias(name, CHAMPION, version)
        elif holder is not None and str(holder) == version:
            client.delete_registered_model_alias(name, CHAMPION)


def moved_behind(run: Run, manifest: Manifest, log: ReviewLog) -> tuple[list[str], list[str]]:
    """Compare the store with the reviews, reading its SQLite file directly, without a server.

    Returns
    -------
    problems, notes
        One line each.
    """
    uri = tracking_uri(run)
    if manifest.stage("track") is None:
        return [], []
    if not uri.startswith(SQLITE):
        return [], [f"the MLflow record lies at {uri.split('@')[-1]} and was not asked"]
    path = Path(uri.removeprefix(SQLITE))
    if not path.is_file():
        return [], [f"there is no MLflow record at {path}; its tags and aliases were not checked"]
    known = manifest.facts("track", TrackFacts)
    name, version, run_id = known.registered_model, known.model_version, known.run_id
    try:
        with contextlib.closing(_read_only(path)) as store:
            holder = _one(
                store,
                "SELECT version FROM registered_model_aliases WHERE name = ? AND alias = ?",
                (name, CHAMPION),
            )
            tags = _tags(store, name, version)
            theirs = {} if holder is None else _tags(store, name, holder)
            model = _one(
                store,
                "SELECT run_id FROM model_versions WHERE name = ? AND version = ?",
                (name, version),
            )
    except sqlite3.Error as error:
        raise InputError(
            f"{path} cannot be read ({error}). Try again when it is not in use."
        ) from (error)
    problems = [] if model == run_id else [f"MLflow has no version {version} of {name} by this run"]
    problems += _tag_problems(tags, log)
    notes: list[str] = []
    if holder == version and not log.champion:
        problems.append(f"MLflow calls version {version} of {name} champion; the reviews do not")
    elif log.champion and holder != version:
        words = f"MLflow's champion of {name} is {_words(holder)}; the reviews say {version}"
        (notes if theirs.get(STATE) == State.APPROVED else problems).append(words)
    problems += _artifact_problems(run.files, manifest, run_id)
    return problems, notes


def _tag_problems(tags: Mapping[str, str], log: ReviewLog) -> list[str]:
    expected = {STATE: log.state, END: log.end or "none"}
    unset = {STATE: State.DRAFT, END: "none"}
    return [
        f"MLflow's tag {key} is {tags.get(key, unset[key])!r}; the reviews say {value!r}"
        for key, value in expected.items()
        if tags.get(key, unset[key]) != value
    ]


def _artifact_problems(files: RunFolder, manifest: Manifest, run_id: str) -> list[str]:
    """Compare the copy of the model that MLflow keeps beside the run with the model."""
    copy, train = files.mlflow_model(run_id), manifest.stage("train")
    if train is None or os.sep in run_id or not copy.is_dir():
        return []
    same = sha256_path(copy) == train.outputs.get("model")
    return [] if same else [f"mlflow/{run_id}/artifacts/model is not the model of this run"]


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=LOCK_WAIT_S)


def _one(store: sqlite3.Connection, query: str, values: tuple[str, ...]) -> str | None:
    row = store.execute(query, values).fetchone()
    return None if row is None else str(row[0])


def _tags(store: sqlite3.Connection, name: str, version: str) -> dict[str, str]:
    query = "SELECT key, value FROM model_version_tags WHERE name = ? AND version = ?"
    return {str(key): str(value) for key, value in store.execute(query, (name, version))}


def _words(version: str | None) -> str:
    return "nobody" if version is None else f"version {version}"
