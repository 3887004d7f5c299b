"""Survey tasks in the formats people ask for: GeoPackage, CSV, GeoJSON, KML, spreadsheet."""

import logging
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from minerisk.pipelines.formats.csv_table import csv_text
from minerisk.pipelines.formats.geopackage import PackageLayer, write_geopackage
from minerisk.pipelines.formats.palette import CANNOT_SAY, CLASS_COLOURS, HIGHER
from minerisk.pipelines.formats.qml import tasks_qml
from minerisk.pipelines.formats.vector_files import (
    KML,
    missing_driver,
    ogr_style,
    write_geojson,
    write_kml,
    write_workbook,
)
from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.provenance.files import write_whole
from minerisk.pipelines.provenance.run_folder import RunFolder

log = logging.getLogger(__name__)


def write_task_files(
    folder: Path, tasks: gpd.GeoDataFrame, *, words: Sequence[str], texts: Texts = ENGLISH
) -> list[Path]:
    """Write ``tasks.gpkg``, ``.csv``, ``.geojson``, ``.kml`` and ``.xlsx``.

    Parameters
    ----------
    tasks
        Polygons in the grid's CRS, one row a task. May be empty.
    words
        What every copy has to say of itself, such as DRAFT and SIMULATED.
    texts
        The words of the legend. Columns and what they hold stay in English.

    Returns
    -------
    list of Path
        GeoJSON and KML are in WGS 84 (longitude, latitude); the GeoPackage keeps the grid's CRS.
        There is no KML where GDAL cannot write it; a warning says so.
    """
    title, description = texts.say("Survey tasks"), " ".join(words)
    layer = PackageLayer(tasks, title, description, tasks_qml(texts))
    table = pd.DataFrame(tasks.drop(columns="geometry"))
    written = [
        write_geopackage(RunFolder(folder).tasks_gpkg, {"tasks": layer}),
        write_whole(RunFolder(folder).tasks_csv, csv_text(table)),
        write_geojson(
            folder / "tasks.geojson", tasks.assign(id=tasks["task"]), description=description
        ),
        write_workbook(folder / "tasks.xlsx", table),
    ]
    if missing_driver(KML):
        log.warning("tasks.kml is left out: GDAL was built without its driver %s.", KML)
        return written
    placemarks = _placemarks(tasks, table)
    return [
        *written,
        write_kml(folder / "tasks.kml", placemarks, title=title, description=description),
    ]


def _placemarks(tasks: gpd.GeoDataFrame, table: pd.DataFrame) -> gpd.GeoDataFrame:
    """Name, describe and colour tasks for a phone: ranked ones in the colour of higher."""
    told = table.astype("string").fillna("")
    lines = [
        "\n".join(f"{name}: {row[name]}" for name in told.columns) for _, row in told.iterrows()
    ]
    ranked, other = (ogr_style(CLASS_COLOURS[code]) for code in (HIGHER, CANNOT_SAY))
    return tasks[["geometry"]].assign(
        Name=tasks["task"],
        description=lines,
        OGR_STYLE=np.where(tasks["arm"] == "ranked", ranked, other),
    )
