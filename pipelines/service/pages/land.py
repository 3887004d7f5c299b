"""Pages of runs: the list, the map, a cell, and the four steps of a request."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.language.like_words import like_line
from minerisk.pipelines.language.messages import LANGUAGES
from minerisk.pipelines.language.task_words import CRITERIA
from minerisk.pipelines.provenance.clock import now
from minerisk.pipelines.records.choices import Hazard
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.hazards import ANY, hazard_rasters
from minerisk.pipelines.service.accounts.access import Role
from minerisk.pipelines.service.addresses import Id, Latitude, Longitude
from minerisk.pipelines.service.desk import requests, runs
from minerisk.pipelines.service.desk.areas import KINDS
from minerisk.pipelines.service.desk.requests import Asked
from minerisk.pipelines.service.desk.results import cell_of
from minerisk.pipelines.service.desk.runs import RunFacts, RunView
from minerisk.pipelines.service.errors import RefusedError
from minerisk.pipelines.service.guard import caller_of, desk_of, texts_of
from minerisk.pipelines.service.pages.districts import districts_of
from minerisk.pipelines.service.pages.maps import run_map
from minerisk.pipelines.service.pages.places import evidence_words, tasks_at
from minerisk.pipelines.service.pages.shell import SIGN_IN, STATIC, fragment, render

router = APIRouter(tags=["pages"], include_in_schema=False)
FILES = {"desk.js": "text/javascript", "desk.css": "text/css"}


@router.get("/")
def home(request: Request) -> Response:
    """Lead to the page that this caller begins with."""
    caller = caller_of(request)
    if caller.account_id is None:
        return RedirectResponse(SIGN_IN, 303)
    if caller.roles & {Role.MANAGER, Role.SCIENTIST}:
        return RedirectResponse("/runs", 303)
    if Role.REVIEWER in caller.roles:
        return RedirectResponse("/reviews", 303)
    return RedirectResponse("/accounts" if Role.ADMINISTRATOR in caller.roles else "/account", 303)


@router.get("/static/{name}")
def static(name: Annotated[str, Path(max_length=40)]) -> Response:
    """Return a script or style of the desk."""
    path = STATIC / name
    if name not in FILES or not path.is_file():
        raise RefusedError(DeskCode.NOT_FOUND)
    lasting = {"Cache-Control": "public, max-age=31536000, immutable"}
    return FileResponse(path, media_type=FILES[name], headers=lasting)


@router.get("/runs")
def list_runs(request: Request) -> Response:
    """List the runs that this caller sees; where none is approved, what that means."""
    desk = desk_of(request)
    with desk.store.read() as session:
        found = runs.list_runs(desk, session, caller_of(request), texts_of(request))
    usable = [run for run in found.runs if run.usable]
    if len(found.runs) == 1 and usable:
        return RedirectResponse(f"/runs/{usable[0].id}", 303)
    strip = usable[0].strip if len(usable) == 1 else None
    return render(request, "runs.html.j2", found=found, strip=strip)


@router.get("/runs/{run}")
def show_map(request: Request, run: Id, hazard: Hazard = "any") -> Response:
    """Show the map of a run."""
    facts, found = _usable(request, run)
    if hazard not in facts.hazards:
        raise RefusedError(DeskCode.CLASS_WITHOUT_MODEL, hazard=hazard, choices=facts.hazards)
    part = run_map(found, facts, texts_of(request), hazard=hazard)
    return render(
        request,
        "map.html.j2",
        strip=facts.run.strip,
        run=facts,
        others=_others(request, run),
        map=part,
        hazard=hazard,
        asks=bool(caller_of(request).roles & {Role.MANAGER, Role.SCIENTIST}),
    )


@router.get("/runs/{run}/cell")
def show_cell(
    request: Request, run: Id, longitude: Longitude, latitude: Latitude, hazard: Hazard = "any"
) -> Response:
    """Show what a run says of one cell."""
    facts, found = _usable(request, run)
    folder, texts = hazard_rasters(found.folder, hazard), texts_of(request)
    cell = cell_of(found, folder, (longitude, latitude), facts.run.strip, texts)
    return fragment(
        request,
        "cell.html.j2",
        cell=cell,
        cell_m=found.config.study_area.resolution_m,
        evidence=evidence_words(found, cell.easting, cell.northing, texts),
        tasks=tasks_at(found.files.tasks_gpkg, cell.easting, cell.northing),
        links=False,
    )


@router.get("/runs/{run}/ask")
def ask(request: Request, run: Id) -> Response:
    """Show the four steps of a request."""
    facts, found = _usable(request, run)
    texts = texts_of(request)
    area = found.config.study_area
    return render(
        request,
        "ask.html.j2",
        strip=facts.run.strip,
        run=facts,
        map=run_map(found, facts, texts, hazard=ANY),
        districts=districts_of(found, facts.districts),
        kinds=", ".join(KINDS),
        day=area.as_of or found.day,
        today=now().date(),
        choices=LANGUAGES,
        criteria=CRITERIA,
    )


@router.post("/runs/{run}/check")
def check(request: Request, run: Id, asked: Asked) -> Response:
    """Show what an answer would be about, before it is asked for."""
    desk = desk_of(request)
    if asked.run != run:
        raise RefusedError(DeskCode.BODY_WRONG, place="run", why="another run than the address")
    with desk.store.read() as session:
        found = requests.check_request(desk, session, caller_of(request), asked, texts_of(request))
    return fragment(
        request,
        "check.html.j2",
        check=found,
        clip=asked.filters.clip,
        like=None
        if found.like_this is None
        else like_line(found.like_this.land, texts_of(request)),
    )


def _usable(request: Request, run: str) -> tuple[RunFacts, Run]:
    desk, caller = desk_of(request), caller_of(request)
    with desk.store.read() as session:
        row, found = runs.usable_run(desk, session, caller, run)
    known = desk.standings.of(found.folder)
    return runs.facts_of(runs.view_of(row, known, caller, texts_of(request)), found), found


def _others(request: Request, run: str) -> list[RunView]:
    desk = desk_of(request)
    with desk.store.read() as session:
        found = runs.list_runs(desk, session, caller_of(request), texts_of(request)).runs
    return [each for each in found if each.id == run or each.usable]
