from pathlib import Path

import numpy as np
import rasterio
from odc.geo.geobox import GeoBox

from minerisk.pipelines.language.marks import Marks
from minerisk.pipelines.predict.reasons import reason_legend, write_reason_raster
from minerisk.pipelines.records.review import State


def test_codes_and_their_words_are_read_back(tmp_path: Path) -> None:
    grid = GeoBox.from_bbox((0, 0, 400, 300), "EPSG:32638", shape=(3, 4))
    codes = np.full((3, 3, 4), 255, dtype=np.uint8)
    codes[0, 0, 0], codes[1, 0, 0], codes[0, 2, 3] = 3, 4, 0
    blocks = [(0, codes[:, :2]), (2, codes[:, 2:])]
    families, marks = ["front_line", "terrain"], Marks(State.DRAFT, simulated=True)
    target = tmp_path / "reasons.tif"
    paths = write_reason_raster(target, grid, blocks, families, {"RUN": "x"}, marks=marks)
    assert all(path.is_file() for path in paths)
    assert not list(tmp_path.glob(".*"))
    with rasterio.open(paths[0]) as raster:
        assert (raster.count, raster.dtypes[0], raster.nodata) == (3, "uint8", 255)
        found, tags = raster.read(), raster.tags()
    np.testing.assert_array_equal(found, codes)
    assert tags["REASON_0"] == "front line raises the score"
    assert tags["REASON_3"] == "terrain lowers the score"
    assert tags["REASON_4"] == "past findings raises the score"
    assert 'value="3"' in paths[1].read_text()


def test_every_code_has_words_of_its_own() -> None:
    words = reason_legend(["a", "b"]).words
    assert sorted(words) == [0, 1, 2, 3, 4, 5]
    assert len(set(words.values())) == 6


def test_every_cell_with_a_probability_has_a_reason_known_to_the_table(tiny_run: Path) -> None:
    with rasterio.open(tiny_run / "rasters" / "reasons.tif") as raster:
        strongest, tags = raster.read(1), raster.tags()
    with rasterio.open(tiny_run / "rasters" / "probability_unmasked.tif") as raster:
        known = np.isfinite(raster.read(1))
    assert (strongest[~known] == 255).all()
    codes = np.unique(strongest[known])
    assert codes.size > 1
    assert all(f"REASON_{code}" in tags for code in codes if code != 255)
