"""The map of the report: a picture of classes over hillshade, and drawn lines that zoom.

One inline SVG and no script: it needs no network, and the zoom is a style sheet's. It can be read
in black and white: darker is higher, "cannot say" is hatched, every kind of line has its own
dashes. The legend is in ``templates/chart.html.j2``.
"""

import io
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import geopandas as gpd
import numpy as np
from markupsafe import Markup
from matplotlib.colors import LightSource
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from PIL import Image
from pyproj import Transformer

from minerisk.pipelines.formats.palette import CANNOT_SAY, CLASS_COLOURS, rgba
from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.plotting.data_uri import data_uri
from minerisk.pipelines.plotting.map_figure import length_words, scale_length
from minerisk.pipelines.plotting.map_layers import MapLayers
from minerisk.pipelines.run.strips import MOST_DRAWN, thinning

WIDTH = 1000.0
MARGIN = (46.0, 60.0, 34.0, 26.0)
"""Space around the map: top, left, bottom, right."""
PLACES = 24
HATCH = 9
REGISTERED = {"CHA": ("#ff0000", "none"), "SHA": ("#f4a718", "7 3"), "": ("#777777", "2 2")}


class _Frame:
    """From metres to the units of the drawing."""

    def __init__(self, geobox: GeoBox) -> None:
        top, left, bottom, right = MARGIN
        box = geobox.boundingbox
        self.west, self.north = box.left, box.top
        self.scale = (WIDTH - left - right) / (box.right - box.left)
        self.left, self.top = left, top
        self.width = WIDTH - left - right
        self.height = (box.top - box.bottom) * self.scale
        self.total = self.height + top + bottom

    def at(self, easting: float, northing: float) -> tuple[float, float]:
        return (
            self.left + (easting - self.west) * self.scale,
            self.top + (self.north - northing) * self.scale,
        )


def chart(
    classes: NDArray[np.uint8],
    geobox: GeoBox,
    *,
    layers: MapLayers,
    tasks: gpd.GeoDataFrame | None = None,
    elevation: NDArray[np.floating[Any]] | None = None,
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
    frame = _Frame(geobox)
    left, top, width, height = (
        f"{v:.1f}" for v in (frame.left, frame.top, frame.width, frame.height)
    )
    body = [
        f'<image x="{left}" y="{top}" width="{width}" height="{height}" '
        f'preserveAspectRatio="none" style="image-rendering:pixelated" '
        f'href="{_picture(classes, geobox, elevation)}"/>',
        f'<svg x="{left}" y="{top}" width="{width}" height="{height}" '
        f'viewBox="{left} {top} {width} {height}">',
        *_areas(layers.registered, frame),
        *_line(layers.line, frame),
        *_task_lines(tasks, frame),
        *_points(layers.findings, frame),
        *_place_names(layers.places, frame),
        *_scale_bar(frame, texts),
        "</svg>",
        *_border(geobox, frame, texts),
        *_marks(marks),
    ]
    return Markup(
        f'<svg class="chart" viewBox="0 0 {WIDTH:.0f} {frame.total:.0f}" role="img" '
        f"aria-label={quoteattr(texts.say('Map of risk classes'))} "
        f'font-family="sans-serif">{"".join(body)}</svg>'
    )


def _picture(
    classes: NDArray[np.uint8], geobox: GeoBox, elevation: NDArray[np.floating[Any]] | None
) -> str:
    """Colour the classes, shade them, hatch what cannot be said; a PNG as a data URI."""
    step = thinning(classes.shape)
    thin = classes[::step, ::step]
    table = np.zeros((256, 4))
    for code, colour in CLASS_COLOURS.items():
        table[code] = np.array(rgba(colour)) / 255
    picture = table[thin]
    if elevation is not None and np.isfinite(elevation).any():
        picture[..., :3] *= _shade(elevation[::step, ::step], abs(geobox.transform.a) * step)
    times = max(1, MOST_DRAWN // max(thin.shape))
    picture = picture.repeat(times, axis=0).repeat(times, axis=1)
    rows, columns = np.indices(picture.shape[:2])
    silent = (thin == CANNOT_SAY).repeat(times, axis=0).repeat(times, axis=1)
    picture[silent & ((rows + columns) % HATCH < 2)] = (0.33, 0.33, 0.33, 1.0)
    packed = io.BytesIO()
    Image.fromarray(np.round(picture * 255).astype(np.uint8)).save(packed, format="png")
    return data_uri(packed.getvalue())


def _shade(elevation: NDArray[np.floating[Any]], cell: float) -> NDArray[np.floating[Any]]:
    filled = np.where(np.isfinite(elevation), elevation, np.nanmin(elevation))
    light = LightSource(azdeg=315, altdeg=45).hillshade(filled, vert_exag=3, dx=cell, dy=cell)
    return np.asarray(0.7 + 0.3 * light)[..., np.newaxis]


def _areas(registered: gpd.GeoDataFrame | None, frame: _Frame) -> Iterator[str]:
    if registered is None:
        return
    for land, part in registered.groupby("Land_Class"):
        colour, dashes = REGISTERED.get(str(land), REGISTERED[""])
        fill = f'fill="{colour}" fill-opacity="0.35"' if land in {"CHA", "SHA"} else 'fill="none"'
        yield (
            f'<path d="{_path(part.geometry, frame)}" {fill} fill-rule="evenodd" stroke="{colour}" '
            f'stroke-width="1.2" stroke-dasharray="{dashes}"/>'
        )


def _task_lines(tasks: gpd.GeoDataFrame | None, frame: _Frame) -> Iterator[str]:
    if tasks is None or tasks.empty:
        return
    for arm, dashes in (("ranked", "none"), ("learn", "1.5 2"), ("control", "5 3")):
        part = tasks[tasks["arm"] == arm]
        if part.empty:
            continue
        path = _path(part.geometry, frame)
        yield f'<path d="{path}" fill="none" stroke="#fff" stroke-width="3.4"/>'
        yield (
            f'<path d="{path}" fill="none" stroke="#111" stroke-width="1.5" '
            f'stroke-dasharray="{dashes}"/>'
        )
    taken: list[tuple[float, float]] = []
    for _, row in tasks.iterrows():
        inner = row["geometry"].representative_point()
        east, north = frame.at(inner.x, inner.y)
        crowded = any(abs(east - x) < 26 and abs(north - y) < 12 for x, y in taken)
        if not crowded:
            taken.append((east, north))
        number = _word(_short(str(row["task"])), east, north)
        yield f'<g class="crowded">{number}</g>' if crowded else number


def _short(task: str) -> str:
    """Write ``NTS-0017`` as 17 and ``NTS-C0002`` as C2."""
    found = re.fullmatch(r"(?:NTS-)?(\D*)0*(\d+)", task)
    return task if found is None else found[1] + found[2]


def _line(line: gpd.GeoDataFrame | None, frame: _Frame) -> Iterator[str]:
    if line is not None:
        path = _path(line.geometry, frame)
        yield f'<path d="{path}" fill="none" stroke="#fff" stroke-width="3.6"/>'
        yield (
            f'<path d="{path}" fill="none" stroke="#000" stroke-width="1.8" '
            'stroke-dasharray="12 4 2 4"/>'
        )


def _points(findings: gpd.GeoDataFrame | None, frame: _Frame) -> Iterator[str]:
    if findings is None:
        return
    for point in findings.geometry.representative_point():
        east, north = frame.at(point.x, point.y)
        yield (
            f'<path d="M{east - 2.4:.1f} {north + 2:.1f}h4.8l-2.4 -4.4z" fill="#fff" stroke="#000" '
            'stroke-width="0.6"/>'
        )


def _place_names(places: gpd.GeoDataFrame | None, frame: _Frame) -> Iterator[str]:
    taken: list[tuple[float, float]] = []
    for _, row in () if places is None else places.iterrows():
        east, north = frame.at(row["geometry"].x, row["geometry"].y)
        inside = 0 < east - frame.left < frame.width - 80 and 12 < north - frame.top < frame.height
        if not inside or any(abs(east - x) < 110 and abs(north - y) < 18 for x, y in taken):
            continue
        taken.append((east, north))
        yield f'<circle cx="{east:.1f}" cy="{north:.1f}" r="2.6" fill="#fff" stroke="#000"/>'
        yield _word(str(row["name"]), east + 5, north + 4, anchor="start", size=12)
        if len(taken) == PLACES:
            break


def _scale_bar(frame: _Frame, texts: Texts) -> Iterator[str]:
    metres = scale_length(frame.width / frame.scale)
    length = metres * frame.scale
    east, north = frame.left + 16, frame.top + frame.height - 16
    words = length_words(metres, texts)
    yield (
        f'<rect x="{east - 8:.1f}" y="{north - 26:.1f}" width="{length + 56:.1f}" height="36" '
        'fill="#fff" fill-opacity="0.85"/>'
    )
    yield f'<path d="M{east:.1f} {north:.1f}h{length:.1f}" stroke="#000" stroke-width="5"/>'
    yield (
        f'<path d="M{east + length / 2:.1f} {north:.1f}h{length / 2 - 1:.1f}" stroke="#fff" '
        'stroke-width="3"/>'
    )
    yield _word(words, east + length / 2, north - 8, size=13)
    arrow = east + length + 24
    yield f'<path d="M{arrow - 7:.1f} {north + 4:.1f}l7 -22l7 22l-7 -6z" fill="#000"/>'
    yield _word("N", arrow, north - 18, size=12)


def _border(geobox: GeoBox, frame: _Frame, texts: Texts) -> Iterator[str]:
    """Frame the map: ticks in kilometres of the grid, corners in degrees."""
    box = geobox.boundingbox
    yield (
        f'<rect x="{frame.left}" y="{frame.top}" width="{frame.width:.1f}" '
        f'height="{frame.height:.1f}" fill="none" stroke="#222" stroke-width="1.2"/>'
    )
    step = scale_length(box.right - box.left)
    for easting in np.arange(math.ceil(box.left / step) * step, box.right, step):
        east, _ = frame.at(float(easting), box.top)
        yield f'<path d="M{east:.1f} {frame.top + frame.height:.1f}v5" stroke="#222"/>'
        words = texts.say("{easting} km E", easting=texts.grouped(f"{easting / 1000:,.0f}"))
        yield _word(words, east, frame.top + frame.height + 17)
    for northing in np.arange(math.ceil(box.bottom / step) * step, box.top, step):
        _, north = frame.at(box.left, float(northing))
        yield f'<path d="M{frame.left:.1f} {north:.1f}h-5" stroke="#222"/>'
        words = texts.grouped(f"{northing / 1000:,.0f}")
        yield _word(words, frame.left - 7, north + 4, anchor="end")
    degrees = Transformer.from_crs(str(geobox.crs), "EPSG:4326", always_xy=True)
    for side, anchor, place in (
        (box.left, "start", frame.left),
        (box.right, "end", frame.left + frame.width),
    ):
        longitude, latitude = degrees.transform(side, box.top)
        words = texts.say(
            "{latitude}°, {longitude}° (corner, latitude and longitude)",
            latitude=f"{latitude:.4f}",
            longitude=f"{longitude:.4f}",
        )
        yield _word(words, place, frame.top - 6, anchor=anchor, size=10)
    yield _word(
        texts.say("northing, km ({crs}); N is grid north", crs=str(geobox.crs)),
        frame.left,
        frame.total - 3,
        anchor="start",
        size=10,
    )


def _marks(marks: Sequence[str]) -> Iterator[str]:
    if marks:
        yield f'<rect x="0" y="0" width="{WIDTH:.0f}" height="24" fill="#b00020"/>'
        yield (
            f'<text x="{WIDTH / 2:.0f}" y="17" text-anchor="middle" font-size="14" '
            f'font-weight="bold" fill="#fff">{escape(" · ".join(marks))}</text>'
        )


def _word(words: str, east: float, north: float, *, anchor: str = "middle", size: int = 11) -> str:
    return (
        f'<text x="{east:.1f}" y="{north:.1f}" text-anchor="{anchor}" font-size="{size}" '
        'fill="#000" stroke="#fff" stroke-width="3" paint-order="stroke">'
        f"{escape(words)}</text>"
    )


def _path(geometries: gpd.GeoSeries, frame: _Frame) -> str:
    """Write lines and rings as the data of a path, thinned to a quarter of a unit."""
    thin = geometries.simplify(0.25 / frame.scale)
    return "".join(_ring(ring, frame) for geometry in thin for ring in _rings(geometry))


def _rings(geometry: Any) -> Iterator[Any]:
    if hasattr(geometry, "geoms"):
        for part in geometry.geoms:
            yield from _rings(part)
    elif geometry.geom_type == "Polygon":
        yield from (geometry.exterior, *geometry.interiors)
    elif geometry.geom_type != "Point":
        yield geometry


def _ring(ring: Any, frame: _Frame) -> str:
    points = [frame.at(*point[:2]) for point in ring.coords]
    return "M" + "L".join(f"{east:.1f} {north:.1f}" for east, north in points)
