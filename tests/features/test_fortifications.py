from shapely.geometry import LineString, Point, box

from features.fortifications import fortifications


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
