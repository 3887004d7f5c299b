"""`report.html` of a request: the run's report, with the map, shares and tasks of the area."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import geopandas as gpd

from minerisk.pipelines.plotting.data_uri import data_uri
from minerisk.pipelines.plotting.figures import figure_bytes
from minerisk.pipelines.plotting.grids import Grids
from minerisk.pipelines.plotting.map_figure import map_figure
from minerisk.pipelines.plotting.map_layers import MapLayers
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.report.facts import Assessment
from minerisk.pipelines.report.inputs import Inputs
from minerisk.pipelines.report.maps import MapPicture, report_maps
from minerisk.pipelines.report.report import Report
from minerisk.pipelines.report.tasks import read_tasks
from minerisk.pipelines.request.contents import PackContents
from minerisk.pipelines.run.hazards import ANY, HAZARD_TITLES

BETRAYING = ("folds",)
"""Figures that show where findings lie: not for the public."""


def pack_page(
    request: PackContents,
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
    maps = report_maps(
        grids[hazard],
        layers=layers,
        tasks=tasks,
        marks=request.marks_in(told),
        simulated=run.simulated,
        texts=told,
    )
    classes = tuple(_class_map(request, name, grids[name]) for name in request.classes)
    home = run.files if hazard == ANY else run.files.hazard(hazard)
    found = Assessment.of(home)
    if hazard != ANY:  # measured on the maps of any hazard
        found = replace(found, novelty=())
    report = Report(
        title=run.config.study_area.title,
        found=found,
        inputs=Inputs.of(run.config, run.manifest()),
        manifest=run.manifest(),
        tasks=read_tasks(RunFolder(folder)),
        maps=replace(maps, figures=(*maps.figures, *classes), registered=not request.public),
        marks=request.marks_in(told, simulated=False),
        hidden=BETRAYING if request.public else (),
    )
    return report.page(told, run.files)


def _class_map(request: PackContents, hazard: str, grids: Grids) -> MapPicture:
    words = request.texts.say(HAZARD_TITLES[hazard])
    figure = map_figure(
        grids.risk_class,
        grids.geobox,
        title=words,
        simulated=request.run.simulated,
        elevation=grids.elevation,
        texts=request.texts,
    )
    return MapPicture(data_uri(figure_bytes(figure, dpi=110)), words)
