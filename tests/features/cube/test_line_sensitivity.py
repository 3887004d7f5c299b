import numpy as np
import pytest
from shapely.geometry import LineString, box

from minerisk.features.cube.line_sensitivity import front_sensitivity
from minerisk.features.errors import InputError

LINE = LineString([(500, 20_000), (500, -20_000)])
HELD = box(-20_000, -20_000, 500, 20_000)
FEATURES = [
    ("front_line", {"layer": "line", "held_area": "held", "cap_m": 9_000.0}),
    ("distance", {"layer": "road", "cap_m": 500.0}),
]


def sensitivity(fake_layers, fake_source, frame, geobox, *, error=400.0, seed=3, draws=12):
    road = LineString([(0, -250), (900, -250)])
    layers = fake_layers(
        {"line": frame([LINE]), "held": frame([HELD]), "road": frame([road])},
        sources={"line": fake_source(position_error_m=error)},
    )
    return front_sensitivity(
        layers,
        FEATURES,
        **{"geobox": geobox, "inside": np.ones(tuple(geobox.shape), bool), "draws": draws},
        rng=np.random.default_rng(seed),
    )


def test_a_signed_distance_changes_by_the_mean_of_the_error(fake_layers, fake_source, frame, grid):
    geobox = grid(60, 60, left=-25, top=30, resolution=250.0)
    found = sensitivity(fake_layers, fake_source, frame, geobox)["front_signed_m"]
    # A straight line moved by e across itself changes it by e: half-normal, sd * sqrt(2 / pi).
    assert found.change == pytest.approx(400 * np.sqrt(2 / np.pi), rel=0.3)
    assert found.spread == pytest.approx(np.std((np.arange(60) - 27) * 250), rel=0.05)
    assert found.share == found.change / found.spread


def test_only_what_reads_an_uncertain_layer_is_told(fake_layers, fake_source, frame, grid):
    found = sensitivity(fake_layers, fake_source, frame, grid(9, 9), draws=1)
    assert set(found) == {"front_distance_m", "front_signed_m", "front_expected_m"}


def test_what_reads_the_held_area_alone_goes_with_its_line(fake_layers, fake_source, frame, grid):
    land = frame([box(-30_000, -20_000, 30_000, 20_000)])
    layers = fake_layers(
        {"line": frame([LINE]), "held": frame([HELD]), "land": land},
        sources={"line": fake_source(position_error_m=400.0)},
    )
    share = ("own_side_share", {"layer": "held", "land": "land", "radii_m": [2_000.0]})
    geobox = grid(40, 40, left=-20, top=20, resolution=250.0)
    found = front_sensitivity(
        layers,
        [FEATURES[0], share],
        **{"geobox": geobox, "inside": np.ones(tuple(geobox.shape), bool), "draws": 2},
        rng=np.random.default_rng(0),
    )
    assert 0 < found["own_side_share_2000m"].share < 1


def test_the_same_generator_gives_the_same_answer(fake_layers, fake_source, frame, grid):
    args = (fake_layers, fake_source, frame, grid(9, 9))
    assert sensitivity(*args, draws=2) == sensitivity(*args, draws=2)
    assert sensitivity(*args, draws=2) != sensitivity(*args, draws=2, seed=4)


def test_a_larger_error_changes_more(fake_layers, fake_source, frame, grid):
    args = (fake_layers, fake_source, frame, grid(20, 20, left=-10, resolution=300.0))
    small, large = (sensitivity(*args, error=e)["front_signed_m"].change for e in (100.0, 900.0))
    assert large > 3 * small


def test_without_a_draw_there_is_no_answer(fake_layers, fake_source, frame, grid):
    with pytest.raises(InputError, match="at least one"):
        sensitivity(fake_layers, fake_source, frame, grid(2, 2), draws=0)
