"""Tiles: each pixel is a cell in the colours of the report, and no call says what is read."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from minerisk.pipelines.formats.cog import write_raster
from minerisk.pipelines.formats.palette import (
    CANNOT_SAY,
    CLASS_COLOURS,
    CLASS_LEGEND,
    HIGHER,
    LOWER,
    OUTSIDE,
    PROBABILITY_RAMP,
    rgba,
)
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.service.tiles.cells import cells_of_tile, project, tile_places
from minerisk.pipelines.service.tiles.colours import INTERVAL_RAMP, MapName, paint
from minerisk.pipelines.service.tiles.router import router
from minerisk.pipelines.service.tiles.shade import shade_file

WEST, NORTH, CELL = 600_000.0, 4_400_000.0, 500.0
ZOOM = 11


@pytest.fixture
def raster(tmp_path):
    """Twenty by thirty cells that are told apart by their codes."""
    codes = (np.arange(600) % 4).reshape(20, 30).astype(np.uint8)
    codes[0, 0] = OUTSIDE
    bounds = (WEST, NORTH - 20 * CELL, WEST + 30 * CELL, NORTH)
    geobox = GeoBox.from_bbox(bounds, "EPSG:32638", resolution=CELL)
    path = tmp_path / "risk_class.tif"
    write_raster(path, codes, geobox, description="codes", style=CLASS_LEGEND)
    return path, codes


def tile_at(longitude, latitude, zoom):
    """Return x, y of a tile and the pixel in it, by the formula of the quad tree."""
    side = 256 * 2**zoom
    across = (longitude + 180) / 360 * side
    down = (1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2 * side
    return int(across // 256), int(down // 256), int(across % 256), int(down % 256)


def test_a_pixel_is_the_cell_that_lies_there(raster):
    path, codes = raster
    degrees = Transformer.from_crs("EPSG:32638", "EPSG:4326", always_xy=True)
    for row, column in ((0, 0), (3, 17), (10, 5), (19, 29)):
        place = degrees.transform(WEST + (column + 0.5) * CELL, NORTH - (row + 0.5) * CELL)
        x, y, across, down = tile_at(*place, ZOOM)
        found = cells_of_tile(path, x, y, ZOOM)[down, across]
        assert (
            found is np.ma.masked if codes[row, column] == OUTSIDE else found == codes[row, column]
        )


def test_there_is_no_tile_elsewhere(raster):
    path, _ = raster
    assert cells_of_tile(path, 0, 0, ZOOM) is None


def cells(*values, kind=np.float32):
    return np.ma.masked_invalid(np.array([values], dtype=kind))


def colours(pixels):
    return [tuple(int(part) for part in pixels[:, 0, place]) for place in range(pixels.shape[2])]


def test_probabilities_have_the_colours_of_the_report():
    painted = colours(paint(MapName.PROBABILITY, [cells(0.001, 0.006, 0.3, np.nan)]))
    of_step = [rgba(colour) for _, colour, _ in PROBABILITY_RAMP]
    assert painted == [of_step[0], of_step[1], of_step[6], (0, 0, 0, 0)]


def test_the_width_of_the_interval_is_upper_minus_lower():
    painted = colours(paint(MapName.INTERVAL, [cells(0.10, 0.0, np.nan), cells(0.14, 0.9, 0.5)]))
    of_step = [rgba(colour) for _, colour, _ in INTERVAL_RAMP]
    assert painted == [of_step[2], of_step[-1], (0, 0, 0, 0)]


def test_where_it_cannot_say_grey_and_hatch_hide_every_other_map():
    codes = np.ma.MaskedArray(np.full((16, 16), CANNOT_SAY, dtype=np.uint8))
    codes[0, 0] = LOWER
    painted = paint(MapName.UNKNOWN, [codes])
    assert painted[3, 0, 0] == 0
    assert (painted[3].ravel()[1:] == 255).all()
    assert len({tuple(pixel) for pixel in painted[:3].reshape(3, -1).T[1:]}) == 2


def test_classes_have_the_colours_of_the_report_and_low_is_never_green():
    codes = np.ma.MaskedArray(np.array([[LOWER, HIGHER]], dtype=np.uint8))
    painted = colours(paint(MapName.CLASS, [codes]))
    assert painted == [rgba(CLASS_COLOURS[LOWER]), rgba(CLASS_COLOURS[HIGHER])]
    low = [CLASS_COLOURS[LOWER], PROBABILITY_RAMP[0][1], INTERVAL_RAMP[0][1]]
    assert all(green < max(red, blue) for red, green, blue, _ in map(rgba, low))


def test_no_call_names_a_file_an_expression_or_a_size():
    routes = [route for part in router.routes for route in part.original_router.routes]
    assert len(routes) == 4
    for route in routes:
        assert not route.dependant.query_params
        assert all(not each.query_params for each in route.dependant.dependencies)


def test_tiles_that_are_asked_for_at_once_share_one_shade(tiny_run, tmp_path):
    run = Run.open(tiny_run)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: shade_file(run, tmp_path), range(16)))
    assert len(set(found)) == 1
    assert found[0].is_file()
    assert [path.name for path in found[0].parent.iterdir()] == [found[0].name]


@pytest.mark.parametrize(
    ("crs", "longitude", "latitude"),
    [("EPSG:32638", 47, 39.5), ("EPSG:3035", 18, 44), ("EPSG:32721", -58, -51.7)],
)
@pytest.mark.parametrize("zoom", [2, 3, 5, 9, 14])
def test_places_between_projected_pixels_are_where_they_would_be_projected(
    crs, longitude, latitude, zoom
):
    x, y, _, _ = tile_at(longitude, latitude, zoom)
    places = tile_places(x, y, zoom)
    found = project(crs, *places)
    whole = Transformer.from_crs("EPSG:3857", crs, always_xy=True).transform(*np.meshgrid(*places))
    pixel = np.hypot(*(np.gradient(part, axis=1) for part in whole))
    away = np.hypot(*(one - other for one, other in zip(found, whole, strict=True))) / pixel
    assert np.nanmax(away[np.isfinite(away)], initial=0) < 0.03
