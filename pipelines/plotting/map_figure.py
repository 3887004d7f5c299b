"""Draw a map: classes or probabilities, with scale, north, legend and hatching for "cannot say"."""

import math
import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import BoundaryNorm, Colormap, LightSource, ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import AbstractPathEffect, withStroke
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.pipelines.formats.palette import (
    CANNOT_SAY,
    CLASS_COLOURS,
    CLASS_WORDS,
    ELEVATED,
    HIGHER,
    LOWER,
    OUTSIDE,
    PROBABILITY_RAMP,
)
from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.run.row_blocks import thinning

INK = "#222222"
SCALE_BAR = "scale-bar"
"""Group of the bar in SVG."""
HATCHED, HATCHES = 2_000, 110
"""Pixels on the longer side of the hatched picture, at least, and hatches along that side."""
Extent = tuple[float, float, float, float]
"""West, east, south, north."""
BAR_HALO: list[AbstractPathEffect] = [withStroke(linewidth=7, foreground="white")]


def map_figure(
    values: NDArray[np.floating] | NDArray[np.uint8],
    geobox: GeoBox,
    *,
    title: str,
    marks: Sequence[str],
    cannot_say: NDArray[np.bool_] | None = None,
    elevation: NDArray[np.floating] | None = None,
    texts: Texts = ENGLISH,
) -> Figure:
    """Draw classes (uint8) or probabilities (float, NaN nodata), shape ``(height, width)``.

    It is thinned as in `paint`. `marks` are the lines above it that say what it is not.
    """
    grey = values == CANNOT_SAY if values.dtype == np.uint8 else cannot_say
    ratio = values.shape[0] / values.shape[1]
    height = min(max(8.0 * ratio, 4.0), 10.5)
    figure = Figure(figsize=(10.5, height), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    paint(axes, values, geobox, cannot_say=grey, elevation=elevation)
    _frame(axes, geobox, title, pad=8 + mark_height(marks), texts=texts)
    draw_scale_bar(axes, geobox, texts)
    draw_north(axes)
    silent = grey is not None and bool(grey.any())
    _legend(axes, classes=values.dtype == np.uint8, grey=silent, texts=texts)
    mark_figure(axes, marks)
    return figure


def mark_figure(axes: Axes, marks: Sequence[str], *, size: float = 9) -> None:
    """Write above a plot what it says of itself, a line each; nothing without any."""
    if not marks:
        return
    axes.text(
        1.0,
        1.012,
        "\n".join(marks),
        transform=axes.transAxes,
        ha="right",
        va="bottom",
        multialignment="right",
        fontsize=size,
        fontweight="bold",
        color="white",
        bbox={"facecolor": "#b00020", "edgecolor": "none", "pad": 3},
        zorder=20,
    )


def mark_height(marks: Sequence[str], *, size: float = 9) -> float:
    """Return the points above a plot that its marks take."""
    return 9 + 1.25 * size * len(marks) if marks else 0.0


def paint(
    axes: Axes,
    values: NDArray[np.floating] | NDArray[np.uint8],
    geobox: GeoBox,
    *,
    cannot_say: NDArray[np.bool_] | None = None,
    elevation: NDArray[np.floating] | None = None,
) -> None:
    """Paint classes (uint8) or probabilities over shaded hills, hatched where the model cannot say.

    The map is thinned to at most `MOST_DRAWN` cells a side; a cell that is kept keeps its value.
    """
    step = thinning(values.shape)
    thin = (slice(None, None, step), slice(None, None, step))
    left, bottom, right, top = geobox.extent.boundingbox
    extent = (left, right, bottom, top)
    shown, grey = values[thin], None if cannot_say is None else cannot_say[thin]
    opacity = 1.0
    if elevation is not None and np.isfinite(elevation).any():
        opacity = 0.78
        land = shown != OUTSIDE if shown.dtype == np.uint8 else np.isfinite(shown)
        hidden = ~(land if grey is None else land | grey)
        shade = np.ma.masked_array(_hillshade(elevation[thin], geobox, step), hidden)
        _picture(axes, shade, extent, cmap="gray", norm=Normalize(0, 1))
    if shown.dtype == np.uint8:
        order = (CANNOT_SAY, LOWER, ELEVATED, HIGHER)
        colours = ListedColormap([CLASS_COLOURS[code] for code in order])
        cells, norm = np.ma.masked_equal(shown, OUTSIDE), BoundaryNorm(np.arange(-0.5, 4), 4)
    else:
        colours = ListedColormap([colour for _, colour, _ in PROBABILITY_RAMP])
        bounds = [0.0, *(min(upper, 1.0) for upper, _, _ in PROBABILITY_RAMP)]
        cells, norm = np.ma.masked_invalid(shown), BoundaryNorm(bounds, 8)
    _picture(axes, cells, extent, cmap=colours, norm=norm, alpha=opacity)
    if grey is None or not grey.any():
        return
    if shown.dtype != np.uint8:
        plain = ListedColormap([CLASS_COLOURS[CANNOT_SAY]])
        veil = np.ma.masked_equal(grey.astype(np.uint8), 0)
        _picture(axes, veil, extent, cmap=plain, norm=Normalize(0, 1))
    _hatch(axes, grey, extent)


def _picture(
    axes: Axes,
    cells: np.ma.MaskedArray,
    extent: Extent,
    *,
    cmap: str | Colormap,
    norm: Normalize,
    alpha: float = 1.0,
) -> None:
    axes.imshow(
        cells, cmap=cmap, norm=norm, alpha=alpha, extent=extent, interpolation="nearest",
        aspect="equal",
    )  # fmt: skip


def _hatch(axes: Axes, grey: NDArray[np.bool_], extent: Extent) -> None:
    """Draw oblique lines over whole cells, about a hundred from side to side of a map."""
    times = max(1, math.ceil(HATCHED / max(grey.shape)))
    silent = grey.repeat(times, axis=0).repeat(times, axis=1)
    across = np.add.outer(np.arange(silent.shape[0]), np.arange(silent.shape[1]))
    every = max(silent.shape) // HATCHES
    ink = np.zeros((*silent.shape, 4), dtype=np.uint8)
    ink[silent & (across % every < every // 4)] = (77, 77, 77, 255)
    axes.imshow(ink, extent=extent, interpolation="auto", aspect="equal")


def _frame(axes: Axes, geobox: GeoBox, title: str, *, pad: float, texts: Texts) -> None:
    axes.set_title(title, loc="left", fontsize=12, color=INK, fontweight="bold", pad=pad)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5))
        axis.set_major_formatter(kilometres(texts))
    axes.tick_params(labelsize=8, colors=INK)
    axes.set_xlabel(texts.say("easting, km ({crs})", crs=str(geobox.crs)), fontsize=8)
    axes.set_ylabel(texts.say("northing, km"), fontsize=8)


def draw_scale_bar(axes: Axes, geobox: GeoBox, texts: Texts) -> None:
    """Draw a bar of a round length into the lower left corner of a map."""
    width = geobox.width * abs(geobox.transform.a)
    metres = scale_length(width)
    share = metres / width
    white = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5}
    ends = [0.03, 0.03 + share]
    (bar,) = axes.plot(ends, [0.03, 0.03], transform=axes.transAxes, color=INK, linewidth=4)
    bar.set_path_effects(BAR_HALO)
    bar.set_solid_capstyle("butt")
    bar.set_gid(SCALE_BAR)
    axes.text(
        0.03 + share / 2,
        0.042,
        length_words(metres, texts),
        transform=axes.transAxes,
        ha="center",
        va="bottom",
        fontsize=9,
        bbox=white,
    )


def draw_north(axes: Axes) -> None:
    """Draw an arrow to grid north into the lower right corner of a map."""
    halo: list[AbstractPathEffect] = [withStroke(linewidth=5, foreground="white")]
    axes.annotate(
        "",
        xy=(0.965, 0.13),
        xytext=(0.965, 0.065),
        xycoords="axes fraction",
        arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.5, "path_effects": halo},
    )
    axes.text(
        0.965, 0.03, "N", transform=axes.transAxes, ha="center", va="bottom", fontsize=11,
        fontweight="bold",
    )  # fmt: skip


def scale_length(width_m: float) -> float:
    """Compute a round length of 1, 2 or 5 × 10ⁿ metres, about a fifth of `width_m`."""
    target = width_m / 5
    power = 10.0 ** math.floor(math.log10(target))
    return max(step * power for step in (1, 2, 5) if step * power <= target)


def length_words(metres: float, texts: Texts) -> str:
    """Write a round length, in kilometres from a kilometre on."""
    if metres >= 1000:
        return texts.say("{length} km", length=texts.written(metres / 1000, "g"))
    return texts.say("{length} m", length=texts.written(metres, "g"))


def kilometres(texts: Texts) -> FuncFormatter:
    """Return the formatter of an axis in metres that reads in kilometres."""
    return FuncFormatter(lambda metres, _: texts.number(metres / 1000, "count"))


def _legend(axes: Axes, *, classes: bool, grey: bool, texts: Texts) -> None:
    hatched = Patch(
        facecolor=CLASS_COLOURS[CANNOT_SAY],
        edgecolor="#4d4d4d",
        hatch="////",
        label=texts.say("cannot say"),
    )
    if classes:
        names = texts.words(CLASS_WORDS)
        words: Sequence[Patch] = [
            Patch(facecolor=CLASS_COLOURS[code], label=textwrap.fill(names[code], 24))
            for code in (HIGHER, ELEVATED, LOWER)
        ]
        heading = texts.say("Modelled risk class")
    else:
        ramp = texts.ramp(PROBABILITY_RAMP)
        words = [Patch(facecolor=colour, label=label) for _, colour, label in reversed(ramp)]
        heading = textwrap.fill(texts.say("Modelled probability of contamination"), 22)
    axes.legend(
        handles=[*words, *([hatched] if grey else [])],
        title=heading,
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        frameon=False,
        fontsize=9,
        title_fontsize=9,
        alignment="left",
    )


def _hillshade(elevation: NDArray[np.floating], geobox: GeoBox, step: int) -> NDArray[np.floating]:
    cell = abs(geobox.transform.a) * step
    filled = np.where(np.isfinite(elevation), elevation, np.nanmin(elevation))
    light = LightSource(azdeg=315, altdeg=45)
    return 0.35 + 0.65 * light.hillshade(filled, vert_exag=2, dx=cell, dy=cell)
