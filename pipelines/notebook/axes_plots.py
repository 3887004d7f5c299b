"""Plots of one's own folds, scores and maps, on matplotlib's axes."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.ticker import FuncFormatter, PercentFormatter
from numpy.typing import ArrayLike, NDArray

from minerisk.features.errors import InputError
from minerisk.models.evaluation.metrics import capture_curve
from minerisk.models.evaluation.metrics import reliability as reliability_bins
from minerisk.models.folds.facts import Fold
from minerisk.models.folds.nearest import nearest_distance
from minerisk.models.folds.target_points import prediction_points
from minerisk.models.inputs import as_coordinates, pick_coordinates
from minerisk.pipelines.formats.palette import DISSIMILARITY_RAMP
from minerisk.pipelines.plotting.figures import FOLD_COLOURS

Places: TypeAlias = ArrayLike | pd.DataFrame | gpd.GeoDataFrame
TARGET_POINTS = 4_000
OWN, PLAIN = "#4d004b", "#8f8f8f"
GREATEST_INDEX = 2.0
"""A dissimilarity above this is drawn in the last colour, which means outside anyway."""


def folds(splits: Iterable[Fold], places: Places, *, ax: Axes | None = None) -> Axes:
    """Draw where each fold tests, a colour a fold.

    Parameters
    ----------
    splits
        (training rows, test rows) of each fold, such as ``KNNDM(...).split(X, y)``.
    places
        Easting and northing of every row, metres: shape (n, 2), a DataFrame with those columns or
        a GeoDataFrame.
    ax
        Axes to draw on; None makes new ones.
    """
    points, own = _points(places), _axes(ax)
    for number, (_, test) in enumerate(splits):
        colour = FOLD_COLOURS[number % len(FOLD_COLOURS)]
        easting, northing = points[test].T
        words = f"fold {number}: {len(test)} rows"
        own.scatter(easting, northing, s=6, color=colour, label=words)
    own.set_aspect("equal")
    for axis in (own.xaxis, own.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda metres, _: f"{metres / 1_000:g}"))
    own.set(xlabel="easting, km", ylabel="northing, km", title="where each fold tests")
    own.legend(loc="best", fontsize="small", markerscale=2)
    return own


def nearest_distances(
    splits: Mapping[str, Iterable[Fold]],
    places: Places,
    *,
    target: Places,
    ax: Axes | None = None,
) -> Axes:
    """Draw how far test rows are from training, beside how far the land to be predicted is.

    Folds whose curve follows that of the land measure what the model will meet there. A curve
    above it (nearer) promises too much.

    Parameters
    ----------
    splits
        What the folds are called, to (training rows, test rows) of each.
    places
        Easting and northing of every row; as in `folds`.
    target
        The land to be predicted: its points, shape (m, 2), or a GeoDataFrame of points or polygons.
    ax
        Axes to draw on; None makes new ones.
    """
    points, own = _points(places), _axes(ax)
    wanted = target if isinstance(target, gpd.GeoDataFrame) else _points(target)
    land = prediction_points(wanted, count=TARGET_POINTS, seed=0)
    _steps(own, nearest_distance(land, points), "land to be predicted", PLAIN, width=3.0)
    for number, (name, each) in enumerate(splits.items()):
        away = [nearest_distance(points[test], points[train]) for train, test in each]
        _steps(own, np.concatenate(away), name, FOLD_COLOURS[number % len(FOLD_COLOURS)])
    own.yaxis.set_major_formatter(PercentFormatter(1.0))
    own.set(
        xlabel="distance to the nearest training row, km",
        ylabel="share that is as near or nearer",
        title="do the folds ask what the map will ask?",
        ylim=(0, 1.01),
    )
    own.legend(loc="lower right", fontsize="small")
    return own


def reliability(
    y: ArrayLike,
    probability: ArrayLike,
    *,
    blocks: ArrayLike | None = None,
    bins: int = 10,
    ax: Axes | None = None,
) -> Axes:
    """Draw the share found against the probability, in bins of equal land, with intervals.

    Parameters
    ----------
    y, probability
        Labels 0 and 1, and held-out probabilities, shape (n,).
    blocks
        Block of every row, since neighbouring cells count for fewer; see
        `minerisk.models.evaluation.metrics.reliability`.
    bins
        How many bins.
    ax
        Axes to draw on; None makes new ones.
    """
    rows = reliability_bins(y, probability, blocks=blocks, bins=bins)
    said, found, low, high = np.array(
        [(row.predicted, row.observed, row.low, row.high) for row in rows]
    ).T
    own = _axes(ax)
    top = 1.08 * float(max(said.max(), high.max()))
    own.plot([0, top], [0, top], color=PLAIN, linestyle=":", label="as it should be")
    reach = [np.maximum(found - low, 0), np.maximum(high - found, 0)]
    own.errorbar(said, found, yerr=reach, fmt="o-", color=OWN, capsize=2.5, label="held-out land")
    for axis in (own.xaxis, own.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0))
    own.set(xlabel="predicted probability", ylabel="share of rows with a finding")
    own.set(xlim=(0, top), ylim=(0, top), title="does 10 % mean one in ten?")
    own.legend(loc="upper left", fontsize="small")
    return own


def capture(
    y: ArrayLike,
    scores: Mapping[str, ArrayLike],
    *,
    weight: ArrayLike | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the share found against the share of land surveyed, highest score first.

    Parameters
    ----------
    y
        Labels 0 and 1, shape (n,).
    scores
        What a model or rule is called, to its held-out scores, shape (n,).
    weight
        Land that each row stands for.
    ax
        Axes to draw on; None makes new ones.
    """
    own = _axes(ax)
    own.plot([0, 1], [0, 1], color=PLAIN, linestyle=":", label="land picked at random")
    for number, (name, score) in enumerate(scores.items()):
        land, found = capture_curve(y, score, weight=weight).T
        own.plot(land, found, color=FOLD_COLOURS[number % len(FOLD_COLOURS)], label=name)
    for axis in (own.xaxis, own.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0))
    own.set(xlabel="share of land surveyed", ylabel="share of findings on it")
    own.set(xlim=(0, 1), ylim=(0, 1.01), title="what the first land surveyed finds")
    own.legend(loc="lower right", fontsize="small")
    return own


def dissimilarity(risk: xr.Dataset, *, ax: Axes | None = None) -> Axes:
    """Map how unlike the surveyed land each cell is; grey is where the model cannot say.

    Parameters
    ----------
    risk
        What `minerisk.predict_dataset` returned: ``dissimilarity`` by its threshold on (y, x).
    ax
        Axes to draw on; None makes new ones.
    """
    if "dissimilarity" not in risk:
        raise InputError(
            f"The Dataset has {sorted(map(str, risk.data_vars))}; expected dissimilarity, as "
            "predict_dataset returns it."
        )
    own = _axes(ax)
    edges = [0.0, *(min(edge, GREATEST_INDEX) for edge, _, _ in DISSIMILARITY_RAMP)]
    colours = ListedColormap([colour for _, colour, _ in DISSIMILARITY_RAMP])
    shown = risk["dissimilarity"].clip(max=GREATEST_INDEX)
    drawn = own.pcolormesh(
        risk["x"] / 1_000, risk["y"] / 1_000, shown, cmap=colours, norm=BoundaryNorm(edges, 6)
    )
    bar = own.figure.colorbar(drawn, ax=own, label="dissimilarity by its threshold")
    bar.ax.set_yticks([*edges[:-1]])
    own.set_aspect("equal")
    own.set(xlabel="easting, km", ylabel="northing, km", title="grey: the model cannot say")
    return own


def _points(places: Places) -> NDArray[np.float64]:
    if isinstance(places, pd.DataFrame):
        return as_coordinates(pick_coordinates(places, None, None))
    return as_coordinates(places)


def _axes(ax: Axes | None) -> Axes:
    return plt.subplots(layout="constrained")[1] if ax is None else ax


def _steps(
    axes: Axes, away: NDArray[np.float64], name: str, colour: str, width: float = 1.5
) -> None:
    axes.ecdf(away / 1_000, color=colour, linewidth=width, label=name)
