"""A GeoTIFF and what lies beside it read as rasterio reads them."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.features.layers import bands
from minerisk.features.layers.intake import checked_path, sha256_of

PLACE = Affine(10.0, 0.0, 500_000.0, 0.0, -10.0, 4_400_000.0)
VALUES = np.arange(12, dtype=np.int16).reshape(3, 4)


def write(path: Path, values: NDArray[np.generic] = VALUES, **profile: object) -> Path:
    stacked = values if values.ndim == 3 else values[None]
    settings = {
        **{"driver": "GTiff", "count": stacked.shape[0], "dtype": values.dtype.name},
        **{"height": stacked.shape[1], "width": stacked.shape[2]},
        **{"crs": "EPSG:32638", "transform": PLACE, **profile},
    }
    with rasterio.open(path, "w", **settings) as dataset:
        dataset.write(stacked)
    return path


def write_pam(path: Path, inside: str) -> None:
    path.with_name(path.name + ".aux.xml").write_text(f"<PAMDataset>{inside}</PAMDataset>")


def read(path: Path, **chosen: object) -> NDArray[np.float64]:
    band = bands.open_band(path, **chosen)  # type: ignore[arg-type]
    return band.read(slice(0, band.shape[0]), slice(0, band.shape[1]))


def as_anybody() -> rasterio.Env:
    """Read as a process does that sets nothing: with the files beside."""
    return rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="FALSE", GDAL_PAM_ENABLED="YES")


def independent(path: Path, band: int = 1) -> NDArray[np.float64]:
    """Read a band with whatever lies beside the file, as rasterio does."""
    with as_anybody(), rasterio.open(path) as dataset:
        stored = dataset.read(band, masked=True).astype(np.float64)
        return stored.filled(np.nan) * dataset.scales[band - 1] + dataset.offsets[band - 1]


def same(path: Path, band: int = 1) -> bool:
    with as_anybody(), rasterio.open(path) as dataset:
        opened = bands.open_band(path, band=band)
        assert opened.transform.almost_equals(dataset.transform)
        assert opened.crs == dataset.crs.to_wkt()
    return np.array_equal(read(path, band=band), independent(path, band), equal_nan=True)


@pytest.mark.parametrize("name", ["dem.aux", "dem.tif.aux", "dem.AUX"])
def test_a_sidecar_of_old_versions_of_arcgis_is_refused_not_passed_by(
    tmp_path: Path, name: str
) -> None:
    path = write(tmp_path / "dem.tif")
    alone = sha256_of(path)
    (tmp_path / name).write_bytes(b"EHFA_HEADER_TAG" + bytes(200))
    with pytest.raises(InputError, match=f"{name} beside dem.tif .* is not read"):
        read(path)
    assert sha256_of(path) != alone


def test_a_file_of_that_name_that_is_of_another_program_is_no_matter(tmp_path: Path) -> None:
    path = write(tmp_path / "dem.tif")
    (tmp_path / "dem.aux").write_bytes(b"\\relax\n")  # LaTeX
    np.testing.assert_array_equal(read(path), VALUES)


@pytest.mark.parametrize(
    ("dtype", "own", "said"),
    [
        ("int16", None, "<NoDataValue>3</NoDataValue>"),
        ("int16", 5, "<NoDataValue>3</NoDataValue>"),
        ("int16", 5, "<Scale>2</Scale><Offset>1.5</Offset><UnitType>ft</UnitType>"),
        ("int16", None, "<NoDataValue>-9999</NoDataValue>"),
        ("uint8", None, "<NoDataValue>-9999</NoDataValue>"),
        ("float32", None, "<NoDataValue>nan</NoDataValue>"),
        ("float32", 4.0, '<NoDataValue le_hex_equiv="0000000000001440">5.0</NoDataValue>'),
        ("float64", None, "<NoDataValue>7</NoDataValue><Scale>0.1</Scale>"),
        ("int16", 5, "<Histograms/><Metadata><MDI key='STATISTICS_MAXIMUM'>9</MDI></Metadata>"),
    ],
)
def test_metadata_beside_a_tiff_count_as_in_gdal(
    tmp_path: Path, dtype: str, own: float | None, said: str
) -> None:
    path = write(tmp_path / "a.tif", VALUES.astype(dtype), nodata=own)
    write_pam(path, f'<PAMRasterBand band="1">{said}</PAMRasterBand>')
    assert same(path)


def test_crs_and_position_beside_a_tiff_stand_above_its_own(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif")
    write_pam(path, "<SRS>EPSG:32637</SRS><GeoTransform>5, 20, 0, 90, 0, -20</GeoTransform>")
    assert same(path)
    assert bands.open_band(path).transform == Affine(20, 0, 5, 0, -20, 90)


def test_a_float_that_lost_digits_as_text_is_still_nodata(tmp_path: Path) -> None:
    values = np.array([[1, -3.4028235e38], [0.1, 2]], dtype=np.float32)
    path = write(tmp_path / "a.tif", values)
    write_pam(
        path,
        '<PAMRasterBand band="1"><NoDataValue>-3.40282346638529e+38</NoDataValue></PAMRasterBand>',
    )
    assert np.isnan(read(path)).tolist() == [[False, True], [False, False]]


def test_nodata_with_a_fraction_is_refused_for_whole_numbers(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif")
    write_pam(path, '<PAMRasterBand band="1"><NoDataValue>3.5</NoDataValue></PAMRasterBand>')
    with pytest.raises(InputError, match=r"nodata value 3\.5, which its whole numbers"):
        bands.open_band(path)


def test_a_mask_beside_a_tiff_is_read_and_hashed_with_it(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    write(path, nodata=5)
    alone = sha256_of(path)
    mask = np.full(VALUES.shape, 255, np.uint8)
    mask[0, 0] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as dataset:
        dataset.write_mask(mask)
    assert path.with_name("a.tif.msk").exists()
    assert same(path)
    assert np.flatnonzero(np.isnan(read(path))).tolist() == [0]
    assert bands.open_band(path).passed_over == (5.0,)
    assert sha256_of(path) != alone


def test_a_mask_that_is_none_of_its_raster_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif")
    other = write(tmp_path / "b.tif")
    other.rename(tmp_path / "a.tif.msk")
    with pytest.raises(InputError, match=r"a\.tif\.msk is no mask"):
        bands.open_band(path)
    (tmp_path / "a.tif.msk").write_text("<VRTDataset/>")
    with pytest.raises(InputError, match=r"a\.tif\.msk is not a TIFF"):
        bands.open_band(path)


def test_a_mask_inside_a_tiff_and_an_alpha_band_are_masks(tmp_path: Path) -> None:
    mask = np.full(VALUES.shape, 255, np.uint8)
    mask[1, 1] = 0
    inside = tmp_path / "inside.tif"
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        write(inside)
        with rasterio.open(inside, "r+") as dataset:
            dataset.write_mask(mask)
    alpha = write(tmp_path / "alpha.tif", np.stack([VALUES.astype(np.uint8), mask]), alpha="yes")
    for path in (inside, alpha):
        assert same(path)
        assert np.flatnonzero(np.isnan(read(path))).tolist() == [5]


def test_overviews_and_statistics_beside_a_tiff_change_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", nodata=3)
    before, alone = read(path), sha256_of(path)
    with rasterio.Env(TIFF_USE_OVR=True), rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2])
    (tmp_path / "a.tif.ovr").write_bytes(b"anything")
    assert np.array_equal(read(path), before, equal_nan=True)
    assert same(write(tmp_path / "b.tif", nodata=3))
    assert alone


@pytest.mark.parametrize("name", ["a.tfw", "a.TFW", "a.wld"])
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_world_file_places_a_raster_that_has_no_position(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "a.tif", transform=None)
    with pytest.raises(InputError, match="no position"):
        bands.open_band(path)
    (tmp_path / name).write_text("20\n1\n2\n-20\n500010\n4400000\n")
    assert bands.open_band(path).transform.almost_equals(
        Affine(20, 2, 499_999, 1, -20, 4_400_009.5)
    )
    if name != "a.TFW":
        assert same(path)
    (tmp_path / name).write_text("20,5\n0\n0\n-20\n0\n0\n")
    with pytest.raises(InputError, match="six numbers with decimal points"):
        bands.open_band(path)


def test_a_world_file_beside_a_placed_raster_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif")
    (tmp_path / "a.tfw").write_text("20\n0\n0\n-20\n10\n90\n")
    assert same(path)


def test_every_file_that_is_read_with_a_tiff_is_hashed_with_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif")
    hashes = {sha256_of(path)}
    for name in ("a.tif.aux.xml", "a.tif.msk", "a.tfw"):
        (tmp_path / name).write_text("1")
        hashes.add(sha256_of(path))
    assert len(hashes) == 4
    (tmp_path / "a.tif.ovr").write_text("1")
    assert sha256_of(path) in hashes


def test_metadata_that_link_outside_the_data_root_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    write(root / "a.tif")
    (tmp_path / "secret").write_text("<PAMDataset/>")
    (root / "a.tif.aux.xml").symlink_to(tmp_path / "secret")
    with pytest.raises(InputError, match="outside the data root"):
        checked_path("a.tif", root)


def test_nodata_of_the_configuration_counts_besides_that_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", nodata=3)
    assert np.flatnonzero(np.isnan(read(path, nodata=(7.0, 1.5, 1e9)))).tolist() == [3, 7]
    filled = write(tmp_path / "b.tif", np.array([[np.inf, 1, -3.4028235e38]], np.float32))
    got = read(filled, nodata=(np.inf, -3.4028234663852886e38))
    assert np.isnan(got).tolist() == [[True, False, True]]


def test_scale_and_offset_apply_after_nodata(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", nodata=3)
    with rasterio.open(path, "r+") as dataset:
        dataset.scales, dataset.offsets = (0.5,), (-100.0,)
    assert same(path)
    write_pam(path, '<PAMRasterBand band="1"><Scale>0</Scale></PAMRasterBand>')
    with pytest.raises(InputError, match=r"scale 0\.0"):
        bands.open_band(path)


def test_several_bands_may_have_nodata_of_their_own(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.stack([VALUES, VALUES]))
    write_pam(
        path,
        '<PAMRasterBand band="1"><NoDataValue>1</NoDataValue></PAMRasterBand>'
        '<PAMRasterBand band="2"><NoDataValue>2</NoDataValue></PAMRasterBand>',
    )
    assert same(path, 1)
    assert same(path, 2)


def test_places_that_are_only_ground_control_points_are_refused(tmp_path: Path) -> None:
    points = [rasterio.control.GroundControlPoint(0, 0, 47, 40)]
    points += [rasterio.control.GroundControlPoint(3, 4, 48, 39)]
    crs = rasterio.crs.CRS.from_epsg(4326)
    path = write(tmp_path / "a.tif", transform=None)
    with rasterio.open(path, "r+") as dataset:
        dataset.gcps = points, crs
    with pytest.raises(InputError, match="ground control points"):
        bands.open_band(path)


def test_complex_numbers_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", VALUES.astype(np.complex64))
    with pytest.raises(InputError, match="complex"):
        bands.open_band(path)


def test_the_horizontal_part_of_a_compound_crs_is_used(tmp_path: Path) -> None:
    degrees = Affine(0.01, 0.0, 47.0, 0.0, -0.01, 40.0)
    for crs in ("EPSG:4326+5773", "EPSG:4979"):
        path = write(tmp_path / "a.tif", crs=crs, transform=degrees)
        assert bands.open_band(path).crs.name == "WGS 84"
        assert len(bands.open_band(path).crs.axis_info) == 2


@pytest.mark.parametrize(
    ("crs", "what"),
    [
        ("EPSG:4978", "geocentric"),
        ('LOCAL_CS["site grid",UNIT["metre",1],AXIS["x",EAST],AXIS["y",NORTH]]', "engineering"),
    ],
)
def test_a_crs_that_is_nowhere_on_the_map_is_refused(tmp_path: Path, crs: str, what: str) -> None:
    path = write(tmp_path / "a.tif", crs=rasterio.crs.CRS.from_string(crs))
    with pytest.raises(InputError, match=rf"a\.tif has the CRS .*{what}"):
        bands.open_band(path)
