import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minerisk.features.raster.discs import position_and_roughness, positions_and_roughnesses
from minerisk.features.terrain.terrain import derivatives, terrain

CELL = 10.0
SLOPE, NORTH, EAST, PROFILE, TANGENTIAL = range(5)


def surface(function, size=9):
    """Heights over easting and northing in metres, the origin at the middle cell."""
    offsets = (np.arange(size) - size // 2) * CELL
    return function(offsets[None, :], -offsets[:, None]).astype(np.float32)


def at_middle(elevation):
    size = len(elevation) // 2
    return [float(values[size, size]) for values in derivatives(elevation, resolution_m=CELL)]


@pytest.mark.parametrize(("a", "b"), [(1.0, 0.0), (0.0, -0.5), (0.3, 0.4), (-0.2, 0.7)])
def test_a_plane_has_its_slope_and_faces_downhill(a, b):
    slope, north, east, profile, tangential = at_middle(surface(lambda x, y: a * x + b * y))
    steep = np.hypot(a, b)
    assert slope == pytest.approx(np.degrees(np.arctan(steep)), rel=1e-6)
    assert (north, east) == pytest.approx((-b / steep, -a / steep), abs=1e-6)
    assert (profile, tangential) == pytest.approx((0.0, 0.0), abs=1e-7)


def test_level_ground_faces_nowhere():
    assert at_middle(surface(lambda x, y: 0 * x * y + 300.0)) == [0.0] * 5


def test_the_top_of_a_dome_has_its_mean_curvature():
    values = at_middle(surface(lambda x, y: -0.001 * (x**2 + y**2)))
    assert values[PROFILE] == pytest.approx(0.002, rel=1e-5)
    assert values[TANGENTIAL] == pytest.approx(0.002, rel=1e-5)


def test_a_valley_along_the_slope_is_concave_across_only():
    values = at_middle(surface(lambda x, y: 0.2 * y + 0.001 * x**2))
    assert values[PROFILE] == pytest.approx(0.0, abs=1e-8)
    assert values[TANGENTIAL] == pytest.approx(-0.002 / np.sqrt(1 + 0.04), rel=1e-5)


def test_a_slope_that_steepens_downward_is_convex_along_only():
    values = at_middle(surface(lambda x, y: 0.2 * y - 0.001 * y**2 + 0 * x))
    assert values[PROFILE] == pytest.approx(0.002 / (1 + 0.04) ** 1.5, rel=1e-5)
    assert values[TANGENTIAL] == pytest.approx(0.0, abs=1e-8)


def test_a_saddle_bends_up_one_way_and_down_the_other():
    saddle = surface(lambda x, y: 0.001 * (x**2 - y**2))
    slope, *_, profile, tangential = derivatives(saddle, resolution_m=CELL)
    assert (slope[4, 4], profile[4, 4], tangential[4, 4]) == pytest.approx(
        (0.0, 0.0, 0.0), abs=1e-8
    )
    # 30 m east of the pass the ground rises by 0.06 for a metre: concave along, convex across.
    steep = 0.06
    assert slope[4, 7] == pytest.approx(np.degrees(np.arctan(steep)), rel=1e-5)
    assert profile[4, 7] == pytest.approx(-0.002 / (1 + steep**2) ** 1.5, rel=1e-4)
    assert tangential[4, 7] == pytest.approx(0.002 / np.sqrt(1 + steep**2), rel=1e-4)


def test_position_on_plane_dome_and_saddle_is_that_of_the_formula():
    planes = {"plane": (0.3, 0.4, 0.0, 0.0), "dome": (0, 0, -0.01, -0.01)}
    planes["saddle"] = (0, 0, 0.01, -0.01)
    offsets = [(i, j) for i in range(-3, 4) for j in range(-3, 4) if i * i + j * j <= 9]
    mean_square = np.mean([(CELL * i) ** 2 for i, _ in offsets])
    for a, b, c, d in planes.values():
        ground = surface(lambda x, y, a=a, b=b, c=c, d=d: a * x + b * y + c * x**2 + d * y**2)
        position, _ = position_and_roughness(ground, radius_m=30.0, resolution_m=CELL)
        assert position[4, 4] == pytest.approx(-(c + d) * mean_square, abs=1e-5)


def test_one_missing_cell_leaves_no_result_in_its_nine_neighbours():
    elevation = surface(lambda x, y: 0.3 * x + 0.4 * y)
    elevation[4, 4] = np.nan
    for values in derivatives(elevation, resolution_m=CELL):
        gaps = np.isnan(values[1:-1, 1:-1])
        assert np.argwhere(gaps).tolist() == [[i, j] for i in (2, 3, 4) for j in (2, 3, 4)]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_mirrored_ground_gives_mirrored_features(seed):
    z = np.random.default_rng(seed).normal(300, 30, (12, 15)).astype(np.float32)
    plain, east_west = derivatives(z, resolution_m=CELL), derivatives(z[:, ::-1], resolution_m=CELL)
    north_south = derivatives(z[::-1], resolution_m=CELL)
    for k in range(5):
        sign = -1 if k == EAST else 1
        np.testing.assert_allclose(east_west[k], sign * plain[k][:, ::-1], rtol=1e-4, atol=1e-6)
        sign = -1 if k == NORTH else 1
        np.testing.assert_allclose(north_south[k], sign * plain[k][::-1], rtol=1e-4, atol=1e-6)


def test_a_peak_stands_above_its_disc_by_hand():
    elevation = np.zeros((5, 5), dtype=np.float32)
    elevation[2, 2] = 13.0
    position, roughness = position_and_roughness(elevation, radius_m=20.0, resolution_m=10.0)
    assert position[2, 2] == pytest.approx(12.0)  # thirteen cells, mean 1
    assert roughness[2, 2] == pytest.approx(np.sqrt(12.0))  # 169 / 13 - 1


def test_means_are_over_the_cells_that_have_a_value():
    elevation = np.full((3, 3), np.nan, dtype=np.float32)
    elevation[1, 1], elevation[1, 2] = 10.0, 14.0
    position, roughness = position_and_roughness(elevation, radius_m=10.0, resolution_m=10.0)
    assert (position[1, 1], roughness[1, 1]) == (-2.0, 2.0)
    assert np.isnan(position[0, 0])
    assert np.isnan(roughness[0, 0])


def test_roughness_of_high_level_ground_is_zero():
    elevation = np.full((60, 60), 8_848.86, dtype=np.float32)
    position, roughness = position_and_roughness(elevation, radius_m=300.0, resolution_m=10.0)
    assert (roughness == 0).all()
    assert (np.abs(position) < 1e-6).all()


def test_the_variables_have_the_names_and_units_of_the_glossary(fake_layers, grid):
    layers = fake_layers(rasters={"dem": lambda x, y: 0.1 * x + 0 * y})
    dataset = terrain(layers, grid(6, 6), layer="dem", radii_m=(500.0,))
    assert {name: a.attrs["unit"] for name, a in dataset.data_vars.items()} == {
        "elevation_m": "m",
        "slope_deg": "degree",
        "northness": "1",
        "eastness": "1",
        "curvature_profile": "1/m",
        "curvature_tangential": "1/m",
        "tpi_500m": "m",
        "roughness_500m": "m",
    }


@pytest.mark.parametrize("gaps", [False, True])
def test_discs_are_the_sums_of_their_cells_whatever_others_are_asked_for(gaps):
    z = np.round(np.random.default_rng(5).normal(700, 200, (23, 31)), 2).astype(np.float32)
    z[5:7, 3:20] = np.nan if gaps else 1.0
    radii = (10.0, 35.0, 120.0)
    together = positions_and_roughnesses(z, radii_m=radii, resolution_m=10.0)
    rows, columns = np.indices(z.shape)
    for radius, (position, roughness) in zip(radii, together, strict=True):
        alone = position_and_roughness(z, radius_m=radius, resolution_m=10.0)
        assert position.tobytes() == alone[0].tobytes()
        assert roughness.tobytes() == alone[1].tobytes()
        for row, column in ((0, 0), (11, 15), (22, 30), (4, 28)):
            near = np.hypot(rows - row, columns - column) * 10.0 <= radius
            around = z[near & ~np.isnan(z)].astype(np.float64)
            assert position[row, column] == pytest.approx(z[row, column] - around.mean(), abs=0.01)
            assert roughness[row, column] == pytest.approx(around.std(), abs=0.01)
