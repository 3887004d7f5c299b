"""Draw a map: classes or probabilities, with scale, north, legend and hatching for "cannot say"."""

import math
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import BoundaryNorm, LightSource, ListedColormap
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
from minerisk.pipelines.run.strips import thinning

INK = "#222222"
HALO = [withStroke(linewidth=5, foreground="white")]
BAR_HALO: list[AbstractPathEffect] = [withStroke(linewidth=7, foreground="white")]


def map_figure(
    values: NDArray[Any],
    geobox: GeoBox,
    *,
    title: str,
    simulated: bool,
    cannot_say: NDArray[np.bool_] | None = None,
    elevation: NDArray[np.floating[Any]] | None = None,
    texts: Texts = ENGLISH,
) -> Figure:
    """Draw classes (uint8) or probabilities (float, NaN nodata), shape ``(height, width)``.

    The map is thinned to at most `MOST_DRAWN` cells a side; a cell that is kept keeps its value.
    """
    step = thinning(values.shape)
    thin = (slice(None, None, step), slice(None, None, step))
    grey = values == CANNOT_SAY if values.dtype == np.uint8 else cannot_say
    ratio = values.shape[0] / values.shape[1]
    height = min(max(8.0 * ratio, 4.0), 10.5)
    figure = Figure(figsize=(10.5, height), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    left, bottom, right, top = geobox.extent.boundingbox
    extent = (left, right, bottom, top)
    shade = None if elevation is None else _hillshade(elevation[thin], geobox, step)
    _paint(axes, values[thin], None if grey is None else grey[thin], extent, shade)
    _frame(axes, geobox, title, pad=26 if simulated else 8, texts=texts)
    silent = grey is not None and bool(grey.any())
    _legend(axes, classes=values.dtype == np.uint8, grey=silent, texts=texts)
    if simulated:
        simulated_banner(axes, texts=texts)
    return figure


def simulated_banner(axes: Axes, *, size: float = 9, texts: Texts = ENGLISH) -> None:
    """Say above a plot that findings are made up."""
    axes.text(
        1.0,
        1.012,
        texts.say("SIMULATED findings: not evidence of anything real"),
        transform=axes.transAxes,
        ha="right",
        va="bottom",
        fontsize=size,
        fontweight="bold",
        color="white",
        bbox={"facecolor": "#b00020", "edgecolor": "none", "pad": 3},
        zorder=20,
    )


def _paint(
    axes: Axes,
    values: NDArray[Any],
    grey: NDArray[np.bool_] | None,
    extent: tuple[float, float, float, float],
    shade: NDArray[np.floating[Any]] | None,
) -> None:
    if shade is not None:
        land = values != OUTSIDE if values.dtype == np.uint8 else np.isfinite(values)
        shade = np.ma.masked_array(shade, ~(land if grey is None else land | grey))
        axes.imshow(shade, cmap="gray", vmin=0, vmax=1, extent=extent, interpolation="nearest")
    opacity = 1.0 if shade is None else 0.78
    if values.dtype == np.uint8:
        order = (CANNOT_SAY, LOWER, ELEVATED, HIGHER)
        colours = ListedColormap([CLASS_COLOURS[code] for code in order])
        shown = np.ma.masked_equal(values, OUTSIDE)
        norm = BoundaryNorm(np.arange(-0.5, 4), 4)
    else:
        colours = ListedColormap([colour for _, colour, _ in PROBABILITY_RAMP])
        shown = np.ma.masked_invalid(values)
        norm = BoundaryNorm([0.0, *(min(upper, 1.0) for upper, _, _ in PROBABILITY_RAMP)], 8)
    axes.imshow(
        shown, cmap=colours, norm=norm, extent=extent, interpolation="nearest", alpha=opacity
    )
    if grey is None or not grey.any():
        return
    veil = np.ma.masked_equal(grey.astype(np.uint8), 0)
    if values.dtype != np.uint8:
        plain = ListedColormap([CLASS_COLOURS[CANNOT_SAY]])
        axes.imshow(veil, cmap=plain, extent=extent, interpolation="nearest")
    rows, columns = grey.shape
    easting = np.linspace(extent[0], extent[1], 2 * columns + 1)[1::2]
    northing = np.linspace(extent[3], extent[2], 2 * rows + 1)[1::2]
    drawn = axes.contourf(
        easting, northing, grey.astype(float), levels=[0.5, 1.5], colors="none", hatches=["////"]
    )
    drawn.set_edgecolor("#4d4d4d")
    drawn.set_linewidth(0.0)


def _frame(axes: Axes, geobox: GeoBox, title: str, *, pad: float, texts: Texts) -> None:
    axes.set_title(title, loc="left", fontsize=12, color=INK, fontweight="bold", pad=pad)
    axes.set_aspect("equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5))
        axis.set_major_formatter(kilometres(texts))
    axes.tick_params(labelsize=8, colors=INK)
    axes.set_xlabel(texts.say("easting, km ({crs})", crs=str(geobox.crs)), fontsize=8)
    axes.set_ylabel(texts.say("northing, km"), fontsize=8)
    width = geobox.width * abs(geobox.transform.a)
    metres = scale_length(width)
    share = metres / width
    white = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5}
    ends = [0.03, 0.03 + share]
    (bar,) = axes.plot(ends, [0.03, 0.03], transform=axes.transAxes, color=INK, linewidth=4)
    bar.set_path_effects(BAR_HALO)
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
    axes.annotate(
        "N",
        xy=(0.965, 0.13),
        xytext=(0.965, 0.03),
        xycoords="axes fraction",
        ha="center",
        va="bottom",
        fontsize=11,
        fontweight="bold",
        path_effects=HALO,
        arrowprops={
            "arrowstyle": "-|>",
            "color": INK,
            "linewidth": 1.5,
            "path_effects": HALO,
        },
    )


def scale_length(width_m: float) -> float:
    """Give a round length of 1, 2 or 5 × 10ⁿ metres, about a fifth of `width_m`."""
    target = width_m / 5
    power = 10.0 ** math.floor(math.log10(target))
    return max(step * power for step in (1, 2, 5) if step * power <= target)


def length_words(metres: float, texts: Texts) -> str:
    """Word a round length, in kilometres from a kilometre on."""
    if metres >= 1000:
        return texts.say("{length} km", length=f"{metres / 1000:g}")
    return texts.say("{length} m", length=f"{metres:g}")


def kilometres(texts: Texts) -> FuncFormatter:
    """Give the formatter of an axis in metres that reads in kilometres."""
    return FuncFormatter(lambda metres, _: texts.grouped(f"{metres / 1000:,.0f}"))


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


def _hillshade(
    elevation: NDArray[np.floating[Any]], geobox: GeoBox, step: int
) -> NDArray[np.floating[Any]]:
    cell = abs(geobox.transform.a) * step
    filled = np.where(np.isfinite(elevation), elevation, np.nanmin(elevation))
    light = LightSource(azdeg=315, altdeg=45)
    return 0.35 + 0.65 * light.hillshade(filled, vert_exag=2, dx=cell, dy=cell)
