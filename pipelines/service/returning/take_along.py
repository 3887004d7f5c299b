"""What a team takes along to a task: a form, and a GeoPackage with a layer to draw in."""

import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pandas as pd

from minerisk.features.layers.vectors import read_frame
from minerisk.pipelines.formats.forms import task_form
from minerisk.pipelines.formats.geopackage import PackageLayer, write_geopackage
from minerisk.pipelines.formats.qml import tasks_qml
from minerisk.pipelines.formats.survey_form import write_survey_form
from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.language.messages import texts
from minerisk.pipelines.service.desk.results import Result, pack_file
from minerisk.pipelines.service.errors import RefusedError

RESULT_COLUMNS = {
    "outcome": "str", "date": "str", "hazard": "str", "method": "str", "reliability": "float64",
    "searched_ha": "float64", "team_hours": "float64", "task": "str",
}  # fmt: skip
"""Of the layer to draw in: those of a delivery of survey results."""


def form_of(found: Result, task: str) -> bytes:
    """Make the form of a task.

    Raises
    ------
    RefusedError
        If the result has no such task.
    """
    _outline(found, task)
    marks = " · ".join(found.strip.words)
    name = re.sub(r"[^A-Za-z0-9]+", "_", f"minerisk_{found.outcome.request[:12]}_{task}")
    title = f"{found.run.config.study_area.title} {task}"
    return _made(
        "form.xlsx",
        lambda path: write_survey_form(path, task=task, form=name, title=title, marks=marks),
    )


def package_of(found: Result, task: str) -> bytes:
    """Make the GeoPackage of a task: its outline, and an empty layer for what is found.

    Raises
    ------
    RefusedError
        If the result has no such task.
    """
    told = texts(found.order.language)
    outline, words = _outline(found, task), " ".join(found.strip.words)
    style = tasks_qml(told, form=task_form(list(outline.columns), told))
    empty = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in RESULT_COLUMNS.items()})
    drawn = gpd.GeoDataFrame(empty, geometry=gpd.GeoSeries([], crs=outline.crs), crs=outline.crs)
    layers = {
        "task": PackageLayer(outline, told.say("Task"), words, style),
        "results": PackageLayer(drawn, told.say("Survey results"), words),
    }
    return _made("task.gpkg", lambda path: write_geopackage(path, layers))


def _outline(found: Result, task: str) -> gpd.GeoDataFrame:
    tasks = read_frame(pack_file(found, "tasks.gpkg"), layer="tasks")
    chosen = tasks[tasks["task"].astype(str) == task].reset_index(drop=True)
    if chosen.empty:
        raise RefusedError(DeskCode.NOT_FOUND)
    return chosen


def _made(name: str, write: Callable[[Path], Path]) -> bytes:
    with tempfile.TemporaryDirectory(prefix="minerisk-") as folder:
        return write(Path(folder) / name).read_bytes()
