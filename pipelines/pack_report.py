"""`report.html` of a request: the run's report, with the map, shares and tasks of the area."""

from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import jinja2
import numpy as np

from pipelines.chart import chart
from pipelines.context import Run, read_metrics
from pipelines.figures import figure_bytes
from pipelines.map_layers import MapLayers
from pipelines.maps import map_figure
from pipelines.pack_rasters import Grids
from pipelines.report import data_uri, report_facts
from pipelines.report_tasks import tasks_facts
from pipelines.risk_classes import class_shares
from pipelines.styles import CANNOT_SAY, CLASS_COLOURS

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
) -> str:
    """Write the report of a request; `folder` is the pack's, with ``tasks.csv`` in it."""
    classes, geobox, elevation = grids.bands["risk_class"], grids.geobox, grids.elevation
    figure = map_figure(
        grids.bands["probability"],
        geobox,
        title="Probability of contamination",
        simulated=run.simulated,
        cannot_say=np.asarray(classes == CANNOT_SAY),
        elevation=elevation,
    )
    words = "Probability of contamination of a cell; hatched where the model cannot say"
    facts = report_facts(run.folder, read_metrics(run.folder))
    if public:
        facts["figures"] = {k: v for k, v in facts["figures"].items() if k not in BETRAYING}
    facts |= {
        "chart": chart(
            classes, geobox, layers=layers, tasks=tasks, elevation=elevation, marks=marks
        ),
        "chart_missing": list(layers.missing),
        "registered": not public,
        "colours": CLASS_COLOURS,
        "maps": [{"image": data_uri(figure_bytes(figure, dpi=110)), "words": words}],
        "shares": class_shares(classes),
        "tasks": tasks_facts(folder),
        "draft": [mark for mark in marks if not mark.startswith("SIMULATED")],
    }
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report.html.j2")
    return page.render(title=run.config.study_area.title, **facts)
