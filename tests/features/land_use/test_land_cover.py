import numpy as np
import pytest

from minerisk.features.errors import InputError
from minerisk.features.land_use.land_cover import change, land_cover, value


def test_groups_become_indicators_and_gaps_stay_gaps(fake_layers, grid):
    codes = np.array([[1.0, 2.0, 12.0, np.nan]])
    layers = fake_layers(rasters={"cover": lambda x, y: codes})
    found = land_cover(
        layers, grid(1, 4), layer="cover", groups={"forest": (1, 2), "cropland": (12, 14)}
    )
    np.testing.assert_array_equal(found.land_cover_forest, [[1, 1, 0, np.nan]])
    np.testing.assert_array_equal(found.land_cover_cropland, [[0, 0, 1, np.nan]])


def test_value_is_the_raster_in_its_unit(fake_layers, fake_source, grid):
    layers = fake_layers(rasters={"wet": lambda x, y: x}, sources={"wet": fake_source(unit="mm")})
    found = value(layers, grid(1, 3), layer="wet").wet
    assert found.values.tolist() == [[50, 150, 250]]
    assert found.attrs["unit"] == "mm"


def test_change_is_later_less_earlier_in_one_unit(fake_layers, fake_source, grid):
    rasters = {"now": lambda x, y: x + 0 * y, "then": lambda x, y: np.where(x > 200, np.nan, 30.0)}
    layers = fake_layers(rasters=rasters)
    found = change(layers, grid(1, 3), layer="now", before="then").now_change
    np.testing.assert_array_equal(found.values, [[20, 120, np.nan]])
    mixed = fake_layers(rasters=rasters, sources={"now": fake_source(unit="people")})
    with pytest.raises(InputError, match="in people and then in no stated unit"):
        change(mixed, grid(1, 3), layer="now", before="then")
    units = {"now": fake_source(unit="m"), "then": fake_source(unit="cm")}
    found = change(
        fake_layers(rasters=rasters, sources=units), grid(1, 3), layer="now", before="then"
    )
    np.testing.assert_allclose(found.now_change.values, [[49.7, 149.7, np.nan]], rtol=1e-6)
    assert found.now_change.attrs["unit"] == "m"
