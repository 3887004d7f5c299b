"""Tiles for phones show the cells that are there, and say in every one what they are."""

import io
import json
import math
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from odc.geo.geobox import GeoBox
from PIL import Image
from pyproj import Transformer
from shapely.geometry import LineString, box

from minerisk.pipelines.formats.palette import (
    CANNOT_SAY,
    CLASS_COLOURS,
    ELEVATED,
    HIGHER,
    LOWER,
    MARK_COLOUR,
    OUTSIDE,
    rgba,
)
from minerisk.pipelines.formats.tiles.mbtiles import write_mbtiles
from minerisk.pipelines.formats.tiles.web_mercator import TileRange, tiles_over, zooms_for
from minerisk.pipelines.plotting.grids import Grids
from minerisk.pipelines.plotting.map_layers import MapLayers
from minerisk.pipelines.plotting.phone_map import (
    INKS,
    SHOWN,
    class_pixels,
    dashes,
    draw_tiles,
    phone_map,
)

GRID = GeoBox.from_bbox((700_000, 4_400_000, 715_000, 4_410_000), "EPSG:32638", resolution=250)
PYTHON = "/usr/bin/python3"
NO_TASKS = gpd.GeoDataFrame({"task": [], "arm": []}, geometry=[], crs=GRID.crs.to_wkt())
LOOK = """
import json, os, sys
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from osgeo import gdal
from qgis.core import QgsApplication, QgsCoordinateReferenceSystem, QgsRasterLayer
app = QgsApplication([], False)
app.initQgis()
layer = QgsRasterLayer(sys.argv[1], "phone", "gdal")
tiles = gdal.Open(sys.argv[1])
print(json.dumps({"valid": layer.isValid(), "crs": layer.crs().authid(),
                  "driver": tiles.GetDriver().ShortName, "name": tiles.GetMetadataItem("name")}))
os._exit(0)
"""


def classes() -> np.ndarray:
    found = np.full(GRID.shape, LOWER, dtype=np.uint8)
    found[5:12, 4:9] = HIGHER
    found[20:30, 40:50] = CANNOT_SAY
    found[31, 7] = HIGHER  # one cell alone
    found[33:36, 20:30] = ELEVATED
    found[:, :2] = OUTSIDE
    return found


def made(path: Path, values: np.ndarray, *, words: str = "", **layers: gpd.GeoDataFrame) -> Path:
    tasks = layers.pop("tasks", NO_TASKS)
    shown = phone_map(Grids(values, GRID), MapLayers(**layers), tasks, words=words)
    zooms = {"minzoom": str(shown.zooms[0]), "maxzoom": str(shown.zooms[-1])}
    return write_mbtiles(path, draw_tiles(shown), {"name": "DRAFT map", **zooms})


def colour_at(path: Path, zoom: int, easting: float, northing: float) -> tuple[int, ...]:
    """Read a pixel by the formula of slippy maps, from degrees: nothing of minerisk is in it."""
    degrees = Transformer.from_crs(32638, 4326, always_xy=True)
    longitude, latitude = degrees.transform(easting, northing)
    across = (longitude + 180) / 360 * 2**zoom
    down = (1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2 * 2**zoom
    with closing(sqlite3.connect(path)) as database:
        (png,) = database.execute(
            "SELECT tile_data FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?",
            (zoom, int(across), 2**zoom - 1 - int(down)),
        ).fetchone()
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    return picture.getpixel((int(across % 1 * 256), int(down % 1 * 256)))


def pictures(path: Path) -> list[np.ndarray]:
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT tile_data FROM tiles ORDER BY zoom_level").fetchall()
    return [np.asarray(Image.open(io.BytesIO(png)).convert("RGB")) for (png,) in rows]


def zooms(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as database:
        found = database.execute("SELECT DISTINCT zoom_level FROM tiles ORDER BY 1").fetchall()
    return [zoom for (zoom,) in found]


def test_the_middle_of_every_cell_has_the_colour_of_its_class_at_the_last_zoom(
    tmp_path: Path,
) -> None:
    values = classes()
    path = made(tmp_path / "phone.mbtiles", values)
    last = zooms(path)[-1]
    for row, column in [
        (6, 5), (31, 7), (34, 25), (0, 10), (25, 45), (39, 59), (20, 40), (19, 40), (5, 3),
    ]:  # fmt: skip
        easting, northing = 700_125 + 250 * column, 4_409_875 - 250 * row
        found = colour_at(path, last, easting, northing)
        allowed = {rgba(CLASS_COLOURS[values[row, column]])[:3]}
        allowed |= {rgba("#5f5f5f")[:3]} if values[row, column] == CANNOT_SAY else set()
        assert found in allowed, (row, column)


def test_a_higher_cell_alone_is_seen_from_far_and_cannot_say_is_never_lower(tmp_path: Path) -> None:
    values = np.full(GRID.shape, LOWER, dtype=np.uint8)
    values[31, 7] = HIGHER
    values[10, 30] = CANNOT_SAY
    shown = phone_map(Grids(values, GRID), MapLayers(), NO_TASKS, words="")

    far = class_pixels(shown.grids, tiles_over(shown.bounds, 7))
    assert {SHOWN[place] for place in np.unique(far)} == {OUTSIDE, LOWER, CANNOT_SAY, HIGHER}


def test_no_colour_is_green_and_no_other_colour_is_there(tmp_path: Path) -> None:
    tasks = gpd.GeoDataFrame(
        {"task": ["NTS-0001", "NTS-C0001", "NTS-L0001"], "arm": ["ranked", "control", "learn"]},
        geometry=[box(x, 4_402_000, x + 2_500, 4_404_000) for x in (702_000, 706_000, 710_000)],
        crs=32638,
    )
    line = gpd.GeoDataFrame(geometry=[LineString([(700_000, 4_400_000), (715_000, 4_410_000)])],
                            crs=32638)  # fmt: skip
    areas = gpd.GeoDataFrame({"Land_Class": ["CHA", "SHA", "Cleared Area"]},
                             geometry=tasks.geometry.translate(0, 3_000), crs=32638)  # fmt: skip
    path = made(tmp_path / "phone.mbtiles", classes(), words="DRAFT · SIMULATED", tasks=tasks,
                line=line, registered=areas)  # fmt: skip
    found = {tuple(colour) for tile in pictures(path) for colour in np.unique(
        tile.reshape(-1, 3), axis=0).tolist()}  # fmt: skip
    assert found <= {rgba(ink)[:3] for ink in INKS}
    assert {rgba(ink)[:3] for ink in ("#ff0000", "#f4a718", "#777777", "#000000")} <= found
    assert not [one for one in found if one[1] > one[0] + 8 and one[1] > one[2] + 8]


@pytest.mark.parametrize("turn", range(0, 180, 15))
def test_dashes_cover_five_eighths_of_a_line_whichever_way_it_runs(turn: int) -> None:
    way = np.array([math.cos(math.radians(turn)), math.sin(math.radians(turn))])
    line = [tuple(place) for place in (np.array([0, 30, 160])[:, None] * way).tolist()]
    found = list(dashes(line, 16))
    assert len(found) == 10
    for number, dash in enumerate(found):
        along = np.array(dash) @ way
        assert along[[0, -1]] == pytest.approx([16 * number, 16 * number + 10])
    assert len(found[1]) == 2
    assert len(next(dashes([(0, 0), (3, 0), (3, 20)], 16))) == 3  # with its corner


def test_every_tile_says_what_it_is_and_shows_land(tmp_path: Path) -> None:
    path = made(tmp_path / "phone.mbtiles", classes(), words="DRAFT · SIMULATED")
    red, lower = np.array(rgba(MARK_COLOUR)[:3]), np.array(rgba(CLASS_COLOURS[LOWER])[:3])
    tiles = pictures(path)
    assert len(tiles) > 5
    for tile in tiles:
        assert (tile[:20] == red).all(axis=-1).sum() > 300
    plain = pictures(made(tmp_path / "approved.mbtiles", classes()))
    assert not any((tile == red).all(axis=-1).any() for tile in plain)
    assert any((tile == lower).all(axis=-1).any() for tile in plain)


def test_the_same_map_gives_the_same_bytes(tmp_path: Path) -> None:
    one = made(tmp_path / "one.mbtiles", classes(), words="DRAFT")
    assert one.read_bytes() == made(tmp_path / "two.mbtiles", classes(), words="DRAFT").read_bytes()


def test_gdal_and_qgis_read_the_tiles(tmp_path: Path) -> None:
    path = made(tmp_path / "phone.mbtiles", classes())
    with rasterio.open(path) as tiles:
        assert (tiles.driver, tiles.count, tiles.crs.to_epsg()) == ("MBTiles", 4, 3857)
        assert tiles.overviews(1)[:2] == [2, 4]
    there = Path(PYTHON).is_file()
    if not there or subprocess.run([PYTHON, "-c", "import qgis.core"]).returncode:
        pytest.skip("QGIS is not installed: apt-get install python3-qgis")
    done = subprocess.run([PYTHON, "-c", LOOK, path], capture_output=True, text=True)
    found = json.loads(done.stdout)
    assert found == {
        "valid": True, "crs": "EPSG:3857", "driver": "MBTiles", "name": "DRAFT map",
    }  # fmt: skip


def test_zooms_end_where_cells_are_wide_enough_or_tiles_too_many() -> None:
    west = (5_000_000.0, 4_800_000.0, 5_100_000.0, 4_900_000.0)  # a tile of 8 is 156 km wide
    found = zooms_for(west, 50.0, most_tiles=4_000)
    assert (found[0], found[-1]) == (8, 12)  # 156,543 m / 2 ** 12 = 38 m; 11 would be 76 m
    few = zooms_for(west, 50.0, most_tiles=40)
    assert tiles_over(west, few[-1]).number <= 40 < tiles_over(west, few[-1] + 1).number


def test_blocks_cover_a_range_once() -> None:
    whole = TileRange(9, 3, 5, 20, 14)
    parts = list(whole.blocks(8))
    assert sum(part.number for part in parts) == whole.number
    assert len({(part.left, part.top) for part in parts}) == len(parts) == 6
