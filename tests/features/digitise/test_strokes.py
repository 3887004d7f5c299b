"""The middle of strokes, dots, spurs and bridges, on ink that is laid pixel by pixel."""

import numpy as np
import pytest
import shapely

from minerisk.features.digitise.dashes import join_dashes
from minerisk.features.digitise.ink import find_ink
from minerisk.features.digitise.strokes import Strokes, find_strokes, without_spurs

NO_DOTS = np.zeros((0, 2))


def lines_of(*texts: str) -> np.ndarray:
    return np.array([shapely.from_wkt(f"LINESTRING ({text})") for text in texts], dtype=object)


def test_the_middle_of_a_stroke_counts_from_the_corner_of_the_first_pixel() -> None:
    ink = np.zeros((40, 100), bool)
    ink[10:15, 20:80] = True  # rows 10 to 14: their middle is 12.5 from the upper edge
    (line,) = find_strokes(ink, width_px=5).lines
    assert shapely.get_coordinates(line)[:, 1] == pytest.approx(12.5, abs=1)
    left, _, right, _ = line.bounds
    assert left == pytest.approx(22.5, abs=1)
    assert right == pytest.approx(77.5, abs=1)


def test_what_is_as_small_as_the_line_is_wide_is_a_dot_at_its_middle() -> None:
    ink = np.zeros((40, 40), bool)
    ink[10:16, 20:26] = True
    found = find_strokes(ink, width_px=6)
    assert len(found.lines) == 0
    assert found.dots == pytest.approx(np.array([[23.0, 13.0]]))


def test_no_ink_is_no_stroke() -> None:
    found = find_strokes(np.zeros((20, 20), bool), width_px=5)
    assert (len(found.lines), len(found.dots)) == (0, 0)


def test_a_short_branch_goes_and_the_line_stays_whole() -> None:
    with_spur = lines_of("0 0, 50 0", "50 0, 100 0", "50 0, 50 4")
    (line,) = without_spurs(with_spur, 10)
    assert line.length == 100


def test_of_short_branches_alone_the_two_longest_stay() -> None:
    (line,) = without_spurs(lines_of("0 0, 4 0", "0 0, -5 0", "0 0, 0 2"), 10)
    assert line.length == 9


def test_a_long_branch_stays() -> None:
    branched = lines_of("0 0, 50 0", "50 0, 100 0", "50 0, 50 40")
    assert shapely.length(without_spurs(branched, 10)).sum() == 140


def test_the_straight_bridge_is_taken_before_the_shorter_one_that_bends() -> None:
    strokes = Strokes(lines_of("0 0, 60 0", "75 0, 140 0", "66 -10, 66 -80"), NO_DOTS)
    joined = join_dashes(strokes, width_px=4, gap_px=14)
    assert sorted(round(line.length) for line in joined.lines) == [70, 140]
    (bridge,) = joined.bridges
    assert set(bridge.coords) == {(60, 0), (75, 0)}


def test_a_line_goes_on_at_the_other_side_of_a_dot() -> None:
    dots = np.array([[70.0, 0.0], [80.0, 0.0]])
    strokes = Strokes(lines_of("0 0, 60 0", "90 0, 150 0"), dots)
    joined = join_dashes(strokes, width_px=4, gap_px=8)
    (line,) = joined.lines
    assert line.length == 150
    assert shapely.length(joined.bridges).sum() == 30


def test_what_is_shorter_than_six_widths_joined_is_no_line() -> None:
    strokes = Strokes(lines_of("0 0, 20 0", "0 50, 30 50"), NO_DOTS)
    (line,) = join_dashes(strokes, width_px=5, gap_px=10).lines
    assert line.length == 30


def test_a_ring_whose_ends_meet_over_a_gap_is_closed() -> None:
    angle = np.linspace(0, 2 * np.pi - 0.2, 100)
    ring = np.array([shapely.LineString(np.stack([np.cos(angle), np.sin(angle)], 1) * 60)])
    (line,) = join_dashes(Strokes(ring, NO_DOTS), width_px=4, gap_px=12).lines
    assert line.is_closed


def test_strokes_thinner_than_the_line_and_specks_are_no_ink() -> None:
    pixels = np.full((60, 120, 3), 255, np.uint8)
    pixels[10:19, 10:110] = pixels[30:32, 10:110] = pixels[50:53, 50:53] = (115, 60, 70)
    pixels[14, 60] = 255  # a hole
    ink = find_ink(pixels, (115, 60, 70), width_px=9)
    assert ink[11:18, 12:108].all()
    assert not ink[25:].any()
