"""What has changed since a request was asked: its run, the run to use, or what was found."""

from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from minerisk.features.errors import MineriskError
from minerisk.pipelines.feedback.store import read_deliveries
from minerisk.pipelines.language.desk_codes import DeskCode, DeskNotice, desk_notice
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.review import State
from minerisk.pipelines.run.finding_rows import finding_layers
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.service.desk.desk import Desk
from minerisk.pipelines.service.desk.runs import STATE_CODES
from minerisk.pipelines.service.desk.standings import Known
from minerisk.pipelines.service.jobs.orders import Order
from minerisk.pipelines.service.store.models import OfferedRun

Look = Callable[[str], Known]
"""How the run in a folder of that name stands."""


def look_once(desk: Desk) -> Look:
    """Look at each run once, however many requests of one call are about it."""
    return cache(lambda name: desk.standings.of(desk.run_folder(name)))


def outdated(session: Session, look: Look, order: Order, asked_at: float) -> list[DeskNotice]:
    """Say what has changed since a request was asked.

    Parameters
    ----------
    look
        As of `look_once`.
    order, asked_at
        Of the request; seconds since 1970-01-01.
    """
    known = look(order.run)
    if known.run is None or known.state in {State.WITHDRAWN, State.UNVERIFIED}:
        return [desk_notice(STATE_CODES[known.state])]
    found = []
    if known.run.manifest().head != order.head:
        found.append(desk_notice(DeskCode.RUN_CHANGED))
    if order.filters.as_of is None:  # of another day it says what was known on that day
        found += new_findings(known.run)
    if _is_newer_approved(session, look, order, known.run, asked_at):
        found.append(desk_notice(DeskCode.RUN_NEWER))
    return found


def new_findings(run: Run) -> list[DeskNotice]:
    """Say which findings a run does not know: survey results that came back, layers that changed.

    A layer that cannot be read is passed over: whoever asks for it is told.
    """
    try:
        content = run.files.deliveries.read_bytes()
    except OSError:
        content = b""
    records, finds = _delivered(run.folder, content) if content else (0, 0)
    found = []
    if records:
        found.append(desk_notice(DeskCode.FINDINGS_DELIVERED, records=records, finds=finds))
    read = {
        name: sha256 for stage in run.manifest().stages for name, sha256 in stage.inputs.items()
    }
    try:
        layers = run.layers()
    except (MineriskError, OSError):
        return found
    for name in finding_layers(run.config):
        before = read.get(f"layer:{name}")
        try:
            changed = before is not None and layers.sha256(name) != before
        except (MineriskError, OSError):
            continue
        if changed:
            found.append(desk_notice(DeskCode.FINDINGS_CHANGED, layer=name))
    return found


@lru_cache(maxsize=256)
def _delivered(folder: Path, content: bytes) -> tuple[int, int]:
    """Count survey results and finds among them; read again when the log has other bytes."""
    entries = read_deliveries(RunFolder(folder)).entries
    return sum(entry.records for entry in entries), sum(entry.finds for entry in entries)


def _is_newer_approved(
    session: Session, look: Look, order: Order, run: Run, asked_at: float
) -> bool:
    """Tell whether another run of the study area was approved since, or came later on the desk."""
    rows = session.scalars(select(OfferedRun)).all()
    this = next((row for row in rows if row.folder == order.run), None)
    for row in rows:
        other = look(row.folder) if row is not this else None
        if other is None or other.run is None or other.state is not State.APPROVED:
            continue
        later = this is not None and row.offered_at > this.offered_at
        since = other.decided_at is not None and other.decided_at > asked_at
        same_area = other.run.config.study_area.name == run.config.study_area.name
        if same_area and (later or since):
            return True
    return False
