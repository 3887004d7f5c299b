import numpy as np
import pytest
from shapely.geometry import LineString, Point, box

from minerisk.features.errors import InputError
from minerisk.features.front.fortifications import fortifications


def test_distance_and_counts_by_hand(fake_layers, frame, grid):
    layers = fake_layers(vectors={"bunkers": frame([Point(50, -50), Point(60, -60)])})
    found = fortifications(layers, grid(1, 4), layer="bunkers", radii_m=(100.0, 250.0), cap_m=250.0)
    assert found.fortifications_bunkers_distance_m.values.tolist() == [[0, 100, 200, 250]]
    assert found.fortifications_bunkers_count_100m.values.tolist() == [[2, 2, 0, 0]]
    assert found.fortifications_bunkers_count_250m.values.tolist() == [[2, 2, 2, 0]]


def test_each_line_and_polygon_counts_once(fake_layers, frame, grid):
    shapes = [LineString([(10, -50), (390, -50)]), box(10, -90, 390, -10)]
    layers = fake_layers(vectors={"works": frame(shapes)})
    found = fortifications(layers, grid(1, 4), layer="works", radii_m=(1_000.0,), cap_m=250.0)
    assert found.fortifications_works_count_1000m.values.tolist() == [[2, 2, 2, 2]]
    assert (found.fortifications_works_distance_m == 0).all()


def works(frame):
    shapes = [Point(50, -50), Point(150, -50), LineString([(10, -50), (390, -50)])]
    return frame(shapes, sort=["post", "bunker", "trench"])


def test_types_are_told_apart_beside_the_whole(fake_layers, frame, grid):
    found = fortifications(
        fake_layers({"works": works(frame)}),
        grid(1, 4),
        **{"layer": "works", "radii_m": (100.0,), "cap_m": 250.0, "type_column": "sort"},
        types={"strongpoint": ("post", "bunker"), "trench": ("trench",)},
    )
    count = {name: found[name].values[0].tolist() for name in found if "count" in str(name)}
    assert count["fortifications_works_strongpoint_count_100m"] == [2, 2, 1, 0]
    # The trench counts once, at a point that lies on it; which of its cells that is, is open.
    assert sorted(count["fortifications_works_trench_count_100m"]) in ([0, 0, 1, 1], [0, 1, 1, 1])
    both = np.add(
        *(count[f"fortifications_works_{t}_count_100m"] for t in ("strongpoint", "trench"))
    )
    assert count["fortifications_works_count_100m"] == both.tolist()
    distance = found.fortifications_works_strongpoint_distance_m.values
    assert distance.tolist() == [[0, 0, 100, 200]]
    assert (found.fortifications_works_trench_distance_m == 0).all()


def test_metres_of_trench_are_those_in_the_cells_near_by(fake_layers, frame, grid):
    layers = fake_layers({"works": works(frame)})
    found = fortifications(layers, grid(1, 5), layer="works", radii_m=(100.0,), cap_m=250.0)
    # 90, 100, 100, 90 and 0 m in the cells; each sees its own and its neighbours'.
    assert found.fortifications_works_length_100m.values.tolist() == [[190, 290, 290, 190, 90]]


def test_a_layer_of_points_has_no_length(fake_layers, frame, grid):
    layers = fake_layers({"works": frame([Point(50, -50)])})
    found = fortifications(layers, grid(1, 2), layer="works", radii_m=(100.0,), cap_m=250.0)
    assert not [name for name in found if "length" in str(name)]


@pytest.mark.parametrize(
    ("column", "types", "message"),
    [
        ("sort", {"ditch": ("ditch",)}, "type ditch has 'ditch' for 'sort', which no row has"),
        ("kind", {"post": ("post",)}, "no column 'kind'"),
        (None, {"post": ("post",)}, "expected both or neither"),
        ("sort", {}, "expected both or neither"),
    ],
)
def test_types_that_are_not_there_are_refused(fake_layers, frame, grid, column, types, message):
    layers = fake_layers({"works": works(frame)})
    args = {"layer": "works", "radii_m": (100.0,), "cap_m": 250.0}
    with pytest.raises(InputError, match=message):
        fortifications(layers, grid(1, 2), type_column=column, types=types, **args)
