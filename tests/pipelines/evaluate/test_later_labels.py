"""A run scored on labels that came later."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import Point, box

from minerisk.features.errors import InputError
from minerisk.features.grid import cell_centres
from minerisk.pipelines.audit.verify import audit_run
from minerisk.pipelines.evaluate.later_labels import evaluate_labels, later_lines
from minerisk.pipelines.evaluate.predicted_land import read_land
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.evaluations import LaterLabels, TrainedAs
from minerisk.pipelines.run.folder import Run


@pytest.fixture(scope="module")
def later(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Finds in the eight likeliest and the four least likely cells that had no label, and one
    outside; the whole western half searched."""
    (land,) = read_land(Run.open(tiny_run)).strips()
    easting, northing = cell_centres(land.geobox)
    rows, columns = np.nonzero(land.answered & (land.trained == -1))
    order = np.argsort(land.probability[rows, columns], kind="stable")
    chosen = np.concatenate([order[-8:], order[:4]])
    points = [Point(easting[columns[i]], northing[rows[i]]) for i in chosen]
    points.append(Point(easting[0] - 90_000, northing[0]))
    path = tmp_path_factory.mktemp("later") / "later.gpkg"
    crs = str(land.geobox.crs)
    frame = gpd.GeoDataFrame({"a": 1}, geometry=points, crs=crs, index=range(len(points)))
    frame.to_file(path, layer="finds")
    whole = box(*land.geobox.boundingbox)
    gpd.GeoDataFrame(geometry=[whole], crs=crs).to_crs("EPSG:4326").to_file(path, layer="searched")
    return path


def test_each_find_is_counted_and_placed(tiny_run: Path, later: Path) -> None:
    data = evaluate_labels(tiny_run, later, layer="finds")
    assert data.finds.total == 13
    assert data.finds.outside_study_area == 1
    assert data.finds.new == data.finds.trained_as[TrainedAs.UNLABELLED] == 12
    assert sum(row.finds for row in data.classes) == 12
    assert sum(row.land_share for row in data.classes) == pytest.approx(1)
    above = [place.land_above for place in data.places if place.inside]
    assert max(above[:8]) < 0.5 < min(above[8:])
    assert data.scored is None
    first, *_, last = later_lines(data)
    assert first.startswith("SIMULATED")
    assert "where people looked" in last


def test_searched_land_gives_measures_with_intervals(tiny_run: Path, later: Path) -> None:
    data = evaluate_labels(tiny_run, later, layer="finds", searched_layer="searched")
    part = data.scored.all
    assert part.find_cells == 12
    value, low, high = part.measures.roc_auc
    assert low <= value <= high
    assert value == pytest.approx(8 / 12, abs=0.02)  # eight on top of all, four below all


def test_the_run_stays_as_it_is_and_the_result_goes_elsewhere(
    tiny_copy: Path, later: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="lies in the run folder"):
        evaluate_labels(tiny_copy, later, layer="finds", out=tiny_copy / "x")
    data = evaluate_labels(tiny_copy, later, layer="finds", out=tmp_path)
    assert LaterLabels.read(tmp_path / "later_labels.json") == data
    assert audit_run(RunFolder(tiny_copy)).problems == ()


def test_finds_the_run_knew_test_nothing(tiny_run: Path, tmp_path: Path) -> None:
    (land,) = read_land(Run.open(tiny_run)).strips()
    easting, northing = cell_centres(land.geobox)
    points = []
    for state in (1, 0):
        rows, columns = np.nonzero(land.answered & (land.trained == state))
        points += [Point(easting[columns[0]], northing[rows[0]])]
    crs = str(land.geobox.crs)
    gpd.GeoDataFrame(geometry=points, crs=crs).to_file(tmp_path / "known.gpkg")
    finds = evaluate_labels(tiny_run, tmp_path / "known.gpkg").finds
    known = [finds.trained_as[one] for one in (TrainedAs.POSITIVE, TrainedAs.NEGATIVE)]
    assert (*known, finds.new) == (1, 1, 1)


def test_changed_rasters_and_other_land_are_refused(
    tiny_copy: Path, later: Path, tmp_path: Path
) -> None:
    far = gpd.GeoDataFrame(geometry=[Point(0, 0)], crs="EPSG:32638")
    far.to_file(tmp_path / "far.gpkg")
    with pytest.raises(InputError, match="None of the 1 finds"):
        evaluate_labels(tiny_copy, tmp_path / "far.gpkg")
    with (tiny_copy / "rasters" / "probability_unmasked.tif").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(InputError, match="not as the run wrote it"):
        evaluate_labels(tiny_copy, later, layer="finds")
