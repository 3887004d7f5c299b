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
from minerisk.pipelines.provenance.standing import stand
from minerisk.pipelines.records.manifest import Manifest, TrackFacts
from minerisk.pipelines.records.notice import Value
from minerisk.pipelines.records.review import (
    Standing,
    State,
    TrailCode,
    TrailNotice,
    trail_notice,
)
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.tracking.mlflow_record import store_client
from minerisk.pipelines.tracking.shown import DESCRIPTION, run_title, state_tags
from minerisk.pipelines.tracking.store_place import SQLITE, store_elsewhere, tracking_uri

CHAMPION = "champion"
STATE = "minerisk.review"
END = "minerisk.review_sha256"
HEAD = "minerisk.head"
LOCK_WAIT_S = 2.0


def follow_reviews(run: Run, manifest: Manifest, log: ReviewLog, standing: Standing) -> None:
    """Set the tags of a run's model version, and the alias ``champion``, as it stands.

    Raises
    ------
    InputError
        If the store cannot be used, or lies at an address that only the run folder names.
    """
    if manifest.stage("track") is None:
        return
    elsewhere = store_elsewhere(run)
    if elsewhere is not None:
        raise InputError(
            f"The run folder says that its record lies at {elsewhere.split('@')[-1]}. No address "
            "from a run folder is called; if it is yours, set MLFLOW_TRACKING_URI to it."
        )
    known = manifest.facts("track", TrackFacts)
    set_state(tracking_uri(run), run, known, standing, end=log.end)


def set_state(
    uri: str, run: Run, known: TrackFacts, standing: Standing, *, end: str | None
) -> None:
    """Set name and tags of a run, and tags and alias of its model version, in the store.

    The hash of the last review comes last: where it is that of an earlier one, the store did not
    follow to the end.
    """
    name, version, run_id = known.registered_model, known.model_version, known.run_id
    marks = state_tags(run, standing.state)
    tags = {**marks, STATE: standing.state.value, HEAD: run.manifest().head}
    with store_client(uri) as client:
        client.update_run(run_id, name=run_title(run, standing.state))
        client.update_model_version(name, version, description=marks[DESCRIPTION])
        for key, value in tags.items():
            client.set_model_version_tag(name, version, key, value)
            client.set_tag(run_id, key, value)
        holder = client.get_registered_model(name).aliases.get(CHAMPION)
        if standing.champion:
            client.set_registered_model_alias(name, CHAMPION, version)
        elif holder is not None and str(holder) == version:
            client.delete_registered_model_alias(name, CHAMPION)
        client.set_tag(run_id, END, end or "none")
        client.set_model_version_tag(name, version, END, end or "none")


def moved_behind(
    run: Run, manifest: Manifest, log: ReviewLog
) -> tuple[list[TrailNotice], list[TrailNotice]]:
    """Compare the store with the reviews, reading its SQLite file directly, without a server.

    Returns
    -------
    problems, notes
        What differs, and what could not be compared.
    """
    uri = store_elsewhere(run) or tracking_uri(run)
    if manifest.stage("track") is None:
        return [], []
    if store_elsewhere(run):
        return [], [trail_notice(TrailCode.NOTE_STORE_ELSEWHERE, uri=uri.split("@")[-1])]
    if not uri.startswith(SQLITE):
        return [], [trail_notice(TrailCode.NOTE_STORE_ELSEWHERE, uri=uri.split("@")[-1])]
    path = Path(uri.removeprefix(SQLITE))
    if not path.is_file():
        return [], [trail_notice(TrailCode.NOTE_STORE_ABSENT, path=str(path))]
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
    which: dict[str, Value] = {"model": name, "version": version}
    problems = [] if model == run_id else [trail_notice(TrailCode.STORE_NO_VERSION, **which)]
    lagging = _behind(tags, log)
    if lagging is not None:
        return [*problems, *_artifact_problems(run.files, manifest, run_id)], [lagging]
    standing = stand(manifest, log)
    problems += _tag_problems(tags, log, standing)
    notes: list[TrailNotice] = []
    if holder == version and not standing.champion:
        problems.append(trail_notice(TrailCode.STORE_CHAMPION, **which))
    elif standing.champion and holder != version:
        other = trail_notice(TrailCode.STORE_NO_CHAMPION, **which)
        if holder is not None:
            other = trail_notice(TrailCode.STORE_OTHER_CHAMPION, **which, theirs=holder)
        (notes if theirs.get(STATE) == State.APPROVED else problems).append(other)
    problems += _artifact_problems(run.files, manifest, run_id)
    return problems, notes


def taken_away(run: Run, manifest: Manifest, log: ReviewLog) -> TrailNotice | None:
    """Tell whether the store in the run folder has followed a review that the log does not have.

    A store that is not there, in use, or elsewhere says nothing.
    """
    if manifest.stage("track") is None or not run.files.mlflow.is_file():
        return None
    known = manifest.facts("track", TrackFacts)
    try:
        with contextlib.closing(_read_only(run.files.mlflow)) as store:
            end = _tags(store, known.registered_model, known.model_version).get(END, "none")
    except sqlite3.Error:
        return None
    if end in {"none", *(entry.sha256 for entry in log.entries)}:
        return None
    return trail_notice(TrailCode.LOG_SHORTER, end=end)


def _behind(tags: Mapping[str, str], log: ReviewLog) -> TrailNotice | None:
    """Tell whether the store has yet to follow: it stands at an earlier review of the same chain.

    That is so after the process that wrote the last review was ended. What it says of the state
    must then be what some review from there on said.
    """
    ends = ["none", *(entry.sha256 for entry in log.entries)]
    states = [State.DRAFT.value, *(entry.decision.state.value for entry in log.entries)]
    end, state = tags.get(END, "none"), tags.get(STATE, State.DRAFT.value)
    if end not in ends[:-1] or state not in states[ends.index(end) :]:
        return None
    return trail_notice(
        TrailCode.NOTE_STORE_BEHIND, state=state, behind=len(ends) - 1 - ends.index(end)
    )


def _tag_problems(tags: Mapping[str, str], log: ReviewLog, standing: Standing) -> list[TrailNotice]:
    expected: dict[str, str] = {STATE: standing.state, END: log.end or "none"}
    unset: dict[str, str] = {STATE: State.DRAFT, END: "none"}
    return [
        trail_notice(
            TrailCode.STORE_TAG,
            tag=key,
            theirs=repr(str(tags.get(key, unset[key]))),
            ours=repr(str(value)),
        )
        for key, value in expected.items()
        if tags.get(key, unset[key]) != value
    ]


def _artifact_problems(files: RunFolder, manifest: Manifest, run_id: str) -> list[TrailNotice]:
    """Compare the copy of the model that MLflow keeps beside the run with the model."""
    copy, train = files.mlflow_model(run_id), manifest.stage("train")
    if train is None or os.sep in run_id or not copy.is_dir():
        return []
    same = sha256_path(copy) == train.outputs.get("model")
    return [] if same else [trail_notice(TrailCode.STORE_MODEL, name=files.name_of(copy))]


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=LOCK_WAIT_S)


def _one(store: sqlite3.Connection, query: str, values: tuple[str, ...]) -> str | None:
    row = store.execute(query, values).fetchone()
    return None if row is None else str(row[0])


def _tags(store: sqlite3.Connection, name: str, version: str) -> dict[str, str]:
    query = "SELECT key, value FROM model_version_tags WHERE name = ? AND version = ?"
    return {str(key): str(value) for key, value in store.execute(query, (name, version))}
