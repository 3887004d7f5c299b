import datetime as dt
import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from odc.geo.geobox import GeoBox

from minerisk.features.layers.problems import LayerCode
from minerisk.features.layers.quality import step_lengths, validate_layers
from minerisk.features.layers.sources import Layers, RasterSource, VectorSource
from minerisk.features.vector_files.columns import accuracies
from minerisk.pipelines.language.messages import ENGLISH

UTM = "EPSG:32638"
WEST, SOUTH = 500_000, 4_400_000
AREA = shapely.box(WEST, SOUTH, WEST + 4_000, SOUTH + 4_000)


def place(east: float, north: float) -> shapely.Point:
    return shapely.Point(WEST + east, SOUTH + north)


def store(root: Path, stem: str, shapes: list[Any], **columns: list[Any]) -> None:
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs=UTM)
    frame.to_file(root / f"{stem}.gpkg")


def store_raster(root: Path, values: np.ndarray, **extra: Any) -> None:
    profile = {"driver": "GTiff", "count": 1, "dtype": values.dtype, "crs": UTM, "nodata": np.nan}
    profile |= {"height": values.shape[0], "width": values.shape[1]} | extra
    transform = rasterio.transform.from_origin(WEST, SOUTH + 4_000, 100, 100)
    with rasterio.open(root / "a.tif", "w", transform=transform, **profile) as dataset:
        dataset.write(values, 1)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    store(tmp_path, "area", [AREA])
    return tmp_path


def problems_of(root: Path, source: Any = None, **settings: Any) -> dict[str, str]:
    """Give level and message by code for the layer `a`."""
    sources = {"area": VectorSource(Path("area.gpkg")), "a": source or VectorSource(Path("a.gpkg"))}
    found = validate_layers(Layers(sources, root), area="area", crs=UTM, **settings)
    assert {problem.layer for problem in found} <= {"a"}
    return {problem.code: f"{problem.level}: {ENGLISH.say(problem)}" for problem in found}


def test_good_layers_give_nothing(root: Path) -> None:
    store(root, "a", [place(10, 10), place(20, 20)])
    assert problems_of(root) == {}


def test_a_missing_file_and_a_missing_crs_are_errors(root: Path) -> None:
    assert problems_of(root)["unreadable"].startswith("error: a.gpkg does not exist")
    gpd.GeoDataFrame(geometry=[place(1, 1)]).to_parquet(root / "a.parquet")
    found = problems_of(root, VectorSource(Path("a.parquet")))
    assert found["no_crs"].startswith("error: a.parquet has no CRS")


def test_an_empty_layer_is_an_error(root: Path) -> None:
    store(root, "a", [place(1, 1), place(2, 2)], kind=["x", "y"], sort=["u", "v"])
    found = problems_of(root, VectorSource(Path("a.gpkg"), keep={"kind": ("x",), "sort": ("v",)}))
    assert found["empty"].startswith("error: The layer is empty: 0 rows")
    found = problems_of(root, VectorSource(Path("a.gpkg"), keep={"kind": ("z",)}))
    assert "keep has 'z' for 'kind', which no row has" in found["unreadable"]


def test_repairs_are_counted(root: Path) -> None:
    x, y = WEST, SOUTH
    tie = shapely.Polygon([(x, y), (x + 20, y + 20), (x + 20, y), (x, y + 20)])
    spike = shapely.Polygon([(x, y), (x + 10, y), (x, y)])
    frame = gpd.GeoDataFrame(geometry=[tie, spike, None, AREA], crs=UTM)
    frame.to_parquet(root / "a.parquet")
    found = problems_of(root, VectorSource(Path("a.parquet")))
    expected = "2 of 4 geometries were invalid: repaired, 1 of them left out as nothing remained."
    assert found["lost_geometry"] == f"warning: {expected}"
    assert found["no_geometry"] == "warning: 1 of 4 rows has no geometry: left out."


def test_exact_duplicates_are_counted_and_near_ones_are_not(root: Path) -> None:
    shapes = [place(1, 1), place(1, 1), place(1, 1), place(2, 1)]
    store(root, "a", shapes, kind=["x", "x", "y", "x"])
    assert problems_of(root)["duplicates"].startswith("warning: 1 of 4 rows")


def test_a_layer_elsewhere_does_not_cover_the_area(root: Path) -> None:
    store(root, "a", [place(90_000, 90_000)])
    assert problems_of(root)["outside"].startswith("error: The layer does not cover the study area")
    store(root, "a", [place(90_000, 90_000), place(1, 1)])
    assert problems_of(root) == {
        "partly_outside": "note: 1 of 2 features lies outside the study area."
    }


def test_steps_over_five_kilometres_are_counted(root: Path) -> None:
    line = shapely.LineString([place(0, 0), place(5_000, 0), place(5_000, 5_001), place(0, 5_001)])
    store(root, "a", [line])
    assert problems_of(root)["long_steps"].startswith("warning: 1 of 3 steps")


def test_steps_are_those_of_lines_and_rings_only() -> None:
    square, hole = [(0, 0), (9, 0), (9, 9), (0, 9)], [(1, 1), (3, 1), (3, 4), (1, 4)]
    shapes = [shapely.Polygon(square, [hole]), shapely.Point(50, 50)]
    shapes.append(shapely.MultiLineString([[(0, 0), (3, 4)], [(100, 0), (100, 1)]]))
    lengths = step_lengths(np.array(shapes, dtype=object))
    assert sorted(lengths) == [1, 2, 2, 3, 3, 5, 9, 9, 9, 9]
    assert len(step_lengths(np.array([shapely.Point(0, 0)], dtype=object))) == 0


def test_dates_that_cannot_be_read_are_errors_with_column_rows_and_what_to_write(
    root: Path,
) -> None:
    dates = ["1994-05-31", "31.5.94", "1850-01-01", "2021-01-02", None, "31.05.1994", "1994"]
    store(root, "a", [place(i, i) for i in range(7)], date=dates)
    source = VectorSource(Path("a.gpkg"), date_column="date")
    found = problems_of(root, source, as_of=dt.date(1994, 12, 30))
    assert found["dates_short_year"].startswith("error: Column date, row 2: 31.5.94 has a year of")
    assert found["early_dates"].startswith("error: Column date, row 3: 1850-01-01 lies before 1900")
    assert found["dates_day_or_month"].startswith("error: Column date, row 6: 31.05.1994 does not")
    assert "State date_format, such as %d.%m.%Y" in found["dates_day_or_month"]
    assert found["late_dates"].startswith("warning: 2 dates lie after 1994-12-30")
    assert found["undated"] == "note: 1 of 7 rows has no date."
    assert "late_dates" not in problems_of(root, source)


def test_a_format_that_a_layer_states_is_read_beside_iso_dates(root: Path) -> None:
    store(root, "a", [place(i, i) for i in range(2)], date=["31.05.1994", "1994-05-31"])
    source = VectorSource(Path("a.gpkg"), date_column="date", date_format="%d.%m.%Y")
    assert problems_of(root, source) == {}
    layers = Layers({"a": source}, root)
    assert layers.days("a", layers.vector("a", crs=UTM)).words() == ["1994-05-31"] * 2
    wrong = VectorSource(Path("a.gpkg"), date_column="date", date_format="%d.%m.%y")
    assert problems_of(root, wrong)["unreadable"].startswith("error: The date_format is '%d.%m.%y'")


def test_rows_without_a_geometry_are_not_read_for_dates(root: Path) -> None:
    frame = gpd.GeoDataFrame(
        {"date": ["soon", "1994-05-31"]}, geometry=[None, place(1, 1)], crs=UTM
    )
    frame.to_file(root / "a.gpkg")
    found = problems_of(root, VectorSource(Path("a.gpkg"), date_column="date"))
    assert set(found) == {"no_geometry"}


def test_a_missing_date_column_is_an_error(root: Path) -> None:
    store(root, "a", [place(1, 1)], date=["yesterday"])
    found = problems_of(root, VectorSource(Path("a.gpkg"), date_column="day"))
    assert found["no_date_column"].startswith("error")


def test_columns_that_cannot_be_read_are_errors(root: Path) -> None:
    store(root, "a", [place(i, i) for i in range(3)], share=["0.5", "0,5", ""])
    found = problems_of(root, columns={"a": [accuracies("share")]})
    assert found["unreadable_column"].startswith("error: The layer a, column share, row 2: '0,5'")


def test_columns_that_would_leak_the_label_are_named_for_feature_layers_only(root: Path) -> None:
    columns = {"IMSMA_ID": [1], "cleared": [1], "name": ["x"], "shape": [1], "minerals": [1]}
    store(root, "a", [place(1, 1)], **columns)
    found = problems_of(root, features=["a"])
    assert "The columns IMSMA_ID, cleared look like" in found["telling_columns"]
    assert problems_of(root, evidence=["a"]) == {}


def test_evidence_used_as_a_feature_is_an_error_under_any_name(root: Path) -> None:
    store(root, "a", [place(1, 1)])
    found = problems_of(root, features=["a"], evidence=["a"])
    assert found["evidence_as_feature"].startswith("error")
    twin = {name: VectorSource(Path("a.gpkg"), layer="a") for name in ("a", "b")}
    layers = Layers({"area": VectorSource(Path("area.gpkg"))} | twin, root)
    found = validate_layers(layers, area="area", crs=UTM, evidence=["a"], features=["b"])
    assert [(problem.layer, problem.code) for problem in found] == [
        ("b", LayerCode.SAME_DATA_AS_EVIDENCE)
    ]


def test_other_rows_of_the_file_of_evidence_may_be_a_feature(root: Path) -> None:
    store(root, "a", [place(1, 1), place(2, 2)], kind=["mine", "road"])
    parts = {
        "a": VectorSource(Path("a.gpkg"), keep={"kind": ("mine",)}),
        "b": VectorSource(Path("a.gpkg"), keep={"kind": ("road",)}),
    }
    layers = Layers({"area": VectorSource(Path("area.gpkg"))} | parts, root)
    found = validate_layers(layers, area="area", crs=UTM, evidence=["a"], features=["b"])
    assert {problem.code for problem in found} == {LayerCode.KEPT_ROWS}


@pytest.mark.parametrize(
    ("empty_rows", "level"), [(0, None), (1, "warning"), (19, "warning"), (21, "error")]
)
def test_cover_is_the_share_of_the_area_with_values(
    root: Path, empty_rows: int, level: str | None
) -> None:
    values = np.ones((40, 40), dtype=np.float32)
    values[:empty_rows] = np.nan
    store_raster(root, values)
    found = problems_of(root, RasterSource(Path("a.tif")))
    if level is None:
        assert found == {}
    else:
        share = 100 * (1 - empty_rows / 40)
        told = re.fullmatch(rf"{level}: The layer has values on ([0-9.]+) % of .*", found["cover"])
        assert told
        assert float(told[1]) == pytest.approx(share, abs=0.3)


def test_values_outside_the_valid_range_are_counted(root: Path) -> None:
    values = np.full((40, 40), 300, dtype=np.float32)
    values[3, 4], values[5, 6:8] = 9_000, -9_999
    store_raster(root, values)
    source = RasterSource(Path("a.tif"), valid_range=(-100, 5_000))
    found = problems_of(root, source)
    assert found["value_range"].startswith("error: 3 values near the study area")
    assert "from -9999 to 9000" in found["value_range"]


def test_values_that_look_like_undeclared_nodata_are_errors_that_say_what_to_write(
    root: Path,
) -> None:
    values = np.linspace(100, 900, 1_600, dtype=np.float32).reshape(40, 40)
    values[3, 4:6] = -32_768
    store_raster(root, values)
    said = problems_of(root, RasterSource(Path("a.tif")))["undeclared_nodata"]
    assert said.startswith("error: 2 values near the study area are -32768, far from all others")
    assert "nodata: [-32768]" in said
    assert "valid_range: [-32768, 900]" in said
    assert problems_of(root, RasterSource(Path("a.tif"), nodata=(-32_768,))) == {}
    assert problems_of(root, RasterSource(Path("a.tif"), valid_range=(-32_768, 900))) == {}


def test_values_are_checked_as_far_as_features_look(root: Path) -> None:
    values = np.linspace(100, 900, 3_600, dtype=np.float32).reshape(60, 60)
    values[50] = -9_999
    store_raster(root, values)
    assert problems_of(root, RasterSource(Path("a.tif"))) == {}
    assert "undeclared_nodata" in problems_of(root, RasterSource(Path("a.tif")), reach_m=2_000.0)
    ranged = RasterSource(Path("a.tif"), valid_range=(0, 1_000))
    assert "value_range" in problems_of(root, ranged, reach_m=2_000.0)


def test_heights_that_no_land_has_are_errors_in_any_unit(root: Path) -> None:
    values = np.linspace(100, 25_000, 1_600, dtype=np.float32).reshape(40, 40)
    store_raster(root, values)
    assert problems_of(root, RasterSource(Path("a.tif"))) == {}
    assert problems_of(root, RasterSource(Path("a.tif"), unit="ft"), units={"a": "m"}) == {}
    assert "undeclared_nodata" in problems_of(root, RasterSource(Path("a.tif")), units={"a": "m"})


def test_it_is_told_that_the_first_of_several_bands_is_read(root: Path) -> None:
    store_raster(root, np.ones((40, 40), dtype=np.float32), count=3)
    with rasterio.open(root / "a.tif", "r+") as dataset:
        dataset.write(np.ones((2, 40, 40), dtype=np.float32), [2, 3])
    found = problems_of(root, RasterSource(Path("a.tif")))
    assert found == {
        "first_of_bands": "note: The raster has 3 bands, and the configuration names none: the "
        "first is read."
    }
    assert problems_of(root, RasterSource(Path("a.tif"), band=2)) == {}


def test_a_unit_that_cannot_be_read_is_an_error(root: Path) -> None:
    store_raster(root, np.ones((40, 40), dtype=np.float32))
    said = problems_of(root, RasterSource(Path("a.tif"), unit="degree"), units={"a": "m"})
    assert said["unreadable"].startswith("error: The layer a is in degree, and is read as m")
    assert problems_of(root, RasterSource(Path("a.tif"), unit="degree")) == {}


def test_a_raster_from_0_to_360_degrees_is_found_west_of_greenwich(root: Path) -> None:
    shapes = [shapely.box(-0.02, 36.0, 0.02, 36.02)]
    gpd.GeoDataFrame(geometry=shapes, crs="EPSG:4326").to_crs("EPSG:32631").to_file(
        root / "area.gpkg"
    )
    columns = np.arange(3_600) / 10
    transform = rasterio.transform.from_origin(0, 37, 0.1, 0.1)
    values = np.broadcast_to(columns, (20, 3_600)).astype(np.float32)
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "crs": "EPSG:4326"}
    profile |= {"height": 20, "width": 3_600, "transform": transform}
    with rasterio.open(root / "a.tif", "w", **profile) as dataset:
        dataset.write(values, 1)
    sources = {"area": VectorSource(Path("area.gpkg")), "a": RasterSource(Path("a.tif"))}
    layers = Layers(sources, root)
    assert validate_layers(layers, area="area", crs="EPSG:32631") == []
    west, south, east, north = layers.vector("area", crs="EPSG:32631").total_bounds
    grid = GeoBox.from_bbox((west, south, east, north), "EPSG:32631", shape=(2, 4))
    nearest = Layers(sources | {"a": RasterSource(Path("a.tif"), resampling="nearest")}, root)
    got = nearest.raster("a", grid)
    assert np.allclose(got[:, 0], 359.9)
    assert np.allclose(got[:, 3], 0)


def test_layers_that_the_run_makes_are_noted(root: Path) -> None:
    found = problems_of(root, VectorSource(Path("@simulated/findings.gpkg")), features=["a"])
    assert list(found) == ["made_by_run"]


def test_a_boundary_of_lines_is_an_error(root: Path) -> None:
    store(root, "area", [shapely.LineString([place(0, 0), place(1, 1)])])
    layers = Layers({"area": VectorSource(Path("area.gpkg"))}, root)
    found = validate_layers(layers, area="area", crs=UTM)
    assert [(problem.level, problem.code) for problem in found] == [("error", "not_polygons")]


@pytest.mark.parametrize("shape", [place(5, 5), shapely.LineString([place(1, 1), place(9, 1)])])
def test_rows_without_land_are_errors_where_land_is_meant(
    root: Path, shape: shapely.Geometry
) -> None:
    store(root, "a", [place(9, 9).buffer(5), shape])
    layers = Layers({name: VectorSource(Path(f"{name}.gpkg")) for name in ("area", "a")}, root)
    found = validate_layers(layers, area="area", crs=UTM, areas=["area", "a"])
    assert [(one.layer, one.code) for one in found] == [("a", LayerCode.NOT_POLYGONS)]
    assert found[0].values == {"flat": 1, "rows": 2}
    assert validate_layers(layers, area="area", crs=UTM, areas=["area"]) == []
