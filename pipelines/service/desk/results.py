"""What is handed out of a request: files of its packs, tasks, and what is known of one cell."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import rasterio
from pydantic import Field
from rasterio.warp import transform
from sqlalchemy import select
from sqlalchemy.orm import Session

from minerisk.features.cube.store import families_of, open_cube
from minerisk.features.errors import MineriskError
from minerisk.pipelines.formats.palette import CLASS_NAMES, CLASS_WORDS, OUTSIDE
from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.language.messages import Texts
from minerisk.pipelines.language.notice_words import WORDS
from minerisk.pipelines.predict.bands import (
    DISSIMILARITY,
    LOWER_END,
    PROBABILITY,
    REASONS,
    RISK_CLASS,
    UPPER_END,
)
from minerisk.pipelines.predict.reasons import REASON_BANDS, reason_names
from minerisk.pipelines.provenance.files import sha256_path
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.record import Record
from minerisk.pipelines.records.request import PackManifest
from minerisk.pipelines.request.titles import request_title
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.hazards import ANY
from minerisk.pipelines.service.desk.desk import Caller, Desk
from minerisk.pipelines.service.desk.requests import find_request, job_of
from minerisk.pipelines.service.desk.runs import Strip, path_in, refuse_unusable, strip_of
from minerisk.pipelines.service.errors import RefusedError
from minerisk.pipelines.service.jobs.orders import JobState, Order, Outcome
from minerisk.pipelines.service.store.models import Job, Request

PUBLIC = "_public"
MOST_HASHED = 10_000
"""Files whose hashes are kept; the one that was hashed the longest ago is given up."""


class Reason(Record):
    """A family of features that moves the score of a cell."""

    family: str
    words: str
    raises: bool


class Cell(Record):
    """What is known of one cell; a cell of which nothing is known has no class and no values."""

    strip: Strip
    easting: float
    northing: float
    risk_class: str | None = Field(None, description="lower means survey later; never more")
    words: str | None = None
    of_hundred: float | None = Field(None, description="of 100 such cells, how many have a find")
    lower: float | None = None
    upper: float | None = None
    dissimilarity: float | None = Field(
        None, description="by its threshold; above 1 the model cannot say"
    )
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Result:
    """A finished request whose files may be handed out now."""

    request: Request
    job: Job
    order: Order
    outcome: Outcome
    run: Run
    strip: Strip
    title: str

    def pack(self, *, public: bool = False) -> Path:
        """Return the folder to hand out."""
        names = [name for name in self.outcome.packs if name.endswith(PUBLIC) is public]
        if not names:
            raise RefusedError(DeskCode.NOT_FOUND)
        return self.run.folder / self.outcome.home / names[0]


def find_result(
    desk: Desk,
    session: Session,
    caller: Caller,
    name: str,
    texts: Texts,
    reads: Collection[str] | None = None,
) -> Result:
    """Find the result of a request that a caller may see; `reads` is as in `Standings.of`.

    Raises
    ------
    RefusedError
        If it is not ready, expired, or its run was withdrawn or does not verify.
    """
    request = find_request(session, caller, name)
    return _result(desk, session, request, texts, drafts=caller.sees_drafts, reads=reads)


@dataclass(frozen=True)
class Maps:
    """Maps of a request: of its pack, or while that is being written, those it is made with."""

    run: Run
    place: Callable[[str], Path]


def find_maps(
    desk: Desk,
    session: Session,
    caller: Caller,
    name: str,
    texts: Texts,
    reads: Collection[str] | None = None,
) -> Maps:
    """Find the maps of a request that a caller may see; see `find_result`.

    Raises
    ------
    RefusedError
        If there are none yet, or none any more, or their run was withdrawn or does not verify.
    """
    request = find_request(session, caller, name)
    job = job_of(session, request)
    drawn = maps_of(job)
    if drawn is None or request.dismissed:
        found = _result(desk, session, request, texts, drafts=caller.sees_drafts, reads=reads)
        return Maps(found.run, partial(pack_file, found))
    order = Order.model_validate_json(job.order)
    known = desk.standings.of(desk.run_folder(order.run), reads)
    run = refuse_unusable(known, drafts=caller.sees_drafts)
    hazard = order.filters.hazard
    below = "" if hazard in {None, ANY} else f"{hazard}/"
    return Maps(run, lambda name: _map_file(run.folder / drawn.home, drawn, below + name))


def maps_of(job: Job) -> Outcome | None:
    """Return what can be looked at of a job that is not done; none where nothing can."""
    if job.state != JobState.RUNNING or job.outcome is None:
        return None
    return Outcome.model_validate_json(job.outcome)


def _map_file(home: Path, drawn: Outcome, name: str) -> Path:
    """Return a map that a pack is being made with, if it is as it was written."""
    path = path_in(home, name)
    if name not in drawn.maps:
        raise RefusedError(DeskCode.NOT_FOUND)
    if INTACT.sha256(path) != drawn.maps[name]:
        raise RefusedError(DeskCode.RESULT_CHANGED)
    return path


def public_results(desk: Desk, session: Session, texts: Texts) -> list[Result]:
    """List the results with a coarsened copy whose runs are approved."""
    done = session.scalars(
        select(Request)
        .join(Job, Job.id == Request.job_id)
        .where(Job.state == JobState.DONE, Request.shared, Request.dismissed.is_(False))
        .order_by(Request.created_at.desc())
    )
    found = dict[str, Result]()
    for request in done:
        try:
            result = _result(desk, session, request, texts, drafts=False)
        except RefusedError:
            continue
        if result.order.public:
            found.setdefault(result.job.id, result)
    return list(found.values())


def _result(
    desk: Desk,
    session: Session,
    request: Request,
    texts: Texts,
    *,
    drafts: bool,
    reads: Collection[str] | None = None,
) -> Result:
    job = job_of(session, request)
    order = Order.model_validate_json(job.order)
    known = desk.standings.of(desk.run_folder(order.run), reads)
    run = refuse_unusable(known, drafts=drafts)
    if job.state == JobState.EXPIRED:
        days = desk.settings.limits.retention_days
        raise RefusedError(DeskCode.RESULT_EXPIRED, days=days)
    if request.dismissed:
        raise RefusedError(DeskCode.CANCELLED)
    if job.state != JobState.DONE or job.outcome is None:
        raise RefusedError(DeskCode.RESULT_NOT_READY)
    outcome = Outcome.model_validate_json(job.outcome)
    strip = strip_of(known, texts, day=outcome.evidence_day)
    title = request_title(order.asked, texts)
    return Result(request, job, order, outcome, run, strip, title)


class Intact:
    """Files of packs that were hashed, by what the file system says of them."""

    def __init__(self) -> None:
        self._known: OrderedDict[Path, tuple[tuple[int, ...], str]] = OrderedDict()
        self._lock = threading.Lock()

    def sha256(self, path: Path) -> str:
        """Return the hash of a file; it is read again when it was touched."""
        facts = path.stat()
        mark = (facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
        with self._lock:
            kept = self._known.get(path)
        if kept is not None and kept[0] == mark:
            return kept[1]
        digest = sha256_path(path)
        with self._lock:
            self._known.pop(path, None)
            self._known[path] = (mark, digest)
            if len(self._known) > MOST_HASHED:
                self._known.popitem(last=False)
        return digest


INTACT = Intact()


def manifest_of(result: Result, *, public: bool = False) -> PackManifest:
    """Read what a pack holds, if it is as it was written.

    Raises
    ------
    RefusedError
        If it is not.
    """
    pack = result.pack(public=public)
    path = RunFolder(pack).manifest
    try:
        if INTACT.sha256(path) != result.outcome.packs[pack.name]:
            raise RefusedError(DeskCode.RESULT_CHANGED)
        return _read_manifest(path, result.outcome.packs[pack.name])
    except (OSError, MineriskError) as error:
        raise RefusedError(DeskCode.RESULT_CHANGED) from error


@lru_cache(maxsize=64)
def _read_manifest(path: Path, sha256: str) -> PackManifest:
    """Read the manifest of a pack once for each of its hashes."""
    return PackManifest.read(path)


def pack_file(result: Result, name: str, *, public: bool = False) -> Path:
    """Return a file of a pack, if it is as it was written.

    Raises
    ------
    RefusedError
        If there is none, or it was changed.
    """
    manifest, pack = manifest_of(result, public=public), result.pack(public=public)
    path = path_in(pack, name)
    expected = manifest.files.get(name)
    if name == RunFolder(pack).manifest.name:
        return path
    if expected is None:
        raise RefusedError(DeskCode.NOT_FOUND)
    if INTACT.sha256(path) != expected:
        raise RefusedError(DeskCode.RESULT_CHANGED)
    return path


def zip_file(result: Result, *, public: bool = False) -> Path:
    """Return a pack as one file.

    Raises
    ------
    RefusedError
        If it is gone.
    """
    pack = result.pack(public=public)
    path = pack.with_name(f"{pack.name}.zip")
    if not path.is_file():
        raise RefusedError(DeskCode.RESULT_CHANGED)
    return path


def cell_of(run: Run, folder: Path, place: tuple[float, float], strip: Strip, texts: Texts) -> Cell:
    """Tell what maps in a folder say of the cell at a longitude and latitude.

    Raises
    ------
    RefusedError
        If it lies outside the maps.
    """
    with rasterio.open(folder / f"{RISK_CLASS}.tif", driver="GTiff") as raster:
        (east,), (north,) = transform("EPSG:4326", raster.crs, [place[0]], [place[1]])
        row, column = raster.index(east, north)
        if not (0 <= row < raster.height and 0 <= column < raster.width):
            raise RefusedError(DeskCode.AREA_OUTSIDE)
    code = _value(folder, RISK_CLASS, east, north)
    if code is None or code == OUTSIDE:
        return Cell(strip=strip, easting=east, northing=north)
    probability = _value(folder, PROBABILITY, east, north)
    return Cell(
        strip=strip,
        easting=east,
        northing=north,
        risk_class=CLASS_NAMES[int(code)],
        words=texts.say(CLASS_WORDS[int(code)]),
        of_hundred=None if probability is None else 100 * probability,
        lower=_value(folder, LOWER_END, east, north),
        upper=_value(folder, UPPER_END, east, north),
        dissimilarity=_value(folder, DISSIMILARITY, east, north),
        reasons=tuple(_reasons(run, folder, east, north, texts)),
    )


def _value(folder: Path, name: str, east: float, north: float, band: int = 1) -> float | None:
    """Read a cell of a map; None where it holds nothing, or there is no such map."""
    path = folder / f"{name}.tif"
    if not path.is_file():
        return None
    with rasterio.open(path, driver="GTiff") as raster:
        value = float(next(raster.sample([(east, north)], indexes=band))[0])
        empty = raster.nodata is not None and value == raster.nodata
    return None if empty or value != value else value


def _reasons(run: Run, folder: Path, east: float, north: float, texts: Texts) -> list[Reason]:
    with open_cube(run.files.cube) as cube:
        names = reason_names(list(families_of(cube)))
    found = []
    for band in range(1, len(REASON_BANDS) + 1):
        code = _value(folder, REASONS, east, north, band)
        if code is not None and code != OUTSIDE and int(code) // 2 < len(names):
            name = names[int(code) // 2]
            words = texts.say(WORDS.get(name, name.replace("_", " ")))
            found.append(Reason(family=name, words=words, raises=int(code) % 2 == 0))
    return found
