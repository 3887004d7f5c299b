"""The addresses of tiles, by titiler: what they are made of follows from the address alone.

No call names a file, an expression, a band, a size or a colour: the path dependency looks a run or
a result up, by the same functions that guard everything else, and fails once it was withdrawn.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Annotated

from attrs import define
from fastapi import APIRouter, Depends, Path, Request, Response
from rio_tiler.models import ImageData
from titiler.core.factory import TilerFactory
from titiler.core.resources.enums import ImageType

from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.hazards import hazard_rasters
from minerisk.pipelines.service.addresses import Id
from minerisk.pipelines.service.desk import results, runs
from minerisk.pipelines.service.errors import RefusedError
from minerisk.pipelines.service.guard import caller_of, desk_of, texts_of
from minerisk.pipelines.service.tiles.cells import cells_of_tile
from minerisk.pipelines.service.tiles.colours import RASTERS, MapName, paint
from minerisk.pipelines.service.tiles.shade import shade_file

MOST_ZOOM = 20
Hazard = Annotated[str, Path(pattern="^[a-z]{2,8}$")]
Zoom = Annotated[int, Path(ge=0, le=MOST_ZOOM)]
Place = Annotated[int, Path(ge=0, lt=2**MOST_ZOOM)]


@dataclass(frozen=True)
class Source:
    """What a tile is made of: a map, and its rasters on the disk of the desk."""

    name: MapName
    rasters: tuple[FilePath, ...]


def of_run(request: Request, run: Id, hazard: Hazard, name: MapName) -> Source:
    """Find the rasters of a map of a run that this caller may use now."""
    desk = desk_of(request)
    home = hazard_rasters(FilePath(), hazard)
    reads = [(home / f"{raster}.tif").as_posix() for raster in RASTERS.get(name, ())]
    with desk.store.read() as session:
        _, found = runs.usable_run(desk, session, caller_of(request), run, reads)
    folder = hazard_rasters(found.folder, hazard)
    return _source(request, found, name, lambda raster: folder / f"{raster}.tif")


def of_result(request: Request, asked: Id, name: MapName) -> Source:
    """Find the rasters of a map of a result that this caller may use now."""
    desk = desk_of(request)
    with desk.store.read() as session:
        found = results.find_maps(
            desk, session, caller_of(request), asked, texts_of(request), reads=()
        )
    return _source(request, found.run, name, lambda raster: found.place(f"{raster}.tif"))


def _source(request: Request, run: Run, name: MapName, place: Callable[[str], FilePath]) -> Source:
    if name is MapName.SHADE:
        shade = shade_file(run, desk_of(request).settings.home)
        found: tuple[FilePath, ...] = () if shade is None else (shade,)
    else:
        found = tuple(place(raster) for raster in RASTERS[name])
    if not found or not all(path.is_file() for path in found):
        raise RefusedError(DeskCode.TILE_MISSING)
    return Source(name, found)


@define(kw_only=True)
class MapTiles(TilerFactory):
    """The tiles of titiler, and of its addresses this one only."""

    def register_routes(self) -> None:
        """Register the address of tiles, and one that tells whether there are any."""

        @self.router.get(self.router_prefix + "/{z}/{x}/{y}.png", response_class=Response)
        def tile(
            z: Zoom,
            x: Place,
            y: Place,
            source: Annotated[Source, Depends(self.path_dependency)],
        ) -> Response:
            """Return a picture of 256 by 256 pixels of the Web Mercator quad tree."""
            image = tile_of(source, x, y, z)
            content, kind = self.render_func(image, output_format=ImageType.png, add_mask=False)
            return Response(content, media_type=kind)

        @self.router.get(self.router_prefix, status_code=204)
        def usable(source: Annotated[Source, Depends(self.path_dependency)]) -> None:
            """Tell whether there are tiles that may be used now."""


def tile_of(source: Source, x: int, y: int, z: int) -> ImageData:
    """Read and colour a tile; cells are never mixed, so that a class stays what it is.

    Raises
    ------
    RefusedError
        If there is nothing at this place.
    """
    found = [cells_of_tile(path, x, y, z) for path in source.rasters]
    cells = [each for each in found if each is not None]
    if len(cells) < len(source.rasters):
        raise RefusedError(DeskCode.TILE_MISSING)
    return ImageData(paint(source.name, cells))


router = APIRouter(tags=["tiles"])
for prefix, dependency in (
    ("/tiles/runs/{run}/{hazard}/{name}", of_run),
    ("/tiles/requests/{asked}/{name}", of_result),
):
    router.include_router(MapTiles(path_dependency=dependency, router_prefix=prefix).router)
