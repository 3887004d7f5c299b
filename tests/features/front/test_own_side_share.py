import numpy as np
import pytest
from shapely.geometry import box

from minerisk.features.front.own_side_share import own_side_share


def test_half_of_the_land_is_ones_own_on_a_straight_line(fake_layers, frame, grid):
    # Cells of 100 m; the held land is the western half, columns 0 to 9 of 20.
    layers = fake_layers(
        vectors={
            "held": frame([box(-9_000, -9_000, 1_000, 9_000)]),
            "land": frame([box(-9_000, -9_000, 9_000, 9_000)]),
        }
    )
    found = own_side_share(layers, grid(9, 20), layer="held", land="land", radii_m=(300.0,))
    share = found.own_side_share_300m.values[4]
    np.testing.assert_allclose(share, share[::-1])
    assert share[4] == 1
    # The disc of 29 cells at a column beside the line: columns at -3 to 3 hold 1, 5, 5, 7, 5, 5, 1.
    assert share[9] == pytest.approx(18 / 29)


def test_a_salient_has_the_other_side_around_it(fake_layers, frame, grid):
    layers = fake_layers(
        vectors={
            "held": frame([box(400, -500, 500, -400)]),
            "land": frame([box(-9_000, -9_000, 9_000, 9_000)]),
        }
    )
    found = own_side_share(layers, grid(9, 9), layer="held", land="land", radii_m=(300.0,))
    assert found.own_side_share_300m.values[4, 4] == pytest.approx(1 / 29)
    assert found.own_side_share_300m.values[4, 5] == pytest.approx(28 / 29)


def test_land_beyond_the_border_does_not_count(fake_layers, frame, grid):
    layers = fake_layers(
        vectors={
            "held": frame([box(0, -900, 500, 0)]),
            "land": frame([box(0, -900, 900, -200)]),
        }
    )
    found = own_side_share(layers, grid(9, 9), layer="held", land="land", radii_m=(300.0,))
    assert np.isnan(found.own_side_share_300m.values[:2]).all()
    # Row 2 is the first that counts: 4 rows of the disc, 7 + 5 + 5 + 1 cells; of these at column 4
    # the columns 5 to 7 are the other side's: 3 + 2 + 2.
    assert found.own_side_share_300m.values[2, 4] == pytest.approx(11 / 18)
