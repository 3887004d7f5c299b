"""The map of the report: risk classes with everything that is known around them, as SVG that zooms.

One inline SVG and no script: it needs no network, and the zoom is a style sheet's. Its words stay
words, so that the style sheet keeps their size. It can be read in black and white: darker is
higher, "cannot say" is hatched, every kind of line has its own dashes. The legend is in
``templates/chart.html.j2`` of the report.
"""

import math
import re
import textwrap
from collections.abc import Iterator, Sequence

import geopandas as gpd
import numpy as np
import shapely
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from minerisk.pipelines.formats.palette import CANNOT_SAY
from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.plotting.inline_svg import CROWDED, IN_TABLE, ON_MAP, inline_svg
from minerisk.pipelines.plotting.map_figure import (
    draw_north,
    draw_scale_bar,
    paint,
    scale_length,
)
from minerisk.pipelines.plotting.map_layers import MapLayers

WIDTH = 1000.0
"""Of the map, in points; so are all sizes and distances below."""
MARGIN = (46.0, 60.0, 34.0, 26.0)
"""Space around the map: top, left, bottom, right."""
MARK_LINE = 24.0
"""Height of a line of the marks above the map."""
MARK_SIGNS = 84
"""Letters of such a line: as many of 14 points, bold and wide, as the sheet holds."""
PLACES = 24
PICTURE_DPI = 144
"""Of what is a picture and no lines: 2,000 pixels across."""
OVER = 2
"""Lines and words are drawn from this level up; what is beneath makes one picture."""
Dashes = tuple[float, ...]
REGISTERED: dict[str, tuple[str, Dashes]] = {
    "CHA": ("#ff0000", ()),
    "SHA": ("#f4a718", (7, 3)),
    "": ("#777777", (2, 2)),
}
ARMS: dict[str, Dashes] = {"ranked": (), "learn": (1.5, 2), "control": (5, 3)}
AROUND = {"water": "#1f78b4", "way": "#8c5a2b", "districts": "#555555"}
"""Colours of what leads people on the map."""
FRONT: Dashes = (12, 4, 2, 4)


def chart(
    classes: NDArray[np.uint8],
    geobox: GeoBox,
    *,
    layers: MapLayers,
    tasks: gpd.GeoDataFrame | None = None,
    elevation: NDArray[np.floating] | None = None,
    marks: Sequence[str] = (),
    texts: Texts = ENGLISH,
) -> Markup:
    """Draw the map of risk classes with everything that is known around it.

    Parameters
    ----------
    classes
        Risk classes, uint8, shape ``(height, width)``.
    layers, tasks
        In the CRS of `geobox`; tasks with ``task`` and ``arm``.
    elevation
        Metres, same shape: shaded beneath the classes.
    marks
        Words across the top, such as DRAFT and SIMULATED.

    Returns
    -------
    Markup
        An SVG element; every word from outside is escaped.
    """
    lines = mark_lines(marks)
    figure, axes = _sheet(geobox, lines=len(lines))
    paint(axes, classes, geobox, cannot_say=classes == CANNOT_SAY, elevation=elevation)
    axes.set_rasterization_zorder(OVER - 0.5)
    _draw_around(axes, layers)
    _draw_registered(axes, layers.registered)
    if layers.line is not None:
        _draw_lines(axes, layers.line.geometry, "#000000", 1.8, FRONT)
    _draw_tasks(axes, tasks)
    _draw_findings(axes, layers.findings)
    _draw_places(axes, layers.places)
    draw_scale_bar(axes, geobox, texts)
    draw_north(axes)
    _draw_border(axes, geobox, texts)
    _draw_marks(figure, lines)
    return inline_svg(
        figure,
        css_class="chart",
        label=texts.say("Map of risk classes"),
        dpi=PICTURE_DPI,
    )


def mark_lines(marks: Sequence[str]) -> list[str]:
    """Lay out marks: on one line if it holds them, else one a line, and none wider than the map."""
    whole = " · ".join(marks)
    told = [whole] if len(whole) <= MARK_SIGNS else marks
    return [line for mark in told for line in textwrap.wrap(mark, MARK_SIGNS)]


def _sheet(geobox: GeoBox, *, lines: int) -> tuple[Figure, Axes]:
    """Lay out a map of `geobox` with its margins, and so many lines of marks above it."""
    top, left, bottom, right = MARGIN
    top += MARK_LINE * max(lines - 1, 0)
    box = geobox.boundingbox
    across = WIDTH - left - right
    down = across * (box.top - box.bottom) / (box.right - box.left)
    total = down + top + bottom
    figure = Figure(figsize=(WIDTH / 72, total / 72), facecolor="none")
    place = (left / WIDTH, bottom / total, across / WIDTH, down / total)
    axes = figure.add_axes(place, xlim=(box.left, box.right), ylim=(box.bottom, box.top))
    axes.set_autoscale_on(False)
    axes.set_axisbelow(False)  # the frame is lines and words too
    return figure, axes


def _metres(axes: Axes, points: float) -> float:
    """Turn a length on the sheet into metres on the ground."""
    west, east = axes.get_xlim()
    return points * (east - west) / (WIDTH - MARGIN[1] - MARGIN[3])


def _draw_registered(axes: Axes, registered: gpd.GeoDataFrame | None) -> None:
    if registered is None:
        return
    for land, part in registered.groupby("Land_Class"):
        colour, dashes = REGISTERED.get(str(land), REGISTERED[""])
        if land in {"CHA", "SHA"}:
            fill = PathPatch(_path(axes, part.geometry), color=colour, alpha=0.35, linewidth=0)
            axes.add_patch(fill).set_zorder(OVER)
        _draw_outline(axes, part.geometry, colour, 1.2, dashes)


def _draw_around(axes: Axes, layers: MapLayers) -> None:
    """Draw roads, rivers and districts into the picture, under all that the map is about."""
    if layers.ways is not None:
        for kind, part in layers.ways.groupby("kind"):
            _draw_under(axes, part.geometry, AROUND[str(kind)], 0.8)
    if layers.districts is not None:
        _draw_under(axes, layers.districts.geometry, AROUND["districts"], 1.0, (6, 3))


def _draw_under(
    axes: Axes, geometries: gpd.GeoSeries, colour: str, width: float, dashes: Dashes = ()
) -> None:
    style = (0, dashes) if dashes else "solid"
    line = PathPatch(
        _path(axes, geometries), facecolor="none", edgecolor=colour, linewidth=width,
        linestyle=style, zorder=OVER - 1,
    )  # fmt: skip
    axes.add_patch(line)


def _draw_tasks(axes: Axes, tasks: gpd.GeoDataFrame | None) -> None:
    if tasks is None or tasks.empty:
        return
    for arm, dashes in ARMS.items():
        part = tasks[tasks["arm"] == arm]
        if len(part):
            _draw_lines(axes, part.geometry, "#111111", 1.5, dashes)
    taken: list[tuple[float, float]] = []
    points = tasks.geometry.representative_point()
    for task, east, north in zip(tasks["task"], points.x, points.y, strict=True):
        near = _metres(axes, 26), _metres(axes, 12)
        crowded = any(abs(east - x) < near[0] and abs(north - y) < near[1] for x, y in taken)
        if not crowded:
            taken.append((east, north))
        _word(
            axes,
            _short(str(task)),
            east,
            north,
            align="center",
            gid=f"{CROWDED if crowded else ''}{ON_MAP}{task}",
            url=f"#{IN_TABLE}{task}",
        )


def _short(task: str) -> str:
    """Write ``NTS-0017`` as 17 and ``NTS-C0002`` as C2."""
    found = re.fullmatch(r"(?:NTS-)?(\D*)0*(\d+)", task)
    return task if found is None else found[1] + found[2]


def _draw_findings(axes: Axes, findings: gpd.GeoDataFrame | None) -> None:
    if findings is not None:
        points = findings.geometry.representative_point()
        axes.scatter(
            points.x, points.y, s=22, marker="^", color="white", edgecolor="black", linewidth=0.6,
            zorder=OVER,
        )  # fmt: skip


def _draw_places(axes: Axes, places: gpd.GeoDataFrame | None) -> None:
    if places is None:
        return
    taken: list[tuple[float, float]] = []
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    right, top = east - _metres(axes, 80), north - _metres(axes, 12)
    for name, x, y in zip(places["name"], places.geometry.x, places.geometry.y, strict=True):
        near = _metres(axes, 110), _metres(axes, 18)
        crowded = any(abs(x - a) < near[0] and abs(y - b) < near[1] for a, b in taken)
        if crowded or not (west < x < right and south < y < top):
            continue
        taken.append((x, y))
        axes.scatter(x, y, s=21, color="white", edgecolor="black", linewidth=1, zorder=OVER)
        _word(axes, str(name), x, y, size=12, shift=(5, 0))
        if len(taken) == PLACES:
            break


def _draw_border(axes: Axes, geobox: GeoBox, texts: Texts) -> None:
    """Frame the map: ticks in kilometres of the grid, corners in degrees."""
    box = geobox.boundingbox
    step = scale_length(box.right - box.left)
    eastings = np.arange(math.ceil(box.left / step) * step, box.right, step)
    northings = np.arange(math.ceil(box.bottom / step) * step, box.top, step)
    kilometres = [texts.number(metres / 1000, "count") for metres in (*eastings, *northings)]
    along = [texts.say("{easting} km E", easting=words) for words in kilometres[: len(eastings)]]
    axes.set_xticks(eastings, along, fontsize=11)
    axes.set_yticks(northings, kilometres[len(eastings) :], fontsize=11)
    degrees = Transformer.from_crs(str(geobox.crs), "EPSG:4326", always_xy=True)
    for side, align in ((box.left, "left"), (box.right, "right")):
        longitude, latitude = degrees.transform(side, box.top)
        words = texts.say(
            "{latitude}°, {longitude}° (corner, latitude and longitude)",
            latitude=f"{latitude:.4f}",
            longitude=f"{longitude:.4f}",
        )
        _word(axes, words, side, box.top, size=10, align=align, shift=(0, 11))
    words = texts.say("northing, km ({crs}); N is grid north", crs=str(geobox.crs))
    _word(axes, words, box.left, box.bottom, size=10, shift=(0, -27))


def _draw_marks(figure: Figure, lines: Sequence[str]) -> None:
    """Write the marks of the map across its top, in white on red."""
    if not lines:
        return
    line = MARK_LINE / (72 * figure.get_figheight())
    share = len(lines) * line
    band = Rectangle((0, 1 - share), 1, share, color="#b00020", transform=figure.transFigure)
    figure.add_artist(band)
    for place, words in enumerate(lines):
        figure.text(
            0.5, 1 - (place + 0.5) * line, words, color="white", fontsize=14, fontweight="bold",
            ha="center", va="center", parse_math=False,
        )  # fmt: skip


def _word(
    axes: Axes,
    words: str,
    east: float,
    north: float,
    *,
    size: float = 11,
    align: str = "left",
    shift: tuple[float, float] = (0, 0),
    gid: str = "",
    url: str = "",
) -> None:
    """Write words beside a place, in black with a white edge; none where the place is not shown."""
    drawn = axes.annotate(
        words, (east, north), xytext=shift, textcoords="offset points", fontsize=size, ha=align,
        va="center", parse_math=False, annotation_clip=True, zorder=OVER + 1,
    )  # fmt: skip
    drawn.set_gid(gid or None)
    drawn.set_url(url or None)


def _draw_lines(
    axes: Axes, geometries: gpd.GeoSeries, colour: str, width: float, dashes: Dashes
) -> None:
    """Draw lines and outlines with a white edge, so that they show on every class."""
    _draw_outline(axes, geometries, "#ffffff", width + 1.9, ())
    _draw_outline(axes, geometries, colour, width, dashes)


def _draw_outline(
    axes: Axes, geometries: gpd.GeoSeries, colour: str, width: float, dashes: Dashes
) -> None:
    style = (0, tuple(length / width for length in dashes)) if dashes else "solid"
    line = PathPatch(
        _path(axes, geometries), facecolor="none", edgecolor=colour, linewidth=width,
        linestyle=style, zorder=OVER,
    )  # fmt: skip
    axes.add_patch(line)


def _path(axes: Axes, geometries: gpd.GeoSeries) -> Path:
    """Join lines and rings, thinned to a quarter of a point; holes turn the other way."""
    thin = geometries.simplify(_metres(axes, 0.25)).normalize()
    return Path.make_compound_path(*_outlines(shapely.get_parts(thin.array)))


def _outlines(parts: NDArray[np.object_]) -> Iterator[Path]:
    for part in parts:
        rings = shapely.get_rings(part) if part.geom_type == "Polygon" else [part]
        for ring in rings:
            yield Path(shapely.get_coordinates(ring), closed=part.geom_type == "Polygon")
