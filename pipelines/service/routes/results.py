"""Results: refused from the moment on that their run is withdrawn."""

import json
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import FileResponse

from minerisk.pipelines.service.addresses import Id, Latitude, Longitude
from minerisk.pipelines.service.desk import results
from minerisk.pipelines.service.desk.access_log import note
from minerisk.pipelines.service.desk.results import Cell, Result
from minerisk.pipelines.service.guard import caller_of, desk_of, texts_of

router = APIRouter(tags=["results"])
KINDS = {
    ".tif": "image/tiff", ".json": "application/json", ".geojson": "application/geo+json",
    ".csv": "text/csv", ".txt": "text/plain", ".md": "text/plain",
}  # fmt: skip


@router.get("/api/requests/{asked}/tasks")
def show_tasks(request: Request, asked: Id) -> Response:
    """Return the survey tasks of a result as GeoJSON; its ``strip`` says what they are."""
    result = _result(request, asked, "see tasks")
    content = json.loads(results.pack_file(result, "tasks.geojson").read_bytes())
    content |= {"strip": result.strip.model_dump(mode="json")}
    return Response(json.dumps(content), media_type="application/geo+json")


@router.get("/api/requests/{asked}/cell")
def show_cell(request: Request, asked: Id, longitude: Longitude, latitude: Latitude) -> Cell:
    """Tell what a result says of one cell."""
    result = _result(request, asked)
    results.pack_file(result, "risk_class.tif")
    place = (longitude, latitude)
    return results.cell_of(result.run, result.pack(), place, result.strip, texts_of(request))


@router.get("/api/requests/{asked}/pack.zip")
def download(request: Request, asked: Id) -> FileResponse:
    """Download the pack of a result."""
    result = _result(request, asked, "download", file="pack.zip")
    name = f"{result.request.title}_{result.outcome.request}.zip"
    return FileResponse(results.zip_file(result), media_type="application/zip", filename=name)


@router.get("/api/requests/{asked}/files/{name:path}")
def show_file(
    request: Request, asked: Id, name: Annotated[str, Path(max_length=300)]
) -> FileResponse:
    """Return one file of the pack; a GeoTIFF also in parts, by range."""
    result = _result(request, asked, "download", file=name)
    path = results.pack_file(result, name)
    kind = KINDS.get(path.suffix, "application/octet-stream")
    return FileResponse(path, media_type=kind, filename=path.name)


def _result(request: Request, asked: str, action: str = "", **values: str) -> Result:
    desk, caller, texts = desk_of(request), caller_of(request), texts_of(request)
    with desk.store.read() as session:
        result = results.find_result(desk, session, caller, asked, texts)
    if action and "range" not in request.headers:
        with desk.store.write() as session:
            note(session, caller.name, action, asked, **values)
    return result
