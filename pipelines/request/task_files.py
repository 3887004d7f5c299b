"""Survey tasks in the formats people ask for: GeoPackage, CSV, GeoJSON, KML, spreadsheet."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from minerisk.models.tasks.survey_tasks import Arm
from minerisk.pipelines.formats.csv_table import csv_text
from minerisk.pipelines.formats.forms import task_form
from minerisk.pipelines.formats.geopackage import PackageLayer, write_geopackage
from minerisk.pipelines.formats.palette import CANNOT_SAY, CLASS_COLOURS, HIGHER
from minerisk.pipelines.formats.qml import tasks_qml
from minerisk.pipelines.formats.task_columns import column_of, rounded, typed
from minerisk.pipelines.formats.vector_files import (
    KML,
    missing_driver,
    ogr_style,
    write_geojson,
    write_kml,
)
from minerisk.pipelines.formats.workbook import Line, write_workbook
from minerisk.pipelines.language.marks import MARK_COLUMNS
from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.prioritize.words import nearest_brief
from minerisk.pipelines.provenance.files import write_whole
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.tasks import TaskReasons
from minerisk.pipelines.report.tasks import TaskLine, task_lines

log = logging.getLogger(__name__)

ARMS: Mapping[Arm, str] = {
    Arm.RANKED: marked("band {band}, rank {rank}"),
    Arm.LEARN: marked("survey to learn: the model cannot say"),
    Arm.CONTROL: marked("control, drawn blind"),
}


def write_task_files(
    folder: Path,
    tasks: gpd.GeoDataFrame,
    *,
    words: Sequence[str],
    facts: Sequence[Line] = (),
    reasons: Sequence[TaskReasons] = (),
    texts: Texts = ENGLISH,
) -> list[Path]:
    """Write ``tasks.gpkg``, ``.csv``, ``.geojson``, ``.kml`` and ``.xlsx``.

    Parameters
    ----------
    tasks
        Polygons in the grid's CRS, one row a task. May be empty.
    words
        What every copy has to say of itself, such as DRAFT and SIMULATED.
    facts
        What else the first sheet of the spreadsheet says.
    reasons
        Of tasks, for the balloons; none where they are kept back.
    texts
        The words of legend, first sheet and balloons. Columns and what they hold stay in English.

    Returns
    -------
    list of Path
        GeoJSON and KML are in WGS 84 (longitude, latitude); the GeoPackage keeps the grid's CRS.
        There is no KML where GDAL cannot write it; a warning says so.
    """
    tasks = rounded(tasks)
    title, description = texts.say("Survey tasks"), " · ".join(words)
    form, dated = task_form(list(tasks.columns), texts), typed(tasks)
    layer = PackageLayer(dated, title, description, tasks_qml(texts, form=form), form=form)
    table = pd.DataFrame(tasks.drop(columns="geometry"))
    first = texts.say("Read first"), [*_warnings(words), *facts, *_columns(table, texts)]
    written = [
        write_geopackage(RunFolder(folder).tasks_gpkg, {"tasks": layer}),
        write_whole(RunFolder(folder).tasks_csv, csv_text(table)),
        write_geojson(
            folder / "tasks.geojson", dated.assign(id=tasks["task"]), description=description
        ),
        write_workbook(
            folder / "tasks.xlsx",
            table,
            name=title,
            first=first,
            footer=description,
        ),
    ]
    if missing_driver(KML):
        log.warning("tasks.kml is left out: GDAL was built without its driver %s.", KML)
        return written
    nearest = {each.task: nearest_brief(each.evidence, texts) for each in reasons}
    lines = [[*_balloon(row, nearest.get(row.task, ""), texts), " · ".join(words)]
             for row in task_lines(RunFolder(folder))]  # fmt: skip
    placemarks = _placemarks(tasks, lines)
    return [
        *written,
        write_kml(folder / "tasks.kml", placemarks, title=title, description=description),
    ]


def _warnings(words: Sequence[str]) -> Iterator[Line]:
    for line in words:
        yield Line("", line, warns=True)


def _columns(table: pd.DataFrame, texts: Texts) -> Iterator[Line]:
    yield Line(texts.say("Column"), texts.say("What it holds"))
    for name in table.columns:
        yield Line(str(name), texts.say(column_of(str(name), table[name]).words))


def _placemarks(tasks: gpd.GeoDataFrame, lines: Sequence[Sequence[str]]) -> gpd.GeoDataFrame:
    """Name, describe and colour tasks for a phone: ranked ones in the colour of higher."""
    ranked, other = (ogr_style(CLASS_COLOURS[code]) for code in (HIGHER, CANNOT_SAY))
    marks = [name for name in MARK_COLUMNS if name in tasks.columns]
    return tasks[[*marks, "geometry"]].assign(
        Name=tasks["task"],
        description=["\n".join(each) for each in lines],
        OGR_STYLE=np.where(tasks["arm"] == "ranked", ranked, other),
    )


def _balloon(row: TaskLine, nearest: str, texts: Texts) -> Iterator[str]:
    """Tell of a task in the few lines that a phone shows."""
    yield texts.say(ARMS[row.arm], band=row.band or "–", rank=row.rank)
    yield texts.say(
        "{hectares:amount} ha, {days:amount} team-days", hectares=row.hectares, days=row.team_days
    )
    if row.probability is None:
        yield texts.say("The model cannot say here.")
    else:
        yield texts.say(
            "Mean probability of contamination of a cell {mean:share} ({low:share} to "
            "{high:share})",
            mean=row.probability,
            low=row.lower,
            high=row.upper,
        )
    if nearest:
        yield texts.say("Nearest evidence: {nearest}", nearest=nearest)
