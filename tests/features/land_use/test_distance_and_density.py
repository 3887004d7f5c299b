import numpy as np
import pytest
from shapely.geometry import LineString, Point

from minerisk.features.errors import InputError
from minerisk.features.land_use.distance_and_density import density, distance, population_change


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


@pytest.mark.parametrize(
    ("column", "words"), [("peple", "has no column"), ("name", "expected a number")]
)
def test_a_column_that_cannot_be_summed_is_refused(fake_layers, frame, grid, column, words):
    layers = fake_layers(vectors={"towns": frame([Point(0, 0)], name=["Mostar"])})
    with pytest.raises(InputError, match=words):
        density(layers, grid(2, 2), layer="towns", radii_m=(100.0,), weight_column=column)


def test_an_infinite_weight_is_refused(fake_layers, frame, grid):
    layers = fake_layers(vectors={"towns": frame([Point(0, 0)], people=[np.inf])})
    with pytest.raises(InputError, match="people"):
        density(layers, grid(2, 2), layer="towns", radii_m=(100.0,), weight_column="people")


def test_abandoned_settlements_and_where_people_have_left(fake_layers, frame, grid):
    places = [Point(50, -250), Point(450, -250), Point(850, -250)]
    towns = frame(places, before=[999.0, 100, np.nan], after=[99.0, 5, 0])
    asked = {"radii_m": (100.0,), "abandoned_share": 0.05, "cap_m": 300.0}
    found = population_change(
        fake_layers(vectors={"towns": towns}),
        grid(5, 9),
        layer="towns",
        before_column="before",
        after_column="after",
        **asked,
    )
    # One in ten is left in the first; the second is abandoned; of the third nothing is known.
    row = found.towns_abandoned_distance_m.values[2]
    assert row.tolist() == [300, 300, 200, 100, 0, 100, 200, 300, 300]
    change = found.towns_people_change_100m.values[2]
    assert change[[0, 4]] == pytest.approx(np.log([100 / 1_000, 6 / 101]), rel=1e-6)
    assert change[[2, 8]].tolist() == [0, 0]


def test_fewer_than_no_people_are_refused(fake_layers, frame, grid):
    towns = frame([Point(50, -50)], before=[10.0], after=[-1.0])
    with pytest.raises(InputError, match="column after, row 1: '-1'; expected a number at least 0"):
        population_change(
            fake_layers(vectors={"towns": towns}),
            grid(2, 2),
            layer="towns",
            before_column="before",
            after_column="after",
            radii_m=(),
            abandoned_share=0.1,
            cap_m=100.0,
        )
