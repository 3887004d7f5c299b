import numpy as np
import pytest
from shapely.geometry import LineString, box

from minerisk.features.errors import InputError
from minerisk.features.land_use.edges import land_cover_edge, margin


def test_the_distance_to_the_edge_of_the_forest_by_hand(fake_layers, grid):
    layers = fake_layers(rasters={"cover": lambda x, y: np.where(x < 300, 5.0, 9.0) + 0 * y})
    found = land_cover_edge(
        layers, grid(2, 7), layer="cover", groups={"forest": (4, 5)}, cap_m=250.0
    ).forest_edge_m
    # Three cells of forest, four of other land; the edge lies between two cells.
    assert found.values[0].tolist() == [-250, -150, -50, 50, 150, 250, 250]


def test_a_gap_in_the_layer_is_no_edge(fake_layers, grid):
    def cover(x, y):
        return np.where(x < 300, 5.0, np.nan) + 0 * y

    found = land_cover_edge(
        fake_layers(rasters={"cover": cover}),
        grid(2, 5),
        layer="cover",
        groups={"forest": (5,)},
        cap_m=400.0,
    ).forest_edge_m.values
    assert found[0, :3].tolist() == [-400, -400, -400]
    assert np.isnan(found[:, 3:]).all()


def test_the_edge_of_a_group_and_of_all_else_differ_by_sign(fake_layers, grid):
    layers = fake_layers(rasters={"cover": lambda x, y: np.floor((x + 2 * y) / 300) % 2})
    found = land_cover_edge(
        layers, grid(12, 12), layer="cover", groups={"a": (0,), "b": (1,)}, cap_m=900.0
    )
    assert np.array_equal(found.a_edge_m.values, -found.b_edge_m.values)


def test_the_verges_of_a_road_by_hand(fake_layers, frame, grid):
    layers = fake_layers(vectors={"roads": frame([LineString([(-500, -150), (900, -150)])])})
    found = margin(layers, grid(3, 3), layer="roads", widths_m=(15.0, 70.0), beyond_m=5.0)
    # Two verges of 10 m in a cell of 100 m; to 70 m off, 45 m each in it, 20 m in its neighbours.
    np.testing.assert_allclose(found.roads_margin_15m.values[:, 1], [0, 0.2, 0], atol=1e-6)
    np.testing.assert_allclose(found.roads_margin_70m.values[:, 1], [0.2, 0.9, 0.2], atol=1e-6)
    assert "within 5 to 15 m" in found.roads_margin_15m.attrs["words"]


def test_the_bank_of_a_lake_is_on_both_sides_of_its_shore(fake_layers, frame, grid):
    layers = fake_layers(vectors={"lakes": frame([box(-900, -900, 150, 900)])})
    found = margin(layers, grid(1, 4), layer="lakes", widths_m=(75.0,), beyond_m=0.0)
    np.testing.assert_allclose(found.lakes_margin_75m.values[0], [0.25, 1, 0.25, 0], atol=1e-6)


def test_a_margin_that_ends_before_it_begins_is_refused(fake_layers, frame, grid):
    layers = fake_layers(vectors={"roads": frame([LineString([(0, 0), (1, 1)])])})
    with pytest.raises(InputError, match="widths_m above beyond_m"):
        margin(layers, grid(1, 1), layer="roads", widths_m=(5.0,), beyond_m=5.0)
