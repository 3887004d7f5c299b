"""The QGIS project of a pack: what is drawn over the maps, and the maps of every hazard class."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import geopandas as gpd
from odc.geo.geobox import GeoBox
from shapely.geometry import box

from minerisk.configs.schema import VectorLayer
from minerisk.pipelines.formats.forms import LayerForm, layer_form, task_form
from minerisk.pipelines.formats.geopackage import PackageLayer, write_geopackage
from minerisk.pipelines.formats.palette import CANNOT_SAY, CLASS_COLOURS, Legend
from minerisk.pipelines.formats.qgis_project import ProjectLayer, Sheets, TaskLine, project_text
from minerisk.pipelines.formats.qml import (
    districts_qml,
    hillshade_qml,
    in_language,
    line_qml,
    mark_qml,
    points_qml,
    raster_qml,
    registered_qml,
    tasks_qml,
    ways_qml,
)
from minerisk.pipelines.language.marks import ONE_SOURCE, STANDS, USE
from minerisk.pipelines.language.messages import Texts
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.plotting.map_layers import MapLayers
from minerisk.pipelines.predict.bands import RISK_CLASS
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
FIND_TIP = '<b>[% "imsma_id" %]</b><br>[% "layer" %]: [% "Evid_Type" %]'
TASK_LINES: Sequence[tuple[str, Sequence[str], str]] = (
    (marked("Kind of task"), ("arm",), '[% represent_value("arm") %]'),
    (
        marked("Band and rank"),
        ("band", "rank"),
        "[% coalesce(to_string(\"band\"), '–') || ' / ' || coalesce(to_string(\"rank\"), '–') %]",
    ),
    (marked("Hectares"), ("hectares",), '[% format_number("hectares", 1) %]'),
    (marked("Team-days"), ("team_days",), '[% format_number("team_days", 1) %]'),
    (
        marked("Mean probability of a cell"),
        ("probability", "lower", "upper"),
        "[% coalesce(format_number(100 * \"probability\", 1) || ' % (' || format_number(100 * "
        "\"lower\", 1) || ' – ' || format_number(100 * \"upper\", 1) || ' %)', '{silent}') %]",
    ),
    (
        marked("Finds expected"),
        ("expected_finds",),
        "[% coalesce(format_number(\"expected_finds\", 1), '–') %]",
    ),
    (
        marked("Centre"),
        ("latitude", "longitude"),
        "[% format_number(\"latitude\", 4, 'en') || ', ' || "
        "format_number(\"longitude\", 4, 'en') %]",
    ),
    (
        marked("Nearest evidence"),
        ("evidence_kind", "evidence_id", "evidence_date", "evidence_m"),
        "[% \"evidence_kind\" || ' ' || coalesce(\"evidence_id\", '') || coalesce(', ' || "
        "\"evidence_date\", '') || ', ' || format_number(\"evidence_m\", 0) || ' m' %]",
    ),
    (marked("Why"), ("why",), '[% "why" %]'),
)
"""Of the sheet of a task: words, the columns that are needed, and a QGIS expression."""
OPACITY = 0.8
BEYOND = 20
"""Widths of the land around it on which its map still says what it is."""
WAYS = marked("Roads and rivers (from 1:{scale:count} on)")
WAYS_FROM = 600_000
"""Denominator of the scale from which roads and rivers are drawn: farther off they cover all."""


def write_map_layers(
    layers: MapLayers, request: PackContents, geobox: GeoBox, out: Path
) -> list[ProjectLayer]:
    """Write ``map.gpkg`` with what there is to draw over the maps; return its project layers.

    Its layer ``marks`` has what the map says of itself.
    """
    say = request.texts.say
    found: dict[str, tuple[gpd.GeoDataFrame | None, str, str]] = {
        "findings": (layers.findings, say("Finds and accidents"), "Point"),
        "places": (layers.places, say("Places"), "Point"),
        "front_line": (layers.line, say("Front line"), "Line"),
        "registered": (layers.registered, say("Registered areas"), "Polygon"),
        "ways": (layers.ways, say(WAYS, scale=WAYS_FROM), "Line"),
        "districts": (layers.districts, say("Districts"), "Polygon"),
    }
    words = " · ".join([*request.marks_in(request.texts), say(USE)])
    styled = dict[str, PackageLayer]()
    for name, (frame, title, _) in found.items():
        if frame is not None and len(frame):
            told = _with_simulated(frame, request.run)
            form = layer_form(list(told.columns), request.texts)
            style = _style(name, form, request.texts)
            styled[name] = PackageLayer(told, title, words, style, form=form)
    write_geopackage(out / "map.gpkg", {**styled, "marks": _mark(request, geobox)})
    return [
        ProjectLayer(
            f"map.gpkg|layername={name}",
            layer.title,
            layer.style,
            found[name][2],
            True,
            least_scale=WAYS_FROM if name == "ways" else 0,
        )
        for name, layer in styled.items()
    ]


def _style(name: str, form: LayerForm, texts: Texts) -> str:
    """Write the style of a layer of ``map.gpkg``."""
    styles = {
        "findings": partial(points_qml, "#ffffff", size_mm=1.0, tip=FIND_TIP),
        "places": partial(points_qml, "#777777", label="name", tip='[% "name" %]'),
        "front_line": partial(line_qml),
        "registered": partial(registered_qml, texts),
        "ways": partial(ways_qml, texts),
        "districts": partial(districts_qml),
    }
    return styles[name](form=form)


def pack_project(
    request: PackContents,
    drawn: Sequence[ProjectLayer],
    geobox: GeoBox,
    out: Path,
    *,
    columns: Sequence[str],
) -> str:
    """Write the project of a pack: tasks, what is drawn, the maps, and those of each class.

    The maps of a hazard class lie in a folder of the layer tree that bears its name in words. Two
    print layouts go with it: the whole map, and a sheet for each task.

    Parameters
    ----------
    columns
        Of the tasks.
    """
    told = request.texts
    source, title = "tasks.gpkg|layername=tasks", told.say("Survey tasks")
    style = tasks_qml(told, form=task_form(columns, told))
    tasks = ProjectLayer(source, title, style, "Polygon", shown=True)
    maps = _raster_layers(out, "", request.hazard, told)
    hills = _hills(out, told)
    for name in request.classes:
        maps += _raster_layers(out, f"{name}/", name, told)
    source, title = "map.gpkg|layername=marks", told.say("What this map is")
    mark = ProjectLayer(source, title, mark_qml(), "Polygon", shown=True)
    return project_text(
        [mark, tasks, *drawn, *maps, *hills],
        title=" · ".join(
            [request.run.config.study_area.title_in(told.language), *request.marks_in(told)]
        ),
        geobox=geobox,
        mark=_mark_words(request),
        sheets=_sheets(request, [tasks, *drawn, *maps], columns),
    )


def _sheets(
    request: PackContents, layers: Sequence[ProjectLayer], columns: Sequence[str]
) -> Sheets:
    """Say what the print layouts say: of the whole map, and of each task."""
    say = request.texts.say
    area = request.run.config.study_area.title_in(request.texts.language)
    tasks = layers[0]
    named = [layer for layer in layers if layer.shown and not layer.group and not layer.part]
    named.sort(key=lambda layer: layer.geometry != "Raster" and layer is not tasks)
    title = area if request.area is None else f"{area} · {request.title}"
    foot = " ".join([say(USE), say(STANDS), say("Run {head}.", head=request.head[:16])])
    lines = [
        TaskLine(
            say(words), in_language(expression, request.texts).format(silent=say("cannot say"))
        )
        for words, needs, expression in TASK_LINES
        if set(needs) <= set(columns)
    ]
    return Sheets(
        map_name=say("Map"),
        tasks_name=say("Task sheets"),
        title=title,
        mark=_mark_words(request).replace("\n", " · "),
        foot=foot,
        task_lines=lines,
        coverage=tasks.id,
        legend=named,
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
    # By class, not by applicability: a large cell of a public copy may be higher beyond it.
    classes = f"{folder}{RISK_CLASS}"
    silent = ProjectLayer(
        f"{classes}.tif",
        texts.say("cannot say") if hazard == ANY else f"{words}: {texts.say('cannot say')}",
        raster_qml(Legend(SILENT.colours, texts.words(SILENT.words))),
        shown=True,
        group=words if folder else "",
        part="silent",
    )
    found = [
        ProjectLayer(
            f"{folder}{name}.tif",
            title if hazard == ANY else f"{words}: {texts.lowered(title)}",
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
