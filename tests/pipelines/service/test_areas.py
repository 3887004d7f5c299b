"""Files of polygons: what is read, and what is refused in which words."""

import io
import zipfile
from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import Point, box

from minerisk.pipelines.service.settings import read_settings, settings_of

LAND = gpd.GeoDataFrame(geometry=[box(47.25, 39.5, 47.3, 39.55)], crs="EPSG:4326")
KML = """<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark>
<MultiGeometry><Polygon><outerBoundaryIs><LinearRing><coordinates>
47.25,39.5,0 47.3,39.5,0 47.3,39.55,0 47.25,39.55,0 47.25,39.5,0</coordinates></LinearRing>
</outerBoundaryIs></Polygon></MultiGeometry></Placemark></Document></kml>"""


def send(town, name: str, content: bytes, layer: str | None = None):
    params = {"name": name} | ({} if layer is None else {"layer": layer})
    return town.manager.post("/api/areas", params=params, content=content)


def geopackage(folder: Path, frame: gpd.GeoDataFrame = LAND) -> bytes:
    frame.to_file(folder / "a.gpkg", driver="GPKG", layer="land")
    return (folder / "a.gpkg").read_bytes()


def shapefile(folder: Path, *, leave_out: str = "", below: str = "") -> bytes:
    LAND.to_crs("EPSG:32638").to_file(folder / "land.shp")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for part in folder.glob("land.*"):
            if part.suffix != leave_out:
                archive.write(part, below + part.name)
    return packed.getvalue()


def zipped(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_dot_", "."), content)
    return packed.getvalue()


@pytest.mark.parametrize("kind", ["gpkg", "zip", "folder in a zip", "kml", "geojson"])
def test_the_same_land_is_read_from_every_kind(town, tmp_path: Path, kind: str) -> None:
    content = {
        "gpkg": lambda: geopackage(tmp_path),
        "zip": lambda: shapefile(tmp_path),
        "folder in a zip": lambda: shapefile(tmp_path, below="my land/"),
        "kml": KML.encode,
        "geojson": lambda: LAND.to_json().encode(),
    }[kind]()
    done = send(town, f"my land.{kind.split()[-1]}", content)
    assert done.status_code == 201, done.text
    facts = done.json()["facts"]
    assert facts["polygons"] == 1
    # 0.05 degrees square at 39.525 N: 5,552 m by 4,299 m
    assert facts["hectares"] == pytest.approx(2387, rel=0.005)
    assert facts["west"] == pytest.approx(47.25, abs=1e-4)
    again = town.manager.get(f"/api/areas/{done.json()['id']}")
    assert again.json() == done.json()


def test_an_area_is_its_senders_alone(town) -> None:
    done = send(town, "a.geojson", LAND.to_json().encode())
    assert town.scientist.get(f"/api/areas/{done.json()['id']}").status_code == 404


def test_a_file_without_crs_is_asked_for_it(town, tmp_path: Path) -> None:
    done = send(town, "a.zip", shapefile(tmp_path, leave_out=".prj"))
    assert (done.status_code, done.json()["code"]) == (422, "desk_area_without_crs")
    content = shapefile(tmp_path, leave_out=".prj")
    for crs, status in (("EPSG:32638", 201), ("EPSG:0", 422), ("here", 422)):
        params = {"name": "a.zip", "crs": crs}
        done = town.manager.post("/api/areas", params=params, content=content)
        assert done.status_code == status, done.text
        if status == 201:
            assert done.json()["facts"]["hectares"] == pytest.approx(2387, rel=0.005)
            assert done.json()["facts"]["west"] == pytest.approx(47.25, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.txt", b"x", "desk_area_kind"),
        ("a", b"x", "desk_area_kind"),
        ("a.vrt", b"<VRTDataset/>", "desk_area_kind"),
        ("a.gpkg", b"no such file", "desk_area_not_read"),
        ("a.zip", b"PK no zip", "desk_area_not_read"),
        ("a.zip", zipped(notes_dot_txt=b"x"), "desk_area_not_read"),
        ("a.zip", zipped(a_dot_shp=b"x", b_dot_shp=b"y"), "desk_area_not_read"),
        ("a.geojson", b'{"type":"FeatureCollection","features":[]}', "desk_area_empty"),
        ("a.geojson", b"{}", "desk_area_not_read"),
        ("a.kml", b"<kml><a></kml>", "desk_area_not_read"),
        ("a.kml", b'<!DOCTYPE kml [<!ENTITY a "b">]><kml>&a;</kml>', "desk_area_not_read"),
        ("a.kml", b'<kml xmlns="http://www.opengis.net/kml/2.2"/>', "desk_area_no_polygons"),
        ("a.kml", b"<kml><Polygon><coordinates>1,2 3</coordinates></Polygon></kml>",
         "desk_area_not_read"),
    ],
)  # fmt: skip
def test_what_is_no_land_is_refused_with_its_code(town, name, content, code) -> None:
    done = send(town, name, content)
    assert (done.status_code, done.json()["code"]) == (422, code), done.text
    assert done.json()["detail"]
    assert list(town.desk.settings.uploads.glob("*")) == []


def test_points_and_lines_are_no_land(town) -> None:
    points = gpd.GeoDataFrame(geometry=[Point(47.2, 39.5)], crs="EPSG:4326")
    assert send(town, "a.geojson", points.to_json().encode()).json()["code"] == (
        "desk_area_no_polygons"
    )


def test_of_several_layers_one_is_asked_for(town, tmp_path: Path) -> None:
    LAND.to_file(tmp_path / "b.gpkg", driver="GPKG", layer="one")
    LAND.to_file(tmp_path / "b.gpkg", driver="GPKG", layer="two")
    content = (tmp_path / "b.gpkg").read_bytes()
    refused = send(town, "b.gpkg", content).json()
    assert (refused["code"], refused["choices"]) == ("desk_area_not_read", ["one", "two"])
    assert send(town, "b.gpkg", content, "two").json()["layer"] == "two"


def test_a_name_that_leads_elsewhere_is_only_a_name(town) -> None:
    done = send(town, "../../etc/x y.geojson", LAND.to_json().encode())
    assert done.json()["name"] == "etc_x_y.geojson"


def test_a_file_that_is_too_large_is_refused(town) -> None:
    done = town.manager.post("/api/areas?name=a.kml", content=b"x" * 20_000_001)
    assert done.json()["code"] == "desk_body_too_large"


def test_a_desk_in_a_folder_that_is_named_from_here_reads_what_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path)
    settings = settings_of({"home": Path("desk"), "runs": Path("runs")}, source="options")
    assert settings.uploads == tmp_path / "desk" / "areas"
    (tmp_path / "desk.yaml").write_text("home: desk\nruns: runs\n")
    assert read_settings(Path("desk.yaml")).uploads == settings.uploads
