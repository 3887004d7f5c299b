import math
import resource
import subprocess
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from rio_cogeo import cog_validate

from minerisk.features.errors import CoverError, InputError
from minerisk.pipelines.formats import cog, palette
from minerisk.pipelines.plotting import preview
from minerisk.pipelines.predict import risk_classes

WORDS = {"description": "Probability of contamination", "style": palette.PROBABILITY_RAMP}
CLASSES = {
    "description": "Risk class",
    "style": palette.Legend(palette.CLASS_COLOURS, palette.CLASS_NAMES),
}


def grid(height, width, resolution=250.0):
    left, top = 4_900_000.0, 2_400_000.0
    bounds = (left, top - height * resolution, left + width * resolution, top)
    return GeoBox.from_bbox(bounds, "EPSG:3035", shape=(height, width))


def surface(height, width):
    rows, columns = np.mgrid[:height, :width]
    values = (0.5 + 0.5 * np.sin(rows / 37) * np.cos(columns / 53)).astype(np.float32)
    values[:5] = np.nan
    return values


def test_a_probability_raster_is_a_valid_cog_with_nan_nodata(tmp_path):
    path = tmp_path / "probability.tif"
    values = surface(700, 1100)
    cog.write_raster(path, values, grid(700, 1100), tags={"simulated": "1"}, **WORDS)
    valid, errors, warnings = cog_validate(path, strict=True)
    assert valid, (errors, warnings)
    with rasterio.open(path) as dataset:
        assert np.isnan(dataset.nodata)
        assert dataset.dtypes == ("float32",)
        assert dataset.descriptions == (WORDS["description"],)
        assert dataset.tags()["simulated"] == "1"
        np.testing.assert_array_equal(dataset.read(1), values)
    again, geobox = cog.read_raster(path)
    np.testing.assert_array_equal(again, values)
    assert geobox == grid(700, 1100)


def test_a_class_raster_carries_colours_names_and_nodata(tmp_path):
    path = tmp_path / "risk_class.tif"
    classes = (np.mgrid[:600, :600][1] // 150).astype(np.uint8)
    classes[0] = palette.OUTSIDE
    cog.write_raster(path, classes, grid(600, 600), **CLASSES)
    assert cog_validate(path, strict=True)[0]
    with rasterio.open(path) as dataset:
        assert dataset.nodata == 255
        assert dataset.colormap(1)[3] == palette.rgba(palette.CLASS_COLOURS[3])
        np.testing.assert_array_equal(dataset.read(1), classes)
        coarse = dataset.read(1, out_shape=(300, 300))
    assert set(np.unique(coarse)) <= {0, 1, 2, 3, 255}
    aux = ElementTree.parse(tmp_path / "risk_class.tif.aux.xml")
    rows = [[cell.text for cell in row] for row in aux.iter("Row")]
    assert [row[:2] for row in rows] == [[str(k), v] for k, v in palette.CLASS_NAMES.items()]


def test_bands_of_codes_keep_their_order_and_are_no_colours(tmp_path):
    codes = np.arange(3 * 20 * 20).reshape(3, 20, 20) % 4
    legend = palette.CLASS_LEGEND
    path, geobox = tmp_path / "reasons.tif", grid(20, 20)
    with cog.RasterWriter(path, geobox, description=["a", "b", "c"], style=legend) as raster:
        raster.write(codes.astype(np.uint8), row=0)
    assert cog_validate(path, strict=True)[0]
    with rasterio.open(path) as dataset:
        assert dataset.descriptions == ("a", "b", "c")
        assert {kind.name for kind in dataset.colorinterp} == {"gray", "undefined"}
        assert dataset.nodata == 255
        np.testing.assert_array_equal(dataset.read(), codes)
    np.testing.assert_array_equal(cog.read_raster_like(path, geobox[5:9, :], band=2), codes[1, 5:9])
    assert all(item.is_file() for item in cog.raster_files(path))


def test_overviews_of_probability_are_averages(tmp_path):
    path = tmp_path / "probability.tif"
    values = np.zeros((1024, 1024), dtype=np.float32)
    values[:, 1::2] = 1
    cog.write_raster(path, values, grid(1024, 1024), **WORDS)
    with rasterio.open(path) as dataset:
        np.testing.assert_allclose(dataset.read(1, out_shape=(512, 512)), 0.5)


def test_statistics_are_those_of_the_valid_cells(tmp_path):
    path = tmp_path / "probability.tif"
    values = surface(600, 90)
    cog.write_raster(path, values, grid(600, 90), **WORDS)
    known = values[np.isfinite(values)].astype(np.float64)
    found = {
        item.get("key"): float(item.text)
        for item in ElementTree.parse(tmp_path / "probability.tif.aux.xml").iter("MDI")
    }
    assert found["STATISTICS_MEAN"] == pytest.approx(known.mean())
    assert found["STATISTICS_STDDEV"] == pytest.approx(known.std())
    assert found["STATISTICS_MAXIMUM"] == pytest.approx(known.max())


def test_the_style_has_a_raster_renderer_only(tmp_path):
    cog.write_raster(tmp_path / "p.tif", surface(20, 20), grid(20, 20), **WORDS)
    cog.write_raster(tmp_path / "c.tif", np.ones((20, 20), np.uint8), grid(20, 20), **CLASSES)
    for name, kind, count in (("p.qml", "singlebandpseudocolor", 8), ("c.qml", "paletted", 4)):
        tree = ElementTree.parse(tmp_path / name)
        assert [item.get("type") for item in tree.iter("rasterrenderer")] == [kind]
        assert not list(tree.iter("renderer-v2"))
        assert len([*tree.iter("paletteEntry"), *tree.iter("item")]) == count


def test_the_same_cells_give_the_same_bytes_however_they_are_written(tmp_path):
    values, geobox = surface(700, 300), grid(700, 300)
    whole = cog.write_raster(tmp_path / "whole.tif", values, geobox, **WORDS)
    with cog.RasterWriter(tmp_path / "parts.tif", geobox, **WORDS) as raster:
        for row in range(0, 700, 130):
            raster.write(values[row : row + 130], row=row)
    assert whole.read_bytes() == (tmp_path / "parts.tif").read_bytes()


def test_an_interrupt_leaves_what_was_there(tmp_path):
    path, geobox = tmp_path / "probability.tif", grid(30, 30)
    cog.write_raster(path, surface(30, 30), geobox, **WORDS)
    before = path.read_bytes()

    def interrupted():
        with cog.RasterWriter(path, geobox, **WORDS) as raster:
            raster.write(surface(10, 30), row=0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == before
    assert sorted(item.name for item in tmp_path.iterdir()) == [
        "probability.qml",
        "probability.tif",
        "probability.tif.aux.xml",
    ]


def test_two_writers_of_one_raster_at_a_time_leave_it_whole(tmp_path):
    """A late raster is written by a second worker too; the first to begin may end last."""
    values, path = surface(300, 300), tmp_path / "probability.tif"
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    writers = [
        cog.RasterWriter(path, grid(300, 300), scratch=tmp_path / name, **WORDS)
        for name in ("one", "two")
    ]
    with writers[0] as first:
        first.write(values[:100], row=0)
        with writers[1] as second:
            second.write(values, row=0)
        once = path.read_bytes()
        first.write(values[100:], row=100)
    assert path.read_bytes() == once
    np.testing.assert_array_equal(cog.read_raster(path)[0], values)
    assert not [item for name in ("one", "two") for item in (tmp_path / name).iterdir()]


def test_wrong_windows_and_types_are_refused(tmp_path):
    geobox, path = grid(30, 30), tmp_path / "x.tif"
    with cog.RasterWriter(path, geobox, **WORDS) as raster:
        with pytest.raises(InputError, match="leaves the grid"):
            raster.write(surface(10, 30), row=25)
        with pytest.raises(InputError, match="float64"):
            raster.write(np.zeros((10, 30)), row=0)
    with pytest.raises(InputError, match="uint8"):
        cog.write_raster(path, np.zeros((30, 30), np.uint8), geobox, **WORDS)
    with pytest.raises(InputError, match="float32"):
        cog.write_raster(path, surface(30, 30), geobox, **CLASSES)
    with pytest.raises(InputError, match="shape"):
        cog.write_raster(path, surface(10, 30), geobox, **WORDS)


def test_a_part_reads_like_the_whole_and_other_grids_are_refused(tmp_path):
    path, geobox = tmp_path / "p.tif", grid(60, 80)
    values = surface(60, 80)
    cog.write_raster(path, values, geobox, **WORDS)
    part = cog.read_raster_like(path, geobox[10:30, 20:70])
    np.testing.assert_array_equal(part, values[10:30, 20:70])
    with pytest.raises(CoverError, match="cover"):
        cog.read_raster_like(path, geobox.pad(1))
    with pytest.raises(CoverError, match="another grid"):
        cog.read_raster_like(path, grid(60, 80, 100.0))


def test_a_file_that_is_no_geotiff_is_refused(tmp_path):
    path = tmp_path / "p.tif"
    path.write_text("<VRTDataset/>")
    with pytest.raises(InputError, match="GeoTIFF"):
        cog.read_raster(path)


def test_classes_take_their_shares_of_the_applicable_land():
    probability = (np.arange(100) / 100).reshape(10, 10)
    everywhere = np.ones((10, 10), dtype=bool)
    applicable, inside = everywhere.copy(), everywhere.copy()
    inside[0, :5] = False
    applicable[0, 5:] = False
    classes, cuts = risk_classes.classify(
        probability, applicable, inside, higher_share=0.1, elevated_share=0.2
    )
    # 90 applicable cells: 9 higher, 18 elevated, 63 lower; 5 cannot say; 5 outside.
    assert {code: int((classes == code).sum()) for code in (3, 2, 1, 0, 255)} == {
        3: 9,
        2: 18,
        1: 63,
        0: 5,
        255: 5,
    }
    assert (cuts.higher, cuts.elevated) == (0.91, 0.73)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 9999), higher=st.floats(0.01, 0.5), elevated=st.floats(0.01, 0.5))
def test_classes_follow_probability_and_ties_stay_together(seed, higher, elevated):
    source = np.random.default_rng(seed)
    probability = source.integers(0, 12, size=(9, 13)).astype(np.float32) / 12
    probability[source.random((9, 13)) < 0.1] = np.nan
    applicable, inside = source.random((9, 13)) < 0.8, source.random((9, 13)) < 0.9
    classes, cuts = risk_classes.classify(
        probability, applicable, inside, higher_share=higher, elevated_share=elevated
    )
    known = inside & applicable & np.isfinite(probability)
    assert (classes[~inside] == 255).all()
    assert (classes[inside & ~known] == 0).all()
    for value in np.unique(probability[known]):
        assert len(np.unique(classes[known & (probability == value)])) == 1
    order = np.argsort(probability[known])
    assert (np.diff(classes[known][order].astype(int)) >= 0).all()
    assert (classes == 3).sum() >= round(higher * known.sum() - 1e-6, 6)
    part = risk_classes.classify_with(probability[2:5], applicable[2:5], inside[2:5], cuts=cuts)
    np.testing.assert_array_equal(part, classes[2:5])


def test_land_without_support_is_cannot_say_never_lower():
    probability = np.full((4, 4), 0.001)
    nowhere, everywhere = np.zeros((4, 4), dtype=bool), np.ones((4, 4), dtype=bool)
    classes, cuts = risk_classes.classify(
        probability, nowhere, everywhere, higher_share=0.05, elevated_share=0.15
    )
    assert (classes == palette.CANNOT_SAY).all()
    assert cuts.higher is None


def test_a_map_that_is_the_same_everywhere_puts_nothing_first():
    everywhere = np.ones((4, 4), dtype=bool)
    classes, cuts = risk_classes.classify(
        np.full((4, 4), 0.1), everywhere, everywhere, higher_share=0.05, elevated_share=0.15
    )
    assert (classes == palette.CANNOT_SAY).all()
    assert (cuts.higher, cuts.elevated) == (None, None)


def test_previews_repeat_and_bear_their_marks(tmp_path):
    values, geobox = surface(60, 80), grid(60, 80)
    grey = np.zeros((60, 80), dtype=bool)
    grey[20:30, 20:40] = True
    pictures = [
        preview.preview_png(
            tmp_path / f"{name}.png",
            values,
            geobox,
            title="Test",
            marks=marks,
            cannot_say=grey,
            elevation=values * 100,
        ).read_bytes()
        for name, marks in (("a", ["DRAFT"]), ("b", ["DRAFT"]), ("c", []))
    ]
    assert pictures[0] == pictures[1] != pictures[2]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 9999),
    size=st.integers(2, 400),
    parts=st.integers(1, 9),
    shares=st.tuples(st.floats(0.01, 0.5), st.floats(0.01, 0.5)),
    kind=st.sampled_from(["float32", "float64"]),
)
def test_cuts_found_in_parts_are_the_values_at_their_places(seed, size, parts, shares, kind):
    source = np.random.default_rng(seed)
    values = (source.random(size) ** 6).astype(kind)
    values[0], values[1] = 0.0, 1.0
    cuts = risk_classes.class_cuts(
        lambda: iter(np.array_split(values, parts)),
        higher_share=shares[0],
        elevated_share=shares[1],
    )
    ascending = np.sort(values)
    for cut, share in ((cuts.higher, shares[0]), (cuts.elevated, sum(shares))):
        assert cut == ascending[-max(math.ceil(round(share * size, 6)), 1)]


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 1 MB, where it may be mounted; a limit on the size of files elsewhere."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder]
    if subprocess.run(mount, capture_output=True).returncode == 0:
        yield folder
        subprocess.run(["umount", folder], check=True)
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    yield folder
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("side", [600, 2_000])  # full in the COG itself, and in its draft
def test_a_disk_that_fills_up_leaves_the_earlier_raster_and_says_what_is_free(small_disk, side):
    path = small_disk / "probability.tif"
    before = cog.write_raster(path, np.zeros((8, 8), np.float32), grid(8, 8), description="x")
    kept = before.read_bytes()
    noise = np.random.default_rng(1).random((side, side), dtype=np.float32)
    with pytest.raises((InputError, OSError), match=r"has room for|may grow|No space left"):
        cog.write_raster(path, noise, grid(side, side), description="x")
    assert before.read_bytes() == kept
    assert sorted(item.name for item in small_disk.iterdir()) == [
        "probability.qml", "probability.tif", "probability.tif.aux.xml",
    ]  # fmt: skip


def test_a_limit_on_the_size_of_files_names_itself(tmp_path):
    noise = np.random.default_rng(1).random((600, 600), dtype=np.float32)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))
    try:
        with pytest.raises(InputError, match=r"may grow beyond 0\.5 MB: raise the limit"):
            cog.write_raster(tmp_path / "x.tif", noise, grid(600, 600), description="x")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())
