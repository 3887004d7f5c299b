"""The figures of a run, as PNG or SVG bytes: the same numbers give the same bytes."""

import io
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter, FuncFormatter, MaxNLocator, PercentFormatter
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.errors import InputError
from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.measures import ModelName
from minerisk.models.evaluation.results import (
    CapturePoint,
    Importance,
    RegionScores,
    ReliabilityBin,
)
from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.language.names import MODELS, family_name
from minerisk.pipelines.plotting.map_figure import INK, kilometres, mark_figure, mark_height
from minerisk.pipelines.records.tasks import Rule

Format = Literal["png", "svg"]
MARK_SIZE = 7.0
"""Of what a figure says of itself, points."""

MODEL_LINES: Mapping[ModelName, tuple[str, str]] = {
    ModelName.MODEL: ("#4d004b", "-"),
    ModelName.RANDOM_FOREST: ("#3182bd", "-"),
    ModelName.LOGISTIC_REGRESSION: ("#8c6bb1", "--"),
    ModelName.DISTANCE_RULE: ("#c05a00", "--"),
}
"""Colour and line of each model that ranks land, in the order of the legend."""
RULE_LINES: Mapping[Rule, tuple[str, str, str]] = {
    Rule.TASKS: ("#4d004b", "-", "o"),
    Rule.HIGHEST_CELLS: ("#8c6bb1", "--", "s"),
    Rule.NEAREST_LINE: ("#c05a00", "--", "^"),
    Rule.NEAREST_FIND: ("#3182bd", "-.", "D"),
}
"""Colour, line and mark of tasks and of each rule of thumb."""
PROBABILITY_TICKS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
FOLD_COLOURS = (
    "#4d004b",
    "#9ebcda",
    "#c05a00",
    "#8c6bb1",
    "#3182bd",
    "#e7b98a",
    "#6b6b6b",
    "#d4b9da",
    "#08306b",
    "#bdbdbd",
)


def reliability_figure(
    bins: Sequence[ReliabilityBin],
    *,
    marks: Sequence[str],
    form: Format = "png",
    texts: Texts = ENGLISH,
) -> bytes:
    """Draw observed shares against predicted probabilities, with their intervals.

    Parameters
    ----------
    bins
        Of a reliability diagram.
    """
    _require(bins, "reliability bins")
    figure, axes = _new(4.6, 4.2, marks)
    predicted, observed, low, high = np.array(
        [(row.predicted, row.observed, row.low, row.high) for row in bins]
    ).T
    top = 1.08 * float(np.nanmax([*predicted, *observed, *high, 1e-4]))
    _diagonal(axes, top, texts.say("as it should be"))
    below, above = np.maximum(observed - low, 0), np.maximum(high - observed, 0)
    axes.errorbar(
        predicted,
        observed,
        yerr=[below, above],
        fmt="o-",
        color="#4d004b",
        ecolor="#8c6bb1",
        capsize=2.5,
        markersize=4,
        linewidth=1.2,
        label=texts.say("this model, with interval"),
    )
    axes.set_xscale("function", functions=(_root, np.square))
    axes.set_yscale("function", functions=(_root, np.square))
    ticks = [0.0, *(tick for tick in PROBABILITY_TICKS if top / 40 < tick < top)]
    axes.set(xlim=(0, top), ylim=(0, top), xticks=ticks, yticks=ticks)
    x = _wrapped(texts.say("predicted probability (square-root scale)"), 38)
    _name(axes, x, _wrapped(texts.say("share of cells with a finding")))
    _format(axes, _percents(texts))
    _legend(axes, "upper left")
    return figure_bytes(figure, form)


def capture_figure(
    curves: Mapping[ModelName, Sequence[CapturePoint]],
    *,
    marks: Sequence[str],
    form: Format = "png",
    texts: Texts = ENGLISH,
) -> bytes:
    """Draw the share of findings found against the share of land surveyed, by model.

    Parameters
    ----------
    curves
        By model.
    """
    _require(curves, "effort-capture curves")
    figure, axes = _new(5.4, 4.2, marks)
    _diagonal(axes, 1, texts.say("land picked at random"))
    for name, (colour, line) in MODEL_LINES.items():
        if name not in curves:
            continue
        land, found = np.array(curves[name], dtype=float).T
        axes.plot(
            land,
            found,
            color=colour,
            linestyle=line,
            linewidth=2.2 if name is ModelName.MODEL else 1.4,
            label=texts.say(MODELS[name]),
        )
    axes.set(xlim=(0, 1), ylim=(0, 1.01))
    x = _wrapped(texts.say("share of land surveyed, highest first"))
    _name(axes, x, _wrapped(texts.say("share of contaminated cells found")))
    _format(axes, PercentFormatter(1.0))
    _legend(axes, "lower right")
    return figure_bytes(figure, form)


def tasks_capture_figure(
    found: Mapping[Rule, Sequence[Estimate]],
    shares: Sequence[float],
    *,
    words: Mapping[Rule, str],
    marks: Sequence[str],
    form: Format = "png",
    texts: Texts = ENGLISH,
) -> bytes:
    """Draw what survey tasks find on regions left out, beside what naive rules find.

    Parameters
    ----------
    found
        By rule: share found at each share of land.
    shares
        Of the land, 0 to 1, ascending.
    words
        What each rule is called, in the order of the legend.
    """
    _require(found, "rules")
    figure, axes = _new(5.4, 4.2, marks)
    land = np.array([0.0, *shares])
    _diagonal(axes, land[-1], texts.say("land picked at random"))
    known = [name for name in words if name in found]
    for place, name in enumerate(known):
        colour, line, mark = RULE_LINES[name]
        middle, low, high = np.array([(0.0, 0.0, 0.0), *found[name]], dtype=float).T
        aside = (place - (len(known) - 1) / 2) * 0.011 * land[-1]  # whiskers side by side
        axes.plot(land, middle, color=colour, linestyle=line, linewidth=1.6)
        axes.errorbar(
            land[1:] + aside,
            middle[1:],
            yerr=[np.maximum(middle - low, 0)[1:], np.maximum(high - middle, 0)[1:]],
            fmt=mark,
            color=colour,
            capsize=2.5,
            markersize=5,
            linewidth=1.1,
            label=textwrap.fill(words[name], 42),
        )
    axes.set(xlim=(0, 1.04 * land[-1]), ylim=(0, 1.01), xticks=land)
    x = _wrapped(texts.say("share of the left-out land"))
    _name(axes, x, _wrapped(texts.say("share of cells with a finding that lie on it")))
    _format(axes, _percents(texts))
    _legend(axes, "upper left")
    return figure_bytes(figure, form)


def importance_figure(
    rows: Sequence[Importance],
    *,
    marks: Sequence[str],
    form: Format = "png",
    texts: Texts = ENGLISH,
) -> bytes:
    """Draw what the model loses without each family of features, with intervals.

    Parameters
    ----------
    rows
        By family.
    """
    _require(rows, "importances")
    rows = sorted(rows, key=lambda row: (row.drop, row.family))
    figure, axes = _new(5.4, 0.8 + 0.34 * len(rows), marks)
    drop, low, high = np.array([(row.drop, row.low, row.high) for row in rows]).T
    place = np.arange(len(rows))
    axes.barh(place, drop, color="#8c96c6", height=0.6)
    axes.errorbar(
        drop,
        place,
        xerr=[np.maximum(drop - low, 0), np.maximum(high - drop, 0)],
        fmt="none",
        ecolor="#4d004b",
        capsize=2.5,
        linewidth=1.2,
    )
    axes.set_yticks(place, [texts.say(family_name(row.family)) for row in rows])
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    _format_in(axes, texts)
    axes.set_xlabel(
        _wrapped(texts.say("fall in ROC-AUC when the family is shuffled, held-out land"))
    )
    return figure_bytes(figure, form)


def region_figure(
    regions: Sequence[RegionScores],
    *,
    marks: Sequence[str],
    form: Format = "png",
    texts: Texts = ENGLISH,
) -> bytes:
    """Draw how well each left-out region was ranked; the area of a dot is its findings.

    Parameters
    ----------
    regions
        Those without a score are left out.
    """
    known = sorted(
        (row.roc_auc, str(row.region), row.positive) for row in regions if row.roc_auc is not None
    )
    _require(known, "regions with a score")
    figure, axes = _new(5.4, 0.9 + 0.27 * len(known), marks)
    place = np.arange(len(known))
    scores, found = np.array([(score, positive) for score, _, positive in known]).T
    axes.hlines(place, 0.5, scores, color="#c6c6d8", linewidth=1.5)
    area = 20 + 110 * found / max(found.max(), 1)
    axes.scatter(scores, place, s=area, color="#8c6bb1", edgecolor="#4d004b", zorder=3)
    axes.axvline(0.5, color="#8f8f8f", linestyle=":")
    words = [
        texts.say("region {name} ({cells})", name=name, cells=positive)
        for _, name, positive in known
    ]
    axes.set_yticks(place, words)
    axes.set_xlim(min(0.45, float(scores.min()) - 0.03), 1.0)
    axes.set_ylim(-0.7, len(known) - 0.3)
    _format_in(axes, texts)
    axes.set_xlabel(
        _wrapped(texts.say("ROC-AUC in the region, left out whole (0.5: no better than chance)"))
    )
    return figure_bytes(figure, form)


def fold_figure(
    folds: NDArray[np.integer[Any]],
    geobox: GeoBox,
    *,
    words: str,
    marks: Sequence[str],
    form: Format = "png",
    texts: Texts = ENGLISH,
) -> bytes:
    """Map which fold each cell was held out in.

    Parameters
    ----------
    folds
        Shape ``(height, width)``; negative where a cell is in no fold.
    words
        What the folds are, for the title.
    """
    step = max(1, max(folds.shape) // 900)
    ratio = folds.shape[0] / folds.shape[1]
    figure, axes = _new(5.4, min(max(5.0 * ratio, 2.5), 7.0), marks)
    left, bottom, right, top = geobox.extent.boundingbox
    shown = np.ma.masked_less(folds[::step, ::step], 0)
    axes.imshow(
        shown % len(FOLD_COLOURS),
        cmap=ListedColormap(FOLD_COLOURS),
        vmin=-0.5,
        vmax=len(FOLD_COLOURS) - 0.5,
        extent=(left, right, bottom, top),
        interpolation="nearest",
    )
    axes.set_title(
        textwrap.fill(words, 60), fontsize=9, loc="left", pad=6 + mark_height(marks, size=MARK_SIZE)
    )
    _format(axes, kilometres(texts))
    x = texts.say("easting, km ({crs})", crs=str(geobox.crs))
    _name(axes, x, texts.say("northing, km"))
    return figure_bytes(figure, form)


def figure_bytes(figure: Figure, form: Format = "png", *, dpi: int = 150) -> bytes:
    """Save a figure without a time stamp or a version, so that bytes repeat."""
    stream = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "minerisk", "svg.fonttype": "path"}):
        if form == "svg":
            figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
        else:
            figure.savefig(stream, format="png", dpi=dpi, metadata={"Software": None})
    return stream.getvalue()


def _new(width: float, height: float, marks: Sequence[str]) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8, colors=INK)
    axes.xaxis.label.set_fontsize(8.5)
    axes.yaxis.label.set_fontsize(8.5)
    mark_figure(axes, marks, size=MARK_SIZE)
    return figure, axes


def _name(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def _format(axes: Axes, formatter: Formatter) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(formatter)


def _format_in(axes: Axes, texts: Texts) -> None:
    """Write numbers below as a language does; those of English are as they come."""
    if texts.language != "en":
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: texts.written(value, "g")))


def _percents(texts: Texts) -> Formatter:
    return FuncFormatter(lambda share, _: f"{texts.written(100 * share, 'g')} %")


def _diagonal(axes: Axes, top: float, words: str) -> None:
    """Draw what a model that tells nothing apart, or one that is right, would give."""
    axes.plot([0, top], [0, top], color="#8f8f8f", linestyle=":", label=words)


def _legend(axes: Axes, place: Literal["upper left", "lower right"]) -> None:
    axes.legend(loc=place, frameon=False, fontsize=8)


def _wrapped(words: str, letters: int = 52) -> str:
    """Break a label that is longer than its axis."""
    return textwrap.fill(words, letters)


def _root(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sqrt(np.maximum(values, 0.0))


def _require(values: Any, what: str) -> None:
    if not len(values):
        raise InputError(f"There are no {what} to draw; expected at least one.")
