"""Pages of requests: the list, progress, the result with its maps and tasks, a sheet a task."""

from pathlib import Path as FilePath
from typing import Annotated

import rasterio
from fastapi import APIRouter, Path, Request, Response
from pydantic import JsonValue
from rasterio.warp import transform_bounds

from minerisk.features.layers.vectors import read_frame
from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.language.like_words import like_line
from minerisk.pipelines.predict.bands import RISK_CLASS
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.report.tasks import read_tasks
from minerisk.pipelines.report.wording import Wording
from minerisk.pipelines.service.addresses import Id, Latitude, Longitude
from minerisk.pipelines.service.desk import requests, results
from minerisk.pipelines.service.desk.areas import AreaFacts
from minerisk.pipelines.service.desk.requests import RequestView
from minerisk.pipelines.service.desk.results import Result
from minerisk.pipelines.service.errors import RefusedError
from minerisk.pipelines.service.guard import caller_of, desk_of, texts_of
from minerisk.pipelines.service.jobs.orders import OVER, JobState
from minerisk.pipelines.service.pages.maps import Extent, MapPart, drawn_map, result_map
from minerisk.pipelines.service.pages.places import evidence_words, tasks_at
from minerisk.pipelines.service.pages.shell import fragment, render
from minerisk.pipelines.service.store.models import Area

router = APIRouter(tags=["pages"], include_in_schema=False)
AROUND = 0.5
"""Of the size of a task, what is shown around it."""


@router.get("/requests")
def list_requests(request: Request) -> Response:
    """List own and shared requests, newest first, with what made them stale."""
    desk, caller, texts = desk_of(request), caller_of(request), texts_of(request)
    with desk.store.read() as session:
        found = requests.views(desk, session, caller, texts)
    return render(request, "requests.html.j2", found=found, done=JobState.DONE)


@router.get("/requests/{asked}")
def show(request: Request, asked: Id) -> Response:
    """Show how far a request is, or its result."""
    view = _view(request, asked)
    if view.state not in OVER:
        map_ = _drawn(request, view) if view.drawn else None
        return render(request, "progress.html.j2", strip=view.strip, view=view, map=map_)
    if not view.usable:
        return render(request, "no_result.html.j2", strip=view.strip, view=view)
    desk, texts = desk_of(request), texts_of(request)
    with desk.store.read() as session:
        found = results.find_result(desk, session, caller_of(request), asked, texts)
        area = None if view.area is None else session.get(Area, view.area)
    outline: JsonValue = None
    if area is not None:
        outline = AreaFacts.model_validate_json(area.facts).outline.model_dump(mode="json")
    pack = results.pack_file(found, f"{RISK_CLASS}.tif").parent
    manifest = results.manifest_of(found)
    like = None if manifest.like_this is None else like_line(manifest.like_this.land, texts)
    return render(
        request,
        "result.html.j2",
        strip=found.strip,
        view=view,
        map=result_map(found.run, view.run, asked, extent_of(pack), texts, outline=outline),
        tasks=read_tasks(RunFolder(pack)),
        files=sorted(manifest.files),
        like=like,
        wording=Wording(texts),
    )


@router.get("/requests/{asked}/progress")
def progress(request: Request, asked: Id) -> Response:
    """Show how far a request is, for the page that waits."""
    view = _view(request, asked)
    return fragment(request, "waiting.html.j2", view=view, over=view.state in OVER)


@router.get("/requests/{asked}/cell")
def show_cell(request: Request, asked: Id, longitude: Longitude, latitude: Latitude) -> Response:
    """Show what a result says of one cell."""
    found, texts = _result(request, asked), texts_of(request)
    pack = results.pack_file(found, f"{RISK_CLASS}.tif").parent
    cell = results.cell_of(found.run, pack, (longitude, latitude), found.strip, texts)
    return fragment(
        request,
        "cell.html.j2",
        cell=cell,
        cell_m=found.run.config.study_area.resolution_m,
        evidence=evidence_words(found.run, cell.easting, cell.northing, texts),
        tasks=tasks_at(RunFolder(pack).tasks_gpkg, cell.easting, cell.northing),
        links=True,
    )


@router.get("/requests/{asked}/tasks/{task}")
def show_task(request: Request, asked: Id, task: Annotated[str, Path(max_length=80)]) -> Response:
    """Show a survey task on a sheet of its own, to be printed."""
    found, texts = _result(request, asked), texts_of(request)
    pack = results.pack_file(found, "tasks.csv").parent
    facts = read_tasks(RunFolder(pack))
    row = None if facts is None else next((r for r in facts.rows if r.task == task), None)
    if facts is None or row is None:
        raise RefusedError(DeskCode.NOT_FOUND)
    view = _view(request, asked)
    part = result_map(found.run, view.run, asked, extent_of(pack), texts)
    focus = task_extent(RunFolder(pack).tasks_gpkg, task)
    return render(
        request,
        "task.html.j2",
        strip=found.strip,
        view=view,
        task=row,
        why=Wording(texts).why_of(facts, row),
        nearest=facts.nearest(row, texts),
        map=part.at(focus),
        wording=Wording(texts),
        interval=row.interval,
    )


def extent_of(folder: FilePath) -> Extent:
    """Return where the maps in a folder lie, degrees."""
    with rasterio.open(folder / f"{RISK_CLASS}.tif", driver="GTiff") as raster:
        west, south, east, north = transform_bounds(raster.crs, "EPSG:4326", *raster.bounds)
    return west, south, east, north


def task_extent(path: FilePath, task: str) -> Extent:
    """Return where a task lies, with some land around it, degrees."""
    frame = read_frame(path, layer="tasks").to_crs("EPSG:4326")
    west, south, east, north = frame[frame["task"].astype(str) == task].total_bounds
    wide, high = AROUND * (east - west), AROUND * (north - south)
    return float(west - wide), float(south - high), float(east + wide), float(north + high)


def _drawn(request: Request, view: RequestView) -> MapPart:
    """Put together the map of a request whose pack is being written."""
    desk, texts = desk_of(request), texts_of(request)
    with desk.store.read() as session:
        found = results.find_maps(desk, session, caller_of(request), view.id, texts)
    extent = extent_of(found.place(f"{RISK_CLASS}.tif").parent)
    return drawn_map(found.run, view.run, view.id, extent, texts)


def _result(request: Request, asked: str) -> Result:
    desk = desk_of(request)
    with desk.store.read() as session:
        return results.find_result(desk, session, caller_of(request), asked, texts_of(request))


def _view(request: Request, asked: str) -> RequestView:
    desk, caller, texts = desk_of(request), caller_of(request), texts_of(request)
    with desk.store.read() as session:
        row = requests.find_request(session, caller, asked)
        return requests.view(desk, session, caller, row, texts)
