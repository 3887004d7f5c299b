import numpy as np

from features.land_cover import land_cover, value


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
