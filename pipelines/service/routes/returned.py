"""Survey results: the form to take along, files that come back, and how the map fared there."""

from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from minerisk.pipelines.records.feedback import DeliveryEntry, Feedback
from minerisk.pipelines.service.addresses import Id
from minerisk.pipelines.service.desk import results, runs
from minerisk.pipelines.service.guard import caller_of, desk_of, texts_of
from minerisk.pipelines.service.returning import returned, take_along
from minerisk.pipelines.service.returning.returned import Preview
from minerisk.pipelines.service.routes.areas import Done, while_sent

router = APIRouter(tags=["survey results"])
FileName = Annotated[str, Query(min_length=1, max_length=200)]
Asked = Annotated[str | None, Query(pattern="^[0-9a-f]{16,32}$")]
Hours = Annotated[float | None, Query(gt=0, le=100_000)]
Task = Annotated[str, Path(max_length=80)]
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@router.get("/api/requests/{asked}/tasks/{task}/form.xlsx")
def show_form(request: Request, asked: Id, task: Task) -> Response:
    """Return the form of a task as an XLSForm, for KoBo, ODK and Survey123."""
    content = _of_task(request, asked, task, take_along.form_of)
    return _file(content, SHEET, f"form_{task}.xlsx")


@router.get("/api/requests/{asked}/tasks/{task}/take-along.gpkg")
def show_outline(request: Request, asked: Id, task: Task) -> Response:
    """Return a task as a GeoPackage to take along, with a layer to draw results in."""
    content = _of_task(request, asked, task, take_along.package_of)
    return _file(content, "application/geopackage+sqlite3", f"task_{task}.gpkg")


@router.post("/api/runs/{run}/results/check")
async def check(
    request: Request, run: Id, name: FileName, asked: Asked = None, hours_per_ha: Hours = None
) -> Preview:
    """Tell of each row of a file what is wrong with it: its bytes are the body of the call."""
    return await sent(request, name, lambda path: look(request, run, path, asked, hours_per_ha))


@router.post("/api/runs/{run}/results", status_code=201)
async def add(
    request: Request, run: Id, name: FileName, asked: Asked = None, hours_per_ha: Hours = None
) -> DeliveryEntry:
    """Add a file of survey results to those of a run; with a single fault, nothing is added."""
    return await sent(request, name, lambda path: _add(request, run, path, asked, hours_per_ha))


@router.get("/api/runs/{run}/results")
def show(request: Request, run: Id) -> Feedback | None:
    """Tell what came back, and how the map fared there."""
    desk = desk_of(request)
    with desk.store.read() as session:
        _, found = runs.usable_run(desk, session, caller_of(request), run)
    return returned.feedback_of(found)


async def sent(request: Request, name: str, work: Callable[[FilePath], Done]) -> Done:
    """Keep what is sent for as long as it is worked on."""
    return await while_sent(request, returned.returned_name(name), work)


def look(
    request: Request, run: str, path: FilePath, asked: str | None, hours_per_ha: float | None
) -> Preview:
    """Check a file that was sent."""
    desk, caller, texts = desk_of(request), caller_of(request), texts_of(request)
    with desk.store.read() as session:
        _, found = runs.usable_run(desk, session, caller, run)
        source = returned.delivery_of(
            desk, session, caller, path, asked=asked, hours_per_ha=hours_per_ha, texts=texts
        )
    return returned.preview(found, source, texts)


def _add(
    request: Request, run: str, path: FilePath, asked: str | None, hours_per_ha: float | None
) -> DeliveryEntry:
    desk, caller, texts = desk_of(request), caller_of(request), texts_of(request)
    with desk.store.write() as session:
        row, found = runs.usable_run(desk, session, caller, run)
        source = returned.delivery_of(
            desk, session, caller, path, asked=asked, hours_per_ha=hours_per_ha, texts=texts
        )
        return returned.add(session, caller, row.id, found, source)


def _of_task(
    request: Request,
    asked: str,
    task: str,
    make: Callable[[results.Result, str], bytes],
) -> bytes:
    desk = desk_of(request)
    with desk.store.read() as session:
        found = results.find_result(desk, session, caller_of(request), asked, texts_of(request))
    return make(found, task)


def _file(content: bytes, kind: str, name: str) -> Response:
    told = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, 200, told, kind)
