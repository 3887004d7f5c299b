"""Columns of a GeoPackage in words, with their codes, days and ids, as other programs read them."""

import json
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
from shapely.geometry import Polygon, box

from minerisk.pipelines.formats.forms import layer_form, task_form
from minerisk.pipelines.formats.geopackage import PackageLayer, write_geopackage
from minerisk.pipelines.formats.imsma import LAND, global_id, land_fields, task_fields
from minerisk.pipelines.formats.task_columns import COLUMNS, with_marks
from minerisk.pipelines.language.marks import Marks
from minerisk.pipelines.language.messages import texts
from minerisk.pipelines.language.task_words import EVIDENCE
from minerisk.pipelines.records.review import State
from minerisk.pipelines.request.task_files import write_task_files

PYTHON = "/usr/bin/python3"
LOOK = """
import json, sys
from osgeo import gdal, ogr
package = gdal.OpenEx(sys.argv[1])
layer = package.GetLayerByName("tasks")
fields = [layer.GetLayerDefn().GetFieldDefn(i) for i in range(layer.GetLayerDefn().GetFieldCount())]
print(json.dumps({
    f.GetName(): [f.GetTypeName(), package.GetFieldDomain(f.GetDomainName()).GetEnumeration()
                  if f.GetDomainName() else None] for f in fields}))
"""
CONVERT = """
import sys
from osgeo import gdal
gdal.UseExceptions()
kept = ["COLUMN_TYPES=GlobalID=esriFieldTypeGUID"]
gdal.VectorTranslate(sys.argv[2], sys.argv[1], format="OpenFileGDB", layers=["tasks"],
                     layerCreationOptions=kept)
"""


def gdal(code: str, *words: Path) -> str:
    """Ask GDAL of the machine, which minerisk has no part in."""
    there = Path(PYTHON).is_file()
    if not there or subprocess.run([PYTHON, "-c", "from osgeo import gdal"]).returncode:
        pytest.skip("GDAL's own Python is not installed: apt-get install python3-gdal")
    done = subprocess.run([PYTHON, "-c", code, *words], capture_output=True, text=True, check=True)
    return done.stdout


def frame(hazard: str = "any") -> gpd.GeoDataFrame:
    tasks = gpd.GeoDataFrame(
        {
            "task": ["NTS-0001", "NTS-L0001", "NTS-C0001"],
            "arm": ["ranked", "learn", "control"],
            "rank": pd.array([1, 2, None], dtype="Int64"),
            "place": ["holds", "", ""],
            "hectares": [100.0, 100.0, 100.0],
            "evidence_kind": list(EVIDENCE.values())[:3],
            "evidence_date": ["2019-05-02", "not recorded", "1994-01-31"],
        },
        geometry=[box(place, 0, place + 1_000, 1_000) for place in (0, 1_000, 2_000)],
        crs="EPSG:32638",
    )
    fields = task_fields(tasks, study_area="tiny", hazard=hazard)
    return with_marks(fields, Marks(State.DRAFT, simulated=True))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_task_files(tmp_path, frame(), words=["DRAFT"], texts=texts("ru"))
    return tmp_path


def test_gdal_reads_codes_as_domains_and_days_as_days(folder: Path) -> None:
    found = json.loads(gdal(LOOK, folder / "tasks.gpkg"))
    assert found["evidence_date"][0] == "Date"
    assert [found[name][0] for name in ("rank", "simulated", "hectares")] == [
        "Integer", "Integer", "Real",
    ]  # fmt: skip
    assert found["simulated"][1]["1"].startswith("СМОДЕЛИРОВАННЫЕ (SIMULATED)")
    assert set(found["arm"][1]) == {"ranked", "learn", "control"}
    assert found["Hazard_Cla"][1]["Landmine / Antipersonnel"] == "Landmine / Antipersonnel"
    assert found["GlobalID"] == ["String", None]


def test_a_file_geodatabase_made_of_it_keeps_domains_and_ids(folder: Path) -> None:
    """ArcGIS reads a File Geodatabase by itself; no ArcGIS is at hand to open it."""
    gdal(CONVERT, folder / "tasks.gpkg", folder / "tasks.gdb")
    found = json.loads(gdal(LOOK, folder / "tasks.gdb"))
    assert set(found["arm"][1]) == {"ranked", "learn", "control"}
    again = gpd.read_file(folder / "tasks.gdb", layer="tasks")
    assert list(again["GlobalID"]) == list(frame()["GlobalID"])
    assert list(again["rank"])[:2] == [1, 2]


def test_every_column_of_tasks_has_its_words_in_the_language_of_the_reader(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "tasks.gpkg")) as database:
        rows = database.execute("SELECT column_name, name, title FROM gpkg_data_columns").fetchall()
        named = {row[1] for row in database.execute("PRAGMA table_info(tasks)")} - {"fid", "geom"}
        extensions = database.execute(
            "SELECT table_name FROM gpkg_extensions WHERE extension_name = 'gpkg_schema'"
        ).fetchall()
        day = database.execute("SELECT evidence_date, typeof(evidence_date) FROM tasks").fetchall()
        whole = database.execute("PRAGMA integrity_check").fetchone()
    assert {column for column, _, _ in rows} == named
    assert len({name for _, name, _ in rows}) == len(rows)  # the standard asks for it
    words = {column: title for column, _, title in rows}
    assert words["hectares"] == "гектары"
    assert {name for (name,) in extensions} == {"gpkg_data_columns", "gpkg_data_column_constraints"}
    assert day == [("2019-05-02", "text"), (None, "null"), ("1994-01-31", "text")]
    assert whole == ("ok",)


@pytest.mark.parametrize("evidence", LAND)
@pytest.mark.parametrize("state", State)
def test_no_value_that_is_written_is_missing_from_its_domain(evidence: str, state: State) -> None:
    for hazard in ("ap", "at", "uxo", "any", "found"):
        tasks = frame(hazard).assign(run_state=Marks(state, simulated=False).run_state)
        for name, words in task_form(list(tasks.columns)).values.items():
            assert {str(value) for value in tasks[name] if value != ""} <= set(words), name
    plain = gpd.GeoDataFrame({"id": [1]}, geometry=[box(0, 0, 1, 1)], crs=32638)
    land = land_fields(plain, layer="areas", evidence=evidence)
    for name, words in layer_form(list(land.columns)).values.items():
        assert {value for value in land[name] if value} <= set(words), name


def test_names_of_columns_are_as_long_as_arcgis_takes_them() -> None:
    assert max(map(len, [*COLUMNS, *frame().columns])) <= 31


def test_a_task_keeps_its_id_however_its_land_is_written() -> None:
    land = Polygon([(0, 0), (0, 1_000), (1_000, 1_000), (1_000, 0)])
    other_way = Polygon([(1_000, 1_000), (1_000, 0), (0, -0.0), (0, 1_000.001)])
    found = global_id("here", "any", "NTS-0001", land)
    assert found == global_id("here", "any", "NTS-0001", other_way)
    assert found == found.upper()
    assert (len(found), found[0], found[-1], found[15]) == (38, "{", "}", "5")
    others = [
        global_id("there", "any", "NTS-0001", land),
        global_id("here", "ap", "NTS-0001", land),
        global_id("here", "any", "NTS-0002", land),
        global_id("here", "any", "NTS-0001", land.buffer(250, join_style="mitre")),
    ]
    assert len({found, *others}) == 5


def test_a_spreadsheet_has_days_as_days(folder: Path) -> None:
    sheet = openpyxl.load_workbook(folder / "tasks.xlsx").worksheets[1]
    header = [cell.value for cell in sheet[1]]
    cells = [row[header.index("evidence_date")] for row in sheet.iter_rows(min_row=2)]
    assert [cell.is_date for cell in cells] == [True, False, True]
    assert cells[0].value.date().isoformat() == "2019-05-02"
    assert cells[1].value == "not recorded"


def test_a_layer_without_words_has_no_schema(tmp_path: Path) -> None:
    plain = gpd.GeoDataFrame({"a": [1]}, geometry=[box(0, 0, 1, 1)], crs=32638)
    write_geopackage(tmp_path / "plain.gpkg", {"plain": PackageLayer(plain, "Plain", "words")})
    with closing(sqlite3.connect(tmp_path / "plain.gpkg")) as database:
        names = {row[0] for row in database.execute("SELECT name FROM sqlite_master")}
    assert not {"gpkg_data_columns", "gpkg_data_column_constraints"} & names
