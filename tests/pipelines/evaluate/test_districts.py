from types import SimpleNamespace

import geopandas as gpd
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from shapely.geometry import box

from minerisk.features.errors import InputError
from minerisk.pipelines.evaluate.districts import read_districts

GRID = GeoBox((2, 3), Affine(100, 0, 500_000, 0, -100, 4_000_200), "EPSG:32638")


def run(layer: str | None, column: str | None) -> SimpleNamespace:
    """What is asked of a run: its settings and its layers."""
    left, top = 500_000, 4_000_200
    names = ["Шуши", "Aghdam", "Шуши"]
    shapes = [
        box(left, top - 200, left + 100, top),
        box(left + 100, top - 100, left + 200, top),
        box(left + 100, top - 200, left + 200, top - 100),
    ]
    frame = gpd.GeoDataFrame({"name": names}, geometry=shapes, crs="EPSG:32638")
    named = None if layer is None else SimpleNamespace(layer=layer, name_column=column)
    config = SimpleNamespace(study_area=SimpleNamespace(districts=named, crs="EPSG:32638"))
    return SimpleNamespace(
        config=config, layers=lambda: SimpleNamespace(vector=lambda name, crs: frame)
    )


def test_polygons_of_one_name_are_one_district() -> None:
    found = read_districts(run("rayons", "name"))
    assert found.names == ("Aghdam", "Шуши")
    assert found.codes(GRID).tolist() == [[1, 0, -1], [1, 1, -1]]


@pytest.mark.parametrize(
    ("layer", "column", "words"),
    [(None, None, "names no districts"), ("rayons", "naem", "no column 'naem'.*'name'")],
)  # fmt: skip
def test_without_a_layer_or_column_it_is_said_what_to_do(layer, column, words) -> None:
    with pytest.raises(InputError, match=words):
        read_districts(run(layer, column))
