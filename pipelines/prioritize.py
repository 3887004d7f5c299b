"""Write the survey tasks of a run: a GeoPackage that opens styled, and a CSV."""

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError
from rasterio.features import shapes
from shapely.geometry import shape

from features.errors import InputError
from models.priorities import CONTROL, RANKED, Tasks, make_tasks
from pipelines.manifest import write_whole
from pipelines.rasters import read_raster, read_raster_like
from pipelines.styles import CANNOT_SAY, OUTSIDE, tasks_qml

log = logging.getLogger(__name__)

FIXED_DATE = "2000-01-01T00:00:00.000Z"
"""Stands in for the time of writing, so that the same tasks give the same bytes."""

DESCRIPTION = (
    "Proposed non-technical survey tasks, ranked by modelled probability of contamination. "
    "One indirect source of evidence among others; it neither opens nor closes a hazardous area. "
    "Control tasks were drawn blind."
)
SIMULATED = "SIMULATED findings: not evidence of anything real. "


def write_tasks(
    run_dir: Path,
    *,
    budget_ha: float,
    min_ha: float,
    max_ha: float,
    random_share: float,
    seed: int,
    simulated: bool,
) -> Tasks:
    """Make survey tasks from the rasters of a run; write ``tasks.gpkg`` and ``tasks.csv``.

    Reads ``probability``, ``probability_lower``, ``probability_upper`` and ``risk_class`` in
    ``rasters/``. The other arguments are those of `models.priorities.make_tasks`.

    Raises
    ------
    InputError
        If a raster is missing, or no task fits the land, the sizes and the budget.
    """
    rasters = run_dir / "rasters"
    for name in ("probability", "probability_lower", "probability_upper", "risk_class"):
        if not (rasters / f"{name}.tif").is_file():
            raise InputError(f"{rasters / name}.tif is missing. Predict before prioritizing.")
    classes, geobox = read_raster(rasters / "risk_class.tif")
    probability, lower, upper = (
        read_raster_like(rasters / f"{name}.tif", geobox)
        for name in ("probability", "probability_lower", "probability_upper")
    )
    tasks = make_tasks(
        probability,
        lower,
        upper,
        (classes != CANNOT_SAY) & (classes != OUTSIDE),
        classes != OUTSIDE,
        cell_ha=abs(geobox.transform.a * geobox.transform.e) / 10_000,
        budget_ha=budget_ha,
        min_ha=min_ha,
        max_ha=max_ha,
        random_share=random_share,
        seed=seed,
    )
    if tasks.table.empty:
        raise InputError(
            f"No task of {min_ha:g} to {max_ha:g} ha fits a budget of {budget_ha:g} ha on this "
            "land, or the model cannot say anywhere. Lower the least task size or raise the budget."
        )
    frame = task_frame(tasks, geobox, simulated=simulated)
    write_task_package(run_dir / "tasks.gpkg", frame, simulated=simulated)
    table = pd.DataFrame(frame.drop(columns="geometry"))
    write_whole(run_dir / "tasks.csv", csv_text(table))
    log.info("Wrote %d survey tasks to %s", len(frame), run_dir / "tasks.gpkg")
    return tasks


def task_frame(tasks: Tasks, geobox: GeoBox, *, simulated: bool) -> gpd.GeoDataFrame:
    """Give the tasks as polygons in the grid's CRS, one row per task.

    ``easting`` and ``northing`` (metres) and ``longitude`` and ``latitude`` (degrees, WGS 84) are
    of a point inside the task.
    """
    table = tasks.table.copy()
    frame = gpd.GeoDataFrame(
        table, geometry=_polygons(tasks.owner, geobox, len(table)), crs=str(geobox.crs)
    )
    inner = frame.geometry.representative_point()
    degrees = inner.to_crs("EPSG:4326")
    prefix = frame["arm"].map({RANKED: "NTS-", CONTROL: "NTS-C"})
    frame["task"] = prefix + frame["task"].map("{:04d}".format)
    frame.insert(1, "activity", "Non-technical survey")
    frame.insert(2, "evidence", "Indirect")
    frame["easting"], frame["northing"] = inner.x.round(1), inner.y.round(1)
    frame["longitude"], frame["latitude"] = degrees.x.round(6), degrees.y.round(6)
    frame["simulated"] = np.int32(simulated)
    for column in ("expected_finds", "probability", "lower", "upper", "applicable_share"):
        frame[column] = frame[column].round(6)
    frame["expected_finds_per_ha"] = frame["expected_finds_per_ha"].round(8)
    return frame[[*(name for name in frame.columns if name != "geometry"), "geometry"]]


def _polygons(owner: NDArray[np.int32], geobox: GeoBox, count: int) -> list[Any]:
    found: list[Any] = [None] * count
    for geometry, number in shapes(
        owner, mask=owner > 0, connectivity=4, transform=geobox.transform
    ):
        found[int(number) - 1] = shape(geometry)
    return found


def write_task_package(path: Path, frame: gpd.GeoDataFrame, *, simulated: bool) -> None:
    """Write the layer ``tasks`` and its QGIS style; the same tasks give the same bytes."""
    partial = path.with_name(f".{path.stem}.partial.gpkg")
    text = (SIMULATED if simulated else "") + DESCRIPTION
    try:
        partial.unlink(missing_ok=True)
        with _fixed_date():
            pyogrio.write_dataframe(
                frame,
                partial,
                layer="tasks",
                driver="GPKG",
                geometry_type="Polygon",
                layer_options={"IDENTIFIER": "Survey tasks", "DESCRIPTION": text},
            )
        _add_style(partial, text)
        with partial.open("rb+") as stream:
            os.fsync(stream.fileno())
        partial.replace(path)
    except (DataSourceError, DataLayerError, FeatureError, sqlite3.Error) as failure:
        raise InputError(
            f"{path} could not be written ({failure}). Check that the disk has room."
        ) from failure
    finally:
        for leftover in path.parent.glob(f"{partial.name}*"):
            leftover.unlink()


@contextlib.contextmanager
def _fixed_date() -> Iterator[None]:
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": FIXED_DATE})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def _add_style(path: Path, text: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "
            "f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256), "
            "f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT, "
            "useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), "
            "update_time DATETIME)"
        )
        database.execute(
            "INSERT INTO layer_styles VALUES (1, '', '', 'tasks', 'geom', 'tasks', ?, '', 1, ?, "
            "'', NULL, ?)",
            (tasks_qml(), text, FIXED_DATE),
        )
        database.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, "
            "last_change, srs_id) VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?, 0)",
            (FIXED_DATE,),
        )


def csv_text(table: pd.DataFrame) -> str:
    """Give a table as CSV in which no spreadsheet reads a word as a formula."""
    guarded = table.copy()
    for column in guarded.columns:
        if not pd.api.types.is_numeric_dtype(guarded[column]):
            guarded[column] = [_guard(value) for value in guarded[column]]
    return str(guarded.to_csv(index=False, lineterminator="\n"))


def _guard(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value
