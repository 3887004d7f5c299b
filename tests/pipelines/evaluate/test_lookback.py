from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from minerisk.features.errors import InputError
from minerisk.features.grid import cell_centres
from minerisk.models.estimators.members import LinearMembers
from minerisk.pipelines.evaluate.lookback import look_back, lookback_lines, reasons_by_family
from minerisk.pipelines.formats.cog import read_raster
from minerisk.pipelines.records.lookback import FamilyMeans, Lookback
from minerisk.pipelines.run.contents import read_places
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.readers import load_model


@pytest.fixture(scope="module")
def land(tiny_run: Path):
    probability, geobox = read_raster(tiny_run / "rasters" / "probability.tif")
    classes, _ = read_raster(tiny_run / "rasters" / "risk_class.tif")
    import xarray as xr

    labels = xr.open_zarr(tiny_run / "labels.zarr", chunks=None, consolidated=False)
    return probability, classes, labels["state"].to_numpy(), geobox


def events(folder: Path, geobox, cells, crs: str = "EPSG:4326", **columns) -> Path:
    easting, northing = cell_centres(geobox)
    points = [shapely.Point(easting[column], northing[row]) for row, column in cells]
    path = folder / "accidents.gpkg"
    frame = gpd.GeoDataFrame(columns, geometry=points, crs=str(geobox.crs)).to_crs(crs)
    frame.to_file(path, driver="GPKG")
    return path


def some(mask: np.ndarray, count: int) -> list[tuple[int, int]]:
    rows, columns = np.nonzero(mask)
    chosen = np.linspace(0, len(rows) - 1, count).astype(int)
    return [(int(rows[i]), int(columns[i])) for i in chosen]


def test_misses_are_counted_where_they_were_put(tiny_run: Path, land, tmp_path: Path) -> None:
    _, classes, state, geobox = land
    lower = some((classes == 1) & (state == -1), 3)
    higher = some((classes == 3) & (state == -1), 2)
    known = some((state == 1) & (classes != 255), 1)
    kinds = ["foot", "foot", "vehicle", "vehicle", "vehicle", "foot"]
    path = events(tmp_path, geobox, [*lower, *higher, *known], kind=kinds)
    found = look_back(Run.open(tiny_run), path, kind="kind", out=tmp_path / "out")
    patterns = found.patterns
    assert (patterns.new, patterns.known_before, patterns.missed) == (5, 1, 3)
    assert {row.risk_class: row.events for row in patterns.classes} == {
        "higher": 2, "elevated": 0, "lower": 3, "cannot_say": 0,
    }  # fmt: skip
    kinds = patterns.groups["kind"]
    assert {row.value: row.missed for row in kinds} == {"foot": 2, "vehicle": 1}
    for by in ("region", "line"):
        assert sum(row.missed for row in patterns.groups[by]) == 3
    assert patterns.groups["cover"] == ()  # the tiny cube has no land cover
    assert "SIMULATED" in next(lookback_lines(found))
    assert Lookback.read(tmp_path / "out" / "lookback.json") == found
    assert len(found.events) == 6
    rows = (tmp_path / "out" / "lookback.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0].endswith("run_state,simulated,source_kind")
    assert [",DRAFT,1,one indirect source" in row for row in rows[1:]] == [True] * 6


def test_an_event_in_a_task_is_told_with_its_rank(tiny_run: Path, tmp_path: Path) -> None:
    tasks = gpd.read_file(tiny_run / "tasks.gpkg", layer="tasks")
    first = tasks[tasks["task"] == "NTS-0001"].iloc[0]
    path = tmp_path / "accidents.gpkg"
    point = shapely.Point(first["easting"], first["northing"])
    gpd.GeoDataFrame(geometry=[point], crs=tasks.crs).to_file(path, driver="GPKG")
    (event,) = look_back(Run.open(tiny_run), path).events
    assert (event.task, event.task_rank) == ("NTS-0001", 1)
    assert event.place.applicable


def test_reasons_add_up_to_the_score(tiny_run: Path, land) -> None:
    """SHAP values of all families and the expected score sum to the boosted trees' log-odds."""
    probability, _, _, _ = land
    run, model = Run.open(tiny_run), load_model(tiny_run)
    places = some(np.isfinite(probability), 4)
    rows, columns = (np.array(axis) for axis in zip(*(*places, places[0]), strict=True))
    added = reasons_by_family(run, rows, columns)
    assert added[0] == added[-1]
    matrix = columns_at(run, rows, columns)
    members = zip(model.members.boosters, model.members.forest, strict=True)
    boosters = [booster for booster, forest in members if not forest]  # forests speak in shares
    raw = np.mean([b.predict(matrix, raw_score=True) for b in boosters], axis=0)
    base = np.mean([b.predict(matrix, pred_contrib=True)[0, -1] for b in boosters])
    sums = sorted(sum(values.values()) + base for values in added[:-1])
    np.testing.assert_allclose(sums, np.sort(raw), atol=1e-5)


def test_reasons_of_a_logistic_model_add_up_to_its_score(
    tiny_run: Path, land, monkeypatch: pytest.MonkeyPatch
) -> None:
    probability, _, _, _ = land
    run, model = Run.open(tiny_run), load_model(tiny_run)
    rows, columns = (
        np.array(axis) for axis in zip(*some(np.isfinite(probability), 4), strict=True)
    )
    matrix = columns_at(run, rows, columns)
    width = matrix.shape[1]
    weights = np.random.default_rng(1).normal(size=(2, width))
    members = LinearMembers(np.zeros(width), np.full(width, 1e3), weights, np.array([0.5, 1.5]))
    logistic = replace(model, members=members)
    monkeypatch.setattr(Run, "model", lambda _: logistic)
    added = reasons_by_family(run, rows, columns)
    expected = members.log_odds(matrix, threads=1).mean(axis=1)
    np.testing.assert_allclose([sum(values.values()) + 1.0 for values in added], expected, 1e-4)


def columns_at(run: Run, rows, columns) -> np.ndarray:
    """The columns that the members see, of cells in the order of the grid."""
    chosen = np.zeros(tuple(read_raster(run.folder / "rasters" / "probability.tif")[1].shape), bool)
    chosen[rows, columns] = True
    cells = read_places(run, *np.nonzero(chosen)).cells
    return load_model(run.folder).columns(cells).to_numpy(dtype=np.float32)


def test_another_way_to_explain_can_be_put_in(tiny_run: Path, land, tmp_path: Path) -> None:
    _, classes, state, geobox = land
    path = events(tmp_path, geobox, some((classes == 1) & (state == -1), 2))

    def explain(run, rows, columns):
        return [{"terrain": -2.0, "front_line": 0.5} for _ in rows]

    found = look_back(Run.open(tiny_run), path, explain=explain)
    expected = FamilyMeans(family="terrain", at_misses=-2.0, elsewhere=None)
    assert found.patterns.families[0] == expected
    assert any("terrain (-2.00 log-odds" in line for line in lookback_lines(found))


def test_events_elsewhere_or_without_the_column_are_refused(
    tiny_run: Path, land, tmp_path: Path
) -> None:
    far_away = tmp_path / "far.gpkg"
    gpd.GeoDataFrame(geometry=[shapely.Point(10.0, 50.0)], crs="EPSG:4326").to_file(far_away)
    with pytest.raises(InputError, match="None of the 1 events"):
        look_back(Run.open(tiny_run), far_away)
    _, classes, _, geobox = land
    path = events(tmp_path, geobox, some(classes == 1, 1))
    with pytest.raises(InputError, match="no column 'type'"):
        look_back(Run.open(tiny_run), path, kind="type")
    with pytest.raises(InputError, match="lies in the run folder"):
        look_back(Run.open(tiny_run), path, out=tiny_run / "lookback")
