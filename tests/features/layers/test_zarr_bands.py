"""A Zarr array reads as xarray reads it, apart from what fills chunks that are not stored."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr
from affine import Affine
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.features.layers import bands

CRS = "EPSG:4326"
LAT, LON = np.array([40.5, 40.4, 40.3]), np.array([47.0, 47.1, 47.2, 47.3])
PLACE = Affine(0.1, 0.0, 46.95, 0.0, -0.1, 40.55)
VALUES = np.arange(12, dtype=np.int16).reshape(3, 4)


def array(values: NDArray[np.generic] = VALUES, **attributes: object) -> xr.DataArray:
    places = {"lat": LAT, "lon": LON}
    return xr.DataArray(values, places, ("lat", "lon"), "z", {"crs": CRS, **attributes})


def store(
    path: Path, data: xr.DataArray, *, zarr_format: int = 2, consolidated: bool = True, **z: object
) -> Path:
    data.to_dataset(name="z").to_zarr(
        path,
        zarr_format=zarr_format,  # type: ignore[arg-type]
        consolidated=consolidated,
        encoding={"z": z},
        mode="w",
    )
    return path


def read(path: Path, **chosen: object) -> NDArray[np.float64]:
    band = bands.open_band(path, **chosen)  # type: ignore[arg-type]
    return band.read(slice(0, band.shape[0]), slice(0, band.shape[1]))


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("dtype", ["int16", "uint8", "bool", "float32", "float64", ">i4"])
def test_zeros_are_zeros_whatever_the_fill_value_of_zarr_says(
    tmp_path: Path, zarr_format: int, dtype: str
) -> None:
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=zarr_format)  # type: ignore[arg-type]
    values = (VALUES % 2).astype(dtype)
    for name, dimensions, content in (
        ("lat", ["lat"], LAT),
        ("lon", ["lon"], LON),
        ("z", ["lat", "lon"], values),
    ):
        made = group.create_array(
            name,
            shape=content.shape,
            dtype=content.dtype,
            fill_value=0,
            dimension_names=dimensions if zarr_format == 3 else None,
        )
        made[:] = content
        made.attrs["_ARRAY_DIMENSIONS"] = dimensions
    group.attrs["crs"] = CRS
    assert read(tmp_path / "a.zarr").tolist() == (VALUES % 2).tolist()


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("consolidated", [True, False])
@pytest.mark.parametrize(
    "encoding",
    [
        {"_FillValue": -9999},
        {"_FillValue": 5},
        {"_FillValue": 0},
        {"_FillValue": -1, "scale_factor": 0.1, "add_offset": 5.0, "dtype": "int16"},
        {"_FillValue": -9.0, "dtype": "float32"},
        {"dtype": "float64"},
    ],
)
@pytest.mark.filterwarnings("ignore::zarr.errors.ZarrUserWarning")
def test_missing_values_scale_and_offset_are_those_of_xarray(
    tmp_path: Path, zarr_format: int, consolidated: bool, encoding: dict[str, object]
) -> None:
    if zarr_format == 2 and encoding.get("_FillValue") == 0:
        pytest.skip("Zarr 2 cannot tell it from its own beginning")
    data = array(VALUES.astype(np.float64))
    data[0, 0], data[1, 2] = np.nan, np.nan
    if "_FillValue" not in encoding:
        assert encoding["dtype"] == "float64"
    elif "dtype" not in encoding:
        encoding = {**encoding, "dtype": "int16"}
    path = store(
        tmp_path / "a.zarr", data, zarr_format=zarr_format, consolidated=consolidated, **encoding
    )
    with xr.open_dataset(path, engine="zarr", consolidated=consolidated) as opened:
        expected = opened["z"].to_numpy()
    assert np.isnan(expected).any()
    assert np.allclose(read(path), expected, atol=1e-12, equal_nan=True)


def test_missing_value_and_unsigned_integers_are_read(tmp_path: Path) -> None:
    path = store(tmp_path / "a.zarr", array(VALUES, missing_value=3))
    assert np.flatnonzero(np.isnan(read(path))).tolist() == [3]
    signed = (VALUES * 20).astype(np.uint8).view(np.int8)
    path = store(tmp_path / "b.zarr", array(signed, _Unsigned="true"))
    assert read(path).tolist() == (VALUES.astype(int) * 20 % 256).tolist()


def flipped(data: xr.DataArray) -> xr.DataArray:
    return data.transpose("lon", "lat")


def ascending(data: xr.DataArray) -> xr.DataArray:
    return data.isel(lat=slice(None, None, -1))


def named_by_attributes(data: xr.DataArray) -> xr.DataArray:
    data = data.rename(lat="first", lon="second")
    data["first"].attrs["axis"] = "Y"
    data["second"].attrs["standard_name"] = "longitude"
    return data


def of_one_band(data: xr.DataArray) -> xr.DataArray:
    return data.expand_dims(band=[1])


def of_one_time_last(data: xr.DataArray) -> xr.DataArray:
    return data.expand_dims(time=[np.datetime64("2024-05-01", "ns")]).transpose(
        "lat", "lon", "time"
    )


def in_float32(data: xr.DataArray) -> xr.DataArray:
    return data.assign_coords(lat=LAT.astype(np.float32), lon=LON.astype(np.float32))


def with_units(data: xr.DataArray) -> xr.DataArray:
    data["lat"].attrs["units"], data["lon"].attrs["units"] = "degrees_north", "degree_east"
    return data


@pytest.mark.parametrize(
    "change",
    [
        flipped,
        ascending,
        named_by_attributes,
        of_one_band,
        of_one_time_last,
        in_float32,
        with_units,
    ],
)
def test_dimensions_may_come_in_any_order_and_by_any_common_name(tmp_path: Path, change) -> None:  # type: ignore[no-untyped-def]
    path = store(tmp_path / "a.zarr", change(array()))
    band = bands.open_band(path)
    values = read(path)
    if band.transform.e > 0:
        values = values[::-1]
        assert band.transform.f == pytest.approx(40.25)
    else:
        assert band.transform.almost_equals(PLACE, precision=1e-5)
    assert values.tolist() == VALUES.tolist()


def test_a_longer_third_dimension_has_to_be_chosen_along(tmp_path: Path) -> None:
    data = xr.concat([array(), array(VALUES + 100)], dim="time").assign_coords(time=[2019, 2024])
    path = store(tmp_path / "a.zarr", data)
    said = r"dimensions time \(2\), lat \(3\), lon \(4\); lat and lon are needed alone.*1 to 2"
    with pytest.raises(InputError, match=said):
        bands.open_band(path)
    assert read(path, band=2).tolist() == (VALUES + 100).tolist()
    with pytest.raises(InputError, match="no band 3; it has 2 along time"):
        bands.open_band(path, band=3)
    both = store(tmp_path / "b.zarr", data.expand_dims(level=[1, 2]))
    with pytest.raises(InputError, match="Take one place along each of the others"):
        bands.open_band(both, band=1)


def test_dimensions_that_do_not_show_what_they_are_are_refused(tmp_path: Path) -> None:
    path = store(tmp_path / "a.zarr", array().rename(lat="first", lon="second"))
    with pytest.raises(InputError, match=r"first \(3\), second \(4\); which of them"):
        bands.open_band(path)


def test_coordinates_that_are_uneven_or_absent_are_refused(tmp_path: Path) -> None:
    uneven = array().assign_coords(lon=[47.0, 47.1, 47.2, 47.35])
    alone = array().drop_vars("lat")
    for number, data in enumerate((uneven, alone)):
        path = store(tmp_path / f"{number}.zarr", data)
        with pytest.raises(InputError, match="no evenly spaced coordinates along l"):
            bands.open_band(path)


def test_the_crs_is_found_where_programs_write_it(tmp_path: Path) -> None:
    import pyproj

    utm = pyproj.CRS("EPSG:32638")
    metres = array().rename(lat="y", lon="x").assign_coords(y=[30, 20, 10], x=[0, 10, 20, 30])
    del metres.attrs["crs"]
    mapping = metres.assign_attrs(grid_mapping="m").to_dataset(name="z")
    stores = {
        "wkt": mapping.assign(m=xr.DataArray(0, attrs={"crs_wkt": utm.to_wkt()})),
        "cf": mapping.assign(m=xr.DataArray(0, attrs=pyproj.CRS("EPSG:32638").to_cf())),
        "gdal": metres.assign_attrs(_CRS={"wkt": utm.to_wkt()}).to_dataset(name="z"),
    }
    parameters = stores["cf"]["m"].attrs
    stores["cf"]["m"].attrs = {key: parameters[key] for key in parameters if key != "crs_wkt"}
    for name, data in stores.items():
        data.to_zarr(tmp_path / f"{name}.zarr", zarr_format=2)
        band = bands.open_band(tmp_path / f"{name}.zarr")
        way = pyproj.Transformer.from_crs(band.crs, utm, always_xy=True)
        assert way.transform(500_000, 4_400_000) == pytest.approx((500_000, 4_400_000))


def test_coordinates_in_kilometres_become_those_of_the_crs_or_are_refused(tmp_path: Path) -> None:
    data = array(crs="EPSG:32638").rename(lat="y", lon="x")
    data = data.assign_coords(y=[4_400.2, 4_400.1, 4_400.0], x=[500.0, 500.1, 500.2, 500.3])
    for axis in ("y", "x"):
        data[axis].attrs["units"] = "km"
    band = bands.open_band(store(tmp_path / "a.zarr", data))
    assert band.transform.almost_equals(Affine(100, 0, 499_950, 0, -100, 4_400_250), precision=1e-5)
    data["y"].attrs["units"] = "degrees_north"
    with pytest.raises(InputError, match="does not go with the CRS"):
        bands.open_band(store(tmp_path / "b.zarr", data))


def test_values_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    days = np.full((3, 4), "2024-05-01", dtype="datetime64[ns]")
    group = store(tmp_path / "a.zarr", array(), consolidated=False)
    zarr.open_group(group, mode="r+")["z"].attrs["scale_factor"] = "ten"
    with pytest.raises(InputError, match="scale_factor is 'ten'"):
        bands.open_band(group)
    words = zarr.open_group(tmp_path / "b.zarr", mode="w", zarr_format=2)
    made = words.create_array("z", shape=days.shape, dtype=days.dtype)
    made.attrs["_ARRAY_DIMENSIONS"] = ["y", "x"]
    with pytest.raises(InputError, match="one number a cell"):
        bands.open_band(tmp_path / "b.zarr")


def test_a_chunk_that_is_damaged_is_refused_when_it_is_read(tmp_path: Path) -> None:
    path = store(tmp_path / "a.zarr", array())
    (path / "z" / "0.0").write_bytes(b"\x02nonsense")
    with pytest.raises(InputError, match="cannot be read"):
        read(path)


def test_a_unit_of_the_array_is_told(tmp_path: Path) -> None:
    assert bands.open_band(store(tmp_path / "a.zarr", array(units="cm"))).unit == "cm"
    assert bands.open_band(store(tmp_path / "b.zarr", array())).unit is None
