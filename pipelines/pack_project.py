"""The QGIS project of a pack: what is drawn over the maps, and the maps of every hazard class."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import geopandas as gpd
from odc.geo.geobox import GeoBox

from pipelines.geopackage import StyledLayer, write_geopackage
from pipelines.hazards import ANY, HAZARD_TITLES
from pipelines.map_layers import MapLayers
from pipelines.pack_request import USE, Request
from pipelines.project import ProjectLayer, project_text
from pipelines.styles import line_qml, points_qml, registered_qml, tasks_qml

TITLES: Mapping[str, str] = {
    "risk_class": "Risk class",
    "probability": "Probability of contamination",
    "probability_lower": "Probability, lower end of the interval",
    "probability_upper": "Probability, upper end of the interval",
    "reasons": "Strongest reason (bands 2 and 3: the next)",
    "applicability": "Dissimilarity to surveyed land (over 1: cannot say)",
}


def write_map_layers(layers: MapLayers, request: Request, out: Path) -> list[ProjectLayer]:
    """Write ``map.gpkg`` with what there is to draw over the maps; give it as project layers."""
    found: dict[str, tuple[gpd.GeoDataFrame | None, str, str, str]] = {
        "findings": (
            layers.findings,
            "Finds and accidents",
            points_qml("#ffffff", size_mm=1.0),
            "Point",
        ),
        "places": (layers.places, "Places", points_qml("#777777", label="name"), "Point"),
        "front_line": (layers.line, "Front line", line_qml(), "Line"),
        "registered": (layers.registered, "Registered areas", registered_qml(), "Polygon"),
    }
    words = " ".join([*request.marks, USE])
    styled = {
        name: StyledLayer(frame, style, title, words)
        for name, (frame, title, style, _) in found.items()
        if frame is not None and len(frame)
    }
    if styled:
        write_geopackage(out / "map.gpkg", styled)
    return [
        ProjectLayer(f"map.gpkg|layername={name}", layer.title, layer.style, found[name][3], True)
        for name, layer in styled.items()
    ]


def pack_project(request: Request, drawn: Sequence[ProjectLayer], geobox: GeoBox, out: Path) -> str:
    """Write the project of a pack: tasks, what is drawn, the maps, and those of each class.

    The maps of a hazard class lie in a folder of the layer tree that bears its name in words.
    """
    tasks = ProjectLayer("tasks.gpkg|layername=tasks", "Survey tasks", tasks_qml(), "Polygon", True)
    maps = _raster_layers(out, "", request.hazard)
    maps += [layer for name in request.classes for layer in _raster_layers(out, f"{name}/", name)]
    return project_text(
        [tasks, *drawn, *maps],
        title=" · ".join([request.run.config.study_area.title, *request.marks]),
        geobox=geobox,
    )


def _raster_layers(out: Path, folder: str, hazard: str) -> list[ProjectLayer]:
    words = HAZARD_TITLES[hazard]
    return [
        ProjectLayer(
            f"{folder}{name}.tif",
            title if hazard == ANY else f"{words}: {title[0].lower()}{title[1:]}",
            (out / f"{folder}{name}.qml").read_text(encoding="utf-8"),
            shown=name == "risk_class",
            group=words if folder else "",
        )
        for name, title in TITLES.items()
        if (out / f"{folder}{name}.qml").is_file()
    ]
