"""A layer's places are where its CRS puts them, or one line says why they cannot be."""

import json
import sqlite3
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely

from minerisk.features.errors import InputError
from minerisk.features.layers.problems import LayerCode
from minerisk.features.layers.quality import validate_layers
from minerisk.features.layers.sources import Layers, VectorSource
from minerisk.features.layers.vectors import read_frame

UTM = "EPSG:32638"
TOWN = shapely.Point(46.75, 39.76)
ESRI_UTM = (
    'PROJCS["WGS_1984_UTM_Zone_38N",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",'
    '6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],'
    'PROJECTION["Transverse_Mercator"],PARAMETER["False_Easting",500000.0],PARAMETER['
    '"False_Northing",0.0],PARAMETER["Central_Meridian",45.0],PARAMETER["Scale_Factor",0.9996],'
    'PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
)
LOCAL = 'LOCAL_CS["site grid",LOCAL_DATUM["stake 1",0],UNIT["Meter",1]]'
UNKNOWN_PROJECTION = ESRI_UTM.replace("Transverse_Mercator", "Map_Of_My_Own")


def town_in(crs: str | pyproj.CRS) -> gpd.GeoDataFrame:
    """Return the town in a CRS, moved there by PROJ itself."""
    own = pyproj.CRS.from_user_input(crs)
    to_own = pyproj.Transformer.from_crs("EPSG:4326", own, always_xy=True)
    return gpd.GeoDataFrame({"n": [1]}, geometry=[shapely.Point(to_own.transform(*TOWN.coords[0]))])


def read(path: Path, **settings: object) -> gpd.GeoDataFrame:
    source = VectorSource(path, **settings)
    return Layers({"towns": source}, path.parent).vector("towns", crs=UTM)


def write_geopackage(path: Path, crs: str, *, srs_id: int | None = None) -> Path:
    town_in(crs).set_crs(crs).to_file(path, layer="towns")
    if srs_id is not None:
        connection = sqlite3.connect(path)
        for table in ("gpkg_contents", "gpkg_geometry_columns"):
            connection.execute(f"UPDATE {table} SET srs_id = {srs_id}")
        connection.commit()
        connection.close()
    return path


def write_shapefile(path: Path, crs: str | pyproj.CRS, prj: str | None) -> Path:
    town_in(crs).to_file(path)
    path.with_suffix(".prj").unlink(missing_ok=True)
    if prj is not None:
        path.with_suffix(".prj").write_text(prj)
    return path


def assert_at_town(frame: gpd.GeoDataFrame, within_m: float = 0.01) -> None:
    easting, northing = pyproj.Transformer.from_crs("EPSG:4326", UTM, always_xy=True).transform(
        TOWN.x, TOWN.y
    )
    found = frame.geometry.iloc[0]
    assert np.hypot(found.x - easting, found.y - northing) < within_m


@pytest.mark.parametrize(
    "crs",
    [
        "EPSG:4326",
        "EPSG:4326+5773",
        "EPSG:32638+5773",
        "EPSG:4979",
        "EPSG:3857",
        "OGC:CRS84",
        "EPSG:28408",
        "EPSG:4284",
        "EPSG:2225",
        "EPSG:4807",
        "EPSG:31468",
        "ESRI:54030",
        "+proj=utm +zone=38 +ellps=krass +towgs84=23.57,-140.95,-79.8,0,0.35,0.79,-0.22",
        "+proj=laea +lat_0=40 +lon_0=46 +units=us-ft +datum=WGS84",
        "+proj=longlat +datum=WGS84 +pm=paris",
        "+proj=longlat +ellps=WGS84",
    ],
)
@pytest.mark.parametrize("name", ["towns.gpkg", "towns.fgb", "towns.parquet"])
def test_every_crs_on_earth_is_read(tmp_path: Path, crs: str, name: str) -> None:
    frame = town_in(crs).set_crs(crs)
    if name == "towns.parquet":
        frame.to_parquet(tmp_path / name)
    else:
        frame.to_file(tmp_path / name)
    # The ways there and back may pass through datums that are known to within metres.
    assert_at_town(read(tmp_path / name), within_m=200 if crs == "EPSG:31468" else 10)


@pytest.mark.parametrize(
    ("crs", "prj"),
    [
        (UTM, ESRI_UTM),
        (UTM, pyproj.CRS(UTM).to_wkt()),
        (UTM, pyproj.CRS(UTM).to_wkt("WKT2_2015")),
        (UTM, "+proj=utm +zone=38 +datum=WGS84"),
        (UTM, "EPSG:32638"),
        (UTM, "\ufeff" + ESRI_UTM),
        ("EPSG:28408", pyproj.CRS("EPSG:28408").to_wkt("WKT1_ESRI")),
        ("EPSG:2225", pyproj.CRS("EPSG:2225").to_wkt("WKT1_ESRI")),
        ("EPSG:4807", pyproj.CRS("EPSG:4807").to_wkt("WKT1_ESRI")),
    ],
)
def test_every_way_to_write_a_prj_is_read(tmp_path: Path, crs: str, prj: str) -> None:
    assert_at_town(read(write_shapefile(tmp_path / "towns.shp", crs, prj)), within_m=10)


@pytest.mark.parametrize("prj", [LOCAL, UNKNOWN_PROJECTION, pyproj.CRS(4978).to_wkt()])
def test_a_crs_that_cannot_be_used_is_one_line_with_the_layer(tmp_path: Path, prj: str) -> None:
    path = write_shapefile(tmp_path / "towns.shp", UTM, prj)
    with pytest.raises(InputError, match=r"towns\.shp has the CRS .* true CRS") as raised:
        read(path)
    assert "\n" not in str(raised.value)
    assert_at_town(read(path, crs=UTM))


@pytest.mark.parametrize("prj", ["hello", "UTM 38N", "<html>"])
def test_a_prj_that_nobody_can_read_is_refused(tmp_path: Path, prj: str) -> None:
    with pytest.raises(InputError, match=r"towns\.prj cannot be read as a CRS"):
        read(write_shapefile(tmp_path / "towns.shp", UTM, prj))


@pytest.mark.parametrize(
    "crs",
    [
        "EPSG:4978",
        "EPSG:5773",
        "IAU_2015:49900",
        'ENGCRS["x",EDATUM["y"],CS[Cartesian,2],'
        'AXIS["x",east],AXIS["y",north],LENGTHUNIT["metre",1]]',
    ],
)
def test_a_crs_that_is_no_place_on_a_map_is_refused(tmp_path: Path, crs: str) -> None:
    frame = gpd.GeoDataFrame({"n": [1]}, geometry=[TOWN], crs=crs)
    frame.to_parquet(tmp_path / "towns.parquet")
    with pytest.raises(InputError, match=r"towns\.parquet has the CRS"):
        read(tmp_path / "towns.parquet")
    (tmp_path / "towns.csv").write_text("e,n\n1,2\n")
    with pytest.raises(InputError, match="has the CRS"):
        read(tmp_path / "towns.csv", crs=crs, easting="e", northing="n")


@pytest.mark.parametrize("srs_id", [-1, 0])
def test_a_geopackage_that_says_it_has_no_crs_needs_one_given(tmp_path: Path, srs_id: int) -> None:
    path = write_geopackage(tmp_path / "towns.gpkg", UTM, srs_id=srs_id)
    with pytest.raises(InputError, match=r"towns\.gpkg has .* says nothing; .* never guessed"):
        read(path)
    assert_at_town(read(path, crs=UTM))


def test_a_crs_given_counts_where_the_file_has_none(tmp_path: Path) -> None:
    path = write_shapefile(tmp_path / "towns.shp", UTM, None)
    with pytest.raises(InputError, match="no CRS; it is never guessed"):
        read(path)
    assert_at_town(read(path, crs=UTM))


@pytest.mark.parametrize("given", [UTM, "+proj=utm +zone=38 +datum=WGS84", "EPSG:25838"])
def test_a_crs_given_that_agrees_with_the_file_is_used(tmp_path: Path, given: str) -> None:
    assert_at_town(read(write_shapefile(tmp_path / "t.shp", UTM, ESRI_UTM), crs=given), 1)


@pytest.mark.parametrize("given", ["EPSG:32637", "EPSG:4326", "EPSG:28408"])
def test_a_crs_given_that_the_file_contradicts_is_refused_with_what_to_do(
    tmp_path: Path, given: str
) -> None:
    path = write_shapefile(tmp_path / "towns.shp", UTM, ESRI_UTM)
    with pytest.raises(InputError, match=rf"towns\.shp is in .* gives crs {given} .* \.prj"):
        read(path, crs=given)


def test_a_geojson_in_metres_is_read_where_its_crs_is_given(tmp_path: Path) -> None:
    path = tmp_path / "towns.geojson"
    easting, northing = town_in(UTM).geometry.iloc[0].coords[0]
    point = {"type": "Point", "coordinates": [easting, northing]}
    feature = {"type": "Feature", "properties": {}, "geometry": point}
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": None, "features": [feature]}))
    with pytest.raises(InputError, match="no longitude and latitude, but its CRS is WGS 84"):
        read(path)
    assert_at_town(read(path, crs=UTM))


def test_longitudes_from_0_to_360_are_the_same_places(tmp_path: Path) -> None:
    west, turned = shapely.Point(-75.25, 4.5), shapely.Point(284.75, 4.5)
    found = []
    for place in (west, turned):
        gpd.GeoDataFrame({"n": [1]}, geometry=[place], crs=4326).to_file(tmp_path / "a.gpkg")
        layers = Layers({"a": VectorSource(Path("a.gpkg"))}, tmp_path)
        found.append(layers.vector("a", crs="EPSG:32618").geometry.iloc[0])
    assert found[0].distance(found[1]) < 1e-6
    gpd.GeoDataFrame({"n": [1]}, geometry=[shapely.Point(470, 4)], crs=4326).to_file(
        tmp_path / "b.gpkg"
    )
    with pytest.raises(InputError, match="470, 4 is no longitude and latitude"):
        Layers({"b": VectorSource(Path("b.gpkg"))}, tmp_path).vector("b", crs="EPSG:32618")


def codes(folder: Path, **settings: object) -> dict[LayerCode, str]:
    """Validate the towns of a folder in a study area around the town."""
    box = gpd.GeoDataFrame({"n": [1]}, geometry=[TOWN.buffer(0.5)], crs="EPSG:4326")
    box.to_file(folder / "area.gpkg")
    sources = {"area": VectorSource(Path("area.gpkg")), "towns": VectorSource(**settings)}
    problems = validate_layers(Layers(sources, folder), area="area", crs=UTM)
    return {one.code: one.level.value for one in problems if one.layer == "towns"}


def test_whose_word_the_crs_is_is_said(tmp_path: Path) -> None:
    write_shapefile(tmp_path / "towns.shp", UTM, None)
    assert codes(tmp_path, path=Path("towns.shp"), crs=UTM) == {LayerCode.CRS_GIVEN: "note"}


def test_a_datum_of_another_ellipsoid_whose_shift_is_not_known_is_warned_of(
    tmp_path: Path,
) -> None:
    crs = "+proj=longlat +ellps=krass"
    town_in(crs).set_crs(crs).to_file(tmp_path / "towns.gpkg")
    found = codes(tmp_path, path=Path("towns.gpkg"))
    assert found == {LayerCode.SHIFT_NOT_KNOWN: "warning"}
    for known in ("EPSG:4284", "+proj=longlat +ellps=WGS84", "EPSG:4258"):
        town_in(known).set_crs(known).to_file(tmp_path / "towns.gpkg")
        assert codes(tmp_path, path=Path("towns.gpkg")) == {}


def test_coordinates_that_are_exchanged_are_warned_of(tmp_path: Path) -> None:
    places = [TOWN, shapely.Point(TOWN.y, TOWN.x)]
    gpd.GeoDataFrame({"n": [1, 2]}, geometry=places, crs=4326).to_file(tmp_path / "towns.gpkg")
    found = codes(tmp_path, path=Path("towns.gpkg"))
    assert found[LayerCode.EXCHANGED_AXES] == "warning"


def test_what_keep_leaves_out_and_names_in_vain_is_said(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"kind": ["a", "b"]}, geometry=[TOWN, TOWN], crs=4326)
    frame.to_file(tmp_path / "towns.gpkg")
    found = codes(tmp_path, path=Path("towns.gpkg"), keep={"kind": ("a", "c")})
    assert found == {LayerCode.KEPT_ROWS: "note", LayerCode.UNMATCHED_VALUES: "warning"}


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("a.csv", {"layer": "a", "crs": UTM, "easting": "e", "northing": "n"}, "leave layer out"),
        ("a.parquet", {"layer": "a"}, "leave layer out"),
        ("a.gpkg", {"easting": "e", "northing": "n"}, "leave easting and northing out"),
    ],
)
def test_a_setting_that_means_nothing_for_a_file_is_refused(
    tmp_path: Path, name: str, settings: dict[str, str], words: str
) -> None:
    frame = gpd.GeoDataFrame({"n": [1]}, geometry=[TOWN], crs=4326)
    (tmp_path / "a.csv").write_text("e,n\n1,2\n")
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_file(tmp_path / "a.gpkg")
    with pytest.raises(InputError, match=words):
        read_frame(tmp_path / name, **settings)
