import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.features import rasterize
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from minerisk.features.errors import InputError
from minerisk.features.raster.rasterise import (
    burn_greatest,
    burn_mask,
    count_points,
    coverage_fraction,
    line_length,
)

KINDS = ("points", "lines", "polygons")


def cells_of(geobox):
    transform = geobox.transform
    rows, columns = np.indices(tuple(geobox.shape))
    west, north = transform.c + columns * transform.a, transform.f + rows * transform.e
    return shapely.box(west, north + transform.e, west + transform.a, north)


def random_shapes(kind, seed, count=6, extent=2_000.0):
    rng = np.random.default_rng(seed)
    at = rng.uniform(-0.2 * extent, 1.2 * extent, (count, 2)) * (1, -1)
    if kind == "points":
        return [Point(xy) for xy in at]
    if kind == "lines":
        return [LineString(xy + rng.normal(0, 500, (4, 2))) for xy in at]
    hulls = [LineString(xy + rng.normal(0, 400, (7, 2))).convex_hull for xy in at]
    return [hull.difference(hull.centroid.buffer(80)) for hull in hulls]


@pytest.mark.parametrize("kind", ["lines", "polygons"])
@pytest.mark.parametrize("seed", range(4))
def test_touched_cells_are_those_that_the_geometry_intersects(kind, seed, grid, frame):
    geobox, shapes = grid(20, 20), random_shapes(kind, seed)
    expected = shapely.intersects(cells_of(geobox), shapely.union_all(shapes))
    assert np.array_equal(burn_mask(geobox, frame(shapes), True), expected)


@pytest.mark.parametrize("seed", range(4))
def test_centre_rule_is_rasterios(seed, grid, frame):
    geobox, shapes = grid(20, 20), random_shapes("polygons", seed)
    expected = rasterize(shapes, out_shape=(20, 20), transform=geobox.transform)
    assert np.array_equal(burn_mask(geobox, frame(shapes), False), expected == 1)


def test_a_point_belongs_to_the_cell_that_holds_it(grid, frame):
    marked = burn_mask(grid(3, 3), frame([Point(150, -250)]), False)
    assert np.argwhere(marked).tolist() == [[2, 1]]


def test_a_point_on_an_edge_belongs_to_the_east_and_south(grid, frame):
    marked = burn_mask(grid(3, 3), frame([Point(100, -100)]), False)
    assert np.argwhere(marked).tolist() == [[1, 1]]


def test_a_hole_is_not_marked(grid, frame):
    ring = Polygon(box(0, -500, 500, 0).exterior, [box(100, -400, 400, -100).exterior])
    marked = burn_mask(grid(5, 5), frame([ring]), False)
    assert marked.sum() == 25 - 9


def test_two_parts_that_overlap_do_not_cancel_out(grid, frame):
    parts = MultiPolygon([box(0, -300, 300, 0), box(100, -300, 400, 0)])
    assert burn_mask(grid(4, 4), frame([parts]), False).sum() == 3 * 4


def test_the_greatest_value_stays(grid, frame):
    shapes = frame([box(0, -200, 200, 0), box(100, -200, 300, 0), box(0, -200, 300, 0)])
    out = burn_greatest(grid(2, 4), shapes, np.array([3.0, 2.0, np.nan]), False)
    assert out[0, :3].tolist() == [3.0, 3.0, 2.0]
    assert np.isnan(out[0, 3])


def test_another_crs_is_refused(grid, frame):
    with pytest.raises(InputError, match="Reproject"):
        burn_mask(grid(2, 2), frame([Point(0, 0)], crs="EPSG:4326"), False)


def test_points_are_counted_by_cell(grid, frame):
    points = [Point(10, -10), Point(20, -20), Point(110, -10), Point(-10, -10)]
    assert count_points(grid(2, 2), frame(points)).tolist() == [[2, 1], [0, 0]]


def test_weights_are_summed(grid, frame):
    points = frame([Point(10, -10), Point(20, -20)])
    assert count_points(grid(1, 1), points, np.array([2.0, 0.5])).tolist() == [[2.5]]


def test_length_of_a_diagonal_is_shared_by_pythagoras(grid, frame):
    metres = line_length(grid(2, 2), frame([LineString([(0, 0), (200, -200)])]))
    np.testing.assert_allclose(metres, np.diag([100 * 2**0.5] * 2), atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_length_is_that_of_the_line_clipped_to_the_cell(seed, grid, frame):
    geobox, shapes = grid(20, 20), random_shapes("lines", seed)
    cells = cells_of(geobox)
    expected = sum(shapely.length(shapely.intersection(cells, line)) for line in shapes)
    np.testing.assert_allclose(line_length(geobox, frame(shapes)), expected, atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_coverage_is_the_area_of_the_union_clipped_to_the_cell(seed, grid, frame):
    geobox, shapes = grid(20, 20), random_shapes("polygons", seed)
    clipped = shapely.intersection(cells_of(geobox), shapely.union_all(shapes))
    expected = shapely.area(clipped) / 1e4
    np.testing.assert_allclose(coverage_fraction(geobox, frame(shapes)), expected, atol=1e-5)


def test_overlaps_are_covered_once(grid, frame):
    twice = frame([box(0, -100, 50, 0), box(0, -100, 50, 0), Point(70, -70)])
    assert coverage_fraction(grid(1, 2), twice).tolist() == [[0.5, 0.0]]


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 10_000),
    row=st.integers(0, 12),
    column=st.integers(0, 12),
)
def test_a_tile_holds_the_bits_of_the_whole(grid, frame, kind, seed, row, column):
    whole, shapes = grid(20, 20, left=-3, top=2), frame(random_shapes(kind, seed))
    window = (slice(row, row + 8), slice(column, column + 8))
    for function in (
        lambda g: burn_mask(g, shapes, True),
        lambda g: burn_mask(g, shapes, False),
        lambda g: count_points(g, shapes),
        lambda g: line_length(g, shapes),
        lambda g: coverage_fraction(g, shapes),
    ):
        assert function(whole[window]).tobytes() == function(whole)[window].tobytes()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_line_and_its_reverse_give_the_same_bits(grid, frame, seed):
    geobox, lines = grid(20, 20), random_shapes("lines", seed)
    there, back = frame(lines), frame([line.reverse() for line in lines])
    assert np.array_equal(burn_mask(geobox, there, True), burn_mask(geobox, back, True))
