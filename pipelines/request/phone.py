"""``phone.mbtiles``: the map of a request for phones, with its marks in every tile."""

import html
from pathlib import Path

import geopandas as gpd
from pyproj import Transformer

from minerisk.pipelines.formats.palette import CANNOT_SAY, CLASS_WORDS, ELEVATED, HIGHER, LOWER
from minerisk.pipelines.formats.tiles.mbtiles import write_mbtiles
from minerisk.pipelines.formats.tiles.web_mercator import CRS
from minerisk.pipelines.language.marks import STANDS, USE
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.plotting.grids import Grids
from minerisk.pipelines.plotting.map_layers import MapLayers
from minerisk.pipelines.plotting.phone_map import PhoneMap, draw_tiles, phone_map
from minerisk.pipelines.request.contents import PackContents
from minerisk.pipelines.run.hazards import ANY, HAZARD_TITLES

PHONE = "phone.mbtiles"
COLOURS = {
    HIGHER: marked("dark purple"),
    ELEVATED: marked("purple"),
    LOWER: marked("pale blue"),
    CANNOT_SAY: marked("grey, hatched"),
}
NOT_ASKED = marked("pale grey, hatched: outside the land that was asked for, nothing is said")


def write_phone_map(
    request: PackContents, grids: Grids, layers: MapLayers, tasks: gpd.GeoDataFrame, out: Path
) -> Path:
    """Write risk classes and survey tasks as tiles into the folder of a pack."""
    shown = phone_map(grids, layers, tasks, words=_brief(request))
    return write_mbtiles(out / PHONE, draw_tiles(shown), _metadata(request, shown))


def _brief(request: PackContents) -> str:
    """Say in a few words what has to stand in every tile."""
    say = request.texts.say
    hazard = say("{hazard} only", hazard=say(HAZARD_TITLES[request.hazard]))
    words = (request.stated.brief, "" if request.hazard == ANY else hazard)
    return " · ".join(word for word in words if word)


def _metadata(request: PackContents, shown: PhoneMap) -> dict[str, str]:
    say, study_area = request.texts.say, request.run.config.study_area
    marks = request.marks_in(request.texts)
    title = study_area.title_in(request.texts.language)
    legend = [f"{say(COLOURS[code])}: {say(CLASS_WORDS[code])}" for code in COLOURS]
    words = [*marks, say(USE), say(STANDS), *legend, say(NOT_ASKED), say("Run"), request.head]
    degrees = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    west, south, east, north = degrees.transform_bounds(*shown.bounds)
    middle = f"{(west + east) / 2:.6f},{(south + north) / 2:.6f}"
    zooms = shown.zooms
    return {
        "name": " · ".join([title, *([] if request.area is None else [request.title]), *marks]),
        "description": "\n".join([*words[:-2], " ".join(words[-2:])]),
        "attribution": html.escape(" · ".join([*marks, say(USE)])),
        "type": "overlay",
        "version": "1",
        "bounds": f"{west:.6f},{south:.6f},{east:.6f},{north:.6f}",
        "center": f"{middle},{zooms[0]}",
        "minzoom": str(zooms[0]),
        "maxzoom": str(zooms[-1]),
    }
