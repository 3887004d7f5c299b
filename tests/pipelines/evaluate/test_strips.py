"""What is found of a run's land is the same for strips of any height, of which one is held."""

import functools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr
from shapely.geometry import Point, box

from minerisk.features import grid
from minerisk.features.grid import cell_centres
from minerisk.pipelines.audit.differences import largest_difference
from minerisk.pipelines.audit.dossier_facts import evidence_dates
from minerisk.pipelines.audit.dossier_land import land_of_regions
from minerisk.pipelines.evaluate.compare import compare_runs
from minerisk.pipelines.evaluate.districts import Districts
from minerisk.pipelines.evaluate.later_labels import evaluate_labels
from minerisk.pipelines.evaluate.lookback import look_back
from minerisk.pipelines.evaluate.predicted_land import read_land
from minerisk.pipelines.evaluate.status import Incidents, run_status
from minerisk.pipelines.feedback.field_check import check_in_field
from minerisk.pipelines.formats import cog
from minerisk.pipelines.provenance.files import sha256_path
from minerisk.pipelines.provenance.manifest import read_manifest, write_manifest
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.run import folder as run_folder
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.transfer.transfer import transfer
from tests.pipelines.transfer.test_transfer import other_world

WHOLE = 512
Found = Callable[[], object]


@pytest.fixture(scope="module")
def later(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Points and squares that came after the run, and land that was searched."""
    geobox = read_land(Run.open(tiny_run)).geobox
    easting, northing = cell_centres(geobox)
    rng, path = np.random.default_rng(6), tmp_path_factory.mktemp("later") / "later.gpkg"
    places = [
        Point(*at)
        for at in zip(*(rng.choice(axis, 60) for axis in (easting, northing)), strict=True)
    ]
    shapes = [*places[:45], *(place.buffer(900) for place in places[45:])]
    frame = gpd.GeoDataFrame({"kind": ["a", "b"] * 30}, geometry=shapes, crs=str(geobox.crs))
    frame.to_file(path, layer="finds")
    west, south, east, north = geobox.boundingbox
    land = [
        box(west, south, (west + east) / 2, north),
        box(east - 4_000, south, east, south + 6_000),
    ]
    gpd.GeoDataFrame(geometry=land, crs=str(geobox.crs)).to_file(path, layer="searched")
    return path


@pytest.fixture(scope="module")
def changed(tiny_run: Path, later: Path) -> Path:
    """A run of the same land with other probabilities, and findings that came since."""
    folder = tiny_run.parent / "changed"
    shutil.copytree(tiny_run, folder)
    for name in ("probability_unmasked", "risk_class"):
        path = folder / "rasters" / f"{name}.tif"
        with rasterio.open(path) as source:
            profile, values = source.profile, source.read(1)
        turned = np.where(np.isfinite(values) & (values != 255), values[::-1, ::-1], values)
        profile.update(driver="GTiff", tiled=True, blockxsize=512, blockysize=512)
        with rasterio.open(path, "w", **profile) as target:
            target.write(turned, 1)
    _record_anew(folder)
    path = folder / "simulated" / "findings.gpkg"
    finds = gpd.read_file(path, layer="simulated_finds")
    points = gpd.read_file(later, layer="finds").geometry[:45].to_crs(finds.crs)
    more = finds.iloc[[0] * 45].copy().set_geometry(list(points), crs=finds.crs)
    pd.concat([finds, more], ignore_index=True).to_file(path, layer="simulated_finds")
    return folder


def _record_anew(folder: Path) -> None:
    """Enter the rasters as they are now; who would check the chain would see it."""
    files = RunFolder(folder)
    manifest = read_manifest(files)
    stages = []
    for stage in manifest.stages:
        own = {
            name: sha256_path(files.output(name)) if name.startswith("rasters/") else digest
            for name, digest in stage.outputs.items()
        }
        stages.append(stage.model_copy(update={"outputs": own}))
    write_manifest(files, manifest.model_copy(update={"stages": tuple(stages)}))


def _cases(tiny: Path, changed: Path, later: Path, out: Path) -> dict[str, Found]:
    """What the commands find, in a form that can be compared."""

    def compared() -> object:
        found = compare_runs(Run.open(tiny), Run.open(changed), out=out)
        names = ("comparison.json", "rank_shift.tif", "rank_shift.png")
        return found, [(out / name).read_bytes() for name in names]

    def status() -> object:
        given = Incidents(later, layer="finds")
        return run_status(Run.open(changed), incidents=given).labels

    def checked() -> object:
        finds, searched = (gpd.read_file(later, layer=name) for name in ("finds", "searched"))
        finds = finds.assign(outcome="find", effort=np.where(finds.index % 2, np.nan, 1.0))
        results = pd.concat([finds, searched.assign(outcome="no find", effort=0.5)])
        return check_in_field(Run.open(tiny), results.reset_index(drop=True))

    def differing() -> object:
        pairs = [(tiny / name, changed / name) for name in ("rasters", "labels.zarr", "cube.zarr")]
        return [largest_difference(*pair) for pair in pairs]

    def transferred() -> object:
        config = other_world(out / "other.yaml")
        facts = transfer(tiny, config, out / "there", given={}, said=lambda _: None)
        return facts, {path.name: path.read_bytes() for path in (out / "there").glob("*.*")}

    return {
        "later labels": lambda: evaluate_labels(
            tiny, later, layer="finds", searched_layer="searched"
        ),
        "lookback": lambda: look_back(Run.open(tiny), later, layer="finds", kind="kind"),
        "status": status,
        "compare": compared,
        "field check": checked,
        "reproduce": differing,
        "land of the dossier": lambda: land_of_regions(Run.open(tiny)),
        "dates of the dossier": lambda: evidence_dates(tiny / "labels.zarr"),
        "transfer": transferred,
    }


NAMES = tuple(_cases(Path(), Path(), Path(), Path()))


@pytest.mark.parametrize("name", NAMES)
def test_strips_of_any_height_give_the_same_and_no_more_is_read_at_a_time(
    name: str,
    tiny_run: Path,
    changed: Path,
    later: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def halves(geobox):
        east = np.arange(geobox.width) >= geobox.width // 2
        return np.broadcast_to(east.astype(np.int32), geobox.shape)

    for module in ("evaluate.compare", "audit.dossier_land"):
        read = f"minerisk.pipelines.{module}.read_districts"
        monkeypatch.setattr(read, lambda _: Districts(("West", "East"), halves))
    work = _cases(tiny_run, changed, later, tmp_path)[name]
    opened = functools.cache(run_folder.open_labels)  # lazily; a strip is read of it as ever
    monkeypatch.setattr(run_folder, "open_labels", opened)
    found = {}
    for rows in (WHOLE, 7, 1):
        with patch.object(grid, "STRIP", rows), _rows_read() as heights:
            found[rows] = work()
        opened.cache_clear()
        assert max(heights) <= rows, f"{max(heights)} rows are read at a time, of strips of {rows}"
    assert found[7] == found[WHOLE]
    assert found[1] == found[WHOLE]


@contextmanager
def _rows_read() -> Iterator[list[int]]:
    """Note how many rows are read at a time, of rasters and of stores."""
    heights: list[int] = []
    cog_band, to_numpy = cog._band, xr.DataArray.to_numpy

    def band(dataset, window=None, number=1):
        heights.append(dataset.height if window is None else window.height)
        return cog_band(dataset, window, number)

    def values(array):
        if array.ndim == 2:
            heights.append(array.shape[0])
        return to_numpy(array)

    with patch.object(cog, "_band", band), patch.object(xr.DataArray, "to_numpy", values):
        yield heights
