import numpy as np
import pytest
from shapely.geometry import LineString, Point, box

from minerisk.features.coverage import covered, covered_by_all
from minerisk.features.cube.feature import build_feature, build_window
from minerisk.features.errors import InputError
from minerisk.features.kinds import COVER
from minerisk.features.layers.sources import Coverage, Layers, RasterSource, VectorSource

CRS = "EPSG:3035"
# The western half of a row of ten cells of 100 m is covered; a point lies in its third cell.
ROW = {"point": [Point(250, -50)], "sheet": [box(0, -100, 500, 0)]}


@pytest.fixture
def row(fake_layers, fake_source, frame):
    sources = {"point": fake_source(coverage=Coverage(layer="sheet"))}
    vectors = {name: frame(shapes) for name, shapes in ROW.items()}
    return fake_layers(vectors=vectors, sources=sources)


def test_a_distance_off_the_cover_is_nodata_and_never_its_cap(row, grid):
    made = build_window(row, grid(1, 10), kind="distance", params={"layer": "point", "cap_m": 150})
    expected = [150, 100, 0, 100, 150] + [np.nan] * 5
    np.testing.assert_array_equal(made.point_distance_m.values[0], np.float32(expected))


def test_a_density_is_told_where_its_whole_disc_is_covered_and_never_zero_beyond(row, grid):
    row.vectors["sheet"] = row.vectors["sheet"].set_geometry([box(0, -400, 500, 300)])
    params = {"layer": "point", "radii_m": (100.0, 250.0)}
    made = build_window(row, grid(1, 10), kind="density", params=params)
    near, wide = (made[f"point_density_{radius}m"].values[0] for radius in (100, 250))
    # One point on five cells of a hectare; the fifth cell's disc reaches the sixth.
    np.testing.assert_allclose(near[:5], [np.nan, 20, 20, 20, np.nan])
    assert np.isnan(near[5:]).all()
    # Within 250 m: 21 cells. Of the sheet's five cells only the middle one sees it all.
    np.testing.assert_allclose(wide[2], 100 / 21, rtol=1e-6)
    assert np.isnan(np.delete(wide, 2)).all()


def test_a_layer_without_a_cover_speaks_everywhere(row, grid):
    assert covered(row, "sheet", grid(1, 10)) is None
    assert covered_by_all(row, ["sheet"], grid(1, 10)) is None
    assert covered_by_all(row, ["sheet", "point"], grid(1, 10)).tolist() == [
        [True] * 5 + [False] * 5
    ]


def test_the_edge_of_the_cover_is_as_far_as_the_nearest_cell_on_the_other_side(row, grid):
    params = {"layer": ["point"], "lines": ["point", "sheet"], "cap_m": 250.0}
    made = build_feature(row, grid(1, 10), kind=COVER, params=params)
    expected = [250, 250, 250, 200, 100, -100, -200, -250, -250, -250]
    assert made.cover_edge_m.values[0].tolist() == expected
    assert made.lines_known.values[0].tolist() == [2] * 5 + [1] * 5


def test_the_valid_cells_of_a_raster_are_a_cover(fake_layers, fake_source, frame, grid):
    def west(x, y):
        return np.where(x < 300, 1.0, np.nan) + 0 * y

    own = fake_source(coverage=Coverage(valid_cells=True))
    other = fake_source(coverage=Coverage(layer="scan"))
    layers = fake_layers(rasters={"scan": west}, sources={"scan": own, "line": other})
    layers.source = lambda name: (
        RasterSource("", coverage=own.coverage) if name == "scan" else other
    )
    for name in ("scan", "line"):
        assert covered(layers, name, grid(1, 5)).tolist() == [[True] * 3 + [False] * 2]


def test_frames_of_sheets_lie_in_the_file_of_the_line(tmp_path, frame, grid):
    frame([LineString([(50, -50), (950, -50)])], sheet=["9"]).to_file(
        tmp_path / "a.gpkg", layer="l"
    )
    frame([box(0, -100, 300, 0)]).to_file(tmp_path / "a.gpkg", layer="coverage")
    line = VectorSource("a.gpkg", layer="l", coverage=Coverage(in_file="coverage"))
    box_of = VectorSource("a.gpkg", layer="l", coverage=Coverage(bounds=(0, -100, 300, 0)))
    layers = Layers({"line": line, "box": box_of}, tmp_path)
    for name in ("line", "box"):
        assert covered(layers, name, grid(1, 5)).tolist() == [[True] * 3 + [False] * 2]


def test_bounds_in_degrees_follow_their_parallels(tmp_path):
    layers = Layers(
        {"line": VectorSource("", coverage=Coverage(bounds=(15, 43, 19, 45), crs="EPSG:4326"))},
        tmp_path,
    )
    east, north = layers.cover("line", crs=CRS).union_all().exterior.xy
    # On the parallel of 43 degrees the middle lies south of the straight line between its ends.
    degrees = layers.cover("line", crs="EPSG:4326").total_bounds
    np.testing.assert_allclose(degrees, [15, 43, 19, 45])
    assert len(east) > 100


def test_a_cover_that_is_no_land_is_refused(tmp_path, frame):
    frame([LineString([(50, -50), (950, -50)])]).to_file(tmp_path / "a.gpkg", layer="l")
    line = VectorSource("a.gpkg", layer="l", coverage=Coverage(in_file="l"))
    with pytest.raises(InputError, match="no polygons"):
        Layers({"line": line}, tmp_path).cover("line", crs=CRS)
