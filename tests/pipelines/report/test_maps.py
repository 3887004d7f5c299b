import html
import re

import geopandas as gpd
import numpy as np
import pytest
from odc.geo.geobox import GeoBox
from shapely.geometry import LineString, Point, box

from minerisk.pipelines.formats import cog, palette
from minerisk.pipelines.language.marks import Marks
from minerisk.pipelines.language.messages import ENGLISH, texts
from minerisk.pipelines.language.notice_words import MapGap
from minerisk.pipelines.plotting.map_layers import MapLayers
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.notice import Notice
from minerisk.pipelines.records.review import State
from minerisk.pipelines.report.maps import run_maps
from minerisk.pipelines.report.report import write_report

GRID = GeoBox.from_bbox((700_000, 4_400_000, 710_000, 4_405_000), "EPSG:32638", resolution=250)
RULES = {"tasks": [[0.3, 0.2, 0.4]] * 3, "nearest_line": [[0.2, 0.1, 0.3]] * 3}


def frame(geometry, **columns):
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=GRID.crs)


@pytest.fixture
def files(tmp_path, metrics_of, task_file):
    classes = np.full(GRID.shape, palette.LOWER, dtype=np.uint8)
    classes[:5], classes[-5:] = palette.HIGHER, palette.CANNOT_SAY
    probability = np.where(classes == palette.HIGHER, 0.2, 0.01).astype(np.float32)
    for name, values, style in (
        ("risk_class", classes, palette.CLASS_LEGEND),
        ("probability", probability, palette.PROBABILITY_RAMP),
    ):
        path = tmp_path / f"rasters/{name}.tif"
        cog.write_raster(path, values, GRID, description=name, style=style)
    tasks = frame([box(701_000, 4_404_000, 702_000, 4_405_000)], task=["NTS-0017"], arm=["ranked"])
    tasks.to_file(tmp_path / "tasks.gpkg", layer="tasks", driver="GPKG")
    (tmp_path / "tasks.csv").write_text("task,arm,hectares\n")
    known = task_file(RULES, shares=(0.05, 0.1, 0.2))
    (tmp_path / "tasks.json").write_text(known.to_json())
    files = RunFolder(tmp_path)
    nothing = {"capture": {}, "reliability": {}, "importance": (), "regions": ()}
    found = metrics_of(simulated=True, crs="EPSG:32638", **nothing)
    files.metrics.write_text(found.to_json())
    return files


LAYERS = MapLayers(
    line=frame([LineString([(700_000, 4_402_000), (710_000, 4_402_500)])]),
    places=frame([Point(705_000, 4_403_000)], name=["Ağdərə"]),
    registered=frame([box(706_000, 4_401_000, 707_000, 4_402_000)], Land_Class=["CHA"]),
    missing=(Notice(code=MapGap.NOT_READ, values={"layer": "roads", "reason": "no such file"}),),
)


def test_the_map_of_a_run_shows_tasks_line_places_and_registered_areas(files):
    drawn = run_maps(files, LAYERS, marks=Marks(State.DRAFT, simulated=True), texts=ENGLISH)
    for shown in (">17<", "Ağdərə", "#ff0000", "12,4,2,4", "SIMULATED", ">2 km<", ">N<"):
        assert shown in drawn.chart
    assert drawn.registered
    assert len(drawn.figures) == 1
    assert drawn.shares["higher"] == pytest.approx(5 / 20)


def test_a_run_without_rasters_has_no_map(tmp_path):
    marks = Marks(State.APPROVED, simulated=False)
    assert run_maps(RunFolder(tmp_path), MapLayers(), marks=marks, texts=ENGLISH) is None


@pytest.mark.parametrize("language", ["az", "ru"])
def test_the_report_speaks_the_language_asked_for(files, language):
    english = write_report(files, title="Area", layers=LAYERS).read_text(encoding="utf-8")
    path = write_report(files, title="Area", layers=LAYERS, language=language)
    page = path.read_text(encoding="utf-8")
    assert path.name == f"report_{language}.html"
    assert f'<html lang="{language}">' in page
    assert '<html lang="en">' in english
    told = texts(language)
    for message in (
        "cannot say",
        "CHA as registered",
        "front line",
        "2. The map",
        "7. What is not known",
    ):
        assert told.say(message) in page
        assert message in english
    assert tags(page) - tags(english) <= {'<p class="soft small">'}  # says that it is a translation
    assert len(pictures(page)) == len(pictures(english)) == 3  # classes, probability, capture


def test_words_drawn_into_figures_change_with_the_language(files):
    made = [
        pictures(write_report(files, title="Area", language=language).read_text())
        for language in ("en", "az", "ru")
    ]
    classes, *figures = zip(*made, strict=True)
    assert len(set(classes)) == 1  # the picture of classes has no words in it
    assert all(len(set(figure)) == 3 for figure in figures)


def test_thousands_are_parted_by_a_space_where_a_comma_is_a_decimal_point(files):
    cells = re.compile(r'<td class="n">(4\D800)</td>')
    english, russian = (
        cells.findall(write_report(files, title="Area", language=language).read_text())
        for language in ("en", "ru")
    )
    assert english == ["4,800"]
    assert russian == ["4\u202f800"]


def tags(page):
    return set(re.findall(r"<(?:p|h\d|table|figure|li|ul)\b[^>]*>", page))


def pictures(page):
    return re.findall(r"data:image/png;base64,[A-Za-z0-9+/=]+", html.unescape(page))
