import numpy as np
import xarray as xr

from minerisk.pipelines.evaluate.land_kinds import cover_kinds, line_bands


def cube(**columns: tuple[list[float], str, str]) -> xr.Dataset:
    data = {
        name: (("y", "x"), np.array([values], np.float32), {"family": family, "layer": layer})
        for name, (values, family, layer) in columns.items()
    }
    return xr.Dataset(data, attrs={"variables": list(data)})


def test_land_is_cut_by_its_distance_from_the_line() -> None:
    found = line_bands(
        cube(
            front_signed_m=([-5, -5, -5, -5, -5], "front_line", "line, held"),
            front_distance_m=([0, 999, 1000, 10_000, np.nan], "front_line", "line, held"),
        )
    )
    assert found.names == ["less than 1 km", "1 to 3 km", "3 to 10 km", "10 km or more"]
    assert found.codes(slice(None)).tolist() == [[0, 0, 1, 3, -1]]


def test_land_cover_is_the_kind_with_the_greatest_share() -> None:
    found = cover_kinds(
        cube(
            cover_forest=([0.6, 0.2, 0.0, np.nan], "land_cover", "cover"),
            cover_water_wetland=([0.4, 0.8, 0.0, 0.0], "land_cover", "cover"),
        )
    )
    assert found.names == ["forest", "water wetland", "other"]
    assert found.codes(slice(None)).tolist() == [[0, 1, 2, -1]]


def test_a_cube_without_line_or_cover_is_not_cut_by_them() -> None:
    ground = cube(elevation_m=([1.0], "terrain", "dem"))
    assert line_bands(ground) is None
    assert cover_kinds(ground) is None
