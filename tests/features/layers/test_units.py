"""A unit that is stated, by configuration or file, is converted or refused; never ignored."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from odc.geo.geobox import GeoBox

from minerisk.features.errors import InputError
from minerisk.features.layers.sources import Layers, RasterSource
from minerisk.features.raster_files.units import factor_between, parse_unit

GRID = GeoBox.from_bbox((500_000, 4_399_980, 500_020, 4_400_000), "EPSG:32638", shape=(2, 2))


def write(path: Path, value: float, **profile: object) -> Path:
    settings = {
        **{"driver": "GTiff", "count": 1, "dtype": "float32", "height": 4, "width": 4},
        "crs": "EPSG:32638",
        "transform": rasterio.transform.from_origin(499_990, 4_400_010, 10, 10),
        **profile,
    }
    with rasterio.open(path, "w", **settings) as dataset:
        dataset.write(np.full((4, 4), value, np.float32), 1)
    return path


def in_metres(root: Path, unit: str | None = None) -> float:
    layers = Layers({"dem": RasterSource(Path("dem.tif"), unit=unit)}, root)
    return float(layers.raster("dem", GRID, unit="m")[0, 0])


@pytest.mark.parametrize(
    ("unit", "metres"),
    [
        *[("m", 1.0), ("Metre", 1.0), ("meters", 1.0), ("dm", 0.1), ("decimetres", 0.1)],
        *[("cm", 0.01), ("0.1 m", 0.1), ("10 cm", 0.1), ("km", 1000.0), ("yd", 0.9144)],
        *[("ft", 0.3048), ("feet", 0.3048), ("international foot", 0.3048), ("ft.", 0.3048)],
        *[("US survey foot", 1200 / 3937), ("us-ft", 1200 / 3937), ("ftUS", 1200 / 3937)],
        *[("foot_us", 1200 / 3937), ("U.S. survey feet", 1200 / 3937)],
    ],
)
def test_lengths_become_metres(unit: str, metres: float) -> None:
    assert factor_between(unit, "m") == pytest.approx(metres, rel=1e-15)


def test_angles_and_shares_are_no_lengths() -> None:
    assert factor_between("percent", "degree") is None
    assert factor_between("°", "rad") == pytest.approx(np.pi / 180)
    assert factor_between("%", "1") == 0.01
    for unit in ("degree", "%", "1", "IGBP class", "m/s", "1e-2 m", "hPa"):
        assert factor_between(unit, "m") is None
    assert parse_unit("IGBP class") is None


@pytest.mark.parametrize("unit", ["%", "degree"])
def test_a_unit_of_the_vertical_crs_is_not_that_of_a_slope(tmp_path: Path, unit: str) -> None:
    write(tmp_path / "slope.tif", 12, crs="EPSG:32638+5773")
    source = RasterSource(Path("slope.tif"), unit=unit)
    layers = Layers({"slope": source}, tmp_path)
    assert layers.band("slope").unit == "metre"
    assert layers.unit("slope") == unit
    assert float(layers.raster("slope", GRID)[0, 0]) == 12
    heights = Layers({"dem": RasterSource(Path("slope.tif"), unit="ft")}, tmp_path)
    with pytest.raises(InputError, match="in ft by the configuration and in metre by its file"):
        heights.unit("dem")


def test_a_unit_of_the_configuration_is_converted(tmp_path: Path) -> None:
    write(tmp_path / "dem.tif", 1000)
    assert in_metres(tmp_path) == 1000
    assert in_metres(tmp_path, "ft") == pytest.approx(304.8)
    with pytest.raises(InputError, match="dem is in degree, and is read as m"):
        in_metres(tmp_path, "degree")


def test_a_unit_of_the_file_is_converted_and_may_not_contradict(tmp_path: Path) -> None:
    with rasterio.open(write(tmp_path / "dem.tif", 1000), "r+") as dataset:
        dataset.units = ("US survey foot",)
    assert in_metres(tmp_path) == pytest.approx(1000 * 1200 / 3937)
    assert in_metres(tmp_path, "us-ft") == pytest.approx(1000 * 1200 / 3937)
    with pytest.raises(InputError, match="in m by the configuration and in US survey foot by its"):
        in_metres(tmp_path, "m")


def test_a_word_that_is_no_unit_gives_way_to_the_configuration(tmp_path: Path) -> None:
    with rasterio.open(write(tmp_path / "dem.tif", 1000), "r+") as dataset:
        dataset.units = ("height above the sea",)
    assert in_metres(tmp_path, "m") == 1000
    with pytest.raises(InputError, match="height above the sea"):
        in_metres(tmp_path)


def test_the_unit_of_a_vertical_crs_counts(tmp_path: Path) -> None:
    write(tmp_path / "dem.tif", 1000, crs="EPSG:32638+6360")
    assert in_metres(tmp_path) == pytest.approx(1000 * 1200 / 3937)


def test_a_unit_beside_the_file_counts(tmp_path: Path) -> None:
    write(tmp_path / "dem.tif", 1000)
    (tmp_path / "dem.tif.aux.xml").write_text(
        "<PAMDataset><PAMRasterBand band='1'><UnitType>ft</UnitType></PAMRasterBand></PAMDataset>"
    )
    assert in_metres(tmp_path) == pytest.approx(304.8)


def test_a_layer_that_is_read_as_it_is_keeps_values_and_unit(tmp_path: Path) -> None:
    write(tmp_path / "dem.tif", 12)
    layers = Layers({"slope": RasterSource(Path("dem.tif"), unit="%")}, tmp_path)
    assert layers.raster("slope", GRID)[0, 0] == 12
    assert layers.unit("slope") == "%"
