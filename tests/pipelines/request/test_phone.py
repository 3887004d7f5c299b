"""The map for phones of a pack, read back by GDAL."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest
import rasterio
from rasterio.warp import transform

from minerisk.pipelines.formats.cog import read_raster
from minerisk.pipelines.formats.palette import CANNOT_SAY, CLASS_COLOURS, OUTSIDE, rgba
from minerisk.pipelines.request.phone import PHONE

SHOWN = {code: rgba(colour)[:3] for code, colour in CLASS_COLOURS.items()}


def metadata(path):
    with closing(sqlite3.connect(path)) as database:
        return dict(database.execute("SELECT name, value FROM metadata").fetchall())


@pytest.mark.parametrize("copy", [0, 1])
def test_cells_on_a_phone_are_those_of_the_pack(packs, copy):
    """Of the public copy, those are its large cells."""
    pack = packs[copy]
    classes, geobox = read_raster(pack / "risk_class.tif")
    assert geobox.resolution.x == (500, 2000)[copy]
    rows, columns = np.nonzero((classes != OUTSIDE) & (classes != CANNOT_SAY))
    easting, northing = geobox.transform @ (columns + 0.5, rows + 0.5)
    with rasterio.open(pack / PHONE) as tiles:
        places = list(zip(*transform(geobox.crs, tiles.crs, easting, northing), strict=True))
        found = [tuple(pixel[:3]) for pixel in tiles.sample(places)]
    truth = [SHOWN[code] for code in classes[rows, columns]]
    same = [mine == other for mine, other in zip(found, truth, strict=True)]
    assert np.mean(same) > 0.6  # the rest lies under a task, a river, an area or words
    coloured = set(SHOWN.values())
    assert not any(mine in coloured for mine, equal in zip(found, same, strict=True) if not equal)


def test_the_map_says_what_it_is_wherever_an_app_looks(packs):
    for pack in packs:
        found = metadata(pack / PHONE)
        for where in ("name", "description", "attribution"):
            assert "DRAFT" in found[where]
            assert "SIMULATED" in found[where]
        assert "pale blue: lower: survey later" in found["description"]
        assert "grey, hatched: cannot say" in found["description"]
        west, south, east, north = map(float, found["bounds"].split(","))
        assert 45 < west < east < 49
        assert 38 < south < north < 41
        assert int(found["minzoom"]) < int(found["maxzoom"])
    assert "PUBLIC COPY" in metadata(packs[1] / PHONE)["name"]
    assert "phone.mbtiles" in (packs[0] / "README.txt").read_text(encoding="utf-8")


def test_no_map_for_phones_is_made_unless_it_is_asked_for(translated_pack):
    assert not (translated_pack / PHONE).exists()
