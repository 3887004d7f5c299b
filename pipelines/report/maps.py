"""The maps of a report: classes with all that is known around them, and the probability."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.cube.store import open_cube
from minerisk.pipelines.formats.cog import raster_grid, read_raster_like
from minerisk.pipelines.formats.palette import CANNOT_SAY, CLASS_COLOURS
from minerisk.pipelines.language.messages import Texts
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.plotting.chart import chart
from minerisk.pipelines.plotting.data_uri import data_uri
from minerisk.pipelines.plotting.figures import figure_bytes
from minerisk.pipelines.plotting.grids import HEIGHT, Grids
from minerisk.pipelines.plotting.map_figure import map_figure
from minerisk.pipelines.plotting.map_layers import MapLayers, map_layers, with_standing
from minerisk.pipelines.predict.risk_classes import class_shares, count_classes
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.strips import strips, thinned, thinned_grid

SIMULATED = marked("SIMULATED findings: evidence of nothing real")


def layers_of_run(run: Run) -> MapLayers:
    """Read what the map of a run's own land shows besides its rasters: the restricted copy."""
    path = run.files.rasters / "risk_class.tif"
    if not path.is_file():
        return MapLayers()
    geobox = raster_grid(path)
    tasks = run.files.tasks_gpkg
    layers = map_layers(run, geobox)
    return with_standing(layers, tasks, geobox) if tasks.is_file() else layers


def run_maps(folder: Path, layers: MapLayers, *, simulated: bool, texts: Texts) -> dict[str, Any]:
    """Draw the maps of a run from the rasters and tasks in its folder, as `report_maps` does.

    Large rasters are thinned as they are read; the shares are of all cells.
    """
    rasters, tasks = RunFolder(folder).rasters, RunFolder(folder).tasks_gpkg
    classes, probability = rasters / "risk_class.tif", rasters / "probability.tif"
    if not classes.is_file():
        return {"maps": [], "shares": {}}
    geobox = raster_grid(classes)
    shape = tuple(geobox.shape)
    known = probability.is_file()
    grids = Grids(
        thinned(partial(_rows, classes, geobox), shape),
        thinned_grid(geobox),
        thinned(partial(_rows, probability, geobox), shape) if known else None,
        _height(RunFolder(folder).cube),
    )
    counts = np.zeros(256, dtype=np.int64)
    for rows in strips(geobox.height):
        counts += count_classes(_rows(classes, geobox, rows))
    drawn = report_maps(
        grids,
        layers=layers,
        tasks=pyogrio.read_dataframe(tasks, layer="tasks") if tasks.is_file() else None,
        marks=[SIMULATED] if simulated else [],
        texts=texts,
    )
    return drawn | {"registered": True, "shares": class_shares(counts)}


def report_maps(
    grids: Grids,
    *,
    layers: MapLayers,
    tasks: gpd.GeoDataFrame | None,
    marks: Sequence[str],
    texts: Texts,
) -> dict[str, Any]:
    """Draw what section 2 of a report shows.

    Parameters
    ----------
    grids
        Of the land on the map.
    layers, tasks
        In the CRS of the grid.
    marks
        English words across the top of the map.

    Returns
    -------
    dict
        ``chart``, ``chart_missing``, ``colours``, ``maps`` and ``shares`` for the template.
    """
    classes = grids.risk_class
    drawn = chart(
        classes,
        grids.geobox,
        layers=layers,
        tasks=tasks,
        elevation=grids.elevation,
        marks=[texts.told(mark) for mark in marks],
        texts=texts,
    )
    return {
        "chart": drawn,
        "chart_missing": [texts.told(words) for words in layers.missing],
        "colours": CLASS_COLOURS,
        "maps": _probability(grids, simulated=SIMULATED in marks, texts=texts),
        "shares": class_shares(count_classes(classes)),
    }


def _probability(grids: Grids, *, simulated: bool, texts: Texts) -> list[dict[str, str]]:
    if grids.probability is None:
        return []
    figure = map_figure(
        grids.probability,
        grids.geobox,
        title=texts.say("Probability of contamination"),
        simulated=simulated,
        cannot_say=np.asarray(grids.risk_class == CANNOT_SAY),
        elevation=grids.elevation,
        texts=texts,
    )
    words = texts.say("Probability of contamination of a cell; hatched where the model cannot say")
    return [{"image": data_uri(figure_bytes(figure, dpi=110)), "words": words}]


def _height(cube: Path) -> NDArray[np.float32] | None:
    """Read the heights of a run, thinned; none if it knows no heights."""
    if not cube.is_dir():
        return None
    with open_cube(cube) as opened:
        if HEIGHT not in opened:
            return None
        height = opened[HEIGHT]
        return thinned(lambda rows: height[rows].to_numpy(), height.shape)


def _rows(path: Path, geobox: GeoBox, rows: slice) -> NDArray[Any]:
    return read_raster_like(path, geobox[rows, :])
