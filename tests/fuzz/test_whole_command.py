"""The same land in odd files gives the same features by the whole command."""

import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import xarray as xr
import yaml
import zarr

from minerisk.features.cube.store import open_cube
from minerisk.pipelines.steps import run_steps

ROOT = Path(__file__).resolve().parents[2]


def in_feet_and_turned(source: Path, path: Path) -> None:
    """Store an elevation model as Zarr: columns first, south first, in feet, one time, nodata."""
    with rasterio.open(source) as dataset:
        metres, place = dataset.read(1).astype(np.float64), dataset.transform
    lat = place.f + place.e * (np.arange(metres.shape[0]) + 0.5)
    lon = place.c + place.a * (np.arange(metres.shape[1]) + 0.5)
    array = xr.DataArray(
        metres / 0.3048,
        {"lat": lat, "lon": lon},
        ("lat", "lon"),
        attrs={"crs": "EPSG:4326+5773", "units": "ft"},
    )
    turned = array.isel(lat=slice(None, None, -1)).transpose("lon", "lat").expand_dims(time=[2020])
    turned.to_dataset(name="height").to_zarr(
        path, zarr_format=2, encoding={"height": {"_FillValue": -9999.0}}
    )
    assert zarr.open_group(path, mode="r")["height"].fill_value == -9999


def odd_files(root: Path) -> dict[str, dict[str, object]]:
    """Write the layers of the tiny study area anew; give what the configuration says of them."""
    tiny = ROOT / "data" / "tiny"
    shutil.copy(tiny / "base.gpkg", root)
    in_feet_and_turned(tiny / "dem30s_globe.tif", root / "height.zarr")
    towns = pd.read_csv(tiny / "settlements.csv")
    towns.to_csv(root / "towns.csv", index=False, sep=";", decimal=",", encoding="utf-8-sig")
    streams = gpd.read_file(tiny / "base.gpkg", layer="efas_5km_streams")
    streams.assign(adı="çay").to_file(root / "streams.shp", encoding="CP1254")
    (root / "streams.cpg").write_text("1254")
    return {
        "elevation": {"path": "height.zarr", "valid_range": [0, 15_000], "unit": None},
        "settlements": {"path": "towns.csv"},
        "streams": {"path": "streams.shp", "layer": None, "keep": {"adı": ["çay"]}},
    }


def test_odd_files_of_the_same_land_give_the_same_cube(tiny_run: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    config = yaml.safe_load((ROOT / "configs" / "tiny.yaml").read_text(encoding="utf-8"))
    config["data_root"] = str(root)
    for name, said in odd_files(root).items():
        config["layers"][name] |= said
    path = tmp_path / "odd.yaml"
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    run_steps(path, tmp_path / "run", last="build")
    odd, known = open_cube(tmp_path / "run" / "cube.zarr"), open_cube(tiny_run / "cube.zarr")
    assert odd.attrs["variables"] == known.attrs["variables"]
    for name in known.attrs["variables"]:
        # Feet and degrees lose a last digit, by which a ratio of small slopes may differ more.
        same = np.isclose(odd[name], known[name], rtol=1e-3, atol=1e-3, equal_nan=True)
        assert same.mean() > 0.999, name
