"""Task sheets: a page of A4 for each survey task, to print and to take along."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
from markupsafe import Markup
from odc.geo.geobox import GeoBox
from shapely.geometry import Polygon, box

from minerisk.features.grid import resolution
from minerisk.pipelines.formats.palette import (
    CANNOT_SAY,
    CLASS_COLOURS,
    ELEVATED,
    HIGHER,
    LOWER,
)
from minerisk.pipelines.language.marks import STANDS, USE
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.plotting.chart import chart
from minerisk.pipelines.plotting.grids import Grids
from minerisk.pipelines.plotting.map_layers import MapLayers
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.report.pages import report_page
from minerisk.pipelines.report.tasks import TaskFacts, TaskRow, read_tasks
from minerisk.pipelines.report.wording import Wording
from minerisk.pipelines.request.contents import PackContents

SHEETS = "task_sheets.html"
SHORT = {
    HIGHER: marked("higher"),
    ELEVATED: marked("elevated"),
    LOWER: marked("lower"),
    CANNOT_SAY: marked("cannot say"),
}
AROUND = 0.6
"""Land shown around a task, by its longer side."""
LEAST_M = 1_500.0
"""Land shown around a task at least, metres."""


@dataclass(frozen=True)
class TaskSheet:
    """A page: the task, its map, why it is there, and the evidence nearest to it."""

    task: TaskRow
    chart: Markup
    why: str
    nearest: str


def sheets_page(
    request: PackContents,
    folder: Path,
    grids: Grids,
    *,
    layers: MapLayers,
    tasks: gpd.GeoDataFrame,
) -> str:
    """Write the sheets of the tasks of a pack, in their order.

    Parameters
    ----------
    folder
        The pack's, with ``tasks.csv`` in it.
    grids, layers, tasks
        What the map of the pack is drawn of.
    """
    facts = read_tasks(RunFolder(folder))
    return report_page(
        "task_sheets.html.j2",
        request.texts,
        title=request.run.config.study_area.title_in(request.texts.language),
        marks=request.marks_in(request.texts),
        uses=[request.texts.say(words) for words in (USE, STANDS)],
        head=request.head,
        day=request.run.day,
        colours=CLASS_COLOURS,
        legend=request.texts.words(SHORT),
        sheets=[] if facts is None else list(_sheets(request, facts, grids, layers, tasks)),
    )


def _sheets(
    request: PackContents,
    facts: TaskFacts,
    grids: Grids,
    layers: MapLayers,
    tasks: gpd.GeoDataFrame,
) -> Iterator[TaskSheet]:
    wording = Wording(request.texts)
    for task in facts.rows:
        shape = tasks[tasks["task"] == task.task]
        near = _around(grids, shape)
        west, south, east, north = near.geobox.boundingbox
        land = box(west, south, east, north)
        drawn = chart(
            near.risk_class,
            near.geobox,
            layers=_cut(layers, land),
            tasks=tasks[tasks.intersects(land)],
            elevation=near.elevation,
            marks=request.marks_in(request.texts),
            texts=request.texts,
        )
        why, nearest = wording.why_of(facts, task), facts.nearest(task, request.texts)
        yield TaskSheet(task, drawn, why, nearest)


def _around(grids: Grids, shape: gpd.GeoDataFrame) -> Grids:
    """Cut grids to the land around a task."""
    west, south, east, north = shape.total_bounds
    away = max(AROUND * max(east - west, north - south), LEAST_M)
    cell, transform = resolution(grids.geobox), grids.geobox.transform
    height, width = grids.geobox.shape
    left = int(np.clip((west - away - transform.c) // cell, 0, width - 1))
    right = int(np.clip((east + away - transform.c) // cell + 1, left + 1, width))
    top = int(np.clip((transform.f - north - away) // cell, 0, height - 1))
    bottom = int(np.clip((transform.f - south + away) // cell + 1, top + 1, height))
    rows, columns = slice(top, bottom), slice(left, right)
    part: GeoBox = grids.geobox[rows, columns]
    elevation = None if grids.elevation is None else grids.elevation[rows, columns]
    return Grids(grids.risk_class[rows, columns], part, None, elevation)


def _cut(layers: MapLayers, land: Polygon) -> MapLayers:
    """Leave out what lies off the map."""

    def near(frame: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame | None:
        part = None if frame is None else frame[frame.intersects(land)]
        return None if part is None or part.empty else part

    return replace(
        layers,
        line=near(layers.line),
        places=near(layers.places),
        registered=near(layers.registered),
        findings=near(layers.findings),
        ways=near(layers.ways),
        districts=near(layers.districts),
    )
