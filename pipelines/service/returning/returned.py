"""Survey results that come back to a run: checked row by row, added, held against its map."""

import datetime as dt
import re
from functools import lru_cache
from pathlib import Path, PurePosixPath

import pandas as pd
from sqlalchemy.orm import Session

from minerisk.features.errors import MineriskError
from minerisk.pipelines.feedback.feedback import check_delivery, deliver, show_feedback
from minerisk.pipelines.feedback.store import Delivery, read_deliveries
from minerisk.pipelines.feedback.survey_results import FIND
from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.language.messages import Texts
from minerisk.pipelines.records.feedback import DeliveryEntry, Feedback
from minerisk.pipelines.records.record import Record
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.service.desk import results
from minerisk.pipelines.service.desk.access_log import note
from minerisk.pipelines.service.desk.desk import Caller, Desk
from minerisk.pipelines.service.errors import RefusedError
from minerisk.plain_text import plain_text

KINDS = (".csv", ".xlsx", ".gpkg", ".geojson")
MOST_SHOWN = 500


class ResultRow(Record):
    """A row as it was read, and what is wrong with it."""

    row: int
    outcome: str
    date: str
    task: str
    hazard: str
    method: str
    hectares: float | None
    searched: float | None
    problems: tuple[str, ...] = ()


class Preview(Record):
    """What would be added; with a single fault, nothing is."""

    records: int
    finds: int
    faulty: int
    rows: tuple[ResultRow, ...]


def returned_name(name: str) -> str:
    """Return the name under which a file is read.

    Raises
    ------
    RefusedError
        If it is of no kind that is taken.
    """
    plain = plain_text(name).strip()
    suffix = PurePosixPath(plain).suffix.lower()
    if suffix not in KINDS:
        why = f"{plain[:80]} is no table or layer that is taken"
        raise RefusedError(DeskCode.RESULTS_REFUSED, why=why, choices=KINDS)
    stem = re.sub(r"[^\w.-]+", "_", plain[: -len(suffix)]).strip("._")[:80]
    return f"{stem or 'results'}{suffix}"


def delivery_of(
    desk: Desk,
    session: Session,
    caller: Caller,
    path: Path,
    *,
    asked: str | None,
    hours_per_ha: float | None,
    texts: Texts,
) -> Delivery:
    """Say where a file comes from; rows may name tasks of a result, or else of the run."""
    tasks = None
    if asked is not None:
        found = results.find_result(desk, session, caller, asked, texts)
        tasks = results.pack_file(found, "tasks.gpkg")
    return Delivery(path, caller.name or "", hours_per_ha, tasks=tasks)


def preview(run: Run, source: Delivery, texts: Texts) -> Preview:
    """Tell of each row what it says and what is wrong with it; nothing is added.

    Raises
    ------
    RefusedError
        If the file cannot be read.
    """
    try:
        found = check_delivery(run, source)
    except MineriskError as error:
        raise RefusedError(DeskCode.RESULTS_REFUSED, why=str(error)) from error
    wrong = dict[int, list[str]]()
    for each in found.problems:
        wrong.setdefault(each.row, []).append(texts.say(each.why))
    frame = found.frame
    places = sorted(range(len(frame)), key=lambda place: (place + 1 not in wrong, place))
    rows = tuple(
        ResultRow(
            row=place + 1,
            outcome=_words(frame["outcome"].iloc[place]),
            date=_words(frame["date"].iloc[place]),
            task=_words(frame["task"].iloc[place]),
            hazard=_words(frame["hazard"].iloc[place]),
            method=_words(frame["method"].iloc[place]),
            hectares=_number(frame["searched_ha"].iloc[place]),
            searched=_number(frame["effort"].iloc[place]) if "effort" in frame else None,
            problems=tuple(wrong.get(place + 1, ())),
        )
        for place in sorted(places[:MOST_SHOWN])
    )
    finds = int((frame["outcome"] == FIND).sum())
    return Preview(records=len(frame), finds=finds, faulty=len(wrong), rows=rows)


def add(session: Session, caller: Caller, name: str, run: Run, source: Delivery) -> DeliveryEntry:
    """Add survey results to those of a run, as ``minerisk feedback add`` does.

    Raises
    ------
    RefusedError
        If a row cannot be taken, or the file is on record already.
    """
    try:
        entry = deliver(run, source)
    except MineriskError as error:
        raise RefusedError(DeskCode.RESULTS_REFUSED, why=str(error)) from error
    note(
        session, caller.name, "add results", name, file=entry.file,
        sha256=entry.received_sha256, records=entry.records,
    )  # fmt: skip
    return entry


def feedback_of(run: Run) -> Feedback | None:
    """Compare what a run predicted with its survey results; None where there are none.

    Raises
    ------
    RefusedError
        If what is on record was changed.
    """
    log = read_deliveries(run.files)
    if not log.entries and not log.problems:
        return None
    last = log.entries[-1].sha256 if log.entries else ""
    try:
        return _feedback(run.folder, run.manifest().head, last)
    except MineriskError as error:
        raise RefusedError(DeskCode.RESULTS_REFUSED, why=str(error)) from error


@lru_cache(maxsize=32)
def _feedback(folder: Path, head: str, last: str) -> Feedback:
    """Compare once for each delivery."""
    return show_feedback(Run.open(folder))


def _words(value: str | dt.date | None) -> str:
    return "" if value is None or pd.isna(value) else str(value)


def _number(value: float) -> float | None:
    return None if pd.isna(value) or value in {float("inf"), float("-inf")} else float(value)
