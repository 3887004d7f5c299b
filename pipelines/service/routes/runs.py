"""Runs on the desk: what there is to ask."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import Field

from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.records.choices import Hazard
from minerisk.pipelines.records.record import Record
from minerisk.pipelines.run.hazards import hazard_rasters
from minerisk.pipelines.service.addresses import Id, Latitude, Longitude
from minerisk.pipelines.service.desk import retraining, runs
from minerisk.pipelines.service.desk.access_log import note
from minerisk.pipelines.service.desk.results import Cell, cell_of
from minerisk.pipelines.service.desk.retraining import Retraining
from minerisk.pipelines.service.desk.runs import RunFacts, RunList, RunView
from minerisk.pipelines.service.errors import RefusedError
from minerisk.pipelines.service.guard import caller_of, desk_of, texts_of
from minerisk.pipelines.service.store.models import OfferedRun

router = APIRouter(tags=["runs"])
Name = Annotated[str, Path(max_length=200)]


class Offered(Record):
    """A run folder, by its name in the folder of runs."""

    folder: Annotated[str, Field(min_length=1, max_length=200)]


@router.get("/api/health")
def health(request: Request) -> dict[str, str]:
    """Tell that the desk answers; nothing else is told to anybody."""
    with desk_of(request).store.read() as session:
        session.connection()
    return {"status": "answers"}


@router.get("/api/openapi.json")
def schema(request: Request) -> Response:
    """Describe every address (OpenAPI)."""
    import json

    return Response(json.dumps(request.app.openapi()), media_type="application/json")


@router.get("/api/runs")
def list_runs(request: Request) -> RunList:
    """List the runs on the desk; where none is approved, nothing may be used yet."""
    desk = desk_of(request)
    with desk.store.read() as session:
        return runs.list_runs(desk, session, caller_of(request), texts_of(request))


@router.get("/api/run-folders")
def list_folders(request: Request) -> list[str]:
    """List the run folders that could be offered."""
    desk = desk_of(request)
    with desk.store.read() as session:
        return runs.folders_to_offer(desk, session)


@router.post("/api/runs", status_code=201)
def offer(request: Request, given: Offered) -> RunView:
    """Offer a run to the desk."""
    desk, caller = desk_of(request), caller_of(request)
    with desk.store.write() as session:
        row = runs.offer(desk, session, caller, given.folder)
    known = desk.standings.of(desk.run_folder(row.folder))
    return runs.view_of(row, known, caller, texts_of(request))


@router.delete("/api/runs/{run}", status_code=204)
def take_off(request: Request, run: Id) -> None:
    """Take a run off the desk; its folder stays, and so do requests to it."""
    with desk_of(request).store.write() as session:
        row = session.get(OfferedRun, run)
        if row is None:
            raise RefusedError(DeskCode.NOT_FOUND)
        session.delete(row)
        note(session, caller_of(request).name, "take off", run)


@router.post("/api/runs/{run}/retrain", status_code=202)
def retrain(request: Request, run: Id) -> Retraining:
    """Have a run made anew in a folder of its own; it is a draft, and is not offered by itself."""
    desk = desk_of(request)
    with desk.store.write() as session:
        job = retraining.retrain(desk, session, caller_of(request), run)
        return retraining.view_of(job, texts_of(request))


@router.get("/api/retrainings")
def list_retrainings(request: Request) -> list[Retraining]:
    """List the runs that were made anew, or are to be."""
    with desk_of(request).store.read() as session:
        return retraining.retrainings(session, texts_of(request))


@router.delete("/api/retrainings/{job}")
def stop_retraining(request: Request, job: Id) -> Retraining:
    """Stop a run that is made anew."""
    desk = desk_of(request)
    with desk.store.write() as session:
        row = retraining.stop(desk, session, caller_of(request), job)
        return retraining.view_of(row, texts_of(request))


@router.get("/api/runs/{run}")
def show_run(request: Request, run: Id) -> RunFacts:
    """Tell what can be asked of a run, and where it lies."""
    desk, caller = desk_of(request), caller_of(request)
    with desk.store.read() as session:
        row, found = runs.usable_run(desk, session, caller, run)
    known = desk.standings.of(found.folder)
    return runs.facts_of(runs.view_of(row, known, caller, texts_of(request)), found)


@router.get("/api/runs/{run}/layers/{layer}")
def show_layer(request: Request, run: Id, layer: Name) -> Response:
    """Return a vector layer of a run as GeoJSON, longitude and latitude."""
    desk, caller = desk_of(request), caller_of(request)
    with desk.store.read() as session:
        _, found = runs.usable_run(desk, session, caller, run)
    content = runs.layer_geojson(found, layer)
    with desk.store.write() as session:
        note(session, caller.name, "see layer", run, layer=layer)
    return Response(content, media_type="application/geo+json")


@router.get("/api/runs/{run}/cell")
def show_cell(
    request: Request, run: Id, longitude: Longitude, latitude: Latitude, hazard: Hazard = "any"
) -> Cell:
    """Tell what a run says of one cell."""
    desk, texts = desk_of(request), texts_of(request)
    with desk.store.read() as session:
        _, found = runs.usable_run(desk, session, caller_of(request), run)
    strip = runs.strip_of(desk.standings.of(found.folder), texts)
    folder = hazard_rasters(found.folder, hazard)
    if not folder.is_dir():
        raise RefusedError(DeskCode.CLASS_WITHOUT_MODEL, hazard=hazard)
    return cell_of(found, folder, (longitude, latitude), strip, texts)
