import json
import sqlite3
import time
import zipfile
from contextlib import closing
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
from shapely.geometry import MultiPolygon, Polygon, box, shape
from xlsxwriter.utility import xl_col_to_name

from minerisk.pipelines.formats.imsma import FIELDS, LAND, land_fields, task_fields
from minerisk.pipelines.formats.palette import CLASS_COLOURS, HIGHER
from minerisk.pipelines.formats.task_columns import with_marks
from minerisk.pipelines.formats.workbook import MOST_FOOTER, footer_text
from minerisk.pipelines.language.marks import Marks
from minerisk.pipelines.language.messages import texts
from minerisk.pipelines.records.review import State
from minerisk.pipelines.records.tasks import EvidenceRecord, NearestEvidence, TaskReasons
from minerisk.pipelines.request import task_files
from minerisk.pipelines.request.task_files import write_task_files

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
KML = "{http://www.opengis.net/kml/2.2}"
HOLED = Polygon(
    box(700_000, 4_400_000, 703_000, 4_403_000).exterior,
    [box(701_000, 4_401_000, 702_000, 4_402_000).exterior.coords],
)
TWO = MultiPolygon(
    [box(710_000, 4_400_000, 711_000, 4_401_000), box(712_000, 4_400_000, 713_000, 4_401_000)]
)


@pytest.fixture
def tasks():
    frame = gpd.GeoDataFrame(
        {
            "task": ["NTS-0001", "NTS-C0001"],
            "activity": "Non-technical survey",
            "evidence": "Indirect",
            "arm": ["ranked", "control"],
            "rank": pd.array([1, None], dtype="Int64"),
            "band": [2.0, np.nan],
            "hectares": [800.0, 200.0],
            "team_days": [16.04, 4.0],
            "probability": [0.1249876, np.nan],
            "lower": [0.05, np.nan],
            "upper": [0.3, np.nan],
            "rank_low": [1.0, np.nan],
            "evidence_kind": "find",
            "evidence_id": "<b>F-7</b> & more",
            "evidence_date": "2019-05-02",
            "evidence_m": [1240.4, 3.0],
            "why": ["=HYPERLINK(1) & <b>near</b> the line", "drawn blind"],
        },
        geometry=[HOLED, TWO],
        crs="EPSG:32638",
    )
    fields = task_fields(frame, study_area="tiny", hazard="any")
    return with_marks(fields, Marks(State.DRAFT, simulated=True))


REASONS = TaskReasons(
    task="NTS-0001",
    sureness=(),
    speaks=True,
    strongest=(),
    raised_by=(),
    lowered_by=(),
    evidence=EvidenceRecord(
        code=NearestEvidence.FIND,
        layer="finds",
        identity="<b>F-7</b> & more",
        row=3,
        date="2019-05-02",
        metres=1240.4,
    ),
    gaps=(),
)


@pytest.fixture
def folder(tasks, tmp_path):
    words = ["DRAFT", "one source & others"]
    write_task_files(tmp_path, tasks, words=words, reasons=[REASONS])
    return tmp_path


def test_every_format_holds_the_same_tasks(folder, tasks):
    names = list(tasks["task"])
    assert list(pyogrio.read_dataframe(folder / "tasks.gpkg")["task"]) == names
    assert list(pd.read_csv(folder / "tasks.csv")["task"]) == names
    assert (
        list(pyogrio.read_dataframe(folder / "tasks.xlsx", layer="Survey tasks")["task"]) == names
    )
    assert list(pyogrio.read_dataframe(folder / "tasks.geojson")["task"]) == names
    assert list(pyogrio.read_dataframe(folder / "tasks.kml")["Name"]) == names


@pytest.mark.parametrize("name", ["gpkg", "csv", "xlsx", "geojson", "kml"])
def test_every_row_of_every_format_bears_its_marks(folder, name):
    path = folder / f"tasks.{name}"
    if name == "csv":
        found = pd.read_csv(path)
    else:
        layer = "Survey tasks" if name == "xlsx" else None  # its first sheet is to be read first
        found = pyogrio.read_dataframe(path, layer=layer, read_geometry=False)
    assert list(found["run_state"]) == ["DRAFT"] * 2
    assert [int(value) for value in found["simulated"]] == [1, 1]
    assert all("one indirect source" in words for words in found["source_kind"])


def test_whole_numbers_have_no_point_and_others_four_digits(folder):
    first, second = (folder / "tasks.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert ",ranked,1,2,800.0,16.0,0.125,0.05,0.3,1,find," in first
    assert ",control,,,200.0,4.0,,,,,find," in second


def test_a_footer_of_the_workbook_ends_with_a_whole_mark():
    marks = [f"{word}: R & D, xanalar 1\u202f000 m " + "x" * 70 for word in "ABC"]
    assert footer_text(" · ".join(marks)) == " · ".join(marks[:2]).replace("&", "&&")
    assert footer_text(marks[0]) == marks[0].replace("&", "&&")
    assert len(footer_text("DRAFT " * 99)) <= MOST_FOOTER


def test_the_workbook_says_first_what_it_is_and_shows_numbers_as_people_write_them(folder):
    with zipfile.ZipFile(folder / "tasks.xlsx") as book:
        parts = {name: book.read(name).decode() for name in book.namelist()}
    words = [item.text for item in ElementTree.fromstring(parts["xl/sharedStrings.xml"]).iter(
        f"{SHEET}t")]  # fmt: skip
    assert words[:2] == ["DRAFT", "one source & others"]
    sheet = ElementTree.fromstring(parts["xl/worksheets/sheet2.xml"])
    pane = sheet.find(f".//{SHEET}pane")
    assert (pane.get("state"), pane.get("topLeftCell")) == ("frozen", "B2")
    assert sheet.find(f"{SHEET}autoFilter").get("ref").startswith("A1:")
    header = [words[int(cell.find(f"{SHEET}v").text)] for cell in sheet.find(f".//{SHEET}row")]
    spans = [(int(item.get("min")), int(item.get("max"))) for item in sheet.iter(f"{SHEET}col")]
    assert sum(last - first + 1 for first, last in spans) == len(header)
    styles = ElementTree.fromstring(parts["xl/styles.xml"])
    codes = {"1": "0"}  # ECMA-376, 18.8.30: some formats are known by their number alone
    codes |= {
        item.get("numFmtId"): item.get("formatCode") for item in styles.iter(f"{SHEET}numFmt")
    }
    forms = [codes.get(item.get("numFmtId")) for item in styles.find(f"{SHEET}cellXfs")]
    row = {cell.get("r")[:-1]: cell for cell in sheet.findall(f".//{SHEET}row")[1]}
    shown = {
        header[place]: (row[xl_col_to_name(place)].find(f"{SHEET}v").text,
                        forms[int(row[xl_col_to_name(place)].get("s"))])
        for place in range(len(header)) if xl_col_to_name(place) in row
    }  # fmt: skip
    assert shown["rank"] == ("1", "0")
    assert shown["probability"] == ("0.125", "0.0%")
    assert shown["hectares"] == ("800", "#,##0.0")


def test_geojson_is_degrees_with_outer_rings_counter_clockwise(folder, tasks):
    found = json.loads((folder / "tasks.geojson").read_text(encoding="utf-8"))
    assert found["description"] == "DRAFT · one source & others"
    assert [item["id"] for item in found["features"]] == ["NTS-0001", "NTS-C0001"]
    first, second = (shape(item["geometry"]) for item in found["features"])
    assert first.exterior.is_ccw
    assert not first.interiors[0].is_ccw
    assert second.geom_type == "MultiPolygon"
    truth = tasks.to_crs("EPSG:4326").geometry
    for mine, other in zip((first, second), truth, strict=True):
        assert mine.symmetric_difference(other).area < 1e-5 * other.area  # seven digits of a degree
    assert found["features"][1]["properties"]["probability"] is None


def test_kml_is_well_formed_and_keeps_holes(folder):
    root = ElementTree.parse(folder / "tasks.kml").getroot()
    marks = root.findall(f".//{KML}Placemark")
    assert [mark.find(f"{KML}name").text for mark in marks] == ["NTS-0001", "NTS-C0001"]
    assert len(marks[0].findall(f".//{KML}innerBoundaryIs")) == 1
    assert len(marks[1].findall(f".//{KML}Polygon")) == 2
    assert "DRAFT" in root.find(f".//{KML}description").text


def test_a_balloon_is_a_handful_of_lines_and_says_what_it_is(folder):
    root = ElementTree.parse(folder / "tasks.kml").getroot()
    first, second = (
        item.text.split("\n") for item in root.findall(f".//{KML}Placemark/{KML}description")
    )
    assert first == [
        "band 2, rank 1",
        "800 ha, 16 team-days",
        "Mean probability of contamination of a cell 12 % (5 % to 30 %)",
        "Nearest evidence: find <b>F-7</b> & more, 2019-05-02, 1,240 m",
        "DRAFT · one source & others",
    ]
    assert second[0] == "control, drawn blind"
    assert second[2] == "The model cannot say here."


def test_a_balloon_has_no_english_in_another_language(tasks, tmp_path):
    unnamed = REASONS.evidence.model_copy(update={"identity": None, "date": None})
    reasons = [REASONS.model_copy(update={"evidence": unnamed})]
    write_task_files(tmp_path, tasks, words=[], reasons=reasons, texts=texts("az"))
    root = ElementTree.parse(tmp_path / "tasks.kml").getroot()
    lines = root.find(f".//{KML}Placemark/{KML}description").text.split("\n")
    assert lines[3] == "Ən yaxın sübut: tapıntı sətir 3, tarixi qeyd edilməyib, 1\u202f240 m"


def test_ranked_tasks_have_the_colour_of_the_highest_class_on_a_phone(folder):
    root = ElementTree.parse(folder / "tasks.kml").getroot()
    colours = [item.text for item in root.findall(f".//{KML}LineStyle/{KML}color")]
    red, green, blue = (CLASS_COLOURS[HIGHER][place : place + 2] for place in (1, 3, 5))
    assert colours[0] == f"ff{blue}{green}{red}"  # KML counts opacity, blue, green, red
    assert colours[1] != colours[0]


def test_where_gdal_cannot_write_kml_the_rest_is_written(tasks, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(task_files, "missing_driver", lambda driver: driver == "LIBKML")
    written = write_task_files(tmp_path, tasks, words=[])
    assert "tasks.kml is left out" in caplog.text
    assert sorted(path.name for path in written) == [
        *("tasks.csv", "tasks.geojson", "tasks.gpkg", "tasks.xlsx")
    ]


def test_a_spreadsheet_reads_no_word_as_a_formula(folder):
    with zipfile.ZipFile(folder / "tasks.xlsx") as book:
        sheet = book.read("xl/worksheets/sheet2.xml").decode()
        words = book.read("xl/sharedStrings.xml").decode()
    assert "<f>" not in sheet
    assert "=HYPERLINK(1)" in words
    assert "'=HYPERLINK(1)" in (folder / "tasks.csv").read_text(encoding="utf-8")


def test_the_package_brings_its_style(folder):
    with closing(sqlite3.connect(folder / "tasks.gpkg")) as database:
        rows = database.execute("SELECT f_table_name, styleQML, useAsDefault FROM layer_styles")
        ((name, style, default),) = rows.fetchall()
    assert (name, default) == ("tasks", 1)
    ElementTree.fromstring(style.split("\n", 1)[1])
    assert 'attr="arm"' in style


def test_the_same_tasks_give_the_same_bytes_at_another_time(folder, tasks, tmp_path):
    time.sleep(2.1)  # the clock of a zip file ticks every two seconds
    again = tmp_path / "again"
    for path in write_task_files(
        again, tasks, words=["DRAFT", "one source & others"], reasons=[REASONS]
    ):
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name


def test_an_area_without_tasks_gives_empty_files(tasks, tmp_path):
    for path in write_task_files(tmp_path, tasks.iloc[:0], words=[]):
        assert path.is_file()
    assert len(pyogrio.read_dataframe(tmp_path / "tasks.gpkg")) == 0
    assert json.loads((tmp_path / "tasks.geojson").read_text())["features"] == []


def test_imsma_columns_fit_a_shapefile_and_claim_nothing_direct(tasks):
    assert all(len(name) <= 10 for name in FIELDS)
    assert list(tasks["imsma_id"]) == ["tiny-NTS-0001", "tiny-NTS-C0001"]
    assert set(tasks["Evid_Cont"]) == {"Indirect"}
    assert set(tasks["Src_Reliab"]) == {"F"}
    assert "Status_1" not in tasks
    assert "activity" not in tasks


@pytest.mark.parametrize("evidence", LAND)
def test_land_takes_its_words_from_the_kind_of_evidence_and_leaves_people_behind(evidence):
    frame = gpd.GeoDataFrame(
        {"id": [7, 9], "reported_by": ["A. Person", "B. Person"]},
        geometry=[box(0, 0, 1, 1), box(2, 0, 3, 1)],
        crs="EPSG:32638",
    )
    found = land_fields(frame, layer="areas", evidence=evidence)
    assert list(found["imsma_id"]) == ["7", "9"]
    assert "reported_by" not in found
    assert tuple(found.loc[0, ["Land_Class", "Evid_Cont", "Evid_Type"]]) == LAND[evidence]
