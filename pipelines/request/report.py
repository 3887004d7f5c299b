"""`report.html` of a request: the run's report, with the map, shares and tasks of the area."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import geopandas as gpd

from minerisk.features.grid import cell_hectares, resolution
from minerisk.pipelines.formats.palette import OUTSIDE
from minerisk.pipelines.plotting.data_uri import data_uri
from minerisk.pipelines.plotting.figures import figure_bytes
from minerisk.pipelines.plotting.grids import Grids
from minerisk.pipelines.plotting.map_figure import map_figure
from minerisk.pipelines.plotting.map_layers import MapLayers
from minerisk.pipelines.predict.class_table import CLASSES
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.rasters import RiskClasses
from minerisk.pipelines.records.review import State
from minerisk.pipelines.report.facts import Assessment
from minerisk.pipelines.report.inputs import Inputs
from minerisk.pipelines.report.maps import MapPicture, report_maps
from minerisk.pipelines.report.report import Report, Scope
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
        stated=request.stated,
        texts=told,
    )
    classes = tuple(_class_map(request, name, grids[name]) for name in request.classes)
    home = run.files if hazard == ANY else run.files.hazard(hazard)
    found = Assessment.of(home)
    if hazard != ANY:  # measured on the maps of any hazard
        found = replace(found, novelty=())
    held = RiskClasses.read(folder / CLASSES)
    decided = run.reviews().entries
    report = Report(
        title=run.config.study_area.title_in(told.language),
        found=found,
        like=request.like,
        inputs=Inputs.of(run.config, run.manifest()),
        manifest=run.manifest(),
        tasks=read_tasks(RunFolder(folder)),
        maps=replace(
            maps,
            figures=(*maps.figures, *classes),
            registered=not request.public,
            classes=held,
        ),
        marks=request.marks_in(told, simulated=False),
        state=request.state,
        hidden=BETRAYING if request.public else (),
        scope=scope_of(request, grids[hazard], held),
        decision=decided[-1] if decided and request.state is not State.DRAFT else None,
    )
    return report.page(told, run.files)


def scope_of(request: PackContents, grids: Grids, held: RiskClasses) -> Scope:
    """Measure the land of a pack on its own maps: of a public copy, nothing finer than they are."""
    known, cell_m = grids.risk_class != OUTSIDE, resolution(grids.geobox)
    finds = sum(row.expected.value or 0.0 for row in held.rows if row.expected is not None)
    cells = int(known.sum())
    name = "" if request.area is None else request.title
    return Scope(name, cells, cells * cell_hectares(grids.geobox), finds, cell_m)


def _class_map(request: PackContents, hazard: str, grids: Grids) -> MapPicture:
    words = request.texts.say(HAZARD_TITLES[hazard])
    figure = map_figure(
        grids.risk_class,
        grids.geobox,
        title=words,
        marks=request.stated.words(request.texts),
        elevation=grids.elevation,
        texts=request.texts,
    )
    return MapPicture(data_uri(figure_bytes(figure, dpi=110)), words)
