"""The QGIS project of a pack: what is drawn over the maps, and the maps of every hazard class."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import geopandas as gpd
from odc.geo.geobox import GeoBox

from minerisk.pipelines.formats.geopackage import PackageLayer, write_geopackage
from minerisk.pipelines.formats.qgis_project import ProjectLayer, project_text
from minerisk.pipelines.formats.qml import line_qml, points_qml, registered_qml, tasks_qml
from minerisk.pipelines.language.messages import Texts
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.plotting.map_layers import MapLayers
from minerisk.pipelines.request.contents import USE, PackContents
from minerisk.pipelines.run.hazards import ANY, HAZARD_TITLES

TITLES: Mapping[str, str] = {
    "risk_class": marked("Risk class"),
    "probability": marked("Probability of contamination"),
    "probability_lower": marked("Probability, lower end of the interval"),
    "probability_upper": marked("Probability, upper end of the interval"),
    "reasons": marked("Strongest reason (bands 2 and 3: the next)"),
    "area_of_applicability": marked("Area of applicability (outside: cannot say)"),
    "dissimilarity": marked("Dissimilarity to surveyed land (over 1: cannot say)"),
}


def write_map_layers(layers: MapLayers, request: PackContents, out: Path) -> list[ProjectLayer]:
    """Write ``map.gpkg`` with what there is to draw over the maps; return its project layers."""
    say, finds = request.texts.say, points_qml("#ffffff", size_mm=1.0)
    places, registered = points_qml("#777777", label="name"), registered_qml(request.texts)
    found: dict[str, tuple[gpd.GeoDataFrame | None, str, str, str]] = {
        "findings": (layers.findings, say("Finds and accidents"), finds, "Point"),
        "places": (layers.places, say("Places"), places, "Point"),
        "front_line": (layers.line, say("Front line"), line_qml(), "Line"),
        "registered": (layers.registered, say("Registered areas"), registered, "Polygon"),
    }
    words = " ".join([*request.marks, USE])
    styled = {
        name: PackageLayer(frame, title, words, style)
        for name, (frame, title, style, _) in found.items()
        if frame is not None and len(frame)
    }
    if styled:
        write_geopackage(out / "map.gpkg", styled)
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
    tasks = ProjectLayer(source, title, tasks_qml(told), "Polygon", shown=True)
    maps = _raster_layers(out, "", request.hazard, told)
    for name in request.classes:
        maps += _raster_layers(out, f"{name}/", name, told)
    marks = request.marks_in(told)
    return project_text(
        [tasks, *drawn, *maps],
        title=" · ".join([request.run.config.study_area.title, *marks]),
        geobox=geobox,
    )


def _raster_layers(out: Path, folder: str, hazard: str, texts: Texts) -> list[ProjectLayer]:
    words = texts.say(HAZARD_TITLES[hazard])
    return [
        ProjectLayer(
            f"{folder}{name}.tif",
            title if hazard == ANY else f"{words}: {title[0].lower()}{title[1:]}",
            (out / f"{folder}{name}.qml").read_text(encoding="utf-8"),
            shown=name == "risk_class",
            group=words if folder else "",
        )
        for name, title in texts.words(TITLES).items()
        if (out / f"{folder}{name}.qml").is_file()
    ]
