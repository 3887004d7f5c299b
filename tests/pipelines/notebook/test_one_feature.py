"""A feature at a prompt is the feature of a run."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import LineString

import minerisk
from minerisk import datasets
from minerisk.features.errors import InputError
from minerisk.pipelines.run.folder import Run


def test_a_feature_of_an_example_area_is_the_one_of_its_run(tiny_run: Path) -> None:
    area, cube = datasets.tiny(), Run.open(tiny_run).cube()
    for feature in area.config.features[:4]:
        if any(str(part).startswith("sim") for part in feature.model_dump().values()):
            continue
        asked = feature.model_dump(mode="json", exclude_unset=True) | {"kind": feature.kind}
        built = minerisk.build_feature(area.layers, area.geobox, asked)
        for name in built.data_vars:
            np.testing.assert_array_equal(built[name].values, cube[name].values)


def test_layers_may_be_files_or_tables_in_memory(tmp_path: Path) -> None:
    grid = minerisk.study_grid((0, 0, 3_000, 1_000), crs="EPSG:32638", resolution_m=1_000)
    line = gpd.GeoDataFrame(geometry=[LineString([(500, -500), (500, 1_500)])], crs="EPSG:32638")
    line.to_file(tmp_path / "line.gpkg")
    asked = {"kind": "distance", "layer": "road", "cap_m": 5_000}
    for given in (line, tmp_path / "line.gpkg", str(tmp_path / "line.gpkg")):
        built = minerisk.build_feature({"road": given}, grid, asked)
        assert built["road_distance_m"].values.tolist() == [[0, 1_000, 2_000]]
        assert built["road_distance_m"].attrs["unit"] == "m"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"kind": "distanse", "layer": "road"}, "did you mean 'distance'"),
        ({"kind": "distance", "layer": "road", "cap": 3}, "cap: unknown key; did you mean 'cap_m'"),
        ({"kind": "distance", "layer": "rail", "cap_m": 9}, r"\['rail'\]; there are \['road'\]"),
        ({"layer": "road"}, "lacks its kind"),
        ({"kind": "distance", "layer": "road", "cap_m": -1}, "greater than 0"),
    ],
)
def test_a_wrong_setting_is_named(asked: dict[str, object], message: str) -> None:
    grid = minerisk.study_grid((0, 0, 3_000, 1_000), crs="EPSG:32638", resolution_m=1_000)
    with pytest.raises(InputError, match=message):
        minerisk.build_feature({"road": Path("road.gpkg")}, grid, asked)
