import re
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from odc.geo.geobox import GeoBox
from shapely.geometry import LineString, Point, box

from minerisk.pipelines.formats import palette
from minerisk.pipelines.plotting.chart import MARK_SIGNS, WIDTH, chart, mark_lines
from minerisk.pipelines.plotting.map_figure import SCALE_BAR, paint
from minerisk.pipelines.plotting.map_layers import MapLayers

GRID = GeoBox.from_bbox((700_000, 4_400_000, 715_000, 4_410_000), "EPSG:32638", resolution=250)
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert(1)</script> & Ağdam"


def frame(geometry, **columns):
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=GRID.crs)


@pytest.fixture
def drawn():
    classes = np.full(GRID.shape, palette.LOWER, dtype=np.uint8)
    classes[:10], classes[-5:] = palette.HIGHER, palette.CANNOT_SAY
    registered = frame(
        [box(701_000, 4_401_000, 702_000, 4_402_000), box(703_000, 4_401_000, 704_000, 4_402_000)],
        Land_Class=["SHA", "CHA"],
    )
    return chart(
        classes,
        GRID,
        layers=MapLayers(
            line=frame([LineString([(700_000, 4_405_000), (715_000, 4_406_000)])]),
            places=frame([Point(707_000, 4_404_000)], name=[HOSTILE]),
            registered=registered,
            findings=frame([Point(708_000, 4_407_000)]),
        ),
        tasks=frame(
            [
                box(709_000, 4_408_000, 710_000, 4_409_000),
                box(711_000, 4_408_000, 712_000, 4_409_000),
            ],
            task=["NTS-0017", "NTS-C0002"],
            arm=["ranked", "control"],
        ),
        elevation=np.add.outer(np.arange(40.0), np.arange(60.0)),
        marks=["DRAFT: nobody has approved this run"],
    )


def test_it_is_one_drawing_that_needs_nothing_from_outside(drawn):
    root = ElementTree.fromstring(drawn)
    assert "http" not in drawn
    assert set(re.findall(r"url\((.)", drawn)) <= {"#"}  # of the drawing itself
    assert "<script" not in drawn
    (picture,) = [item for item in root.iter() if item.tag.endswith("image")]
    assert picture.get("href").startswith("data:image/png;base64,")


def test_words_from_outside_are_words(drawn):
    words = ["".join(item.itertext()) for item in ElementTree.fromstring(drawn).iter("text")]
    assert HOSTILE in words
    assert {"17", "C2", "N", "2 km"} <= set(words)
    assert any(word.startswith("DRAFT") for word in words)
    assert any(re.match(r"39\.\d{4}°, 47\.\d{4}°", word) for word in words)


def test_registered_areas_keep_their_colours_and_are_drawn_over_the_classes(drawn):
    assert drawn.index("#ff0000") > drawn.index("<image")
    assert drawn.index("#f4a718") > drawn.index("<image")


def test_a_scale_bar_is_as_long_as_it_says(drawn):
    root = ElementTree.fromstring(drawn)
    (bar,) = [item for item in root.iter("g") if item.get("id") == SCALE_BAR]
    west, _, east, _ = map(float, re.findall(r"[\d.]+", bar.find(".//path").get("d")))
    length = east - west
    (picture,) = [item for item in root.iter() if item.tag.endswith("image")]
    assert length / float(picture.get("width")) == pytest.approx(2_000 / 15_000, rel=1e-3)


def test_a_task_number_that_would_cover_another_waits_for_the_zoom():
    where = [702_000, 702_100, 709_000]
    tasks = frame(
        [box(east, 4_404_000, east + 250, 4_404_250) for east in where],
        task=["NTS-0001", "NTS-0002", "NTS-0003"],
        arm=["ranked"] * 3,
    )
    classes = np.full(GRID.shape, palette.LOWER, dtype=np.uint8)
    drawn = chart(classes, GRID, layers=MapLayers(), tasks=tasks)
    groups = list(ElementTree.fromstring(drawn).iter("g"))
    crowded = [item.find(".//text").text for item in groups if item.get("class") == "crowded"]
    assert crowded == ["2"]
    assert ">1</text>" in drawn
    assert ">3</text>" in drawn


def test_words_keep_their_size_under_the_zoom_of_a_style_sheet(drawn):
    """What a style attribute says of size would go before the style sheet of the page."""
    texts = list(ElementTree.fromstring(drawn).iter("text"))
    assert texts
    assert all(item.get("style") is None and item.get("font-size") for item in texts)
    assert "<style" not in drawn


def test_a_name_is_never_read_as_a_formula():
    places = frame([Point(707_000, 4_404_000)], name=["$x$ & 5_2"])
    classes = np.full(GRID.shape, palette.LOWER, dtype=np.uint8)
    drawn = ElementTree.fromstring(chart(classes, GRID, layers=MapLayers(places=places)))
    assert "$x$ & 5_2" in [item.text for item in drawn.iter("text")]


def test_cannot_say_is_hatched_over_whole_cells_only():
    classes = np.full(GRID.shape, palette.LOWER, dtype=np.uint8)
    classes[10:12, 20:22] = palette.CANNOT_SAY
    axes = Figure(figsize=(6, 4), dpi=100).add_axes((0, 0, 1, 1))
    paint(axes, classes, GRID, cannot_say=classes == palette.CANNOT_SAY)
    ink = np.asarray(axes.images[-1].get_array())
    times = ink.shape[0] // GRID.shape[0]
    cells = ink[..., 3].reshape(GRID.shape[0], times, GRID.shape[1], times).max(axis=(1, 3)) > 0
    np.testing.assert_array_equal(cells, classes == palette.CANNOT_SAY)


def test_the_same_map_gives_the_same_bytes_and_other_classes_other_ones():
    one = np.full(GRID.shape, palette.LOWER, dtype=np.uint8)
    other = np.full(GRID.shape, palette.CANNOT_SAY, dtype=np.uint8)
    assert chart(one, GRID, layers=MapLayers()) == chart(one, GRID, layers=MapLayers())
    assert chart(one, GRID, layers=MapLayers()) != chart(other, GRID, layers=MapLayers())


def test_classes_are_told_apart_in_black_and_white():
    def light(code):
        channels = [byte / 255 for byte in palette.rgba(palette.CLASS_COLOURS[code])[:3]]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in channels]
        return np.dot([0.2126, 0.7152, 0.0722], linear)

    higher, elevated, lower = (light(c) for c in (palette.HIGHER, palette.ELEVATED, palette.LOWER))
    for darker, lighter in ((higher, elevated), (elevated, lower)):
        assert (lighter + 0.05) / (darker + 0.05) > 1.9  # contrast ratio as WCAG counts it


MARKS = [f"{word}: nobody has approved this run, in a language of long words" for word in "ABC"]


@pytest.mark.parametrize(
    ("marks", "lines"),
    [([], []), (["DRAFT", "SIMULATED"], ["DRAFT · SIMULATED"]), (MARKS, MARKS)],
)
def test_marks_share_a_line_or_have_one_each(marks, lines):
    assert mark_lines(marks) == lines


def test_no_line_of_marks_is_wider_than_the_map():
    lines = mark_lines(["DRAFT " * 40, "SIMULATED"])
    assert "".join(lines).count("DRAFT") == 40
    for words in ("M" * 4 + "eaning " * 12)[:MARK_SIGNS], *lines:
        letters = TextPath((0, 0), words, size=14, prop=FontProperties(weight="bold"))
        assert letters.get_extents().width < WIDTH


def test_lines_of_marks_stand_above_the_map():
    classes = np.full(GRID.shape, palette.LOWER, dtype=np.uint8)
    drawn = ElementTree.fromstring(chart(classes, GRID, layers=MapLayers(), marks=MARKS))
    words = ["".join(item.itertext()) for item in drawn.iter("text")]
    assert [word for word in words if "approved" in word] == MARKS
    one = ElementTree.fromstring(chart(classes, GRID, layers=MapLayers(), marks=MARKS[:1]))
    tall, low = (float(picture.get("viewBox").split()[3]) for picture in (drawn, one))
    assert tall == pytest.approx(low + 2 * 24)
