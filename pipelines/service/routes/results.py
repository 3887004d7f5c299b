"""Results: refused from the moment on that their run is withdrawn."""

import json
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse

from minerisk.pipelines.service.addresses import Id, Latitude, Longitude
from minerisk.pipelines.service.desk import results
from minerisk.pipelines.service.desk.access_log import note
from minerisk.pipelines.service.desk.results import Cell, Result
from minerisk.pipelines.service.guard import caller_of, desk_of, texts_of
from minerisk.pipelines.service.ogc.qgis import Remote, remote_layers, remote_project
from minerisk.pipelines.service.routes.parts import in_parts

router = APIRouter(tags=["results"])
Entry = Annotated[str | None, Query(pattern="^[a-z0-9]{7}$")]
"""Id of an entry in the store of sign-ins of QGIS."""
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


@router.head("/api/requests/{asked}/pack.zip", include_in_schema=False)
@router.get("/api/requests/{asked}/pack.zip")
def download(request: Request, asked: Id) -> FileResponse:
    """Download the pack of a result, whole or in parts."""
    result = _result(request, asked, "download", file="pack.zip")
    name = f"{result.request.title}_{result.outcome.request}.zip"
    return in_parts(request, results.zip_file(result), "application/zip", name)


@router.get("/api/requests/{asked}/layers.qlr")
def layers(request: Request, asked: Id, authcfg: Entry = None) -> Response:
    """Return the layers of a result for QGIS: style, and addresses without a token."""
    return _for_qgis(request, asked, authcfg, remote_layers, "layers.qlr")


@router.get("/api/requests/{asked}/map.qgs")
def project(request: Request, asked: Id, authcfg: Entry = None) -> Response:
    """Return the QGIS project of a result: layers, print layouts, and addresses without a token."""
    return _for_qgis(request, asked, authcfg, remote_project, "map.qgs")


@router.head("/api/requests/{asked}/files/{name:path}", include_in_schema=False)
@router.get("/api/requests/{asked}/files/{name:path}")
def show_file(
    request: Request, asked: Id, name: Annotated[str, Path(max_length=300)]
) -> FileResponse:
    """Return one file of the pack, whole or in parts: GDAL reads a GeoTIFF by HEAD and ranges."""
    result = _result(request, asked, "download", file=name)
    path = results.pack_file(result, name)
    kind = KINDS.get(path.suffix, "application/octet-stream")
    return in_parts(request, path, kind, path.name)


def _for_qgis(
    request: Request,
    asked: str,
    entry: str | None,
    write: Callable[[bytes, Remote], str],
    name: str,
) -> Response:
    result = _result(request, asked, "download", file=name)
    path = results.pack_file(result, "map.qgs")
    remote = Remote(str(request.base_url).rstrip("/"), asked, entry)
    told = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(write(path.read_bytes(), remote), 200, told, "application/xml")


def _result(request: Request, asked: str, action: str = "", **values: str) -> Result:
    desk, caller, texts = desk_of(request), caller_of(request), texts_of(request)
    with desk.store.read() as session:
        result = results.find_result(desk, session, caller, asked, texts)
    if request.method == "HEAD":
        return result
    part = "range" in request.headers
    if action and (desk.recent.is_new(caller.id, asked, *values.values()) or not part):
        with desk.store.write() as session:
            note(session, caller.name, action, asked, **values)
    return result
