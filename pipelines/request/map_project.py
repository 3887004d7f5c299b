"""The QGIS project of a pack: what is drawn over the maps, and the maps of every hazard class."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import geopandas as gpd
from odc.geo.geobox import GeoBox
from shapely.geometry import box

from minerisk.configs.schema import VectorLayer
from minerisk.pipelines.formats.geopackage import PackageLayer, write_geopackage
from minerisk.pipelines.formats.palette import CANNOT_SAY, CLASS_COLOURS, Legend
from minerisk.pipelines.formats.qgis_project import ProjectLayer, project_text
from minerisk.pipelines.formats.qml import (
    districts_qml,
    hillshade_qml,
    line_qml,
    mark_qml,
    points_qml,
    raster_qml,
    registered_qml,
    tasks_qml,
    ways_qml,
)
from minerisk.pipelines.formats.task_columns import COLUMNS
from minerisk.pipelines.language.marks import ONE_SOURCE, USE
from minerisk.pipelines.language.messages import Texts
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.plotting.map_layers import MapLayers
from minerisk.pipelines.predict.bands import AREA
from minerisk.pipelines.request.contents import PackContents
from minerisk.pipelines.request.rasters import ELEVATION
from minerisk.pipelines.run.folder import SIMULATED_PREFIX, Run
from minerisk.pipelines.run.hazards import ANY, HAZARD_TITLES

TITLES: Mapping[str, str] = {
    "risk_class": marked("Risk class"),
    "probability": marked("Probability of contamination"),
    "probability_lower": marked("Probability, lower end of the interval"),
    "probability_upper": marked("Probability, upper end of the interval"),
    "probability_unmasked": marked("NOT FOR RANKING: probability, cannot say too"),
    "reasons": marked("Strongest reason (bands 2 and 3: the next)"),
    "area_of_applicability": marked("Area of applicability (outside: cannot say)"),
    "dissimilarity": marked("Dissimilarity to surveyed land (over 1: cannot say)"),
}

SILENT = Legend(
    {0: CLASS_COLOURS[CANNOT_SAY]}, {0: marked("cannot say: the data do not support a statement")}
)
"""Drawn over every map: the cells that the model cannot speak for."""
OPACITY = 0.8
BEYOND = 20
"""Widths of the land around it on which its map still says what it is."""


def write_map_layers(
    layers: MapLayers, request: PackContents, geobox: GeoBox, out: Path
) -> list[ProjectLayer]:
    """Write ``map.gpkg`` with what there is to draw over the maps; return its project layers.

    Its layer ``marks`` has what the map says of itself.
    """
    say, finds = request.texts.say, points_qml("#ffffff", size_mm=1.0)
    places, registered = points_qml("#777777", label="name"), registered_qml(request.texts)
    found: dict[str, tuple[gpd.GeoDataFrame | None, str, str, str]] = {
        "findings": (layers.findings, say("Finds and accidents"), finds, "Point"),
        "places": (layers.places, say("Places"), places, "Point"),
        "front_line": (layers.line, say("Front line"), line_qml(), "Line"),
        "registered": (layers.registered, say("Registered areas"), registered, "Polygon"),
        "ways": (layers.ways, say("Roads and rivers"), ways_qml(request.texts), "Line"),
        "districts": (layers.districts, say("Districts"), districts_qml(), "Polygon"),
    }
    words = " ".join([*request.marks, USE])
    styled = {
        name: PackageLayer(_with_simulated(frame, request.run), title, words, style)
        for name, (frame, title, style, _) in found.items()
        if frame is not None and len(frame)
    }
    write_geopackage(out / "map.gpkg", {**styled, "marks": _mark(request, geobox)})
    return [
        ProjectLayer(f"map.gpkg|layername={name}", layer.title, layer.style, found[name][3], True)
        for name, layer in styled.items()
    ]


def pack_project(
    request: PackContents, drawn: Sequence[ProjectLayer], geobox: GeoBox, out: Path
) -> str:
    """Write the project of a pack: tasks, what is drawn, the maps, and those of each class.

    The maps of a hazard class lie in a folder of the layer tree that bears its name in words.
    """
    told = request.texts
    source, title = "tasks.gpkg|layername=tasks", told.say("Survey tasks")
    aliases = told.words({name: column.words for name, column in COLUMNS.items()})
    tasks = ProjectLayer(source, title, tasks_qml(told, aliases=aliases), "Polygon", shown=True)
    maps = _raster_layers(out, "", request.hazard, told)
    hills = _hills(out, told)
    for name in request.classes:
        maps += _raster_layers(out, f"{name}/", name, told)
    source, title = "map.gpkg|layername=marks", told.say("What this map is")
    mark = ProjectLayer(source, title, mark_qml(), "Polygon", shown=True)
    return project_text(
        [mark, tasks, *drawn, *maps, *hills],
        title=" · ".join([request.run.config.study_area.title, *request.marks_in(told)]),
        geobox=geobox,
        mark=_mark_words(request).replace("\n", " · "),
    )


def _mark_words(request: PackContents) -> str:
    return "\n".join([*request.marks_in(request.texts), request.texts.say(ONE_SOURCE)])


def _mark(request: PackContents, geobox: GeoBox) -> PackageLayer:
    """Make the layer that says what the map is, wherever on it somebody looks."""
    left, bottom, right, top = geobox.boundingbox
    away = BEYOND * max(right - left, top - bottom)
    frame = gpd.GeoDataFrame(
        {"mark": [_mark_words(request)], **request.stated.columns},
        geometry=[box(left - away, bottom - away, right + away, top + away)],
        crs=str(geobox.crs),
    )
    return PackageLayer(frame, request.texts.say("What this map is"), USE, mark_qml())


def _with_simulated(frame: gpd.GeoDataFrame, run: Run) -> gpd.GeoDataFrame:
    """Mark the rows of layers that the simulator made; a layer without evidence stays as it is."""
    if "layer" not in frame.columns:
        return frame
    made = {
        name
        for name, layer in run.config.layers.items()
        if isinstance(layer, VectorLayer) and layer.path.startswith(SIMULATED_PREFIX)
    }
    return frame.assign(simulated=frame["layer"].isin(made).astype("int32"))


def _raster_layers(out: Path, folder: str, hazard: str, texts: Texts) -> list[ProjectLayer]:
    words = texts.say(HAZARD_TITLES[hazard])
    area = f"{folder}{AREA}"
    silent = ProjectLayer(
        f"{area}.tif",
        texts.say("cannot say") if hazard == ANY else f"{words}: {texts.say('cannot say')}",
        raster_qml(Legend(SILENT.colours, texts.words(SILENT.words))),
        shown=True,
        group=words if folder else "",
        part="silent",
    )
    found = [
        ProjectLayer(
            f"{folder}{name}.tif",
            title if hazard == ANY else f"{words}: {title[0].lower()}{title[1:]}",
            _see_through((out / f"{folder}{name}.qml").read_text(encoding="utf-8")),
            shown=name == "risk_class",
            group=words if folder else "",
        )
        for name, title in texts.words(TITLES).items()
        if (out / f"{folder}{name}.qml").is_file()
    ]
    return [silent, *found]


def _hills(out: Path, texts: Texts) -> list[ProjectLayer]:
    if not (out / f"{ELEVATION}.tif").is_file():
        return []
    return [
        ProjectLayer(f"{ELEVATION}.tif", texts.say("Hill shading"), hillshade_qml(), shown=True)
    ]


def _see_through(style: str) -> str:
    """Draw nothing where a raster has no value: in the project the layer above greys it.

    Hills show through the rest.
    """
    blank = re.sub(r'nodataColor="[^"]*"', 'nodataColor=""', style)
    return re.sub(r'(<rasterrenderer [^>]*opacity=)"1"', rf'\1"{OPACITY}"', blank)
