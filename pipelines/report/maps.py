"""The maps of a report: classes with all that is known around them, and the probability."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import geopandas as gpd
import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.cube.store import open_cube
from minerisk.features.grid import strips
from minerisk.features.layers.vectors import read_frame
from minerisk.pipelines.formats.cog import raster_grid, read_raster_like
from minerisk.pipelines.formats.palette import CLASS_COLOURS, LINES_LEGEND, OUTSIDE
from minerisk.pipelines.language.marks import Marks
from minerisk.pipelines.language.messages import Texts
from minerisk.pipelines.plotting.data_uri import data_uri
from minerisk.pipelines.plotting.grids import HEIGHT, Grids
from minerisk.pipelines.plotting.map_layers import MapLayers, map_layers, with_standing
from minerisk.pipelines.predict.class_table import CLASSES
from minerisk.pipelines.predict.risk_classes import class_shares, count_classes
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.rasters import RiskClasses
from minerisk.pipelines.report.drawing import draw_maps
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.row_blocks import thinned, thinned_grid


def layers_of_run(run: Run) -> MapLayers:
    """Read what the map of a run's own land shows besides its rasters: the restricted copy."""
    path = run.files.rasters / "risk_class.tif"
    if not path.is_file():
        return MapLayers()
    geobox = raster_grid(path)
    tasks = run.files.tasks_gpkg
    layers = map_layers(run, geobox)
    return with_standing(layers, tasks, geobox) if tasks.is_file() else layers


@dataclass(frozen=True)
class MapPicture:
    """A drawn map, and what it shows."""

    image: str
    words: str


@dataclass(frozen=True)
class LinesRow:
    """Land of which as much is known of front lines and positions."""

    words: str
    share: float
    classes: Mapping[str, float]


@dataclass(frozen=True)
class Maps:
    """What section 2 of a report shows.

    Attributes
    ----------
    chart
        The map of classes with all that is known around them, SVG.
    figures
        Maps below it.
    shares
        Of the land, by class.
    by_lines
        Where it is told apart: what is known of front lines, with the share of the land and the
        shares of its classes.
    missing
        Layers that are not drawn, and why, in the reader's language.
    registered
        Whether registered areas and finds are drawn.
    marks
        What the map says of itself, in the reader's language; it stays in the window when zoomed.
    classes
        How classes are cut and what each holds; None where it is not known.
    around
        What leads people on the map: ``water``, ``way``, ``districts``.
    """

    chart: Markup
    figures: tuple[MapPicture, ...]
    shares: Mapping[str, float]
    by_lines: tuple[LinesRow, ...] = ()
    missing: tuple[str, ...] = ()
    registered: bool = True
    marks: tuple[str, ...] = ()
    classes: RiskClasses | None = None
    around: tuple[str, ...] = ()
    colours: ClassVar[Mapping[int, str]] = CLASS_COLOURS


def run_maps(files: RunFolder, layers: MapLayers, *, marks: Marks, texts: Texts) -> Maps | None:
    """Draw the maps of a run from the rasters and tasks in its folder, as `report_maps` does.

    Large rasters are thinned as they are read; the shares are of all cells. None before the
    rasters are written.
    """
    classes, probability = files.raster("risk_class"), files.raster("probability")
    if not classes.is_file():
        return None
    geobox = raster_grid(classes)
    shape, known = tuple(geobox.shape), probability.is_file()
    counts = np.zeros(256, dtype=np.int64)

    def counted(rows: slice) -> NDArray[np.uint8]:
        read = _rows(classes, geobox, rows)
        np.add(counts, count_classes(read), out=counts)
        return read

    grids = Grids(
        thinned(counted, shape),
        thinned_grid(geobox),
        thinned(partial(_rows, probability, geobox), shape) if known else None,
        _height(files.cube),
    )
    tasks = files.tasks_gpkg
    drawn = report_maps(
        grids,
        layers=layers,
        tasks=read_frame(tasks, layer="tasks") if tasks.is_file() else None,
        marks=marks.words(texts),
        stated=marks,
        texts=texts,
    )
    by_lines = _by_lines(classes, files.raster("lines_known"), geobox, texts)
    table = files.rasters / CLASSES
    known_classes = RiskClasses.read(table) if table.is_file() else None
    return replace(drawn, shares=class_shares(counts), by_lines=by_lines, classes=known_classes)


def _by_lines(classes: Path, lines: Path, geobox: GeoBox, texts: Texts) -> tuple[LinesRow, ...]:
    """Count the classes of the land of which as much is known of lines; none without the raster."""
    if not lines.is_file():
        return ()
    counts = {code: np.zeros(256, dtype=np.int64) for code in LINES_LEGEND.words}
    for rows in strips(geobox.shape):
        known, read = _rows(lines, geobox, rows), _rows(classes, geobox, rows)
        for code, count in counts.items():
            count += count_classes(np.where(known == code, read, OUTSIDE))
    land = {code: int(count[:OUTSIDE].sum()) for code, count in counts.items()}
    return tuple(
        LinesRow(texts.say(words), land[code] / sum(land.values()), class_shares(counts[code]))
        for code, words in LINES_LEGEND.words.items()
        if land[code]
    )


def report_maps(
    grids: Grids,
    *,
    layers: MapLayers,
    tasks: gpd.GeoDataFrame | None,
    marks: Sequence[str],
    stated: Marks,
    texts: Texts,
) -> Maps:
    """Draw what section 2 of a report shows.

    Parameters
    ----------
    grids
        Of the land on the map.
    layers, tasks
        In the CRS of the grid.
    marks
        Lines across the top of the map, in the reader's language.
    stated
        What other pictures say above them.
    """
    drawn, probability = draw_maps(
        grids, layers=layers, tasks=tasks, marks=marks, stated=stated, language=texts.language
    )
    words = texts.say("Probability of contamination of a cell; hatched where the model cannot say")
    return Maps(
        chart=drawn,
        figures=() if probability is None else (MapPicture(data_uri(probability), words),),
        shares=class_shares(count_classes(grids.risk_class)),
        missing=tuple(texts.say(words) for words in layers.missing),
        marks=tuple(marks),
        around=_around(layers),
    )


def _around(layers: MapLayers) -> tuple[str, ...]:
    kinds = () if layers.ways is None else sorted({str(kind) for kind in layers.ways["kind"]})
    return (*kinds, *(() if layers.districts is None else ("districts",)))


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
