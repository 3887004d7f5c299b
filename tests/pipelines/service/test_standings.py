"""How a run stands is known at the next call; what has changed since a request is said."""

import os
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import Point, box

from minerisk.features.grid import cell_centres
from minerisk.pipelines.audit.decide import Decision, review_run
from minerisk.pipelines.evaluate.predicted_land import read_land
from minerisk.pipelines.feedback.feedback import deliver
from minerisk.pipelines.feedback.store import Delivery
from minerisk.pipelines.records.review import Standing, State
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.service.desk import staleness
from minerisk.pipelines.service.desk.standings import Known, Standings
from minerisk.pipelines.service.jobs.orders import JobKind, Order
from minerisk.pipelines.service.store.models import OfferedRun

RASTER = "rasters/risk_class.tif"


def decide(folder: Path, decision: str) -> None:
    review_run(Run.open(folder), Decision(decision, by="reviewer 7", note="looked at"))


def touch(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_a_withdrawal_is_known_to_whoever_reads_one_file(runs: Path) -> None:
    standings, folder = Standings(), runs / "tiny"
    decide(folder, "approve")
    assert standings.of(folder, [RASTER]).state is State.APPROVED
    decide(folder, "withdraw")
    assert standings.of(folder, [RASTER]).state is State.WITHDRAWN
    assert standings.of(folder, ()).state is State.WITHDRAWN


def test_of_the_files_of_a_run_those_that_are_read_are_looked_at(runs: Path) -> None:
    standings, folder = Standings(), runs / "tiny"
    assert standings.of(folder).state is State.DRAFT
    touch(folder / "rasters" / "probability.tif")
    assert standings.of(folder, [RASTER]).state is State.DRAFT
    assert standings.of(folder, ["rasters/probability.tif"]).state is State.UNVERIFIED
    assert standings.of(folder, [RASTER]).state is State.UNVERIFIED  # known by now


@pytest.mark.parametrize("change", ["link", "other date", "gone"])
def test_a_file_in_the_place_of_one_that_is_read_is_another(runs: Path, change: str) -> None:
    standings, folder = Standings(), runs / "tiny"
    path = folder / RASTER
    assert standings.of(folder, [RASTER]).state is State.DRAFT
    if change == "link":
        kept = path.rename(runs / "kept.tif")
        path.symlink_to(kept)
    elif change == "gone":
        path.unlink()
    else:  # the same size and date of content, as who hides a change would have them
        facts = path.stat()
        touch(path)
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert standings.of(folder, [RASTER]).state is State.UNVERIFIED


@pytest.fixture
def results(runs: Path, tmp_path: Path) -> Path:
    """Land that was searched, and a find, in cells without a label."""
    land = read_land(Run.open(runs / "tiny"))
    easting, northing = cell_centres(land.geobox)
    (strip,) = land.strips()
    rows, columns = np.nonzero(strip.answered & (strip.trained == -1))
    one, two = ((easting[columns[i]], northing[rows[i]]) for i in (0, -1))
    common = {"date": "2024-05-01", "method": "manual search", "reliability": 0.8}
    square = box(one[0] - 250, one[1] - 250, one[0] + 250, one[1] + 250)
    rows_ = [common | {"outcome": "no find", "searched_ha": 12.5, "geometry": square},
             common | {"outcome": "find", "hazard": "at", "geometry": Point(two)}]  # fmt: skip
    path = tmp_path / "results.gpkg"
    gpd.GeoDataFrame(rows_, crs=str(land.geobox.crs)).to_crs("EPSG:4326").to_file(path)
    return path


def test_a_request_tells_that_survey_results_came_back_since(
    town_with_run, runs: Path, results: Path
) -> None:
    client = town_with_run.scientist
    run = client.get("/api/runs").json()["runs"][0]["id"]
    body = {"run": run, "filters": {"near": ["front_line"], "within_m": 800}}
    past = body | {"filters": body["filters"] | {"as_of": "2021-01-01"}}
    name, earlier = (client.post("/api/requests", json=each).json()["id"] for each in (body, past))
    assert client.get(f"/api/requests/{name}").json()["outdated"] == []
    deliver(Run.open(runs / "tiny"), Delivery(results, by="team 4"))
    (found,) = client.get(f"/api/requests/{name}").json()["outdated"]
    assert found["code"] == "desk_findings_delivered"
    assert "does not know: 2, with 1 finds" in found["words"]
    assert client.get(f"/api/requests/{earlier}").json()["outdated"] == []
    listed = client.get("/requests", headers={"Accept": "text/html"}).text
    assert found["words"] in listed


def test_a_layer_of_findings_that_changed_is_named(runs: Path, monkeypatch) -> None:
    run = Run.open(runs / "tiny")
    assert staleness.new_findings(run) == []
    path = run.layers().path("front_line")
    other = runs / f"other{path.suffix}"
    other.write_bytes(path.read_bytes() + b"\n")
    monkeypatch.setattr(staleness, "finding_layers", lambda _: ["front_line"])
    monkeypatch.setattr("minerisk.features.layers.sources.Layers.path", lambda *_: other)
    (found,) = staleness.new_findings(run)
    assert (found.code, found.values["layer"]) == ("desk_findings_changed", "front_line")


class Rows:
    """A database with runs on the desk."""

    def __init__(self, *rows: OfferedRun) -> None:
        self.rows = rows

    def scalars(self, _: object) -> "Rows":
        return self

    def all(self) -> list[OfferedRun]:
        return list(self.rows)


@pytest.mark.parametrize(
    ("state", "decided", "offered", "newer"),
    [
        (State.APPROVED, 200.0, 1.0, True),  # on the desk before, approved after the request
        (State.APPROVED, 50.0, 1.0, False),  # approved before the request, and older
        (State.APPROVED, 50.0, 20.0, True),  # put on the desk after the run that was asked
        (State.DRAFT, None, 20.0, False),
        (State.WITHDRAWN, 200.0, 20.0, False),
    ],
)
def test_a_run_that_was_approved_since_makes_a_request_old(
    made_run: Path, state: State, decided: float | None, offered: float, newer: bool
) -> None:
    run = Run.open(made_run)
    rows = Rows(OfferedRun(id="a", folder="one", offered_at=10.0),
                OfferedRun(id="b", folder="two", offered_at=offered))  # fmt: skip
    known = {"one": Known(run, Standing(state=State.APPROVED)),
             "two": Known(run, Standing(state=state), decided_at=decided)}  # fmt: skip
    order = Order(kind=JobKind.REQUEST, run="one", head=run.manifest().head)
    found = staleness.outdated(rows, known.__getitem__, order, asked_at=100.0)
    assert [each.code for each in found] == (["desk_run_newer"] if newer else [])


def test_when_a_run_was_decided_on_is_known(runs: Path) -> None:
    before = datetime.now(UTC).timestamp()
    decide(runs / "tiny", "approve")
    decided = Standings().of(runs / "tiny").decided_at
    assert decided is not None
    assert before - 1 <= decided <= datetime.now(UTC).timestamp()
