"""The pictures of a report, drawn by processes that have imported what draws, or right here."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import geopandas as gpd
import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from minerisk.pipelines.formats.palette import CANNOT_SAY
from minerisk.pipelines.language.marks import Marks
from minerisk.pipelines.language.messages import texts
from minerisk.pipelines.plotting.grids import Grids
from minerisk.pipelines.plotting.map_layers import MapLayers
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.metrics import Metrics
from minerisk.pipelines.records.review import State
from minerisk.pipelines.records.tasks import Capture
from minerisk.pipelines.run.processes import apart, apart_each

DRAWING = (
    "minerisk.pipelines.report.drawing",
    "minerisk.pipelines.report.model_figures",
    "minerisk.pipelines.plotting.chart",
)
"""What draws the pictures of a report."""


def draw_maps(
    grids: Grids,
    *,
    layers: MapLayers,
    tasks: gpd.GeoDataFrame | None,
    marks: Sequence[str],
    stated: Marks,
    language: str,
) -> tuple[Markup, bytes | None]:
    """Draw the map of classes, SVG, and that of probabilities, PNG; None where none are known.

    Parameters
    ----------
    grids, layers, tasks, marks, stated
        As of `minerisk.pipelines.report.maps.report_maps`.
    language
        Of the words on them.
    """
    works = [partial(_chart, grids, layers, tasks, marks, language)]
    if grids.probability is not None:
        works.append(partial(_probability, grids, grids.probability, stated, language))
    chart, *probability = apart_each(_done, works)
    return Markup(chart.decode()), next(iter(probability), None)


def draw_figures(
    files: RunFolder,
    metrics: Metrics,
    capture: Capture | None,
    *,
    state: State,
    language: str,
) -> Mapping[str, bytes]:
    """Draw how good a model and its tasks are, each a PNG: those that are known, by name.

    Parameters
    ----------
    files
        The run folder.
    metrics, capture
        Scores of the model, and what tasks find on regions left out; None where not measured.
    state
        How the run stands, for each figure to say above it.
    language
        Of the words on them.
    """
    work = partial(_figures, metrics=metrics, capture=capture, state=state, language=language)
    return apart(work, files)


def _done(work: Callable[[], bytes]) -> bytes:
    return work()


def _chart(
    grids: Grids,
    layers: MapLayers,
    tasks: gpd.GeoDataFrame | None,
    marks: Sequence[str],
    language: str,
) -> bytes:
    from minerisk.pipelines.plotting.chart import chart

    drawn = chart(
        grids.risk_class,
        grids.geobox,
        layers=layers,
        tasks=tasks,
        elevation=grids.elevation,
        marks=marks,
        texts=texts(language),
    )
    return drawn.encode()


def _probability(
    grids: Grids, probability: NDArray[np.float32], stated: Marks, language: str
) -> bytes:
    from minerisk.pipelines.plotting.figures import figure_bytes
    from minerisk.pipelines.plotting.map_figure import map_figure

    told = texts(language)
    figure = map_figure(
        probability,
        grids.geobox,
        title=told.say("Probability of contamination"),
        marks=stated.words(told),
        cannot_say=np.asarray(grids.risk_class == CANNOT_SAY),
        elevation=grids.elevation,
        texts=told,
    )
    return figure_bytes(figure, dpi=110)


def _figures(
    files: RunFolder,
    *,
    metrics: Metrics,
    capture: Capture | None,
    state: State,
    language: str,
) -> dict[str, bytes]:
    from minerisk.pipelines.report.model_figures import model_figures

    return dict(model_figures(files, metrics, capture, state, texts(language)))
