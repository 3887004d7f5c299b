"""Real sheets: a part of map 13 that lies in the repository, and whole sheets where they are."""

import os
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from docs.build.digitise_page import rows_of, table_lines
from docs.build.records import BEGIN, END
from minerisk.features.digitise.scan import read_scan
from minerisk.features.digitise.sheet import Sheet, read_outline, trace_sheet
from minerisk.pipelines.prepare.digitise import Drawing, digitise

ROOT = Path(__file__).parents[3]
CROP = ROOT / "docs" / "digitise" / "jajce.jpg"
INK, WIDTH = (0x6D, 0x35, 0x3E), 4.0
FRAME = read_outline("0,0,600,560", name="frame")
# Read off the picture by eye, under a grid of fifty pixels.
SOLID = [(184, 125), (317, 115), (523, 276), (498, 347), (86, 337), (258, 500), (480, 508)]
BROKEN = {"dashes": (152, 279), "short dashes": (224, 221), "dots": (274, 316), "both": (320, 447)}
BARE = {"hills": (400, 300), "roads": (50, 520), "label": (335, 357), "unit": (48, 126)}


@pytest.fixture(scope="module")
def sheet() -> Sheet:
    return trace_sheet(read_scan(CROP), INK, width_px=WIDTH, frame=FRAME)


def apart(sheet: Sheet, place: tuple[int, int]) -> float:
    return float(shapely.distance(shapely.union_all(sheet.lines), shapely.Point(place)))


@pytest.mark.parametrize("place", [*SOLID, *BROKEN.values()])
def test_a_line_runs_where_the_eye_sees_one(sheet: Sheet, place: tuple[int, int]) -> None:
    assert apart(sheet, place) < WIDTH


@pytest.mark.parametrize("place", BARE.values(), ids=BARE)
def test_no_line_runs_where_the_eye_sees_none(sheet: Sheet, place: tuple[int, int]) -> None:
    assert apart(sheet, place) > 4 * WIDTH


def test_dashes_are_bridged_and_solid_lines_are_not(sheet: Sheet) -> None:
    bridges = shapely.union_all(sheet.bridges)
    assert all(bridges.distance(shapely.Point(place)) > WIDTH for place in SOLID)
    assert all(bridges.distance(shapely.Point(place)) < 4 * WIDTH for place in BROKEN.values())


def test_the_part_lies_around_jajce(tmp_path: Path) -> None:
    found = digitise(
        CROP,
        CROP.with_suffix(".csv"),
        Drawing(INK, WIDTH, FRAME),
        out=tmp_path / "jajce.gpkg",
        crs="EPSG:4326",
    )
    lines = gpd.read_file(found.layer, layer="front_lines")
    town = gpd.GeoSeries.from_xy([17.27], [44.34], crs="EPSG:4326").to_crs(lines.crs)[0]
    assert lines.distance(town).min() < 2_500
    assert lines.union_all().convex_hull.covers(town)
    assert found.pixel_m == pytest.approx(55, abs=1)
    assert found.position_error.total_m == 540
    east = shapely.get_coordinates(lines.to_crs("EPSG:4326").geometry.to_numpy())[:, 0]
    assert np.ptp(east) < 0.43


def test_the_page_has_a_row_for_each_of_its_sheets() -> None:
    page = (ROOT / "docs" / "digitise.md").read_text(encoding="utf-8")
    table = page.split(BEGIN)[1].split(END)[0].strip().splitlines()
    sheets = (ROOT / "docs" / "digitise" / "sheets.csv").read_text(encoding="utf-8").splitlines()
    assert len(table) - 2 == len(sheets) - 1
    assert table[:2] == list(table_lines([]))


def test_a_whole_sheet_agrees_with_its_tracing() -> None:
    if "MINERISK_DATA" not in os.environ:
        pytest.skip("MINERISK_DATA is not set")
    data = Path(os.environ["MINERISK_DATA"])
    if not (data / "war_maps").is_dir():
        pytest.skip("MINERISK_DATA has no war_maps")
    (row,) = rows_of(data, ROOT, only=["13"], pictures=None)
    assert row.over is not None
    assert row.under is not None
    for found in (row.over, row.under):
        assert found.median_m < 300
        assert found.ninetieth_m < 1_000
        assert found.found > 0.9
