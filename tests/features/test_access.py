import numpy as np
import pytest
from shapely.geometry import LineString, Point

from features.access import density, distance
from features.errors import InputError


def test_distance_by_hand(fake_layers, frame, grid):
    layers = fake_layers(vectors={"roads": frame([LineString([(50, 500), (50, -500)])])})
    found = distance(layers, grid(2, 4), layer="roads", cap_m=250.0)
    assert found.roads_distance_m.values.tolist() == [[0, 100, 200, 250]] * 2


def test_points_per_square_kilometre(fake_layers, frame, grid):
    layers = fake_layers(vectors={"towns": frame([Point(250, -250)] * 3)})
    found = density(layers, grid(5, 5), layer="towns", radii_m=(100.0,)).towns_density_100m
    # Five cells of 0.01 km2 make the disc.
    assert found.values[2, 1] == pytest.approx(3 / 0.05)
    assert found.values[1, 1] == 0
    assert found.attrs["unit"] == "1/km2"


def test_weights_are_summed_and_missing_ones_add_nothing(fake_layers, frame, grid):
    towns = frame([Point(250, -250)] * 3, people=[100.0, 0.5, np.nan])
    layers = fake_layers(vectors={"towns": towns})
    found = density(
        layers, grid(5, 5), layer="towns", radii_m=(100.0,), weight_column="people"
    ).towns_density_100m
    assert found.values[2, 2] == pytest.approx(100.5 / 0.05)


def test_metres_of_line_per_square_kilometre(fake_layers, frame, grid):
    layers = fake_layers(vectors={"roads": frame([LineString([(-900, -250), (900, -250)])])})
    found = density(layers, grid(5, 5), layer="roads", radii_m=(100.0,)).roads_density_100m
    assert found.values[2, 2] == pytest.approx(300 / 0.05)  # three cells of the disc's five
    assert found.values[1, 2] == pytest.approx(100 / 0.05)
    assert found.attrs["unit"] == "m/km2"


def test_lines_mixed_with_points_are_refused(fake_layers, frame, grid):
    layers = fake_layers(vectors={"mix": frame([Point(0, 0), LineString([(0, 0), (9, 9)])])})
    with pytest.raises(InputError, match="Split it"):
        density(layers, grid(2, 2), layer="mix", radii_m=(100.0,))


@pytest.mark.parametrize(("column", "words"), [("peple", "has no column"), ("name", "numbers")])
def test_a_column_that_cannot_be_summed_is_refused(fake_layers, frame, grid, column, words):
    layers = fake_layers(vectors={"towns": frame([Point(0, 0)], name=["Mostar"])})
    with pytest.raises(InputError, match=words):
        density(layers, grid(2, 2), layer="towns", radii_m=(100.0,), weight_column=column)


def test_an_infinite_weight_is_refused(fake_layers, frame, grid):
    layers = fake_layers(vectors={"towns": frame([Point(0, 0)], people=[np.inf])})
    with pytest.raises(InputError, match="people"):
        density(layers, grid(2, 2), layer="towns", radii_m=(100.0,), weight_column="people")
