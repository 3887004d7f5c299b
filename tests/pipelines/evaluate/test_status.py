"""Stale maps: what changed since a run, by row and by cell."""

import shutil
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
import xarray as xr

from minerisk.features.errors import InputError
from minerisk.features.grid import cell_centres
from minerisk.pipelines.evaluate.status import Incidents, run_status, status_lines
from minerisk.pipelines.formats.cog import read_raster
from minerisk.pipelines.records.comparison import StateChange
from minerisk.pipelines.run.finding_rows import row_hashes
from minerisk.pipelines.run.folder import Run

TINY = Path(__file__).resolve().parents[3] / "configs" / "tiny.yaml"


def unlabelled(folder: Path, count: int) -> list[shapely.Point]:
    """Centres of cells of the map that the run had no label for."""
    labels = xr.open_zarr(folder / "labels.zarr", chunks=None, consolidated=False)
    probability, geobox = read_raster(folder / "rasters" / "probability.tif")
    easting, northing = cell_centres(geobox)
    rows, columns = ((labels["state"].to_numpy() == -1) & (probability > 0)).nonzero()
    step = len(rows) // count
    return [
        shapely.Point(easting[columns[i * step]], northing[rows[i * step]]) for i in range(count)
    ]


def add_finds(folder: Path, points: list[shapely.Point]) -> None:
    path = folder / "simulated" / "findings.gpkg"
    finds = gpd.read_file(path, layer="simulated_finds")
    more = finds.iloc[[0] * len(points)].copy().set_geometry(points, crs=finds.crs)
    pd.concat([finds, more], ignore_index=True).to_file(path, layer="simulated_finds")


def test_a_run_whose_layers_are_as_they_were_is_not_stale(tiny_run: Path) -> None:
    found = run_status(Run.open(tiny_run))
    assert not found.stale
    assert list(status_lines(found))[-1] == "Nothing has changed since the run was made."


def test_new_findings_are_counted_by_row_and_by_cell(tiny_copy: Path) -> None:
    points = unlabelled(tiny_copy, 3)
    add_finds(tiny_copy, points)
    found = run_status(Run.open(tiny_copy))
    assert found.stale
    (layer,) = found.layers
    assert (layer.layer, layer.rows_new, layer.rows_gone) == ("simulated_finds", 3, 0)
    expected = StateChange(before="unlabelled", after="positive", cells=3)
    assert found.labels.cells == (expected,)
    assert 0 < found.labels.ranked_land_within_range <= 1
    assert 0 < found.labels.newly_positive_land_above < 1
    assert "rasters/probability.tif" in found.rasters


def test_a_find_where_one_was_known_changes_rows_and_no_cell(tiny_copy: Path) -> None:
    path = tiny_copy / "simulated" / "findings.gpkg"
    known = gpd.read_file(path, layer="simulated_finds").geometry.iloc[0]
    add_finds(tiny_copy, [known])
    found = run_status(Run.open(tiny_copy))
    assert found.layers[0].rows_new == 1
    assert found.labels.changed_cells == 0
    assert found.labels.ranked_land_within_range == 0


def moved(tiny_copy: Path, folder: Path) -> Path:
    """The run with layers of its own, which a test may spoil."""
    data = shutil.copytree(TINY.parent.parent / "data" / "tiny", folder / "data" / "tiny")
    (folder / "configs").mkdir()
    shutil.copy(TINY, folder / "configs" / "tiny.yaml")
    from minerisk.pipelines.steps import run_steps

    run_steps(folder / "configs" / "tiny.yaml", tiny_copy, said=lambda line: None)
    return Path(data)


def test_a_changed_and_a_missing_layer_are_told_with_what_is_made_of_them(
    tiny_copy: Path, tmp_path: Path
) -> None:
    data = moved(tiny_copy, tmp_path)
    table = data / "settlements.csv"
    table.write_text("\n".join(table.read_text("utf-8").splitlines()[:-1]) + "\n", "utf-8")
    (data / "dem30s_globe.tif").unlink()
    found = run_status(Run.open(tiny_copy))
    rows = {row.layer: row for row in found.layers}
    assert set(rows) == {"settlements", "elevation"}
    assert all("settlements" in column for column in rows["settlements"].columns)
    assert {item.family for item in rows["elevation"].families} == {"terrain"}
    assert "does not exist" in rows["elevation"].missing
    assert found.stale


def test_incidents_count_from_the_day_given_and_without_a_date(
    tiny_run: Path, tmp_path: Path
) -> None:
    _, geobox = read_raster(tiny_run / "rasters" / "probability.tif")
    path = tmp_path / "accidents.gpkg"
    frame = gpd.GeoDataFrame(
        {"day": ["2019-05-01", "2024-05-01", None]},
        geometry=unlabelled(tiny_run, 3),
        crs=str(geobox.crs),
    )
    frame.to_file(path)
    given = Incidents(path, date="day", since="2020-01-01")
    found = run_status(Run.open(tiny_run), incidents=given)
    assert found.incidents.new == 2
    assert sum(found.incidents.classes.values()) == 2
    assert found.stale
    assert run_status(Run.open(tiny_run), incidents=Incidents(path)).incidents.new == 3
    with pytest.raises(InputError, match="no column 'when'"):
        run_status(Run.open(tiny_run), incidents=Incidents(path, date="when"))
    with pytest.raises(InputError, match="is no day"):
        run_status(Run.open(tiny_run), incidents=Incidents(path, date="day", since="May"))


def test_a_row_is_known_by_shape_and_words_not_by_order() -> None:
    frame = gpd.GeoDataFrame(
        {"a": [1, 2], "b": ["x", "y"]}, geometry=[shapely.Point(0, 0), shapely.Point(1, 1)]
    )
    one, two = row_hashes(frame)
    assert row_hashes(frame.iloc[::-1][["b", "geometry", "a"]]) == [two, one]
    assert len({one, two, *row_hashes(frame.assign(a=[1, 3])), *row_hashes(frame.assign(
        geometry=[shapely.Point(0, 1), shapely.Point(1, 1)]))}) == 4  # fmt: skip
