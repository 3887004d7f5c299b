"""Survey results come back: kept, chained, held against the map, taught to the next run."""

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import xarray as xr
from shapely.geometry import Point, box

from minerisk.features.errors import CoverError, FindingError, InputError
from minerisk.features.grid import cell_centres
from minerisk.pipelines.audit.verify import audit_run
from minerisk.pipelines.evaluate.predicted_land import read_land
from minerisk.pipelines.feedback.feedback import (
    check_outside,
    deliver,
    feedback_lines,
    results_config,
    show_feedback,
    task_changes,
)
from minerisk.pipelines.feedback.store import Delivery, read_deliveries, stored_results
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.comparison import TaskMove, TaskMoves
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.steps import run_steps

COMMON = {"date": "2024-05-01", "method": "manual search", "reliability": 0.8}


def problems(folder: Path, **given: Any) -> tuple[str, ...]:
    return tuple(map(ENGLISH.say, audit_run(RunFolder(folder), **given).problems))


@pytest.fixture
def results(tiny_run: Path, tmp_path: Path) -> Path:
    """Two cells without a label, 2 km apart or more: searched by half, and a find."""
    (land,) = read_land(Run.open(tiny_run)).strips()
    easting, northing = cell_centres(land.geobox)
    rows, columns = np.nonzero(land.answered & (land.trained == -1))
    one, two = ((easting[columns[i]], northing[rows[i]]) for i in (0, -1))
    searched = box(one[0] - 250, one[1] - 250, one[0] + 250, one[1] + 250)  # 25 ha
    frame = gpd.GeoDataFrame(
        [
            COMMON | {"outcome": "no find", "searched_ha": 12.5, "geometry": searched},
            COMMON | {"outcome": "find", "hazard": "at", "geometry": Point(two)},
        ],
        crs=str(land.geobox.crs),
    )
    path = tmp_path / "results.gpkg"
    frame.to_crs("EPSG:4326").to_file(path)
    return path


def test_a_delivery_is_kept_once_and_the_run_stays_as_it_is(tiny_copy: Path, results: Path) -> None:
    head = json.loads((tiny_copy / "manifest.json").read_text(encoding="utf-8"))["head"]
    entry = deliver(Run.open(tiny_copy), Delivery(results, by="team 4"))
    assert (entry.number, entry.records, entry.finds) == (1, 2, 1)
    assert entry.head == head
    assert entry.land_ha == pytest.approx(25, abs=0.05)
    with pytest.raises(InputError, match="on record already, as delivery 1"):
        deliver(Run.open(tiny_copy), Delivery(results))
    files = RunFolder(tiny_copy)
    assert len(stored_results(files, read_deliveries(files), crs="EPSG:32638")) == 2
    assert problems(tiny_copy) == ()
    found = show_feedback(Run.open(tiny_copy))
    assert found.check.cells.tested == 1  # the find was by chance
    assert next(feedback_lines(found)).startswith("SIMULATED")


@pytest.mark.parametrize("change", ["changed", "gone", "another"])
def test_the_audit_names_a_delivery_that_was_changed(
    tiny_copy: Path, results: Path, change: str
) -> None:
    deliver(Run.open(tiny_copy), Delivery(results))
    assert problems(tiny_copy) == ()
    stored = RunFolder(tiny_copy).delivery(1)
    if change == "another":
        gpd.read_file(stored).assign(outcome="find").to_file(stored, driver="FlatGeobuf")
    elif change == "changed":
        content = bytearray(stored.read_bytes())
        content[-1] ^= 1
        stored.write_bytes(content)
    else:
        stored.unlink()
    (told,) = problems(tiny_copy)
    assert told.startswith("feedback/0001.fgb")


def test_deliveries_are_chained_and_none_can_be_changed(tiny_copy: Path, results: Path) -> None:
    first = deliver(Run.open(tiny_copy), Delivery(results))
    gpd.read_file(results).iloc[:1].to_file(results)
    second = deliver(Run.open(tiny_copy), Delivery(results))
    assert second.before == first.sha256
    assert read_deliveries(RunFolder(tiny_copy)).problems == ()
    path = tiny_copy / "feedback" / "deliveries.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text(lines[0].replace('"finds":1', '"finds":0') + f"\n{lines[1]}\n")
    assert any("line 1 is not as it was written" in line for line in problems(tiny_copy))
    path.write_text(f"{lines[1]}\n")
    assert any(
        "does not follow" in line
        for line in map(ENGLISH.say, read_deliveries(RunFolder(tiny_copy)).problems)
    )
    path.write_text("\n".join(lines) + "\n")
    with (tiny_copy / "feedback" / "0001.fgb").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(FindingError, match=r"0001\.fgb is missing or not as it was stored"):
        show_feedback(Run.open(tiny_copy))


def test_results_of_other_land_and_no_results_are_refused(
    tiny_copy: Path, results: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="no survey results yet"):
        show_feedback(Run.open(tiny_copy))
    frame = gpd.read_file(results).to_crs("EPSG:32638")
    frame.geometry = frame.geometry.translate(200_000)
    frame.to_file(tmp_path / "far.gpkg")
    with pytest.raises(CoverError, match="row 1, 2 lies outside the study area tiny"):
        deliver(Run.open(tiny_copy), Delivery(tmp_path / "far.gpkg"))
    assert not (tiny_copy / "feedback").exists()


def test_the_next_run_learns_the_results(tiny_copy: Path, results: Path, tmp_path: Path) -> None:
    deliver(Run.open(tiny_copy), Delivery(results))
    config = results_config(Run.open(tiny_copy))
    assert results_config(Run.open(tiny_copy)).read_bytes() == config.read_bytes()
    run = run_steps(config, tmp_path / "next", last="build")
    before, after = (
        xr.open_zarr(folder / "labels.zarr", chunks=None, consolidated=False)
        for folder in (tiny_copy, run.folder)
    )
    changed = before["state"].to_numpy() != after["state"].to_numpy()
    states = after["state"].to_numpy()[changed]
    assert sorted(states) == [0, 1]
    weight = dict(zip(states.tolist(), after["weight"].to_numpy()[changed], strict=True))
    assert weight[1] == pytest.approx(0.8)  # its reliability
    assert weight[0] == pytest.approx(0.4, abs=0.01)  # reliability times half of the land
    hazard = after["hazard"].to_numpy()[changed & (after["state"].to_numpy() == 1)]
    assert hazard.tolist() == [2]  # the bit of at
    layers = Run.open(run.folder).layer_inputs()
    assert {"layer:results_finds", "layer:results_searches"} <= layers.keys()


def test_a_new_run_needs_a_folder_of_its_own(tiny_run: Path) -> None:
    with pytest.raises(InputError, match="lies in the run folder"):
        check_outside(Run.open(tiny_run), tiny_run / "next")
    check_outside(Run.open(tiny_run), tiny_run.with_name("next"))


def test_tasks_in_and_out_are_listed_with_their_places(tiny_run: Path) -> None:
    names = gpd.read_file(tiny_run / "tasks.gpkg", layer="tasks")["task"].tolist()
    moved = [
        TaskMove(task=name, rank=1, hectares=1.0, latitude=0.0, longitude=0.0, covered=0.0)
        for name in names
    ]
    run = Run.open(tiny_run)
    table = task_changes(run, run, TaskMoves(gone=tuple(moved[:1]), new=tuple(moved[1:3])))
    assert table["change"].tolist() == ["gone", "new", "new"]
    assert table["task"].tolist() == names[:3]
    assert (table["hectares"] > 0).all()
