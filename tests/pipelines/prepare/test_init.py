import os
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely

from minerisk.configs.checks import check_config
from minerisk.configs.load import load_config
from minerisk.features.errors import InputError
from minerisk.pipelines.prepare.init import TELL, slug, write_first_config
from minerisk.pipelines.prepare.validate import run_validate
from minerisk.pipelines.run.layers import open_layers

KARABAKH = Path(__file__).parents[3] / "data" / "karabakh"


def store(folder: Path, name: str, shape: shapely.Geometry, layer: str | None = None) -> None:
    frame = gpd.GeoDataFrame({"note": ["x"]}, geometry=[shape], crs="EPSG:4326")
    frame.to_file(folder / name, layer=layer or Path(name).stem)


def store_raster(path: Path, values: np.ndarray, cell: float) -> None:
    profile = {"driver": "GTiff", "count": 1, "dtype": values.dtype, "crs": "EPSG:4326"}
    transform = rasterio.transform.from_origin(46, 40, cell, cell)
    height, width = values.shape
    with rasterio.open(
        path, "w", transform=transform, height=height, width=width, **profile
    ) as dataset:
        dataset.write(values, 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "My Area 1"
    folder.mkdir()
    box = shapely.box(46, 39, 47, 40)
    line = shapely.LineString([(46, 39.5), (46.02, 39.52)])
    store(folder, "districts.gpkg", box)
    store(folder, "ops.gpkg", shapely.box(46.1, 39.1, 46.2, 39.2), "suspected_areas")
    store(folder, "ops.gpkg", shapely.Point(46.5, 39.5), "incidents")
    store(folder, "ops.gpkg", box, "surveyed_land")
    store(folder, "frontLine.geojson", line)
    store(folder, "roads.fgb", line)
    store(folder, "odd.shp", line)
    (folder / "villages.csv").write_text("name,Longitude,Latitude\na,46.5,39.5\n")
    (folder / "population.csv").write_text("district,people\na,5\n")
    (folder / "evil.tif").write_text("<VRTDataset/>")
    store_raster(folder / "dem_fine.tif", np.linspace(0, 900, 400).reshape(20, 20), 0.05)
    store_raster(folder / "dem_coarse.tif", np.linspace(0, 900, 100).reshape(10, 10), 0.1)
    store_raster(folder / "landcover.tif", np.tile(np.uint8([10, 50]), (10, 5)), 0.1)
    return folder


def test_the_layers_are_recognised_and_the_file_loads_and_checks(
    folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "first" / "area.yaml"
    lines = write_first_config(folder, out)
    config = load_config(out)
    assert all(problem.level == "warning" for problem in check_config(config))
    assert config.study_area.name == "my_area_1"
    assert config.study_area.crs == "EPSG:32638"
    assert config.layers["elevation"].path == "dem_fine.tif"
    assert config.layers["villages"].easting == "Longitude"
    kinds = [(feature.kind, feature.layer) for feature in config.features]
    assert ("front_line", "front_line") in kinds
    assert ("terrain", "elevation") in kinds
    assert ("distance", "roads") in kinds
    groups = next(f.groups for f in config.features if f.kind == "land_cover")
    assert groups["urban"] == (50,)
    evidence = {(item.layer, item.evidence) for item in config.labels.positive}
    assert evidence == {("incidents", "accident"), ("suspected_areas", "suspicion")}
    assert config.labels.surveyed == "surveyed"
    text = "\n".join(lines)
    assert "left out    evil.tif: evil.tif does not begin like a GTiff" in text
    assert "left out    population.csv" in text
    assert "found       odd.shp: use not known" in text
    assert "found       dem_coarse.tif: another elevation" in text
    assert "tell me     position_error_m" in text


def test_the_layers_it_names_can_be_opened(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "area.yaml"
    write_first_config(folder, out)
    config = load_config(out)
    report = run_validate(config, layers=open_layers(config, config_path=out))
    assert not report.failed


def test_nothing_is_overwritten(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "area.yaml"
    out.write_text("mine")
    with pytest.raises(InputError, match="not overwritten"):
        write_first_config(folder, out)
    assert out.read_text() == "mine"


def test_a_folder_without_layers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no layer that can be used"):
        write_first_config(tmp_path / "empty", tmp_path / "a.yaml")
    with pytest.raises(InputError, match="is not a folder"):
        write_first_config(tmp_path / "none", tmp_path / "a.yaml")
    assert not (tmp_path / "a.yaml").exists()


def test_what_is_missing_is_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "area.yaml"
    lines = "\n".join(write_first_config(KARABAKH, out))
    config = load_config(out)
    assert config.study_area.boundary == "boundary"
    assert "tell me     layer: the layer of findings" in lines
    assert "tell me     surveyed: " in lines
    assert f"layer: findings  # {TELL}" in out.read_text()
    assert "front line, as front_line" in lines
    assert "held area, as held_area" in lines


@pytest.mark.parametrize(
    ("text", "name"),
    [("My Area 1", "my_area_1"), ("2020", "area_2020"), ("Ğ", "area"), ("a" * 90, "a" * 40)],
)
def test_names_become_what_a_configuration_takes(text: str, name: str) -> None:
    assert slug(text) == name


@pytest.mark.data
def test_bosnia_is_recognised_whole(tmp_path: Path) -> None:
    if "MINERISK_DATA" not in os.environ:
        pytest.skip("MINERISK_DATA is not set")
    out = tmp_path / "area.yaml"
    write_first_config(Path(os.environ["MINERISK_DATA"]) / "bosnia", out)
    config = load_config(out)
    assert all(problem.level == "warning" for problem in check_config(config))
    assert config.study_area.crs == "EPSG:3035"
    assert config.layers["elevation"].path == "dem15s_fused.tif"
    assert {item.evidence for item in config.labels.positive} == {
        *("find", "accident", "cleared", "suspicion"),
    }


@pytest.mark.parametrize(
    ("columns", "date"),
    [
        (
            {"where_prec": 1, "best": 4, "date_start": "1992-05-01", "dyad_name": "A - B"},
            "date_start",
        ),
        ({"GEO_PRECISION": 2, "FATALITIES": 0, "EVENT_DATE": "27 April 2020"}, "EVENT_DATE"),
    ],
)
def test_lists_of_events_are_recognised_by_their_columns(
    folder: Path, tmp_path: Path, columns: dict[str, object], date: str
) -> None:
    names = ["longitude", "latitude", *columns]
    row = ["46.5", "39.5", *map(str, columns.values())]
    (folder / "download_7.csv").write_text(f"{','.join(names)}\n{','.join(row)}\n")
    out = tmp_path / "area.yaml"
    lines = write_first_config(folder, out)
    assert any(line.startswith("recognised  download_7.csv: events of war") for line in lines)
    config = load_config(out)
    (events,) = [item for item in config.features if item.kind == "conflict_events"]
    assert events.precision_m == {1: 1_000, 2: 25_000}
    assert {events.precision_column, events.deaths_column} < set(columns)
    assert f'# date_column: "{date}"  # {TELL}' in out.read_text()
    assert not run_validate(config, layers=open_layers(config, config_path=out)).count("error")
