import numpy as np
import pytest
import shapely
from shapely.geometry import LineString, MultiLineString, Point

from minerisk.features.errors import InputError
from minerisk.features.front.nearest_segment import nearest_to_points
from minerisk.features.front.trace import (
    along,
    left_of,
    long_pieces,
    shape_of,
    stretches,
    to_nearer_end,
    trace_of,
)

EAST = LineString([(0, 0), (600, 0), (1_000, 0)])


def near(trace, *places):
    easting, northing = np.array(places, dtype=np.float64).T.copy()
    return nearest_to_points(trace.ends, easting, northing), easting, northing


def circle(radius, *, closed=True, corners=720):
    angle = np.linspace(0, 2 * np.pi, corners + 1)
    ring = LineString(np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]))
    return ring if closed else LineString(ring.coords[: corners // 2])


def test_lines_that_meet_end_to_end_are_one_piece(frame):
    parts = [LineString([(0, 0), (500, 0)]), LineString([(900, 0), (500, 0)])]
    trace = trace_of(frame([MultiLineString(parts), LineString([(0, 50), (9, 50)])]), name="line")
    assert np.unique(trace.piece).tolist() == [0, 1]
    assert sorted(np.bincount(trace.piece).tolist()) == [1, 2]


def test_metres_along_are_counted_from_the_beginning(frame):
    trace = trace_of(frame([EAST]), name="line")
    found, _, _ = near(trace, (700, 50), (-30, 0))
    assert along(trace, found).tolist() == [700, 0]
    assert to_nearer_end(trace, found).tolist() == [300, 0]


def test_a_closed_line_has_no_end(frame):
    square = LineString([(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)])
    trace = trace_of(frame([square]), name="line")
    found, _, _ = near(trace, (50, -1), (99, 1))
    assert to_nearer_end(trace, found).tolist() == [200, 200]


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("scale", [300.0, 900.0])
def test_the_bend_of_a_circle_is_one_over_its_radius(frame, closed, scale):
    trace = trace_of(frame([circle(1_000.0, closed=closed)]), name="line")
    shape = shape_of(trace, scale_m=scale)
    # Drawn anticlockwise, it bends to the left everywhere, up to its very ends.
    np.testing.assert_allclose(shape.bend, 1e-3, rtol=2e-3)


def test_the_other_way_round_it_bends_to_the_right(frame):
    trace = trace_of(frame([circle(1_000.0).reverse()]), name="line")
    np.testing.assert_allclose(shape_of(trace, scale_m=400.0).bend, -1e-3, rtol=2e-3)


def test_a_straight_line_has_no_bend_and_runs_where_it_runs(frame):
    line = LineString([(0, 0), (300, 400), (600, 800), (1_800, 2_400)])
    shape = shape_of(trace_of(frame([line]), name="line"), scale_m=500.0)
    np.testing.assert_allclose(shape.bend, 0, atol=1e-12)
    np.testing.assert_allclose(shape.east, 0.6)
    np.testing.assert_allclose(shape.north, 0.8)


def test_small_wiggles_vanish_at_a_coarse_scale(frame):
    step = np.arange(0, 10_000, 50.0)
    line = LineString(np.column_stack([step, 10.0 * (-1.0) ** np.arange(len(step))]))
    trace = trace_of(frame([line]), name="line")
    fine, coarse = (np.abs(shape_of(trace, scale_m=s).bend).max() for s in (60.0, 2_000.0))
    assert fine > 1e-2
    # Ends of chords 10 m off turn each chord of 2 km by less than 20 m in 2 km.
    assert coarse < 2 * (20 / 2_000) / 2_000 * 2


def test_sides_are_told_at_corners_and_beyond_the_ends(frame):
    hook = LineString([(0, 0), (1_000, 0), (1_000, 1_000)])
    trace = trace_of(frame([hook]), name="line")
    found = near(trace, (500, 5), (500, -5), (1_200, -150), (995, 5), (-50, 1), (1_001, 1_500))
    assert left_of(trace, *found).tolist() == [1, -1, -1, 1, 1, -1]


def test_short_pieces_are_left_out(frame):
    trace = trace_of(frame([LineString([(0, 50), (9, 50)]), EAST]), name="line")
    kept = long_pieces(trace, least_m=100.0, name="line")
    assert kept.piece.tolist() == [0, 0]
    assert kept.ends[:, 1].tolist() == [0, 0]
    with pytest.raises(InputError, match="longest connected piece of the layer line is 1,000 m"):
        long_pieces(trace, least_m=1_001.0, name="line")


def test_stretches_are_joined_where_they_overlap(frame):
    trace = trace_of(frame([EAST]), name="line")
    begin, end = np.array([-50.0, 80.0, 550.0]), np.array([100.0, 200.0, 650.0])
    cut = stretches(trace, begin, end)
    assert shapely.length(cut).tolist() == [200.0, 100.0]
    assert cut[1].coords[:] == [(550.0, 0.0), (600.0, 0.0), (650.0, 0.0)]


def test_a_side_column_keeps_the_direction_of_drawing(frame):
    lines = frame([EAST, LineString([(0, 9), (1_000, 9)])], side=["Left", "right "])
    trace = trace_of(lines, name="line", side_column="side")
    by_northing = dict(zip(trace.ends[:, 1].tolist(), trace.held_left.tolist(), strict=True))
    assert by_northing == {0.0: 1, 9.0: -1}


@pytest.mark.parametrize(
    ("column", "message"),
    [("sides", "no column 'sides'"), ("side", "row 1: 'both'; expected one of left, right")],
)
def test_a_side_that_cannot_be_read_is_refused(frame, column, message):
    with pytest.raises(InputError, match=message):
        trace_of(frame([EAST], side=["both"]), name="line", side_column=column)


def test_a_layer_without_lines_is_refused(frame):
    with pytest.raises(InputError, match="holds no line"):
        trace_of(frame([Point(0, 0)]), name="line")
