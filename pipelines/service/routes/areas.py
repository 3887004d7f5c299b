"""Files of polygons: sent as the body of a call, read with limits."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Annotated, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request

from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.provenance.files import FOLDER
from minerisk.pipelines.records.record import Record
from minerisk.pipelines.service.addresses import LongId
from minerisk.pipelines.service.desk.access_log import note
from minerisk.pipelines.service.desk.areas import AreaFacts, Sent, keep_area, sent_name
from minerisk.pipelines.service.errors import RefusedError
from minerisk.pipelines.service.guard import caller_of, desk_of
from minerisk.pipelines.service.store.models import Area

READERS = CapacityLimiter(3)
"""Files read at a time, in threads of their own: a slow one keeps nobody from tiles and pages."""

router = APIRouter(tags=["areas"])
Done = TypeVar("Done")


class AreaView(Record):
    """A file of polygons on the desk."""

    id: str
    name: str
    layer: str | None
    facts: AreaFacts


@router.post("/api/areas", status_code=201)
async def send_area(
    request: Request,
    name: Annotated[str, Query(min_length=1, max_length=200)],
    layer: Annotated[str | None, Query(max_length=200)] = None,
    crs: Annotated[str | None, Query(max_length=100)] = None,
) -> AreaView:
    """Send a GeoPackage, zipped Shapefile, KML or GeoJSON: its bytes are the body of the call.

    What was drawn on a map is sent as GeoJSON, under a name of its own. `crs` is that of a
    Shapefile which does not say it.
    """
    return await while_sent(
        request, sent_name(name), lambda path: _keep(request, Sent(path, layer, crs))
    )


async def while_sent(request: Request, name: str, work: Callable[[FilePath], Done]) -> Done:
    """Keep what is sent, under a checked name, for as long as it is worked on."""
    uploads = desk_of(request).settings.uploads
    uploads.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    folder = FilePath(tempfile.mkdtemp(prefix=".sent-", dir=uploads))
    try:
        with (folder / name).open("xb") as stream:
            async for block in request.stream():
                stream.write(block)
        return await run_sync(work, folder / name, limiter=READERS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@router.get("/api/areas/{area}")
def show_area(request: Request, area: LongId) -> AreaView:
    """Tell what an own file of polygons holds."""
    with desk_of(request).store.read() as session:
        row = session.get(Area, area)
    if row is None or row.account_id != caller_of(request).id:
        raise RefusedError(DeskCode.NOT_FOUND)
    return _view(row)


def _keep(request: Request, sent: Sent) -> AreaView:
    desk, caller = desk_of(request), caller_of(request)
    with desk.store.write() as session:
        row, _ = keep_area(session, desk.settings.uploads, sent, account=caller.id, at=desk.clock())
        note(session, caller.name, "send area", row.id, name=row.name, sha256=row.sha256)
    return _view(row)


def _view(row: Area) -> AreaView:
    facts = AreaFacts.model_validate_json(row.facts)
    return AreaView(id=row.id, name=row.name, layer=row.layer, facts=facts)
