"""Features of a run are matched with other layers by kind, parameters and unit."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from minerisk.configs.load import parse_config
from minerisk.configs.schema import Config
from minerisk.features.errors import InputError
from minerisk.features.kinds import layers_of
from minerisk.pipelines.transfer.matching import match
from minerisk.pipelines.transfer.record import Had, MatchedBy

START = """
study_area: {{name: area, title: Area, boundary: {boundary}, crs: EPSG:32638, resolution_m: 500}}
layers:
  {boundary}: {{kind: vector, path: a.gpkg}}
  finds: {{kind: vector, path: a.gpkg}}
{layers}
features:
{features}
labels: {{positive: [{{layer: finds, evidence: find, weight: 1}}]}}
"""
VECTOR, DEM = "{kind: vector, path: a.gpkg}", "{kind: raster, path: a.tif, unit: m}"
RUN_LAYERS = {
    "line": VECTOR,
    "held": VECTOR,
    "dem": DEM,
    "towns": VECTOR,
    "cover": "{kind: raster, path: c.tif, unit: IGBP class}",
    "depth": "{kind: raster, path: d.tif, unit: m}",
}
RUN_FEATURES = [
    "{kind: front_line, layer: line, held_area: held, cap_m: 30000}",
    "{kind: terrain, layer: dem, radii_m: [1000]}",
    "{kind: distance, layer: towns, cap_m: 9000}",
    "{kind: land_cover, layer: cover, groups: {forest: [1]}}",
    "{kind: value, layer: depth}",
    "{kind: own_side_share, layer: held, land: land, radii_m: [5000]}",
]
THERE_LAYERS = RUN_LAYERS | {"front_2020": VECTOR, "side": VECTOR, "heights": DEM}
THERE_FEATURES = [
    "{kind: front_line, layer: front_2020, held_area: side, cap_m: 40000}",
    "{kind: terrain, layer: heights, radii_m: [500, 2000]}",
]


def config(layers: dict[str, str], features: list[str], boundary: str = "land") -> Config:
    text = START.format(
        boundary=boundary,
        layers="\n".join(f"  {name}: {entry}" for name, entry in layers.items()),
        features="\n".join(f"  - {entry}" for entry in features),
    )
    return parse_config(text.encode(), source=Path("area.yaml"))


def cube_of(run: Config, covered: dict[str, int] | None = None) -> xr.Dataset:
    """One column a feature, called after its kind and layers."""
    columns = {}
    for item in run.features:
        layer = ", ".join(layers_of(item.kind, item.model_dump(exclude={"kind"})))
        columns[f"{item.kind} {layer}"] = xr.DataArray(
            np.zeros((1, 1)),
            dims=("y", "x"),
            attrs={"kind": item.kind, "layer": layer, "covered": (covered or {}).get(item.kind, 0)},
        )
    return xr.Dataset(columns, attrs={"variables": list(columns)})


def matched(there: Config, given: dict[str, str] | None = None):
    run = config(RUN_LAYERS, RUN_FEATURES)
    return match(run, cube_of(run), there, given or {})


def test_the_same_kind_in_the_same_place_matches_layers_of_other_names() -> None:
    found = matched(config(THERE_LAYERS, THERE_FEATURES)).layers
    by = {name: (item.there, item.by) for name, item in found.items()}
    assert by["line"] == ("front_2020", MatchedBy.ROLE)
    assert by["held"] == ("side", MatchedBy.ROLE)
    assert by["dem"] == ("heights", MatchedBy.ROLE)
    assert by["towns"] == ("towns", MatchedBy.NAME)


def test_the_boundary_stands_for_the_boundary() -> None:
    found = matched(config(THERE_LAYERS, THERE_FEATURES, boundary="outline")).layers
    assert (found["land"].there, found["land"].by) == ("outline", MatchedBy.BOUNDARY)


def test_parameters_are_those_of_the_run() -> None:
    (line, terrain, *_) = matched(config(THERE_LAYERS, THERE_FEATURES)).features
    assert (line.cap_m, terrain.radii_m) == (30_000, (1_000,))
    assert (line.layer, line.held_area) == ("line", "held")


def test_near_a_town_is_not_near_a_village_unless_it_is_said_so() -> None:
    layers = {name: entry for name, entry in THERE_LAYERS.items() if name != "towns"}
    there = config(layers | {"villages": VECTOR}, THERE_FEATURES)
    assert matched(there).had["distance towns"] is Had.NO_LAYER
    given = matched(there, {"towns": "villages"})
    assert given.had["distance towns"] is Had.BUILT
    assert given.layers["towns"].by is MatchedBy.GIVEN


def test_another_legend_is_another_feature() -> None:
    other = {"cover": "{kind: raster, path: c.tif, unit: ESA class}"}
    found = matched(config(THERE_LAYERS | other, THERE_FEATURES))
    assert found.had["land_cover cover"] is Had.UNIT
    assert "cover" not in found.layers


def test_the_same_quantity_in_another_unit_is_refused() -> None:
    other = {"depth": "{kind: raster, path: d.tif, unit: ft}"}
    with pytest.raises(InputError, match="in m and depth of the new study area is in ft"):
        matched(config(THERE_LAYERS | other, THERE_FEATURES))


def test_elevation_in_feet_is_read_since_it_is_converted() -> None:
    other = {"heights": "{kind: raster, path: h.tif, unit: ft}"}
    assert matched(config(THERE_LAYERS | other, THERE_FEATURES)).had["terrain dem"] is Had.BUILT


def test_a_layer_of_another_kind_is_refused() -> None:
    with pytest.raises(InputError, match=r"is a vector layer and towns .* a raster layer"):
        matched(config(THERE_LAYERS | {"towns": DEM}, THERE_FEATURES))


def test_two_layers_in_the_place_of_one_are_not_guessed_at() -> None:
    two = [*THERE_FEATURES, "{kind: front_line, layer: front_1994}"]
    layers = {name: entry for name, entry in THERE_LAYERS.items() if name != "line"}
    with pytest.raises(InputError, match=r"could be front_1994 or front_2020 .*--as line="):
        matched(config(layers | {"front_1994": VECTOR}, two))


@pytest.mark.parametrize(
    ("given", "message"),
    [({"roads": "towns"}, "no feature of the run reads a layer roads"),
     ({"towns": "roads"}, "has no layer roads")],
)  # fmt: skip
def test_a_layer_that_is_not_there_cannot_be_given(given: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        matched(config(THERE_LAYERS, THERE_FEATURES), given)


SHEETS = "{kind: vector, path: a.gpkg, coverage: {layer: frames}}"


def test_an_epoch_whose_sheets_are_elsewhere_is_silent_there() -> None:
    layers = RUN_LAYERS | {"old_line": SHEETS, "frames": VECTOR}
    epochs = ["{kind: front_epochs, layer: {'1992': old_line, '1995': line}}", *RUN_FEATURES]
    run = config(layers, [*epochs, "{kind: density, layer: old_line, radii_m: [2000]}"])
    cube = cube_of(run, {"front_epochs": 1, "density": 1})
    found = match(run, cube, config(THERE_LAYERS, THERE_FEATURES), {})
    assert found.had["density old_line"] is Had.SILENT
    assert found.had["front_epochs old_line, line"] is Had.SILENT
    assert found.features[0].layer == {"1995": "line"}


def test_values_of_types_are_those_of_the_layer_and_types_those_of_the_run() -> None:
    trenches = "{{kind: fortifications, layer: dug, type_column: {}, types: {{{}: [{}]}}}}"
    run = config(RUN_LAYERS | {"dug": VECTOR}, [trenches.format("kind", "trench", "T")])
    layers = {**THERE_LAYERS, "dug": VECTOR}
    there = config(layers, [trenches.format("type", "trench", "rov")])
    (item,) = match(run, cube_of(run), there, {}).features
    assert (item.type_column, item.types) == ("type", {"trench": ("rov",)})
    with pytest.raises(InputError, match="expected the same types"):
        match(run, cube_of(run), config(layers, [trenches.format("type", "bunker", "b")]), {})
