"""Lines are found where they were drawn, and nothing else is."""

from pathlib import Path

import numpy as np
import pytest
import shapely
from PIL import Image

from minerisk.features.digitise.sheet import (
    Sheet,
    pick_colours,
    read_outline,
    read_place,
    trace_sheet,
)
from minerisk.features.errors import InputError
from tests.features.digitise.drawn_map import FRAME, INK, LEGEND, WIDTH, draw_map

HALF = WIDTH / 2


def trace(pixels: np.ndarray, **changed: object) -> Sheet:
    given = {
        "width_px": WIDTH,
        "frame": read_outline(FRAME, name="--frame"),
        "leave_out": (read_outline(LEGEND, name="--leave-out"),),
    }
    colour = changed.pop("colour", INK)
    return trace_sheet(pixels, colour, **{**given, **changed})


def off(lines: np.ndarray, truth: shapely.Geometry) -> tuple[float, float]:
    """How far a drawing is from the truth at most, and the truth from the drawing."""
    found = shapely.union_all(lines)
    return (
        shapely.distance(shapely.points(shapely.get_coordinates(found)), truth).max(),
        shapely.distance(
            shapely.points(shapely.get_coordinates(shapely.segmentize(truth, 1))), found
        ).max(),
    )


def test_every_line_is_found_within_half_its_width_and_nothing_else() -> None:
    drawn = draw_map()
    sheet = trace(np.asarray(drawn.image))
    arrow = shapely.LineString([(300, 480), (500, 780)]).buffer(12)
    truth = shapely.union_all([drawn.solid, drawn.dashed, drawn.dotted])
    over, under = off(sheet.lines, truth)
    assert over < 0.6 * WIDTH
    bare = truth.difference(arrow)
    assert off(sheet.lines, bare)[1] < 2.5 * WIDTH  # a last dot is too small to be one
    assert under < 3 * WIDTH  # under the arrow


def test_a_dashed_line_and_a_dotted_one_are_each_one_line() -> None:
    drawn = draw_map()
    lines = trace(np.asarray(drawn.image)).lines
    for line in (drawn.dashed, drawn.dotted):
        near = [one for one in lines if one.within(line.buffer(WIDTH))]
        assert len(near) == 1
        assert near[0].length == pytest.approx(line.length, rel=0.05)


@pytest.mark.parametrize("quality", [40, 75])
def test_a_jpeg_gives_the_same_lines_to_a_pixel(quality: int, tmp_path: Path) -> None:
    drawn = draw_map()
    plain = shapely.union_all(trace(np.asarray(drawn.image)).lines)
    path = drawn.save(tmp_path / "map.jpg", quality=quality)
    coarse = shapely.union_all(trace(np.asarray(Image.open(path))).lines)
    assert shapely.hausdorff_distance(plain, coarse, densify=0.05) < WIDTH
    truth = shapely.union_all([drawn.solid, drawn.dashed, drawn.dotted])
    assert off(np.array([coarse]), truth)[0] < HALF


def test_a_sheet_that_is_turned_gives_the_same_lines_turned() -> None:
    pixels = np.asarray(draw_map(noise=0.0).image)
    upright = shapely.union_all(trace(pixels).lines)
    turned = trace(np.rot90(pixels, 2).copy(), leave_out=(shapely.box(80, 720, 340, 820),))
    back = shapely.transform(shapely.union_all(turned.lines), lambda xy: (1100, 900) - xy)
    assert shapely.hausdorff_distance(upright, back, densify=0.05) < HALF


def test_gaps_are_bridged_up_to_about_the_stated_length_only() -> None:
    image = np.full((120, 700, 3), 250, np.uint8)
    image[55:64, 50:250] = image[55:64, 270:420] = image[55:64, 480:650] = INK  # gaps of 20, 60
    frame = {"frame": shapely.box(0, 0, 700, 120), "leave_out": ()}
    assert len(trace(image, gap_px=16, **frame).lines) == 3
    assert len(trace(image, gap_px=21, **frame).lines) == 2
    whole = trace(image, gap_px=61, **frame)
    assert len(whole.lines) == 1
    assert shapely.length(whole.bridges).sum() == pytest.approx(80 + 4 * HALF, abs=4)
    assert shapely.get_coordinates(whole.lines)[:, 1] == pytest.approx(59.5, abs=1)


def test_broken_lines_that_cross_go_straight_on() -> None:
    canvas = np.full((500, 500, 3), 250, np.uint8)
    for start in range(40, 460, 36):
        canvas[246:255, start : start + 22] = canvas[start : start + 22, 246:255] = INK
    sheet = trace(canvas, frame=shapely.box(0, 0, 500, 500), leave_out=(), gap_px=30)
    ends = shapely.get_coordinates(shapely.boundary(shapely.union_all(sheet.lines)))
    assert {"left": ends[:, 0].min() < 60, "top": ends[:, 1].min() < 60} == {
        "left": True,
        "top": True,
    }
    spans = [np.ptp(shapely.get_coordinates(line), axis=0).max() for line in sheet.lines]
    assert max(spans) > 350


def test_what_is_left_out_is_no_cover_and_has_no_line() -> None:
    pixels = np.asarray(draw_map().image)
    legend = read_outline(LEGEND, name="--leave-out")
    assert shapely.union_all(trace(pixels, leave_out=()).lines).intersects(legend)
    sheet = trace(pixels)
    assert not shapely.union_all(sheet.lines).intersects(legend.buffer(-1))
    assert sheet.cover.area == 980 * 780 - 260 * 100


def test_the_width_of_the_ink_is_measured() -> None:
    assert trace(np.asarray(draw_map().image)).width_px == pytest.approx(WIDTH, abs=2)


def test_the_colour_of_the_line_is_among_those_picked_in_its_middle() -> None:
    drawn = draw_map()
    middle = drawn.solid.interpolate(0.25, normalized=True)
    found = pick_colours(np.asarray(drawn.image), (middle.x, middle.y))
    apart = [max(abs(a - b) for a, b in zip(one.colour, INK, strict=True)) for one in found]
    assert min(apart) < 8
    assert found[int(np.argmin(apart))].width_px == pytest.approx(WIDTH, abs=2)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"colour": (250, 248, 252)}, r"\d+% of the map has the colour #faf8fc"),
        ({"colour": (0, 90, 255)}, r"No line of the colour #005aff.* nearest colour on it is #"),
        ({"width_px": 0.5}, "lines of 2 to 200 are traced"),
        ({"width_px": float("nan")}, "lines of 2 to 200 are traced"),
        ({"gap_px": -1}, "expected 0 to"),
        ({"tolerance": 0}, "more than 0"),
        ({"frame": shapely.box(60, 60, 2000, 840)}, "1,100 columns and 900 rows"),
        ({"leave_out": (shapely.box(-5, 0, 20, 20),)}, "What is left out reaches"),
        ({"leave_out": (shapely.box(0, 0, 1100, 900),)}, "Nothing of the map is left"),
    ],
)
def test_what_cannot_be_traced_is_refused_with_what_to_do(
    changed: dict[str, object], words: str
) -> None:
    canvas = np.full((900, 1100, 3), (250, 248, 252), np.uint8)
    canvas[500:509, 100:900] = INK
    with pytest.raises(InputError, match=words):
        trace(canvas, **changed)


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "5,5,1,1", "0,0 9,9 0,9 9,0", "a,b,c,d", "0,0,nan,9", "1,1,1,1"]
)
def test_an_outline_that_has_no_area_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"--frame is .*left,top,right,bottom"):
        read_outline(text, name="--frame")


@pytest.mark.parametrize("text", ["", "12", "1,2,3", "a,b"])
def test_a_place_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="column,row"):
        read_place(text)


def test_a_place_off_the_scan_is_refused() -> None:
    with pytest.raises(InputError, match="10 columns and 8 rows"):
        pick_colours(np.zeros((8, 10, 3), np.uint8), (10, 3))
