"""Requests near layers, by district, hazard class and day; what is not known is refused."""

import datetime as dt
import json
import pickle
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import xarray as xr
from shapely.geometry import box

from minerisk.configs.schema import Districts
from minerisk.features.cube.store import cube_geobox, open_cube
from minerisk.features.errors import CoverError, InputError
from minerisk.features.grid import cell_centres
from minerisk.pipelines.formats.cog import read_raster
from minerisk.pipelines.predict.window import area_window
from minerisk.pipelines.prioritize.land import filtered
from minerisk.pipelines.records.request import Filters
from minerisk.pipelines.request.answer import write_maps, write_own_tasks
from minerisk.pipelines.request.filters import (
    check_filters,
    criteria_of,
    own_tasks,
    request_area,
)
from minerisk.pipelines.request.opening import open_request
from minerisk.pipelines.run.folder import Run


@pytest.fixture(scope="module")
def run(tiny_run: Path) -> Run:
    return Run.open(tiny_run)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Filters(near=("schools",), within_m=5), "No layer is named 'schools'. There are: area_"),
        (Filters(near=("streems",), within_m=5), "Did you mean 'streams'"),
        (Filters(near=("elevation",), within_m=5), "No layer is named 'elevation'"),
        (Filters(near=("streams",)), "--near and --within go together"),
        (Filters(within_m=5), "--near and --within go together"),
        (Filters(near=("streams",), within_m=-5), "expected metres above 0"),
        (Filters(districts=("North",)), "names no layer of districts"),
        (Filters(hazard="ap"), "No hazard class is named 'ap'. There are: any"),
        (Filters(as_of=dt.date(2999, 1, 1)), "a day to come"),
        (Filters(budget_ha=20), "--budget is 20 ha; expected 100 ha or more"),
        (Filters(weights={"casualty": 1}), "Did you mean 'casualties'"),
        (Filters(weights={"resettlement": 1}), "There are: hazard, casualties, socio_economic"),
        (Filters(weights={"casualties": -1}), "--weight casualties is -1; expected 0 to 100"),
        (Filters(weights={"hazard": 0}), "Every weight is 0"),
    ],
)
def test_what_is_not_known_is_refused_with_the_choices(
    run: Run, asked: Filters, words: str
) -> None:
    with pytest.raises(InputError) as caught:
        check_filters(run, asked)
    assert words in str(caught.value)


def test_cells_near_a_layer_are_those_whose_centre_is(tiny_copy: Path) -> None:
    asked = Filters(near=("settlements",), within_m=2_000)
    opened = open_request(tiny_copy, asked)
    folder = opened.home
    assert "risk_class.tif" in write_maps(opened).maps
    part, geobox = read_raster(folder / "probability.tif")
    towns = Run.open(tiny_copy).layers().vector("settlements", crs=str(geobox.crs)).geometry
    whole, grid = read_raster(tiny_copy / "rasters" / "probability.tif")
    easting, northing = cell_centres(grid)
    distance = np.hypot(
        easting[None, :, None] - towns.x.to_numpy(), northing[:, None, None] - towns.y.to_numpy()
    ).min(axis=2)
    inside = open_cube(tiny_copy / "cube.zarr")["inside"].to_numpy() == 1
    assert np.isfinite(part).sum() == ((distance <= 2_000) & inside & np.isfinite(whole)).sum()
    assert set(part[np.isfinite(part)].tolist()) <= set(whole[np.isfinite(whole)].tolist())
    told = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    assert told["filters"]["near"] == ["settlements"]
    assert told["cells"] == np.isfinite(part).sum()
    assert told["hectares"] == 25 * told["cells"]


def test_the_whole_asked_for_is_the_whole(tiny_copy: Path, tmp_path: Path) -> None:
    write_maps(open_request(tiny_copy, Filters(hazard="any")), tmp_path / "all")
    for name in ("probability.tif", "risk_class.tif"):
        whole = (tiny_copy / "rasters" / name).read_bytes()
        assert (tmp_path / "all" / name).read_bytes() == whole


def test_every_filter_that_is_given_must_hold(run: Run, tmp_path: Path) -> None:
    geobox = cube_geobox(open_cube(run.folder / "cube.zarr"))
    west, south, east, north = geobox.boundingbox
    middle = (west + east) / 2
    half = gpd.GeoDataFrame(geometry=[box(west + 600, south, middle, north)], crs=str(geobox.crs))
    half.to_file(tmp_path / "half.gpkg")
    near = Filters(near=("streams", "settlements"), within_m=3_000)
    both = request_area(run, near)
    for name in near.near:
        alone = request_area(run, near.model_copy(update={"near": (name,)}))
        assert both.geometry.iloc[0].within(alone.geometry.iloc[0].buffer(1))
    cut = request_area(run, near.model_copy(update={"aoi": tmp_path / "half.gpkg"}))
    assert cut.total_bounds[2] <= middle
    assert 0 < cut.area.sum() < both.area.sum()


def test_land_outside_the_study_area_and_no_land_are_refused(run: Run, tmp_path: Path) -> None:
    far = gpd.GeoDataFrame(geometry=[box(0, 0, 500, 500)], crs=run.config.study_area.crs)
    far.to_file(tmp_path / "far.gpkg")
    with pytest.raises(CoverError, match="leaves the study area"):
        open_request(run.folder, Filters(aoi=tmp_path / "far.gpkg"))
    layers, crs = run.layers(), run.config.study_area.crs
    line = layers.vector("front_line", crs=crs).union_all().buffer(2_000)
    land = layers.vector(run.config.study_area.boundary, crs=crs).union_all().difference(line)
    away = land.representative_point().buffer(400)
    gpd.GeoDataFrame(geometry=[away], crs=crs).to_file(tmp_path / "middle.gpkg")
    with pytest.raises(CoverError, match="No land of the study area tiny is within"):
        request_area(
            run, Filters(near=("front_line",), within_m=0.001, aoi=tmp_path / "middle.gpkg")
        )


@pytest.fixture
def grid() -> xr.Dataset:
    """A grid of 4 by 5 cells of 100 m; the easternmost column is outside the study area."""
    inside = np.ones((4, 5), dtype=np.uint8)
    inside[:, 4] = 0
    place = {"transform": (100, 0, 500_000, 0, -100, 4_400_400), "crs": "EPSG:32638"}
    return xr.Dataset({"inside": (("y", "x"), inside)}, attrs=place)


def cells_of(cube: xr.Dataset, *shapes, clip: bool = False) -> set[tuple[int, int]]:
    window = area_window(cube, gpd.GeoDataFrame(geometry=[*shapes], crs="EPSG:32638"), clip=clip)
    rows, columns = np.nonzero(window.asked[:])
    return {(int(y) + window.row, int(x) + window.column) for y, x in zip(rows, columns)}  # noqa: B905


def square(column: float, row: float, width: float, height: float):
    """A rectangle in cells from the upper left of `grid`."""
    left, top = 500_000 + 100 * column, 4_400_400 - 100 * row
    return box(left, top - 100 * height, left + 100 * width, top)


def test_the_cells_of_a_large_area_are_drawn_strip_by_strip(grid, monkeypatch) -> None:
    shapes = square(0.2, 0.4, 2.9, 2.2), square(3.1, 3.1, 0.2, 0.2), square(4.2, 0, 0.5, 4)
    whole = cells_of(grid, *shapes, clip=True)
    monkeypatch.setattr("minerisk.pipelines.predict.window.MOST_IN_STRIP", 0)
    for rows in (1, 3):
        monkeypatch.setattr("minerisk.features.grid.STRIP", rows)
        assert cells_of(grid, *shapes, clip=True) == whole
        area = gpd.GeoDataFrame(geometry=[*shapes], crs="EPSG:32638")
        asked = area_window(grid, area, clip=True).asked
        assert not isinstance(asked, np.ndarray)
        taken_along = pickle.loads(pickle.dumps(asked))
        np.testing.assert_array_equal(taken_along[:], asked[:])


def test_an_area_smaller_than_a_cell_gets_the_cell_that_holds_most_of_it(grid) -> None:
    assert cells_of(grid, square(1.1, 2.1, 0.2, 0.2)) == {(2, 1)}
    assert cells_of(grid, square(1.8, 2.1, 0.3, 0.3)) == {(2, 1)}  # two thirds of it
    assert cells_of(grid, square(1.9, 2.1, 0.3, 0.3)) == {(2, 2)}
    # One that holds a centre is as before, and specks beside a large area are not lost.
    assert cells_of(grid, square(0, 0, 2, 1), square(3.1, 3.1, 0.1, 0.1)) == {
        (0, 0),
        (0, 1),
        (3, 3),
    }


def test_a_strip_between_cell_centres_gets_every_cell_it_touches(grid) -> None:
    strip = square(0.2, 1.6, 3.6, 0.3)
    assert strip.area > 100**2
    assert cells_of(grid, strip) == {(1, 0), (1, 1), (1, 2), (1, 3)}


@pytest.mark.parametrize(
    ("column", "width", "hectares"),
    [(3, 2, "4 of 8 ha"), (3, 4, "12 of 16 ha")],  # outside the study area; beyond the grid too
)
def test_what_leaves_the_study_area_is_told_in_hectares_and_degrees(
    grid, column, width, hectares
) -> None:
    area = square(column, 0, width, 4)
    with pytest.raises(CoverError, match="leaves the study area") as caught:
        cells_of(grid, area)
    words = str(caught.value)
    assert hectares in words
    assert "--clip" in words
    assert "45.00" in words  # degrees east
    assert "500" not in words.split("reaches from")[1].split(";")[0]
    assert cells_of(grid, area, clip=True) == {(row, 3) for row in range(4)}


def test_an_area_wholly_outside_is_refused_even_clipped(grid) -> None:
    for area in (square(4, 0, 1, 1), square(50, 50, 1, 1)):
        with pytest.raises(CoverError, match="lie outside"):
            cells_of(grid, area, clip=True)


def test_an_area_of_points_or_lines_is_refused(run: Run, tmp_path: Path) -> None:
    crs = run.config.study_area.crs
    area = run.layers().vector(run.config.study_area.boundary, crs=crs).union_all()
    for shape in (area.boundary, area.centroid):
        gpd.GeoDataFrame(geometry=[shape], crs=crs).to_file(tmp_path / "a.gpkg")
        with pytest.raises(InputError, match="expected polygons of the land"):
            request_area(run, Filters(aoi=tmp_path / "a.gpkg"))


def test_an_area_in_a_folder_named_like_a_virtual_file_system_is_read(
    run: Run, tmp_path: Path
) -> None:
    crs = run.config.study_area.crs
    area = run.layers().vector(run.config.study_area.boundary, crs=crs).union_all()
    path = tmp_path / "vsites" / "a.gpkg"
    path.parent.mkdir()
    gpd.GeoDataFrame(geometry=[area], crs=crs).to_file(path)
    assert request_area(run, Filters(aoi=path)).geometry.iloc[0].equals(area)


def test_a_district_goes_by_its_name(run: Run) -> None:
    def named(column: str) -> Run:
        districts = Districts(layer="area_held", name_column=column)
        area = run.config.study_area.model_copy(update={"districts": districts})
        return replace(run, config=run.config.model_copy(update={"study_area": area}))

    frame = run.layers().vector("area_held", crs=run.config.study_area.crs)
    with pytest.raises(InputError, match="name_column is 'nom'; expected a column of area_held"):
        check_filters(named("nom"), Filters(districts=("x",)))
    column = next(str(name) for name in frame.columns if name != "geometry")
    here = named(column)
    assert here.config.study_area.regions == run.config.study_area.regions
    name = str(frame[column].iloc[0])
    with pytest.raises(InputError, match=r"No district is named 'x'\. There are: "):
        check_filters(here, Filters(districts=("x",)))
    asked = Filters(districts=(name,))
    check_filters(here, asked)
    held = frame[frame[column].astype(str) == name].geometry.union_all()
    assert request_area(here, asked).geometry.iloc[0].within(held.buffer(1))
    assert own_tasks(here, asked).districts == {f"area_held.{column}": (name,)}


def test_a_day_needs_dated_evidence(run: Run) -> None:
    layers = dict(run.config.layers)
    layers["simulated_finds"] = layers["simulated_finds"].model_copy(update={"date_column": None})
    here = replace(run, config=run.config.model_copy(update={"layers": layers}))
    with pytest.raises(InputError, match="The layers simulated_finds have no date_column"):
        check_filters(here, Filters(as_of=dt.date(2023, 1, 1)))
    check_filters(run, Filters(as_of=dt.date(2023, 1, 1)))


def test_near_means_the_same_for_rasters_and_for_tasks(run: Run) -> None:
    asked = Filters(near=("settlements", "streams"), within_m=1_700)
    cube = open_cube(run.folder / "cube.zarr")
    window = area_window(cube, request_area(run, asked))
    rasters = np.zeros(cube["inside"].shape, dtype=bool)
    rows, columns = window.asked.shape
    rasters[window.row : window.row + rows, window.column : window.column + columns] = window.asked
    settings = own_tasks(run, asked)
    tasks = filtered(settings, run.layers(), cube_geobox(cube))
    np.testing.assert_array_equal(rasters, tasks & (cube["inside"].to_numpy() == 1))


def test_weights_are_the_same_request_in_whatever_order() -> None:
    one, other = ({"hazard": 2, "casualties": 1}, {"casualties": 1, "hazard": 2})
    texts = [Filters(weights=weights).model_dump_json() for weights in (one, other)]
    assert texts[0] == texts[1]
    assert Filters(weights=one).needs_own_tasks
    assert Filters(budget_ha=500).needs_own_tasks
    title = Filters(budget_ha=500, weights={"casualties": 2}).title
    assert title == "budget_500ha__weigh_casualties_2"


def test_weights_of_a_request_take_the_place_of_those_of_the_configuration(run: Run) -> None:
    assert criteria_of(run) == {"hazard": 1.0, "casualties": 0.0, "socio_economic": 0.0}
    asked = Filters(weights={"hazard": 0.5, "casualties": 3})
    check_filters(run, asked)
    tasks = own_tasks(run, asked)
    assert tasks.hazard_weight == 0.5
    ((name, criterion),) = tasks.criteria.items()
    assert (name, criterion.weight, criterion.reach_m) == ("casualties", 3, 3_000)
    accidents = {item.layer for item in run.config.labels.positive if item.evidence == "accident"}
    assert set(criterion.layers) == accidents
    assert own_tasks(run, Filters(budget_ha=400)).budget_ha == 400


def test_the_budget_of_a_request_is_spent_on_its_land(tiny_copy: Path, tmp_path: Path) -> None:
    run = Run.open(tiny_copy)
    whole = cube_geobox(open_cube(tiny_copy / "cube.zarr")).boundingbox
    middle = (whole.left + whole.right) / 2
    land = box(whole.left, whole.bottom, middle, whole.top)
    aoi = tmp_path / "west.gpkg"
    gpd.GeoDataFrame(geometry=[land], crs=run.config.study_area.crs).to_file(aoi)
    opened = open_request(tiny_copy, Filters(aoi=aoi, clip=True, budget_ha=500))
    write_own_tasks(opened)
    tasks = gpd.read_file(opened.home / "tasks.gpkg", layer="tasks")
    assert 100 <= tasks.area.sum() / 10_000 <= 500 + 1e-6
    assert tasks.within(land.buffer(251)).all()  # of cells whose middles lie in it
