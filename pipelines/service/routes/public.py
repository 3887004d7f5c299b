"""What anybody may have, if it is switched on: coarsened packs of approved runs."""

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse

from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.records.record import Record
from minerisk.pipelines.service.addresses import Id
from minerisk.pipelines.service.desk import results
from minerisk.pipelines.service.desk.access_log import note
from minerisk.pipelines.service.desk.runs import Strip
from minerisk.pipelines.service.errors import RefusedError
from minerisk.pipelines.service.guard import caller_of, desk_of, texts_of

router = APIRouter(tags=["public"])


class PublicPack(Record):
    """A coarsened pack."""

    id: str
    title: str
    hectares: float
    strip: Strip


@router.get("/api/public")
def list_packs(request: Request) -> list[PublicPack]:
    """List the coarsened packs of approved runs."""
    desk = desk_of(request)
    with desk.store.read() as session:
        found = results.public_results(desk, session, texts_of(request))
    return [
        PublicPack(
            id=each.request.id,
            title=each.title,
            hectares=each.outcome.hectares,
            strip=each.strip,
        )
        for each in found
    ]


@router.get("/api/public/{asked}/pack.zip")
def download(request: Request, asked: Id) -> FileResponse:
    """Download a coarsened pack."""
    desk = desk_of(request)
    with desk.store.read() as session:
        found = results.public_results(desk, session, texts_of(request))
    each = next((each for each in found if each.request.id == asked), None)
    if each is None:
        raise RefusedError(DeskCode.NOT_FOUND)
    with desk.store.write() as session:
        note(session, caller_of(request).name, "download public", asked)
    path = results.zip_file(each, public=True)
    return FileResponse(path, media_type="application/zip", filename=f"{asked}_public.zip")
