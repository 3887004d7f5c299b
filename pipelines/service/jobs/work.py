"""What a job does, in a process of its own: by the functions that the command line calls."""

import errno
import logging
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from minerisk.features.errors import CoverError, FindingError, InputError, MineriskError
from minerisk.pipelines.language.desk_codes import DeskCode, DeskNotice, desk_notice
from minerisk.pipelines.provenance.files import sha256_path
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.record import Record
from minerisk.pipelines.records.review import State
from minerisk.pipelines.run.own_process import leave_out, set_up_process
from minerisk.pipelines.run.progress import listen
from minerisk.pipelines.run.workers import ALONE, Workers
from minerisk.pipelines.service.errors import notice_of
from minerisk.pipelines.service.jobs.orders import DIFFERENCE, Deciding, JobKind, Order, Outcome
from minerisk.pipelines.service.jobs.packing import zip_folder
from minerisk.pipelines.service.settings import Settings

if TYPE_CHECKING:
    from minerisk.pipelines.records.request import RequestRecord
    from minerisk.pipelines.request.opening import OpenRequest
    from minerisk.pipelines.run.folder import Run

PRELOAD = (
    "minerisk.pipelines.service.jobs.work",
    "minerisk.pipelines.request.pack",
    "minerisk.pipelines.predict.predict",
    "minerisk.pipelines.service.jobs.warm",
)
"""What a process that does a job has imported before it is forked."""

log = logging.getLogger(__name__)


class Message(Record):
    """What a job says to its worker: how far it is, which maps are there, or what came of it."""

    kind: Literal["step", "maps", "done", "refused"]
    step: int = 0
    steps: int = 0
    outcome: Outcome | None = None
    notice: DeskNotice | None = None


@dataclass(frozen=True)
class Places:
    """Where a job reads and writes.

    Attributes
    ----------
    runs, areas, dossiers, configs
        As in the settings of the desk.
    workers
        Who works on tiles.
    """

    runs: Path
    areas: Path
    dossiers: Path
    configs: Path
    trusted: Path | None
    job: str
    workers: Workers = ALONE

    @classmethod
    def of(cls, settings: Settings, job: str) -> "Places":
        """Take the places of a job from the settings."""
        return cls(
            settings.runs,
            settings.uploads,
            settings.dossiers,
            settings.configs,
            settings.trusted_keys,
            job,
            settings.tile_workers,
        )


def do_in_process(pipe: Connection, order: str, places: Places) -> None:
    """Do a job and send what came of it: the whole life of a process that was forked for it."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.setsid()
    set_up_process()
    if places.workers.cluster is None:
        leave_out("dask")

    def tell(done: int, total: int) -> None:
        pipe.send_bytes(Message(kind="step", step=done, steps=total).model_dump_json().encode())

    def show(maps: Outcome) -> None:
        pipe.send_bytes(Message(kind="maps", outcome=maps).model_dump_json().encode())

    ending = _ending(Order.model_validate_json(order), places, tell, show)
    pipe.send_bytes(ending.model_dump_json().encode())


def _ending(
    order: Order,
    places: Places,
    tell: Callable[[int, int], None],
    show: Callable[[Outcome], None],
) -> Message:
    try:
        with listen(tell):
            return Message(kind="done", outcome=do(order, places, show))
    except MineriskError as error:
        if order.kind is JobKind.RETRAIN:
            notice = desk_notice(DeskCode.RUN_NOT_MADE, why=str(error))
        elif order.kind is JobKind.REVIEW:
            notice = desk_notice(DeskCode.REVIEW_REFUSED, why=str(error))
        elif isinstance(error, FindingError):
            notice = _finding(order, places)
        elif isinstance(error, CoverError):
            notice = desk_notice(DeskCode.AREA_OUTSIDE)
        else:
            notice = notice_of(error)
        log.warning("job %s: %s", places.job, error)
        return Message(kind="refused", notice=notice)
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        return Message(kind="refused", notice=desk_notice(DeskCode.DISK_FULL, left=0.0))


def do(order: Order, places: Places, show: Callable[[Outcome], None] = lambda _: None) -> Outcome:
    """Do what is ordered; `show` is told what can be looked at before all is done."""
    work: dict[JobKind, Callable[[Order, Places], Outcome]] = {
        JobKind.REQUEST: partial(_request, show=show),
        JobKind.AUDIT: _audit,
        JobKind.REVIEW: _review,
        JobKind.FOLLOW: _follow,
        JobKind.RETRAIN: _retrain,
    }
    return work[order.kind](order, places)


def _request(order: Order, places: Places, *, show: Callable[[Outcome], None]) -> Outcome:
    """Answer a request: maps first, to be looked at while packs are drawn and written."""
    from minerisk.features.files.process import prepare_from_here
    from minerisk.pipelines.request.answer import write_maps
    from minerisk.pipelines.request.opening import open_request
    from minerisk.pipelines.request.pack import answer_request

    prepare_from_here()
    folder, filters = places.runs / order.run, order.filters
    if order.area is not None:
        filters = filters.model_copy(update={"aoi": places.areas / order.area})
    asked = open_request(folder, filters, said=log.info, workers=places.workers)
    maps = dict[str, str]()

    def seen(paths: Sequence[Path]) -> None:
        maps.update({_below(path, asked.home).as_posix(): sha256_path(path) for path in paths})
        show(_outcome(asked, folder, asked.record.model_copy(update={"maps": maps})))

    if asked.filters.limits_land:
        write_maps(asked, seen=seen)
    answer = answer_request(asked, public=order.public, language=order.language)
    for pack in answer.packs:
        zip_folder(pack, pack.with_name(f"{pack.name}.zip"))
    packs = {pack.name: sha256_path(RunFolder(pack).manifest) for pack in answer.packs}
    return _outcome(asked, folder, answer.record).model_copy(update={"packs": packs})


def _outcome(asked: "OpenRequest", folder: Path, record: "RequestRecord") -> Outcome:
    return Outcome(
        request=record.id,
        home=_below(asked.home, folder),
        answered_by=_below(asked.run.folder, folder),
        maps=record.maps,
        cells=record.cells,
        hectares=record.hectares,
        simulated=record.simulated,
        state=asked.run.standing(()).state,
        evidence_day=asked.run.config.study_area.as_of or asked.run.day,
    )


def _audit(order: Order, places: Places) -> Outcome:
    from minerisk.pipelines.audit.dossier import export_dossier
    from minerisk.pipelines.audit.verify import audit_run
    from minerisk.pipelines.provenance.folders import replacing_folder

    folder = places.runs / order.run
    found = audit_run(RunFolder(folder), trust=places.trusted)
    with replacing_folder(places.dossiers / places.job) as target:
        export_dossier(folder, target / "dossier", language=order.language)
    return Outcome(audit=found, dossier=True, state=found.standing.state)


def _review(order: Order, places: Places) -> Outcome:
    from minerisk.pipelines.run.folder import Run

    if order.deciding is None:
        raise InputError("This order has no decision.")
    return Outcome(state=decide(Run.open(places.runs / order.run), order.deciding, follows=True))


def decide(run: "Run", given: Deciding, *, follows: bool) -> State:
    """Record a decision; MLflow follows now, or by a job of its own.

    Raises
    ------
    MineriskError
        As `minerisk.pipelines.audit.decide.review_run`.
    """
    from minerisk.pipelines.audit.decide import Decision, SignedElsewhere, add_review, follow

    decision = Decision(given.decision, given.by, given.note, given.champion)
    signed = None
    if given.at is not None and given.key is not None and given.signature is not None:
        signed = SignedElsewhere(given.at, given.key, given.signature)
    entry = add_review(run, decision, signed=signed)
    return follow(run).state if follows else entry.decision.state


def _follow(order: Order, places: Places) -> Outcome:
    from minerisk.pipelines.audit.decide import follow
    from minerisk.pipelines.run.folder import Run

    return Outcome(state=follow(Run.open(places.runs / order.run)).state)


def _retrain(order: Order, places: Places) -> Outcome:
    """Make a run by the configuration of another, with the survey results that came back to it.

    What moved from the one to the other is written beside it.

    Nothing is decided on it: it is a draft.
    """
    from minerisk.features.files.process import prepare_from_here
    from minerisk.pipelines.feedback.feedback import results_config, write_difference
    from minerisk.pipelines.feedback.store import read_deliveries
    from minerisk.pipelines.run.derived import derive_config
    from minerisk.pipelines.run.folder import Run, refuse_unverified
    from minerisk.pipelines.steps import run_steps

    prepare_from_here()
    run = Run.open(places.runs / order.run)
    refuse_unverified(run.folder, run.standing(), "No run was made from it")
    if read_deliveries(run.files).entries:
        config = results_config(run)
    else:
        path, words = places.configs / f"{order.target}.yaml", "layers as they are now"
        config = derive_config(run, path, lambda _: None, words=words)
    made = run_steps(config, places.runs / order.target, by=order.by, workers=places.workers)
    write_difference(run, made, places.runs / f"{order.target}{DIFFERENCE}")
    return Outcome(state=made.standing(()).state, simulated=made.simulated)


def _finding(order: Order, places: Places) -> DeskNotice:
    """Tell by how the run stands why nothing is handed out."""
    from minerisk.pipelines.run.folder import Run

    state = Run.open(places.runs / order.run).standing(()).state
    withdrawn = state is State.WITHDRAWN
    return desk_notice(DeskCode.RUN_WITHDRAWN if withdrawn else DeskCode.RUN_UNVERIFIED)


def _below(path: Path, folder: Path) -> PurePosixPath:
    return PurePosixPath(path.relative_to(folder).as_posix())


def _end_with_parent() -> None:
    """End as soon as the worker has: another will do the job again."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
