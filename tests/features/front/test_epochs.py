import numpy as np
import pytest
from shapely.geometry import LineString, box

from minerisk.features.cube.feature import build_window
from minerisk.features.errors import InputError
from minerisk.features.layers.sources import Coverage

# A row of ten cells of 100 m. The line of 1992 crosses cell 1 and is known in cells 0 to 4, that
# of 1994 crosses cell 8 and is known in cells 3 to 9.
SHAPES = {
    "early": [LineString([(150, -100), (150, 0)])],
    "late": [LineString([(850, -100), (850, 0)])],
    "early_sheet": [box(0, -100, 500, 0)],
    "late_sheet": [box(300, -100, 1_000, 0)],
    "held_early": [box(0, -100, 150, 0)],
    "held_late": [box(0, -100, 850, 0)],
}
ASKED = {"layer": {"1992": "early", "1994": "late"}, "near_m": (150.0,), "cap_m": 400.0}
NOT = np.nan


@pytest.fixture
def layers(fake_layers, fake_source, frame):
    sources = {
        "early": fake_source(position_error_m=50.0, coverage=Coverage(layer="early_sheet")),
        "late": fake_source(coverage=Coverage(layer="late_sheet")),
    }
    vectors = {name: frame(shapes) for name, shapes in SHAPES.items()}
    return fake_layers(vectors=vectors, sources=sources)


def values(layers, grid, name, **more):
    made = build_window(layers, grid(1, 10), kind="front_epochs", params=ASKED | more)
    return made[name].values[0].round(3).tolist()


def same(one, other):
    np.testing.assert_array_equal(np.float32(one), np.float32(other))


def test_each_line_speaks_for_its_own_land(layers, grid):
    same(values(layers, grid, "front_1992_distance_m"), [100, 0, 100, 200, 300] + [NOT] * 5)
    far = [NOT] * 3 + [400, 400, 300, 200, 100, 0, 100]
    same(values(layers, grid, "front_1994_distance_m"), far)


def test_the_nearest_is_that_of_the_lines_known_at_the_cell(layers, grid):
    nearest = [100, 0, 100, 200, 300, 300, 200, 100, 0, 100]
    same(values(layers, grid, "front_nearest_m"), nearest)


def test_the_nearest_to_be_expected_goes_by_the_error_of_each_line(layers, grid):
    expected = values(layers, grid, "front_nearest_expected_m")
    assert expected[1] == pytest.approx(50 * np.sqrt(2 / np.pi), abs=1e-3)
    assert expected[8] == 0  # a line without an error is where it is drawn


def test_the_share_of_epochs_counts_those_known(layers, grid):
    share = [1, 1, 1, 0, 0, 0, 0, 1, 1, 1]
    same(values(layers, grid, "front_epochs_within_150m"), share)


def test_land_changes_hands_between_the_epochs(layers, grid):
    held = {"1992": "held_early", "1994": "held_late"}
    # A cell belongs to the side that holds its centre; a centre on the edge is not held.
    same(values(layers, grid, "front_changed_hands", held_area=held), [0] + [1] * 7 + [0] * 2)
    half = [1] + [0.5] * 7 + [0] * 2
    same(values(layers, grid, "front_held_share", held_area=held), half)


def test_a_side_that_is_not_known_then_is_no_change(layers, fake_source, grid):
    layers.sources["held_late"] = fake_source(coverage=Coverage(layer="late_sheet"))
    held = {"1992": "held_early", "1994": "held_late"}
    known = [NOT] * 3 + [1] * 5 + [0] * 2
    same(values(layers, grid, "front_changed_hands", held_area=held), known)


def test_no_line_known_is_nodata(layers, fake_source, grid):
    layers.sources["late"] = fake_source(coverage=Coverage(layer="early_sheet"))
    same(values(layers, grid, "front_nearest_m")[5:], [NOT] * 5)
    same(values(layers, grid, "front_epochs_within_150m")[5:], [NOT] * 5)


def test_a_side_of_an_epoch_without_a_line_is_refused(layers, grid):
    with pytest.raises(InputError, match="Name the same epochs"):
        values(layers, grid, "front_nearest_m", held_area={"2020": "held_late"})
