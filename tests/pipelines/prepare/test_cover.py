"""What layers cover of the study area is counted, and findings where they are silent are named."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr

from minerisk.configs.load import load_config
from minerisk.configs.schema import Config
from minerisk.features.grid import study_grid
from minerisk.features.kinds import COVER
from minerisk.features.layers.problems import LayerCode, Level
from minerisk.features.layers.sources import Layers
from minerisk.pipelines.prepare.cover import cover_feature, cover_problems, layer_covers
from minerisk.pipelines.run.layers import open_layers, present_features

BOUNDS = (500_000, 4_400_000, 510_000, 4_410_000)
WEST = [500_000, 4_400_000, 504_000, 4_410_000]


def area(coverage: str) -> str:
    return f"""
study_area: {{name: square, title: Square, boundary: land, crs: EPSG:32638, resolution_m: 500}}
layers:
  land: {{kind: vector, path: a.gpkg, layer: land}}
  line: {{kind: vector, path: a.gpkg, layer: line, position_error_m: 100, coverage: {coverage}}}
  road: {{kind: vector, path: a.gpkg, layer: line}}
  finds: {{kind: vector, path: a.gpkg, layer: finds}}
  frames: {{kind: vector, path: a.gpkg, layer: frames}}
features:
  - {{kind: front_line, layer: line}}
  - {{kind: distance, layer: road}}
labels: {{positive: [{{layer: finds, evidence: find, weight: 1}}]}}
"""


def made(tmp_path: Path, coverage: str) -> tuple[Config, Layers]:
    shapes = {
        "land": [shapely.box(*BOUNDS)],
        "line": [shapely.LineString([(501_000, 4_400_500), (501_000, 4_409_500)])],
        # One find in the western part, three in the east.
        "finds": shapely.points([502_100, 506_100, 507_100, 508_100], [4_405_100] * 4),
        "frames": [shapely.box(*WEST)],
    }
    for name, geometries in shapes.items():
        frame = gpd.GeoDataFrame(geometry=list(geometries), crs="EPSG:32638")
        frame.to_file(tmp_path / "a.gpkg", layer=name)
    path = tmp_path / "area.yaml"
    path.write_text(area(coverage))
    config = load_config(path)
    return config, open_layers(config, config_path=path)


WAYS = ["{layer: frames}", "{in_file: frames}", f"{{bounds: {WEST}}}"]


@pytest.mark.parametrize("coverage", WAYS)
def test_findings_where_a_layer_is_silent_are_a_warning(tmp_path: Path, coverage: str) -> None:
    config, layers = made(tmp_path, coverage)
    features, _ = present_features(config, layers)
    found = {problem.code: problem for problem in cover_problems(config, layers, features)}
    assert found[LayerCode.COVERAGE].values == {"share": 0.4}
    silent = found[LayerCode.SILENT_LABELS]
    assert (silent.layer, silent.level) == ("line", Level.WARNING)
    assert silent.values == {"found": 4, "silent": 3, "evidence": "finds"}


def test_a_cover_without_land_of_the_study_area_is_an_error(tmp_path: Path) -> None:
    config, layers = made(tmp_path, "{bounds: [0, 0, 1, 1]}")
    features, _ = present_features(config, layers)
    (problem,) = cover_problems(config, layers, features)
    assert (problem.code, problem.level) == (LayerCode.COVERS_NOTHING, Level.ERROR)


def test_the_cover_is_built_for_the_layers_that_state_one(tmp_path: Path) -> None:
    config, layers = made(tmp_path, WAYS[0])
    features, _ = present_features(config, layers)
    ((kind, params),) = cover_feature(config, layers, features)
    assert kind == COVER
    assert (params["layer"], params["lines"]) == (["line"], ["line"])
    assert cover_feature(config, layers, features[1:]) == []


def test_cells_and_findings_are_counted_where_a_layer_speaks(tmp_path: Path) -> None:
    _, layers = made(tmp_path, WAYS[0])
    geobox = study_grid(BOUNDS, crs="EPSG:32638", resolution_m=500)
    state = np.zeros(geobox.shape, dtype=np.int8)
    state[5, [1, 7, 8, 19]] = 1
    inside = np.ones(geobox.shape, dtype=bool)
    inside[:, 19] = False
    labels = xr.DataArray(state, dims=("y", "x"))
    (cover,) = layer_covers(layers, ["line"], geobox=geobox, inside=inside, state=labels)
    # Eight of nineteen columns; the fourth positive cell is outside the study area.
    assert cover.share == pytest.approx(8 / 19)
    assert (cover.findings, cover.silent_findings) == (3, 1)
