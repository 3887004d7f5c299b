"""A run is made anew with what came back, offered and approved; what stood on the old is old.

It makes a run, which takes minutes: ``pytest -m validity tests/pipelines/service``.
"""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import box

from minerisk.features.grid import cell_centres
from minerisk.pipelines.evaluate.predicted_land import read_land
from minerisk.pipelines.feedback.feedback import deliver
from minerisk.pipelines.feedback.store import Delivery
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.service.accounts.access import Role


def search_there(run: Run, path: Path) -> Path:
    """A search without a find of a cell that nobody has looked at."""
    (land,) = read_land(run).strips()
    easting, northing = cell_centres(land.geobox)
    rows, columns = np.nonzero(land.answered & (land.trained == -1))
    east, north = easting[columns[0]], northing[rows[0]]
    searched = box(east - 250, north - 250, east + 250, north + 250)
    facts = {"date": "2024-05-01", "method": "manual search", "reliability": 0.8,
             "outcome": "no find", "searched_ha": 12.5, "geometry": searched}  # fmt: skip
    gpd.GeoDataFrame([facts], crs=str(land.geobox.crs)).to_crs("EPSG:4326").to_file(path)
    return path


def codes(client, asked: str) -> set[str]:
    return {each["code"] for each in client.get(f"/api/requests/{asked}").json()["outdated"]}


@pytest.mark.validity
def test_from_a_search_to_a_run_that_is_decided_on(
    town_with_run, runs: Path, tmp_path: Path
) -> None:
    town = town_with_run
    run = town.scientist.get("/api/runs").json()["runs"][0]["id"]
    reviewer = town.person("second reviewer", Role.REVIEWER)

    def approve(name: str) -> str | None:
        """Approve a run; return why that is refused, if it is."""
        body = {"decision": "approve", "note": "The gates were looked at.", "champion": True}
        done = reviewer.post(f"/api/runs/{name}/reviews", json=body)
        assert done.status_code == 202, done.text
        assert town.work()
        known = reviewer.get(f"/api/runs/{name}/reviews").json()
        if known["strip"]["state"] == "approved":
            return None
        return next(each["why"]["words"] for each in known["jobs"] if each["state"] == "failed")

    assert approve(run) is None
    asked = town.manager.post("/api/requests", json={"run": run}).json()["id"]
    assert town.work()
    assert town.manager.get(f"/api/requests/{asked}").json()["usable"]
    assert codes(town.manager, asked) == set()

    old = Run.open(runs / "tiny")
    deliver(old, Delivery(search_there(old, tmp_path / "r.gpkg")))
    assert codes(town.manager, asked) == {"desk_findings_delivered"}

    made = town.scientist.post(f"/api/runs/{run}/retrain").json()
    assert (made["folder"], made["state"]) == ("tiny_2", "waiting")
    assert town.work()
    (listed,) = town.scientist.get("/api/retrainings").json()
    assert (listed["state"], listed["why"]) == ("done", None)

    # A draft that nobody but data scientists and reviewers see, by whoever asked for it.
    offered = town.scientist.post("/api/runs", json={"folder": "tiny_2"})
    assert offered.status_code == 201, offered.text
    again = offered.json()["id"]
    seen = town.manager.get("/api/runs").json()["runs"]
    assert [each["id"] for each in seen if each["usable"]] == [run]
    body = {"decision": "approve", "note": "x"}
    assert town.scientist.post(f"/api/runs/{again}/reviews", json=body).status_code == 403
    before, after = (Run.open(runs / name).metrics() for name in ("tiny", "tiny_2"))
    assert before != after

    refused = approve(again)
    gates = [gate.name for gate in Run.open(runs / "tiny_2").metrics().gates if not gate.passed]
    if gates:  # what a run must reach was agreed before training, also by one made anew
        assert refused is not None
        assert all(name in refused for name in gates), refused
        body = {"decision": "reject", "note": "It does not pass its gates."}
        assert reviewer.post(f"/api/runs/{again}/reviews", json=body).status_code == 202
        assert codes(town.manager, asked) == {"desk_findings_delivered"}
        return
    assert refused is None
    assert "desk_run_newer" in codes(town.manager, asked)
    assert town.manager.get(f"/api/requests/{asked}").json()["usable"]
    fresh = town.manager.post("/api/requests", json={"run": again}).json()["id"]
    assert town.work()
    assert codes(town.manager, fresh) == set()
