import numpy as np
import pytest
from scipy.integrate import quad
from shapely.geometry import LineString, box

from minerisk.features.front.distance import expected_distance, front_line

# A line down the middle of column 5; the west is held.
LINE = LineString([(550, 1_000), (550, -3_000)])
WEST, EAST = box(-5_000, -3_000, 550, 1_000), box(550, -3_000, 5_000, 1_000)


def build(fake_layers, frame, geobox, *, held=None, sources=None):
    vectors = {"line": frame([LINE])} | ({} if held is None else {"held": frame([held])})
    layers = fake_layers(vectors=vectors, sources=sources)
    name = None if held is None else "held"
    return front_line(layers, geobox, layer="line", held_area=name, cap_m=400.0)


def test_distance_is_counted_in_cells_and_capped(fake_layers, frame, grid):
    found = build(fake_layers, frame, grid(3, 11)).front_distance_m
    assert found.values[1].tolist() == [400, 400, 300, 200, 100, 0, 100, 200, 300, 400, 400]


def test_the_held_side_is_negative(fake_layers, frame, grid):
    found = build(fake_layers, frame, grid(3, 11), held=WEST).front_signed_m
    assert found.values[1].tolist() == [-400, -400, -300, -200, -100, 0, 100, 200, 300, 400, 400]


def test_the_other_side_holding_turns_the_sign(fake_layers, frame, grid):
    west = build(fake_layers, frame, grid(3, 11), held=WEST).front_signed_m
    east = build(fake_layers, frame, grid(3, 11), held=EAST).front_signed_m
    assert np.array_equal(west, -east)


def test_without_a_held_area_or_error_there_is_the_distance_only(fake_layers, frame, grid):
    assert list(build(fake_layers, frame, grid(3, 11)).data_vars) == ["front_distance_m"]


def test_a_stated_error_gives_the_expected_distance(fake_layers, fake_source, frame, grid):
    sources = {"line": fake_source(position_error_m=150.0)}
    found = build(fake_layers, frame, grid(3, 11), sources=sources)
    # On the drawn line: the mean of a half-normal, sd * sqrt(2 / pi).
    assert found.front_expected_m.values[1, 5] == pytest.approx(150 * np.sqrt(2 / np.pi))
    assert (found.front_expected_m >= found.front_distance_m).all()


@pytest.mark.parametrize("d", [0.0, 50.0, 300.0, 2_000.0])
def test_expected_distance_is_the_integral_of_its_definition(d):
    def weighted(e):
        return abs(d + e) * np.exp(-(e**2) / (2 * 200**2)) / (200 * np.sqrt(2 * np.pi))

    value, _ = quad(weighted, -2_000, 2_000, points=[-d] if d < 2_000 else None, limit=200)
    found = expected_distance(np.array([d], np.float32), error_m=200.0)[0]
    assert found == pytest.approx(value, rel=1e-5)


def test_the_epoch_stands_in_the_names(fake_layers, frame, grid):
    layers = fake_layers({"line": frame([LINE])})
    found = front_line(layers, grid(3, 11), layer="line", epoch="1994", cap_m=400.0)
    assert list(found.data_vars) == ["front_1994_distance_m"]


def test_the_way_along_the_line_is_given_only_when_asked_for(fake_layers, frame, grid):
    layers = fake_layers({"line": frame([LINE])})
    found = front_line(layers, grid(3, 11), layer="line", along=True, cap_m=400.0)
    # The line begins 1,000 m north of the grid; rows are 100 m apart.
    assert found.front_to_end_m.values[:, 2].tolist() == [1_050, 1_150, 1_250]
