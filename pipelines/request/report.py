"""`report.html` of a request: the run's report, with the map, shares and tasks of the area."""

from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd

from minerisk.pipelines.language.page import page
from minerisk.pipelines.plotting.data_uri import data_uri
from minerisk.pipelines.plotting.figures import figure_bytes
from minerisk.pipelines.plotting.grids import Grids
from minerisk.pipelines.plotting.map_figure import map_figure
from minerisk.pipelines.plotting.map_layers import MapLayers
from minerisk.pipelines.report.maps import SIMULATED, report_maps
from minerisk.pipelines.report.report import TEMPLATES, report_facts
from minerisk.pipelines.report.tasks import tasks_facts
from minerisk.pipelines.request.contents import Request
from minerisk.pipelines.run.hazards import ANY, HAZARD_TITLES, hazard_folder
from minerisk.pipelines.run.readers import read_metrics

BETRAYING = ("folds",)
"""Figures that show where findings lie: not for the public."""


def pack_page(
    request: Request,
    folder: Path,
    grids: Mapping[str, Grids],
    *,
    layers: MapLayers,
    tasks: gpd.GeoDataFrame,
) -> str:
    """Write the report of a request.

    Parameters
    ----------
    folder
        The pack's, with ``tasks.csv`` in it.
    grids
        Of the hazard asked for, which the page is about, and of classes beside it.
    layers, tasks
        What is drawn over the map.
    """
    run, told, hazard = request.run, request.texts, request.hazard
    maps = report_maps(grids[hazard], layers=layers, tasks=tasks, marks=request.marks, texts=told)
    metrics = read_metrics(run.folder if hazard == ANY else hazard_folder(run.folder, hazard))
    facts = report_facts(run.folder, metrics, shares=maps["shares"], told=told) | maps
    facts["maps"] += [_class_map(request, name, grids[name]) for name in request.classes]
    if request.public:
        facts["figures"] = {k: v for k, v in facts["figures"].items() if k not in BETRAYING}
    if hazard != ANY:  # measured on the maps of any hazard
        facts["quality"]["novelty"] = []
    facts |= {
        "registered": not request.public,
        "tasks": tasks_facts(folder, told),
        "draft": [told.told(mark) for mark in request.marks if mark != SIMULATED],
    }
    title = run.config.study_area.title
    return page("report.html.j2", told, folder=TEMPLATES, title=title, **facts)


def _class_map(request: Request, hazard: str, grids: Grids) -> dict[str, str]:
    words = request.texts.say(HAZARD_TITLES[hazard])
    figure = map_figure(
        grids.risk_class,
        grids.geobox,
        title=words,
        simulated=request.run.simulated,
        elevation=grids.elevation,
        texts=request.texts,
    )
    return {"image": data_uri(figure_bytes(figure, dpi=110)), "words": words}
