"""Exports of forms are read as their programs write them, and refused row by row."""

import datetime as dt
from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import Point, box

from minerisk.features.errors import InputError
from minerisk.features.vector_files.dates import LOOKS
from minerisk.pipelines.feedback.survey_results import check_results, read_results
from minerisk.pipelines.language.messages import texts
from minerisk.pipelines.language.table_words import LOOK_WORDS
from minerisk.pipelines.records.feedback import ResultCode

Workbook = pytest.importorskip("openpyxl").Workbook
CRS, TODAY = "EPSG:32638", dt.date(2026, 6, 1)
CORNER = (500_000.0, 4_400_000.0)
KOBO = (
    '"start";"task";"date";"outcome";"hazard";"place";"_place_latitude";"_place_longitude";"land";'
    '"method";"reliability";"searched_ha";"team_hours";"_id"\n'
)


def read(path: Path, **given: object) -> gpd.GeoDataFrame:
    return read_results(path, crs=CRS, today=TODAY, **given)


def check(path: Path, **given: object):
    return check_results(path, crs=CRS, today=TODAY, **given)


@pytest.fixture
def tasks() -> gpd.GeoDataFrame:
    east, north = CORNER
    square = box(east, north, east + 1_000, north + 1_000)  # 100 ha
    return gpd.GeoDataFrame({"task": ["NTS-0001"]}, geometry=[square], crs=CRS)


def degrees(east: float, north: float) -> tuple[float, float]:
    place = gpd.GeoSeries([Point(east, north)], crs=CRS).to_crs("EPSG:4326").iloc[0]
    return place.y, place.x


def kobo(path: Path, *rows: str) -> Path:
    path.write_text(KOBO + "".join(f"{row}\n" for row in rows), encoding="utf-8-sig")
    return path


def test_kobo_csv_has_places_and_land(tmp_path: Path) -> None:
    east, north = CORNER
    places = [degrees(east + a, north + b) for a, b in ((0, 0), (200, 0), (200, 200), (0, 200))]
    land = ";".join(f"{lat} {lon} 0 0" for lat, lon in [*places, places[0]])
    lat, lon = places[0]
    found = read(kobo(
        tmp_path / "kobo.csv",
        f"s;NTS-0001;2026-05-04;find;ap;{lat} {lon} 311 4.5;{lat};{lon};;manual;0.9;;;1",
        f"s;NTS-0001;2026-05-05;no_find;;;;;\"{land}\";dogs;1;3;;2",
    ))  # fmt: skip
    assert list(found["outcome"]) == ["find", "no find"]
    assert found.geometry.iloc[0].distance(Point(*CORNER)) < 0.01
    assert found.geometry.iloc[1].area == pytest.approx(40_000, rel=1e-3)
    assert found["effort"].iloc[1] == pytest.approx(0.75, rel=1e-3)
    assert list(found["hazard"]) == ["ap", "any"]


def test_survey123_csv_has_numbers_for_places_and_american_moments(tmp_path, tasks) -> None:
    lat, lon = degrees(*CORNER)
    path = tmp_path / "survey.csv"
    path.write_text(
        "ObjectID,GlobalID,Task,Day of the survey,Outcome,What was found,How it was surveyed,"
        '"How reliable it is, above 0 and at most 1",Hectares that were searched,CreationDate,x,y\n'
        "1,a,NTS-0001,5/4/2026 12:00:00 PM,something was found,anti-tank mine,manual,0.5,,"
        f"5/4/2026 1:00:00 PM,{lon},{lat}\n"
        "2,b,NTS-0001,5/14/2026 12:00:00 PM,nothing was found,,manual,1,25,"
        f"5/4/2026 1:00:00 PM,{lon},{lat}\n"
    )
    found = read(path, tasks=tasks)
    assert list(found["date"]) == ["2026-05-04", "2026-05-14"]
    assert list(found["hazard"]) == ["at", "any"]
    assert found.geometry.iloc[1].equals(tasks.geometry.iloc[0])  # the task that it names
    assert found["effort"].iloc[1] == pytest.approx(0.25)


def test_a_spreadsheet_is_read_as_its_cells_are_typed(tmp_path: Path, tasks) -> None:
    book = Workbook()
    sheet = book.active
    sheet.append(["group/task", "group/date", "group/outcome", "method", "reliability",
                  "searched_ha"])  # fmt: skip
    moment = dt.datetime(2026, 5, 4, 9, 30)  # noqa: DTZ001 (a cell has no zone)
    sheet.append(["NTS-0001", moment, "no_find", "dogs", 1, 50.5])
    book.save(tmp_path / "kobo.xlsx")
    found = read(tmp_path / "kobo.xlsx", tasks=tasks)
    assert list(found["date"]) == ["2026-05-04"]
    assert found["effort"].iloc[0] == pytest.approx(0.505)


def test_words_of_every_language_are_read(tmp_path: Path, tasks) -> None:
    path = tmp_path / "az.csv"
    path.write_text(
        "Tapşırıq;Tədqiqat günü;Nəticə;Necə tədqiq edildi;"
        "Nə qədər etibarlıdır, 0-dan böyük, ən çoxu 1;Axtarılan hektarlar\n"
        "NTS-0001;2026-05-04;heç nə tapılmadı;əl ilə;0.8;10\n",
        encoding="utf-8",
    )
    assert read(path, tasks=tasks)["weight"].iloc[0] == pytest.approx(0.08)


WRONG = {
    "s;T;04/05/2026;find;ap;40 45 0 0;;;;manual;1;;;1": ResultCode.DATE_LOOK,
    "s;T;2026-05-04;perhaps;ap;40 45 0 0;;;;manual;1;;;1": ResultCode.OUTCOME,
    "s;T;2026-05-04;find;bomb;40 45 0 0;;;;manual;1;;;1": ResultCode.HAZARD,
    "s;T;2026-05-04;find;ap;forty;;;;manual;1;;;1": ResultCode.NO_GEOMETRY,
    "s;T;2026-05-04;find;ap;0 0 0 0;;;;manual;1;;;1": ResultCode.NO_GEOMETRY,
    "s;T;2026-05-04;find;ap;95 45 0 0;;;;manual;1;;;1": ResultCode.NO_GEOMETRY,
    "s;T;2026-05-04;find;ap;40 45 0 0;;;;;1;;;1": ResultCode.METHOD,
    "s;T;2026-05-04;find;ap;40 45 0 0;;;;manual;1,5;;;1": ResultCode.RELIABILITY,
    "s;other;2026-05-04;no_find;;40 45 0 0;;;;manual;1;2;;1": ResultCode.NO_LAND,
    "s;NTS-0001;2026-05-04;no_find;;;;;;manual;1;;;1": ResultCode.NO_EFFORT,
    "s;NTS-0001;2026-05-04;no_find;;;;;;manual;1;;8;1": ResultCode.HOURS_ALONE,
    "s;NTS-0001;2026-05-04;no_find;;;;;;manual;1;-2;;1": ResultCode.EFFORT,
    "s;NTS-0001;2026-05-04;no_find;;;;;40 45;manual;1;2;;1": None,  # the outline of the task
}


@pytest.mark.parametrize("row", WRONG)
def test_a_row_is_refused_by_its_number_and_the_others_are_read(row: str, tmp_path, tasks) -> None:
    good = "s;T;2026-05-04;find;ap;40 45 0 0;;;;manual;1;;;1"
    found = check(kobo(tmp_path / "k.csv", good, row), tasks=tasks)
    expected = [] if WRONG[row] is None else [(2, WRONG[row])]
    assert [(each.row, each.why.code) for each in found.problems] == expected
    assert len(found.frame) == 2
    for problem in found.problems:
        for language in ("az", "ru"):
            assert texts(language).say(problem.why) != texts("en").say(problem.why)
    if expected:
        with pytest.raises(InputError, match="row 2: "):
            read(tmp_path / "k.csv", tasks=tasks)


def test_what_is_no_export_is_refused_with_what_is_expected(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("name,value\nx,1\n")
    with pytest.raises(InputError, match="no column outcome; it has name, value"):
        read(tmp_path / "a.csv")
    (tmp_path / "b.xlsx").write_bytes(b"PK\x03\x04 no book")
    with pytest.raises(InputError, match="cannot be read as a spreadsheet"):
        read(tmp_path / "b.xlsx")
    (tmp_path / "c.csv").write_text("outcome,outcome\nfind,find\n")
    with pytest.raises(InputError, match="names columns twice: outcome"):
        read(tmp_path / "c.csv")
    (tmp_path / "d.csv").write_text("outcome,date\nfind,2026-01-01\n")
    with pytest.raises(InputError, match="no column method, reliability"):
        read(tmp_path / "d.csv")


def test_a_sheet_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch) -> None:
    from minerisk.features.vector_files import form_tables

    book = Workbook()
    book.active.append(["outcome"])
    book.save(tmp_path / "a.xlsx")
    monkeypatch.setattr(form_tables, "MOST_UNPACKED", 10)
    with pytest.raises(InputError, match="unpacks to more"):
        form_tables.read_form_table(tmp_path / "a.xlsx")


def test_a_date_looks_the_same_on_a_page_as_elsewhere() -> None:
    assert dict(LOOK_WORDS) == LOOKS
