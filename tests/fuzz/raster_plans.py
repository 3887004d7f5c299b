"""Raster layers as people have them: what is drawn, how it is written, and what it then says.

What a file says is told by rasterio and xarray and by what was drawn; nothing of minerisk is used.
"""

import base64
import shutil
import struct
import warnings
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import rasterio
import xarray as xr
import zarr
from affine import Affine
from hypothesis import strategies as st
from numpy.typing import NDArray

UTM = "EPSG:32638"
WEST, SOUTH, SIDE = 700_000.0, 4_400_000.0, 90.0
"""The study area: a square, metres in UTM."""
MARGIN = 120.0
SHAPE = (29, 31)
FEET = {"m": 1.0, "metre": 1.0, "ft": 0.3048, "US survey foot": 1200 / 3937, "cm": 0.01, "dm": 0.1}
LOCAL = 'LOCAL_CS["site grid",UNIT["metre",1],AXIS["x",EAST],AXIS["y",NORTH]]'
TOWGS = pyproj.CRS(
    "+proj=utm +zone=38 +ellps=krass +towgs84=25,-141,-78.5,0,0.35,0.736,0 +type=crs"
).to_wkt()
CRS = ("EPSG:32638", "EPSG:4326", "EPSG:3857", "EPSG:32637", "EPSG:28408", "EPSG:4326+5773")
ODD_CRS = ("EPSG:4979", "EPSG:32638+5773", "EPSG:4284", "EPSG:2039", TOWGS)
WRONG_CRS = ("EPSG:4978", LOCAL, None)


@dataclass(frozen=True)
class RasterPlan:
    """Everything that is drawn of a raster layer.

    Attributes
    ----------
    nodata
        How missing cells are said: by nothing, in the file, beside it, in the configuration, or by
        a mask; ``undeclared`` writes a fill that nothing declares.
    says
        ``file`` or ``beside``: where scale, offset and unit are.
    unit, told_unit
        By the file, and by the configuration.
    """

    kind: str = "tif"
    dtype: str = "float32"
    crs: str | None = UTM
    lie: str = "north_up"
    nodata: str = "none"
    fill: float = -9999.0
    scale: tuple[float, float] = (1.0, 0.0)
    says: str = "file"
    unit: str | None = None
    told_unit: str | None = None
    elevation: bool = True
    bands: int = 1
    chosen: int | None = None
    stored: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    names: tuple[str, str] = ("y", "x")
    order: str = "yx"
    extra: str = "none"
    consolidated: bool = True
    zarr_fill: float = 0.0
    coordinates: str = "float64"
    seed: int = 0

    @property
    def path(self) -> Path:
        """The file, relative to its folder."""
        return Path("a.tif" if self.kind == "tif" else "a.zarr")

    @property
    def stated_unit(self) -> str | None:
        """The unit by the file; GDAL states that of a vertical CRS where the band has none."""
        vertical = self.kind == "tif" and self.crs is not None and "+" in self.crs[5:]
        return self.unit or ("metre" if vertical and self.crs != TOWGS else None)

    @property
    def metres(self) -> float:
        """What values are multiplied by to be in the unit that they are read in."""
        return FEET[self.told_unit or self.unit or "m"] if self.elevation else 1.0

    def why_invalid(self) -> str | None:
        """Say why it must be refused; None where it must be read."""
        if self.crs in WRONG_CRS:
            return "CRS"
        if self.nodata == "undeclared":
            return "undeclared nodata"
        stated, told = FEET.get(self.stated_unit or ""), FEET.get(self.told_unit or "")
        if stated and told and stated != told:
            return "contradicting units"
        if self.elevation and {self.unit, self.told_unit} & {"degree", "%"}:
            return "unit"
        if self.dtype == "complex64":
            return "complex numbers"
        if self.coordinates == "uneven":
            return "uneven coordinates"
        if self.extra == "time" and self.chosen is None:
            return "no choice along a dimension"
        if self.names == ("a", "b"):
            return "unknown dimensions"
        return None


def values_of(plan: RasterPlan) -> NDArray[np.float64]:
    """Make the true stored numbers, NaN where nothing was measured."""
    rng = np.random.default_rng(plan.seed)
    low, high = (20, 110) if np.dtype(plan.dtype).itemsize == 1 else (100, 900)
    rows, columns = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]]
    smooth = (np.sin(rows / 5) + np.cos(columns / 4) + 2) / 4 * (high - low) + low
    values = smooth + rng.uniform(-2, 2, SHAPE)
    if np.dtype(plan.dtype).kind in "iu":
        values = np.round(values)
    if plan.nodata != "none":
        values[rng.uniform(size=SHAPE) < 0.02] = np.nan
        values[SHAPE[0] // 2, SHAPE[1] // 2] = np.nan
    return values


def flat(name: str | None) -> pyproj.CRS:
    """Return a CRS without its vertical part."""
    crs = pyproj.CRS(name)
    return crs.sub_crs_list[0] if crs.is_compound else crs.to_2d()


@lru_cache
def way(name: str) -> pyproj.Transformer:
    """Return the way from UTM, easting first."""
    return pyproj.Transformer.from_crs(UTM, flat(name), always_xy=True)


def place_of(plan: RasterPlan) -> Affine:
    """Make a transform by which the raster holds the study area and a margin."""
    name = UTM if plan.crs is None or plan.crs in WRONG_CRS else plan.crs
    west, south, east, north = way(name).transform_bounds(
        WEST - MARGIN, SOUTH - MARGIN, WEST + SIDE + MARGIN, SOUTH + SIDE + MARGIN
    )
    across, down = (east - west) / SHAPE[1], (north - south) / SHAPE[0]
    if plan.lie == "south_up":
        return Affine(across, 0, west, 0, down, south)
    if plan.lie == "rotated":
        middle = Affine.translation((west + east) / 2, (south + north) / 2)
        turned = middle @ Affine.rotation(20) @ Affine.scale(1.1 * across, -1.1 * down)
        return turned @ Affine.translation(-SHAPE[1] / 2, -SHAPE[0] / 2)
    return Affine(across, 0, west, 0, -down, north)


def _stored(plan: RasterPlan) -> NDArray[Any]:
    values = values_of(plan)
    return np.where(np.isnan(values), plan.fill, values).astype(plan.dtype)


def write(plan: RasterPlan, root: Path) -> None:
    """Write the layer, and what lies beside it."""
    if plan.kind == "tif":
        _write_tiff(plan, root / plan.path)
    else:
        _write_zarr(plan, root / plan.path)


def _write_tiff(plan: RasterPlan, path: Path) -> None:
    values = _stored(plan)
    missing = np.isnan(values_of(plan))
    mask = np.where(missing, 0, 255).astype(np.uint8)
    bands = [values + 1 for _ in range(plan.bands)]
    place = (plan.chosen or 1) - 1
    bands[place] = values
    alpha = plan.nodata == "alpha"
    profile: dict[str, Any] = {"driver": "GTiff", "dtype": values.dtype.name, "crs": plan.crs}
    profile |= {"count": plan.bands + alpha, "height": SHAPE[0], "width": SHAPE[1]}
    profile |= {"transform": place_of(plan)}
    profile |= {"nodata": plan.fill} if plan.nodata == "own" else {}
    profile |= {"alpha": "yes", "photometric": "minisblack"} if alpha else {}
    profile |= {name.split("=")[0]: name.split("=")[1] for name in plan.stored}
    if "worldfile" in plan.beside:
        profile.pop("transform")
    inside = "YES" if plan.nodata == "mask" else "NO"
    with warnings.catch_warnings(), rasterio.Env(GDAL_TIFF_INTERNAL_MASK=inside):
        warnings.simplefilter("ignore")
        with rasterio.open(path, "w", **profile) as dataset:
            dataset.write(np.stack([*bands, *([mask.astype(plan.dtype)] if alpha else [])]))
            if plan.says == "file":
                dataset.scales = [plan.scale[0]] * (plan.bands + alpha)
                dataset.offsets = [plan.scale[1]] * (plan.bands + alpha)
                if plan.unit:
                    dataset.units = [plan.unit] * (plan.bands + alpha)
            if plan.nodata in ("mask", "msk"):
                dataset.write_mask(mask)
    _write_beside(plan, path)


def _write_beside(plan: RasterPlan, path: Path) -> None:
    said = []
    if plan.nodata == "beside":
        said.append(f"<NoDataValue>{plan.fill!r}</NoDataValue>")
    if plan.says == "beside":
        said.append(f"<Scale>{plan.scale[0]!r}</Scale><Offset>{plan.scale[1]!r}</Offset>")
        said.append(f"<UnitType>{plan.unit}</UnitType>" if plan.unit else "")
    if "statistics" in plan.beside:
        said.append("<Metadata><MDI key='STATISTICS_MAXIMUM'>9</MDI></Metadata><Histograms/>")
    band = plan.chosen or 1
    if said:
        path.with_name(path.name + ".aux.xml").write_text(
            f'<PAMDataset><PAMRasterBand band="{band}">{"".join(said)}</PAMRasterBand></PAMDataset>'
        )
    if "overviews" in plan.beside:
        path.with_name(path.name + ".ovr").write_bytes(b"not read")
    for name in {"worldfile", "other_worldfile"} & set(plan.beside):
        a, b, c, d, e, f = tuple(place_of(plan))[:6]
        x, y = c + (a + b) / 2, f + (d + e) / 2
        if name == "other_worldfile":
            x += 5
        lines = [a, d, b, e, x, y]
        path.with_suffix(".tfw").write_text("\n".join(repr(float(line)) for line in lines) + "\n")


def _write_zarr(plan: RasterPlan, path: Path) -> None:
    values, place = _stored(plan), place_of(plan)
    northing = place.f + place.e * (np.arange(SHAPE[0]) + 0.5)
    easting = place.c + place.a * (np.arange(SHAPE[1]) + 0.5)
    if plan.coordinates == "uneven":
        easting = easting + 0.2 * abs(place.a) * (np.arange(SHAPE[1]) % 3 == 1)
    dtype = "float32" if plan.coordinates == "float32" else "float64"
    down, across = plan.names
    version = 2 if plan.kind == "zarr2" else 3
    shutil.rmtree(path, ignore_errors=True)
    group = zarr.open_group(path, mode="w", zarr_format=version)  # type: ignore[arg-type]
    _put(group, down, northing.astype(dtype), [down], {})
    _put(group, across, easting.astype(dtype), [across], {})
    attributes: dict[str, Any] = {}
    if plan.crs is not None:
        attributes["crs"] = plan.crs
    if plan.nodata == "own":
        attributes["_FillValue"] = _as_attribute(plan)
    if plan.scale != (1.0, 0.0):
        attributes |= {"scale_factor": plan.scale[0], "add_offset": plan.scale[1]}
    if plan.unit:
        attributes["units"] = plan.unit
    names = [down, across]
    if plan.order == "xy":
        values, names = values.T, names[::-1]
    if plan.extra != "none":
        layers = [values + 1 for _ in range(1 if plan.extra == "one" else 3)]
        layers[(plan.chosen or 1) - 1] = values
        values, names = np.stack(layers), ["time", *names]
    fill = plan.fill if plan.nodata == "zarr_fill" else plan.zarr_fill
    _put(group, "z", values, names, attributes, fill=fill)
    if plan.consolidated:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            zarr.consolidate_metadata(path)


def _as_attribute(plan: RasterPlan) -> float | str:
    """Write nodata as xarray does: floats of Zarr 3 in base 64."""
    if np.dtype(plan.dtype).kind != "f":
        return int(plan.fill)
    packed = base64.b64encode(struct.pack("<d", plan.fill)).decode()
    return packed if plan.kind == "zarr3" else plan.fill


def _put(
    group: Any,
    name: str,
    values: NDArray[Any],
    dimensions: list[str],
    attributes: dict[str, Any],
    *,
    fill: float = 0.0,
) -> None:
    two = group.metadata.zarr_format == 2
    array = group.create_array(
        name,
        shape=values.shape,
        dtype=values.dtype,
        chunks=tuple(min(length, 16) for length in values.shape),
        fill_value=values.dtype.type(fill),
        dimension_names=None if two else dimensions,
    )
    array[...] = values
    array.attrs.update(attributes | ({"_ARRAY_DIMENSIONS": dimensions} if two else {}))


def independent(plan: RasterPlan, root: Path) -> tuple[NDArray[np.float64], Affine]:
    """Read the whole layer by rasterio or xarray: values in the unit asked for, and its place."""
    path = root / plan.path
    if plan.kind != "tif":
        return _by_xarray(plan, path), place_of(plan)
    with (
        warnings.catch_warnings(),
        rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="FALSE", GDAL_PAM_ENABLED="YES"),
        rasterio.open(path) as dataset,
    ):
        band = plan.chosen or 1
        stored = dataset.read(band, masked=True)
        values = stored.astype(np.float64).filled(np.nan)
        if plan.nodata == "told":
            values[np.ma.getdata(stored) == np.array(plan.fill, stored.dtype)] = np.nan
        values = values * dataset.scales[band - 1] + dataset.offsets[band - 1]
        return values * plan.metres, dataset.transform


def _by_xarray(plan: RasterPlan, path: Path) -> NDArray[np.float64]:
    """Read stored numbers by xarray, and decode them by what was drawn."""
    with xr.open_dataset(
        path, engine="zarr", consolidated=plan.consolidated, mask_and_scale=False, decode_cf=False
    ) as dataset:
        array = dataset["z"]
        if plan.extra != "none":
            array = array.isel(time=(plan.chosen or 1) - 1)
        stored = array.transpose(*plan.names).to_numpy()
    values = stored.astype(np.float64) * plan.scale[0] + plan.scale[1]
    if plan.nodata != "none":
        values[stored == np.array(plan.fill, stored.dtype)] = np.nan
    return values * plan.metres


def fills(dtype: str) -> st.SearchStrategy[float]:
    """Draw a fill that a type can hold, away from true values."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return st.sampled_from([-9999.0, -32768.0, 1e20, -99999.0, -3.4028234663852886e38, -1.0])
    info = np.iinfo(kind)
    usual = [-9999, -32768, 32767, 65535, 255, -128, 0, info.min, info.max]
    return st.sampled_from(sorted({float(v) for v in usual if info.min <= v <= info.max}))


DTYPES = ("float32", "float64", "int16", "uint16", "int32", "uint8", "int8")
SCALES = ((1.0, 0.0), (1.0, 0.0), (0.5, 0.0), (0.1, -50.0), (2.0, 10.0))
UNITS = (None, None, "m", "metre", "ft", "US survey foot", "cm", "dm")


@st.composite
def raster_plans(draw: st.DrawFn) -> RasterPlan:
    """Draw a raster layer; about one in five has to be refused."""
    kind = draw(st.sampled_from(["tif", "tif", "zarr2", "zarr3"]))
    dtype = draw(st.sampled_from(DTYPES))
    fill = draw(fills(dtype))
    unit, told = draw(st.sampled_from(UNITS)), draw(st.sampled_from(UNITS))
    if draw(st.integers(0, 4)) != 3 and unit and told:
        told = None
    plan = RasterPlan(
        kind=kind,
        dtype=dtype,
        crs=draw(st.sampled_from(CRS) | st.sampled_from(ODD_CRS)),
        fill=fill,
        scale=draw(st.sampled_from(SCALES)),
        unit=unit,
        told_unit=told,
        elevation=draw(st.booleans()),
        seed=draw(st.integers(0, 10_000)),
    )
    return draw(_tiff(plan) if kind == "tif" else _zarr(plan))


def _usual(fill: float) -> bool:
    return fill in (-9999.0, -32768.0, 1e20, -99999.0, 65535.0)


@st.composite
def _tiff(draw: st.DrawFn, plan: RasterPlan) -> RasterPlan:
    ways = ["none", "own", "beside", "told", "mask", "msk"]
    # A fill that nothing declares has to be refused.
    ways += ["undeclared"] if _usual(plan.fill) and plan.scale == (1.0, 0.0) else []
    ways += ["alpha"] if plan.dtype == "uint8" else []
    bands = draw(st.sampled_from([1, 1, 1, 3]))
    beside = draw(st.sets(st.sampled_from(["statistics", "overviews", "other_worldfile"])))
    plan = replace(
        plan,
        lie=draw(st.sampled_from(["north_up", "north_up", "south_up", "rotated"])),
        nodata=draw(st.sampled_from(ways)),
        says=draw(st.sampled_from(["file", "beside"])),
        bands=bands,
        chosen=draw(st.sampled_from([None, bands])) if bands > 1 else None,
        stored=draw(
            st.sampled_from(
                [(), ("compress=deflate",), ("tiled=YES", "blockxsize=16", "blockysize=16")]
            )
        ),
        beside=tuple(sorted(beside)),
    )
    if draw(st.integers(0, 19)) == 7:
        return replace(plan, crs=draw(st.sampled_from(WRONG_CRS)))
    if draw(st.integers(0, 29)) == 7 and plan.nodata in ("none", "msk", "told"):
        return replace(plan, dtype="complex64", nodata="none", unit=None, told_unit=None)
    if draw(st.integers(0, 19)) == 7:
        return replace(plan, told_unit=draw(st.sampled_from(["degree", "%"])), unit=None)
    return plan


@st.composite
def _zarr(draw: st.DrawFn, plan: RasterPlan) -> RasterPlan:
    ways = ["none", "own", "told"]
    ways += ["undeclared"] if _usual(plan.fill) and plan.scale == (1.0, 0.0) else []
    ways += ["zarr_fill"] if plan.kind == "zarr2" and plan.fill not in (0.0, 1.0) else []
    extra = draw(st.sampled_from(["none", "none", "one", "time"]))
    geographic = pyproj.CRS(plan.crs).is_geographic
    plan = replace(
        plan,
        lie=draw(st.sampled_from(["north_up", "south_up"])),
        nodata=draw(st.sampled_from(ways)),
        extra=extra,
        chosen=draw(st.sampled_from([1, 2, 3, 3, 2, 1, None])) if extra == "time" else None,
        order=draw(st.sampled_from(["yx", "xy"])),
        names=draw(
            st.sampled_from([("y", "x"), ("lat", "lon"), ("latitude", "longitude"), ("Y", "X")])
        ),
        consolidated=draw(st.booleans()),
        zarr_fill=draw(st.sampled_from([0.0, 0.0, 1.0])),
        coordinates="float64" if geographic else draw(st.sampled_from(["float64", "float64"])),
    )
    if draw(st.integers(0, 24)) == 7:
        return replace(plan, crs=draw(st.sampled_from(["EPSG:4978", None])))
    if draw(st.integers(0, 24)) == 7:
        return replace(plan, coordinates="uneven")
    if draw(st.integers(0, 24)) == 7:
        return replace(plan, names=("a", "b"))
    return plan
