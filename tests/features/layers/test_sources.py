import sqlite3
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from minerisk.features.errors import InputError
from minerisk.features.layers.sources import Layers, RasterSource, VectorSource
from minerisk.features.layers.vectors import areas

UTM = "EPSG:32638"


def frame() -> gpd.GeoDataFrame:
    shapes = [shapely.Point(500_000, 4_400_000), shapely.Point(501_000, 4_400_500)]
    table = {"type": ["road", "track"], "rank": [1, 2]}
    return gpd.GeoDataFrame(table, geometry=shapes, crs=UTM)


def layers(root: Path, **sources: RasterSource | VectorSource) -> Layers:
    return Layers(sources, root)


def write(
    path: Path, values: np.ndarray, *, west: float, north: float, size: float, **extra
) -> Path:
    profile = {"driver": "GTiff", "count": 1, "dtype": values.dtype, "crs": UTM} | extra
    profile["height"], profile["width"] = values.shape
    transform = rasterio.transform.from_origin(west, north, size, size)
    with rasterio.open(path, "w", transform=transform, **profile) as dataset:
        dataset.write(values, 1)
    return path


def box(west: float, south: float, east: float, north: float, shape: tuple[int, int]) -> GeoBox:
    return GeoBox.from_bbox((west, south, east, north), UTM, shape=shape)


def test_a_refusal_of_a_layer_that_fails_late_names_it(tmp_path: Path) -> None:
    frame().to_file(tmp_path / "a.gpkg")
    write(tmp_path / "d.tif", np.ones((4, 4), "f4"), west=500_000, north=4_400_400, size=100)
    found = layers(
        tmp_path, finds=VectorSource(Path("a.gpkg")), heights=RasterSource(Path("d.tif"))
    )
    (tmp_path / "a.gpkg-wal").write_bytes(b"changes")
    (tmp_path / "d.tif").unlink()
    grid = box(500_000, 4_400_000, 500_400, 4_400_400, (4, 4))
    for work in (
        lambda: found.sha256("finds"),
        lambda: found.vector("finds", crs=UTM),
    ):
        with pytest.raises(InputError, match=r"The layer finds: a.gpkg is open in another program"):
            work()
    for work in (lambda: found.sha256("heights"), lambda: found.raster("heights", grid)):
        with pytest.raises(InputError, match=r"The layer heights: .*d.tif does not exist"):
            work()


def test_rows_are_numbered_as_in_the_file_whatever_is_left_out(tmp_path: Path) -> None:
    shapes = [shapely.Point(500_000 + n, 4_400_000) for n in range(6)]
    table = {"type": ["road", "track", "track", "road", "track", "track"], "n": range(6)}
    shapes[4] = None
    gpd.GeoDataFrame(table, geometry=shapes, crs=UTM).to_file(tmp_path / "a.gpkg")
    found = layers(tmp_path, a=VectorSource(Path("a.gpkg"), keep={"type": ("track",)}))
    assert found.vector("a", crs="EPSG:4326")["n"].to_dict() == {0: 1, 1: 2, 2: 5}
    assert found.row_numbers("a", crs="EPSG:4326") == [2, 3, 6]


@pytest.mark.parametrize("name", ["a.gpkg", "a.geojson", "a.shp", "a.fgb", "a.parquet", "a.csv"])
def test_every_kind_of_vector_file_gives_the_same_places(tmp_path: Path, name: str) -> None:
    stored = frame().to_crs("EPSG:4326")
    if name.endswith("csv"):
        positions = {"lon": stored.geometry.x, "lat": stored.geometry.y}
        stored.drop(columns="geometry").assign(**positions).to_csv(tmp_path / name, index=False)
        source = VectorSource(Path(name), crs="EPSG:4326", easting="lon", northing="lat")
    else:
        write_to = stored.to_parquet if name.endswith("parquet") else stored.to_file
        write_to(tmp_path / name)
        source = VectorSource(Path(name))
    got = layers(tmp_path, a=source).vector("a", crs=UTM)
    order = np.argsort(got["rank"].to_numpy())
    expected = shapely.get_coordinates(frame().geometry)
    assert np.allclose(shapely.get_coordinates(got.geometry)[order], expected, atol=0.01)
    assert got.crs == UTM


def test_rows_are_kept_by_the_values_of_columns(tmp_path: Path) -> None:
    frame().to_file(tmp_path / "a.gpkg")
    kept = VectorSource(Path("a.gpkg"), keep={"type": ("road", "path")})
    assert list(layers(tmp_path, a=kept).vector("a", crs=UTM)["rank"]) == [1]
    by_number = VectorSource(Path("a.gpkg"), keep={"rank": (2,)})
    assert list(layers(tmp_path, a=by_number).vector("a", crs=UTM)["type"]) == ["track"]
    unknown = VectorSource(Path("a.gpkg"), keep={"kind": ("road",)})
    with pytest.raises(InputError, match="no column 'kind'"):
        layers(tmp_path, a=unknown).vector("a", crs=UTM)


def test_an_empty_layer_is_refused(tmp_path: Path) -> None:
    frame().to_file(tmp_path / "a.gpkg")
    none = VectorSource(Path("a.gpkg"), keep={"rank": (9,)})
    with pytest.raises(InputError, match="keep has 9 for 'rank', which no row has"):
        layers(tmp_path, a=none).vector("a", crs=UTM)
    none = VectorSource(Path("a.gpkg"), keep={"rank": (1,), "type": ("track",)})
    with pytest.raises(InputError, match="is empty"):
        layers(tmp_path, a=none).vector("a", crs=UTM)


def test_a_crs_is_never_guessed(tmp_path: Path) -> None:
    frame().set_crs(None, allow_override=True).to_file(tmp_path / "a.shp")
    frame().assign(e=1, n=2).drop(columns="geometry").to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(InputError, match="no CRS"):
        layers(tmp_path, a=VectorSource(Path("a.shp"))).vector("a", crs=UTM)
    with pytest.raises(InputError, match="never guessed"):
        layers(tmp_path, a=VectorSource(Path("a.csv"))).vector("a", crs=UTM)
    with pytest.raises(InputError, match="never guessed"):
        layers(tmp_path, a=VectorSource(Path("a.csv"), easting="e", northing="n")).vector(
            "a", crs=UTM
        )


def test_a_csv_with_a_wrong_number_names_row_and_column(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('e,n\n1,2\n"3,5 m",4\n')
    source = VectorSource(Path("a.csv"), crs=UTM, easting="e", northing="n")
    with pytest.raises(InputError, match="row 3: e is '3,5 m'"):
        layers(tmp_path, a=source).vector("a", crs=UTM)


def test_coordinates_that_do_not_fit_the_crs_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("e,n\n4400000,500000\n")
    source = VectorSource(Path("a.csv"), crs="EPSG:4326", easting="e", northing="n")
    with pytest.raises(InputError, match="no longitude and latitude"):
        layers(tmp_path, a=source).vector("a", crs=UTM)


def test_a_bow_tie_becomes_two_triangles_and_stays_an_area(tmp_path: Path) -> None:
    tie = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    spike = shapely.Polygon([(0, 0), (1, 0), (0, 0)])
    shapes = [tie, spike, None, shapely.Polygon(), shapely.box(5, 5, 6, 6)]
    gpd.GeoDataFrame(geometry=shapes, crs=UTM).to_parquet(tmp_path / "a.parquet")
    opened = layers(tmp_path, a=VectorSource(Path("a.parquet")))
    got, repairs = opened.repaired("a")
    assert list(got.geometry.area) == [2.0, 1.0]
    assert got.geometry.is_valid.all()
    assert (repairs.features, repairs.invalid, repairs.empty, repairs.dropped) == (5, 2, 2, 1)


def test_a_layer_must_be_named_where_there_are_several(tmp_path: Path) -> None:
    frame().to_file(tmp_path / "a.gpkg", layer="first")
    frame().to_file(tmp_path / "a.gpkg", layer="second")
    with pytest.raises(InputError, match="first, second"):
        layers(tmp_path, a=VectorSource(Path("a.gpkg"))).vector("a", crs=UTM)


def test_unknown_names_and_wrong_kinds_are_refused(tmp_path: Path) -> None:
    frame().to_file(tmp_path / "a.gpkg")
    write(tmp_path / "b.tif", np.ones((2, 2), np.float32), west=0, north=0, size=1)
    opened = layers(tmp_path, a=VectorSource(Path("a.gpkg")), b=RasterSource(Path("b.tif")))
    with pytest.raises(InputError, match="there are: a, b"):
        opened.vector("c", crs=UTM)
    with pytest.raises(InputError, match="expected a raster"):
        opened.raster("a", box(0, 0, 1, 1, (1, 1)))
    with pytest.raises(InputError, match="expected a vector"):
        opened.vector("b", crs=UTM)


def test_what_a_caller_does_to_a_frame_stays_with_the_caller(tmp_path: Path) -> None:
    frame().to_file(tmp_path / "a.gpkg")
    opened = layers(tmp_path, a=VectorSource(Path("a.gpkg")))
    opened.vector("a", crs=UTM)["rank"] = 0
    assert list(opened.vector("a", crs=UTM)["rank"]) == [1, 2]


def test_bilinear_gives_a_plane_back_exactly(tmp_path: Path) -> None:
    rows, columns = np.mgrid[0:20, 0:30].astype(np.float32)
    # Cell centres of the source: easting 100 * (column + 0.5), northing -100 * (row + 0.5).
    write(tmp_path / "a.tif", 3 * columns + 5 * rows, west=0, north=0, size=100)
    grid = box(200, -1800, 2800, -200, (32, 52))
    got = layers(tmp_path, a=RasterSource(Path("a.tif"))).raster("a", grid)
    easting = 200 + 50 * (np.arange(52) + 0.5)
    depth = 200 + 50 * (np.arange(32) + 0.5)
    expected = 3 * (easting / 100 - 0.5) + 5 * (depth[:, None] / 100 - 0.5)
    assert got.dtype == np.float32
    assert np.allclose(got, expected, atol=1e-5)


def test_average_is_the_mean_of_the_source_cells_within(tmp_path: Path) -> None:
    values = np.arange(16, dtype=np.float32).reshape(4, 4)
    write(tmp_path / "a.tif", values, west=0, north=4, size=1)
    for resampling in ("average", "bilinear"):
        source = RasterSource(Path("a.tif"), resampling=resampling)
        got = layers(tmp_path, a=source).raster("a", box(0, 0, 4, 4, (2, 2)))
        assert np.allclose(got, [[2.5, 4.5], [10.5, 12.5]]), resampling


def test_mode_is_the_most_frequent_class_and_the_least_of_equals(tmp_path: Path) -> None:
    values = np.array([[7, 7, 1, 2], [7, 3, 2, 1]], dtype=np.uint8)
    write(tmp_path / "a.tif", values, west=0, north=2, size=1)
    source = RasterSource(Path("a.tif"), resampling="mode")
    assert layers(tmp_path, a=source).raster("a", box(0, 0, 4, 2, (1, 2))).tolist() == [[7, 1]]


def test_nodata_is_nan_and_leaves_the_neighbours_alone(tmp_path: Path) -> None:
    values = np.array([[1, -99], [1, 1]], dtype=np.int16)
    write(tmp_path / "a.tif", values, west=0, north=2, size=1, nodata=-99)
    opened = layers(tmp_path, a=RasterSource(Path("a.tif")))
    got = opened.raster("a", box(0, 0, 2, 2, (4, 4)))
    expected = np.ones((4, 4))
    expected[:2, 2:] = np.nan
    assert np.array_equal(got, expected, equal_nan=True)


def test_beyond_the_raster_there_is_nothing(tmp_path: Path) -> None:
    write(tmp_path / "a.tif", np.ones((2, 2), np.float32), west=0, north=2, size=1)
    opened = layers(tmp_path, a=RasterSource(Path("a.tif")))
    assert np.isnan(opened.raster("a", box(100, 100, 102, 102, (2, 2)))).all()
    got = opened.raster("a", box(1, 0, 3, 2, (2, 2)))
    assert np.array_equal(got, [[1, np.nan], [1, np.nan]], equal_nan=True)


def test_declared_scale_and_offset_are_applied(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.full((2, 2), 10, np.int16), west=0, north=2, size=1)
    with rasterio.open(path, "r+") as dataset:
        dataset.scales, dataset.offsets = (0.5,), (100.0,)
    got = layers(tmp_path, a=RasterSource(Path("a.tif"))).raster("a", box(0, 0, 2, 2, (2, 2)))
    assert (got == 105).all()


def test_a_zarr_array_gives_what_the_same_tiff_gives(tmp_path: Path) -> None:
    values = np.arange(48, dtype=np.float32).reshape(6, 8)
    write(tmp_path / "a.tif", values, west=500_000, north=4_400_000, size=100)
    places = {
        "y": 4_400_000 - 100 * (np.arange(6) + 0.5),
        "x": 500_000 + 100 * (np.arange(8) + 0.5),
    }
    array = xr.DataArray(values, dims=("y", "x"), coords=places, attrs={"crs": UTM})
    array.to_dataset(name="z").to_zarr(tmp_path / "a.zarr")
    array.assign_coords(x=places["x"] ** 2).to_dataset(name="z").to_zarr(tmp_path / "b.zarr")
    sources = {"t": RasterSource(Path("a.tif")), "z": RasterSource(Path("a.zarr"), variable="z")}
    opened = Layers(sources, tmp_path)
    grid = box(500_050, 4_399_450, 500_750, 4_399_950, (10, 14))
    assert np.array_equal(opened.raster("t", grid), opened.raster("z", grid), equal_nan=True)
    with pytest.raises(InputError, match="holds the arrays z"):
        Layers({"z": RasterSource(Path("a.zarr"), variable="w")}, tmp_path).raster("z", grid)
    with pytest.raises(InputError, match="evenly spaced"):
        Layers({"z": RasterSource(Path("b.zarr"))}, tmp_path).raster("z", grid)


def test_a_raster_without_crs_or_band_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.tif", np.ones((2, 2), np.float32), west=0, north=2, size=1, crs=None)
    write(tmp_path / "b.tif", np.ones((2, 2), np.float32), west=0, north=2, size=1)
    grid = box(0, 0, 2, 2, (2, 2))
    with pytest.raises(InputError, match="no CRS"):
        layers(tmp_path, a=RasterSource(Path("a.tif"))).raster("a", grid)
    with pytest.raises(InputError, match="no band 2"):
        layers(tmp_path, a=RasterSource(Path("b.tif"), band=2)).raster("a", grid)


@pytest.fixture(scope="module")
def hills(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rough surface in degrees, 15 arc-seconds, with holes, over central Bosnia."""
    folder = tmp_path_factory.mktemp("hills")
    values = np.random.default_rng(3).normal(500, 200, (240, 300)).astype(np.float32)
    values[40:60, 100:130] = np.nan
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "height": 240, "width": 300}
    transform = rasterio.transform.from_origin(17.3, 44.6, 1 / 240, 1 / 240)
    with rasterio.open(
        folder / "a.tif", "w", crs="EPSG:4326", transform=transform, nodata=np.nan, **profile
    ) as dataset:
        dataset.write(values, 1)
    return folder


WHOLE = GeoBox.from_bbox((4_895_000, 2_350_000, 4_970_000, 2_420_000), "EPSG:3035", resolution=500)


@settings(max_examples=25, deadline=None, database=None)
@given(
    top=st.integers(0, 130),
    left=st.integers(0, 140),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    resampling=st.sampled_from(["bilinear", "nearest", "average", "mode"]),
)
def test_a_window_has_the_bytes_of_the_whole(
    hills: Path, top: int, left: int, height: int, width: int, resampling: str
) -> None:
    source = RasterSource(Path("a.tif"), resampling=resampling)
    rows = slice(top, min(top + height, WHOLE.height))
    columns = slice(left, min(left + width, WHOLE.width))
    opened = layers(hills, a=source)
    whole = opened.raster("a", WHOLE)
    assert 0.5 < np.mean(~np.isnan(whole)) < 1
    part = opened.raster("a", WHOLE[rows, columns])
    assert part.tobytes() == np.ascontiguousarray(whole[rows, columns]).tobytes()


def test_windows_of_a_grid_with_an_odd_cell_size_equal_the_whole(hills: Path) -> None:
    grid = GeoBox.from_bbox(
        (4_920_000, 2_350_000, 4_950_000, 2_380_000), "EPSG:3035", resolution=0.1 * 3333
    )
    opened = layers(hills, a=RasterSource(Path("a.tif")))
    whole = opened.raster("a", grid)
    part = opened.raster("a", grid[37:80, 11:83])
    assert part.tobytes() == np.ascontiguousarray(whole[37:80, 11:83]).tobytes()
    assert not np.isnan(part).all()


def test_the_warp_agrees_with_interpolation_at_exactly_transformed_places(hills: Path) -> None:
    import pyproj
    from scipy.ndimage import map_coordinates

    grid = GeoBox.from_bbox(
        (4_920_000, 2_350_000, 4_940_000, 2_360_000), "EPSG:3035", resolution=250
    )
    got = layers(hills, a=RasterSource(Path("a.tif"))).raster("a", grid)
    easting = 4_920_000 + 250 * (np.arange(80) + 0.5)
    northing = 2_360_000 - 250 * (np.arange(40) + 0.5)
    to_degrees = pyproj.Transformer.from_crs(3035, 4326, always_xy=True)
    lon, lat = to_degrees.transform(*np.meshgrid(easting, northing))
    with rasterio.open(hills / "a.tif") as dataset:
        values = dataset.read(1).astype(float)
    expected = map_coordinates(
        values, [(44.6 - lat) * 240 - 0.5, (lon - 17.3) * 240 - 0.5], order=1
    )
    known = ~np.isnan(got) & ~np.isnan(expected)
    assert known.mean() > 0.5
    assert np.allclose(got[known], expected[known], atol=1e-3)


def test_dates_stay_with_their_rows(tmp_path: Path) -> None:
    dated = frame().assign(date=pd.to_datetime(["1994-05-31", "1995-01-01"]))
    dated.to_file(tmp_path / "a.gpkg")
    source = VectorSource(Path("a.gpkg"), date_column="date")
    got = layers(tmp_path, a=source).vector("a", crs=UTM)
    assert [str(day)[:10] for day in got["date"]] == ["1994-05-31", "1995-01-01"]


def test_only_polygons_are_land(tmp_path: Path) -> None:
    land, line = shapely.box(46, 39, 47, 40), shapely.LineString([(46, 39), (47, 40)])
    for shape in (line, shapely.Point(46, 39), shapely.MultiPoint([(46, 39), (47, 39)])):
        rows = gpd.GeoDataFrame(geometry=[land, shape], crs="EPSG:4326")
        with pytest.raises(InputError, match=r"a has 1 of 2 rows that are no polygons .* QGIS"):
            areas(rows, name="a")
    mixed = shapely.GeometryCollection([line, shapely.MultiPolygon([land])])
    rows = gpd.GeoDataFrame({"n": [7]}, geometry=[mixed], crs="EPSG:4326")
    got = areas(rows, name="a")
    assert got.geometry.iloc[0].equals(land)
    assert got["n"].tolist() == [7]


def test_what_is_wrong_with_a_file_names_the_layer_once(tmp_path: Path) -> None:
    gpd.GeoDataFrame(geometry=[shapely.Point(1, 1)]).to_parquet(tmp_path / "t.parquet")
    source = VectorSource(Path("t.parquet"))
    with pytest.raises(InputError, match=r"^The layer towns: t\.parquet has no CRS"):
        layers(tmp_path, towns=source).vector("towns", crs=UTM)
    with pytest.raises(InputError, match=r"^t\.parquet has no CRS"):
        layers(tmp_path, towns=source).as_stored("towns")


@pytest.mark.parametrize("suffix", ["gpkg", "fgb", "geojson", "parquet", "shp"])
def test_the_local_day_of_a_time_with_an_offset_is_its_day(suffix: str, tmp_path: Path) -> None:
    times = pd.to_datetime(["1994-05-31T00:30:00+04:00", "1994-05-31T23:30:00+04:00"])
    dated, path = frame().assign(date=times), tmp_path / f"a.{suffix}"
    dated.to_parquet(path) if suffix == "parquet" else dated.to_file(path)
    source = layers(tmp_path, a=VectorSource(Path(path.name), date_column="date"))
    assert source.days("a", source.vector("a", crs=UTM)).words() == ["1994-05-31"] * 2


@pytest.mark.parametrize("suffix", ["gpkg", "fgb", "geojson", "parquet"])
def test_offsets_that_differ_from_row_to_row_keep_their_days(suffix: str, tmp_path: Path) -> None:
    times = ["1994-05-31T00:30:00+04:00", "1994-05-31T23:30:00-05:00"]
    dated, path = frame().assign(date=times), tmp_path / f"a.{suffix}"
    dated.to_parquet(path) if suffix == "parquet" else dated.to_file(path)
    source = layers(tmp_path, a=VectorSource(Path(path.name), date_column="date"))
    assert source.days("a", source.vector("a", crs=UTM)).words() == ["1994-05-31"] * 2


@pytest.mark.parametrize(
    ("value", "look"),
    [("24-05-31", "two digits"), ("31.05.1994", "which the month"), (45385, "spreadsheet")],
)
def test_text_in_a_date_column_of_a_geopackage_is_neither_dropped_nor_guessed(
    value: str | int, look: str, tmp_path: Path
) -> None:
    dated = frame().assign(
        when=pd.to_datetime(["1994-05-31T10:00:00", "1995-01-01T10:00:00"]), name=["x", "y"]
    )
    dated.to_file(tmp_path / "a.gpkg")
    with sqlite3.connect(tmp_path / "a.gpkg") as connection:
        connection.create_function("ST_IsEmpty", 1, lambda shape: 0)
        for axis in ("MinX", "MaxX", "MinY", "MaxY"):
            connection.create_function(f"ST_{axis}", 1, lambda shape: 0.0)
        connection.execute('UPDATE a SET "when" = ? WHERE fid = 2', (value,))
    connection.close()
    source = layers(tmp_path, a=VectorSource(Path("a.gpkg"), date_column="when"))
    got = source.vector("a", crs=UTM)
    assert got["name"].tolist() == ["x", "y"]
    with pytest.raises(InputError, match=f"column when, row 2: '{value}' .*{look}"):
        source.days("a", got)


def test_geojson_has_no_day_of_a_year_of_two_digits(tmp_path: Path) -> None:
    frame().assign(date=["24-05-31", "24-06-01"]).to_file(tmp_path / "a.geojson")
    source = layers(tmp_path, a=VectorSource(Path("a.geojson"), date_column="date"))
    with pytest.raises(InputError, match="row 1, 2: '24-05-31' has a year of two digits"):
        source.days("a", source.vector("a", crs=UTM))
