"""`report.html` of a request: the run's report, with the map, shares and tasks of the area."""

from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd

from pipelines.context import Run, read_metrics
from pipelines.map_layers import MapLayers
from pipelines.pack_rasters import Grids
from pipelines.page import page
from pipelines.report import report_facts
from pipelines.report_map import SIMULATED, report_maps
from pipelines.report_tasks import tasks_facts
from pipelines.texts import ENGLISH, Texts

BETRAYING = ("folds",)
"""Figures that show where findings lie: not for the public."""


def pack_page(
    run: Run,
    folder: Path,
    grids: Grids,
    *,
    layers: MapLayers,
    tasks: gpd.GeoDataFrame,
    marks: Sequence[str],
    public: bool,
    texts: Texts = ENGLISH,
) -> str:
    """Write the report of a request; `folder` is the pack's, with ``tasks.csv`` in it.

    `marks` are English, such as DRAFT; the page says them in the language of `texts`.
    """
    maps = report_maps(grids, layers=layers, tasks=tasks, marks=marks, texts=texts)
    metrics = read_metrics(run.folder)
    facts = report_facts(run.folder, metrics, shares=maps["shares"], told=texts) | maps
    if public:
        facts["figures"] = {k: v for k, v in facts["figures"].items() if k not in BETRAYING}
    facts |= {
        "registered": not public,
        "tasks": tasks_facts(folder, texts),
        "draft": [texts.told(mark) for mark in marks if mark != SIMULATED],
    }
    return page("report.html.j2", texts, title=run.config.study_area.title, **facts)
