"""Runs that were offered to the desk: how they stand, and what can be asked of them."""

import datetime as dt
import hashlib
import os
from collections.abc import Collection
from pathlib import Path

import geopandas as gpd
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from minerisk.configs.schema import VectorLayer
from minerisk.features.cube.store import cube_geobox, open_cube
from minerisk.features.errors import MineriskError
from minerisk.pipelines.language.desk_codes import DeskCode, desk_notice
from minerisk.pipelines.language.marks import STANDS, USE, Marks
from minerisk.pipelines.language.messages import Texts
from minerisk.pipelines.provenance.clock import time_of
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.record import Record
from minerisk.pipelines.records.review import State
from minerisk.pipelines.request.filters import criteria_of
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.hazards import ANY, trained_hazards
from minerisk.pipelines.service.desk.access_log import note
from minerisk.pipelines.service.desk.desk import Caller, Desk
from minerisk.pipelines.service.desk.standings import Known
from minerisk.pipelines.service.errors import RefusedError, Said, said
from minerisk.pipelines.service.store.models import OfferedRun

STATE_CODES = {
    State.DRAFT: DeskCode.RUN_DRAFT,
    State.REJECTED: DeskCode.RUN_REJECTED,
    State.WITHDRAWN: DeskCode.RUN_WITHDRAWN,
    State.UNVERIFIED: DeskCode.RUN_UNVERIFIED,
}
MOST_FOLDERS = 500
SHOWN_DEG = 0.0002
"""How far a shape that is drawn may be from the layer's."""


class Strip(Record):
    """What every answer that could be shown says of itself: it is drawn across the top."""

    state: State
    simulated: bool
    evidence_day: dt.date | None = Field(description="day up to which evidence counts")
    words: tuple[str, ...] = Field(description="DRAFT, SIMULATED, WITHDRAWN, and what it is for")


class RunView(Record):
    """A run on the desk."""

    id: str
    title: str
    study_area: str
    strip: Strip
    usable: bool = Field(description="whether this caller may ask it")
    why: Said | None = Field(None, description="why it is not approved")
    champion: bool = False
    offered_at: dt.datetime


class RunFacts(Record):
    """What can be asked of a run, and where it lies."""

    run: RunView
    crs: str
    resolution_m: float
    west: float
    south: float
    east: float
    north: float
    hazards: tuple[str, ...]
    districts: tuple[str, ...]
    near: tuple[str, ...] = Field(description="layers that land can be near to")
    layers: tuple[str, ...] = Field(description="layers that can be drawn")
    budget_ha: float = Field(description="land that tasks have, where nothing else is asked")
    weights: dict[str, float] = Field(
        description="of the hazard and of each criterion of impact, where nothing else is asked"
    )
    head: str


class RunList(Record):
    """The runs that a caller sees; without an approved one, what that means."""

    runs: tuple[RunView, ...]
    remark: Said | None = None


def run_id(folder: str) -> str:
    """Name a run on the desk by the name of its folder."""
    return hashlib.sha256(folder.encode()).hexdigest()[:16]


def folders_to_offer(desk: Desk, session: Session) -> list[str]:
    """List the run folders that are not on the desk yet, and were made to the end."""
    there = set(session.scalars(select(OfferedRun.folder)))
    try:
        found = sorted(entry.name for entry in os.scandir(desk.settings.runs) if entry.is_dir())
    except OSError:
        return []
    runs = [name for name in found if RunFolder(desk.run_folder(name)).report.is_file()]
    return [name for name in runs if name not in there][:MOST_FOLDERS]


def offer(desk: Desk, session: Session, caller: Caller, folder: str) -> OfferedRun:
    """Put a run on the desk.

    Raises
    ------
    RefusedError
        If there is no such folder, or it is on the desk.
    """
    choices = folders_to_offer(desk, session)
    if folder not in choices:
        raise RefusedError(DeskCode.NOT_FOUND, choices=choices)
    run = OfferedRun(
        id=run_id(folder), folder=folder, offered_by=caller.id, offered_at=desk.clock()
    )
    session.add(run)
    note(session, caller.name, "offer", run.id, folder=folder)
    return run


def list_runs(desk: Desk, session: Session, caller: Caller, texts: Texts) -> RunList:
    """List the runs that a caller sees: approved and withdrawn ones, drafts for some."""
    rows = session.scalars(select(OfferedRun).order_by(OfferedRun.offered_at.desc())).all()
    views = [(row, desk.standings.of(desk.run_folder(row.folder))) for row in rows]
    shown = tuple(
        view_of(row, known, caller, texts)
        for row, known in views
        if caller.sees_drafts or known.state in {State.APPROVED, State.WITHDRAWN}
    )
    approved = any(known.state is State.APPROVED for _, known in views)
    remark = None if approved else said(desk_notice(DeskCode.NO_RUN_APPROVED), texts)
    return RunList(runs=shown, remark=remark)


def find_run(
    desk: Desk,
    session: Session,
    caller: Caller,
    name: str,
    reads: Collection[str] | None = None,
) -> tuple[OfferedRun, Known]:
    """Find a run that a caller may see; `reads` is as in `Standings.of`.

    Raises
    ------
    RefusedError
        If there is none, or its folder is gone.
    """
    row = session.get(OfferedRun, name)
    if row is None:
        raise RefusedError(DeskCode.NOT_FOUND)
    known = desk.standings.of(desk.run_folder(row.folder), reads)
    if not caller.sees_drafts and known.state not in {State.APPROVED, State.WITHDRAWN}:
        raise RefusedError(STATE_CODES[known.state])
    return row, known


def usable_run(
    desk: Desk,
    session: Session,
    caller: Caller,
    name: str,
    reads: Collection[str] | None = None,
) -> tuple[OfferedRun, Run]:
    """Find a run that a caller may ask now: withdrawn or changed ones are refused at once.

    Raises
    ------
    RefusedError
        With the code of how it stands.
    """
    row, known = find_run(desk, session, caller, name, reads)
    return row, refuse_unusable(known, drafts=caller.sees_drafts)


def refuse_unusable(known: Known, *, drafts: bool) -> Run:
    """Return a run from which something may be handed out.

    Raises
    ------
    RefusedError
        With the code of how it stands.
    """
    if known.state in {State.WITHDRAWN, State.UNVERIFIED}:
        raise RefusedError(STATE_CODES[known.state])
    if known.state is not State.APPROVED and not drafts:
        raise RefusedError(STATE_CODES[known.state])
    if known.run is None:
        raise RefusedError(DeskCode.RUN_GONE)
    return known.run


def view_of(row: OfferedRun, known: Known, caller: Caller, texts: Texts) -> RunView:
    """Describe a run to a caller."""
    state, run = known.state, known.run
    usable = state is State.APPROVED or (
        caller.sees_drafts and state in {State.DRAFT, State.REJECTED}
    )
    return RunView(
        id=row.id,
        title=row.folder if run is None else run.config.study_area.title_in(texts.language),
        study_area="" if run is None else run.config.study_area.name,
        strip=strip_of(known, texts),
        usable=usable and run is not None,
        why=None if state is State.APPROVED else said(desk_notice(STATE_CODES[state]), texts),
        champion=known.standing.champion,
        offered_at=time_of(row.offered_at),
    )


def strip_of(known: Known, texts: Texts, *, day: dt.date | None = None) -> Strip:
    """Return what is drawn across the top of everything that is shown of a run."""
    run = known.run
    simulated = run is not None and run.simulated
    words = Marks(known.state, simulated).words(texts)
    return Strip(
        state=known.state,
        simulated=simulated,
        evidence_day=day or (None if run is None else run.config.study_area.as_of or run.day),
        words=(*words, texts.say(USE), texts.say(STANDS)),
    )


def facts_of(view: RunView, run: Run) -> RunFacts:
    """Describe what can be asked of a run."""
    with open_cube(run.files.cube) as cube:
        geobox = cube_geobox(cube)
    bounds = geobox.extent.to_crs("EPSG:4326").boundingbox
    area, area_tasks = run.config.study_area, run.config.tasks
    present = vector_layers(run)
    return RunFacts(
        run=view,
        crs=area.crs,
        resolution_m=area.resolution_m,
        west=bounds.left,
        south=bounds.bottom,
        east=bounds.right,
        north=bounds.top,
        hazards=(ANY, *trained_hazards(run.folder)),
        districts=tuple(district_names(run)),
        near=tuple(present),
        layers=tuple(present),
        budget_ha=area_tasks.budget_ha,
        weights=criterion_weights(run),
        head=run.manifest().head,
    )


def vector_layers(run: Run) -> list[str]:
    """List the vector layers of a run, by name; none where its layers are not at hand."""
    layers = run.config.layers
    try:
        present = run.layers().names()
    except (MineriskError, OSError):
        return []
    return sorted(name for name in present if isinstance(layers.get(name), VectorLayer))


def criterion_weights(run: Run) -> dict[str, float]:
    """Map hazard and criteria to their weights; none where layers are not at hand."""
    try:
        return criteria_of(run)
    except (MineriskError, OSError):
        return {}


def district_names(run: Run) -> list[str]:
    """List the districts of a run; none where its layer is not at hand."""
    asked = run.config.study_area.districts
    if asked is None:
        return []
    try:
        frame = run.layers().vector(asked.layer, crs=run.config.study_area.crs)
    except (MineriskError, OSError):
        return []
    return sorted(set(frame[asked.name_column].astype(str)))


def layer_geojson(run: Run, name: str) -> str:
    """Return a vector layer of a run as GeoJSON: shapes and, of districts, their names.

    Raises
    ------
    RefusedError
        If the run has no such layer, or its file is gone.
    """
    if name not in vector_layers(run):
        raise RefusedError(DeskCode.LAYER_UNKNOWN, layer=name, choices=vector_layers(run))
    frame = _layer(run, name).to_crs("EPSG:4326")
    asked = run.config.study_area.districts
    shown = frame[["geometry"]].copy()
    named = asked.name_column if asked is not None and asked.layer == name else "name"
    if named in frame:
        shown.insert(0, "name", frame[named].astype(str))
    shown = shown.set_geometry(shown.geometry.simplify(SHOWN_DEG))
    return str(shown.to_json(drop_id=True))


def _layer(run: Run, name: str) -> gpd.GeoDataFrame:
    try:
        return run.layers().vector(name, crs=run.config.study_area.crs)
    except (MineriskError, OSError) as error:
        raise RefusedError(DeskCode.LAYER_GONE, layer=name) from error


def path_in(folder: Path, name: str) -> Path:
    """Return a file below a folder.

    Raises
    ------
    RefusedError
        If there is none: also of a name that leads out, and of a link.
    """
    path = folder / name
    inside = path.resolve().is_relative_to(folder.resolve()) and not path.is_symlink()
    if "\0" in name or not inside or not path.is_file():
        raise RefusedError(DeskCode.NOT_FOUND)
    return path
