"""What the desk says where a request cannot go on, and that the page of it lists each case."""

import re
from pathlib import Path

import pytest

from minerisk.features.errors import InputError
from minerisk.features.layers.sources import Layers
from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.language.desk_words import DESK_WORDS, NEXT_STEPS
from minerisk.pipelines.service.desk.access_log import first_broken

PAGE = Path(__file__).parents[3] / "docs" / "desk.md"
ROW = re.compile(r"^\| [^|]+ \| `(desk_\w+)` \| [^|]+ \| `(test_\w+)` \|$", re.MULTILINE)


def run_id(client) -> str:
    return client.get("/api/runs").json()["runs"][0]["id"]


def test_each_state_of_the_page_has_words_a_next_step_and_a_test() -> None:
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    assert len(rows) >= 18
    tests = "".join(
        path.read_text(encoding="utf-8") for path in Path(__file__).parent.rglob("*.py")
    )
    for code, test in rows:
        assert DESK_WORDS[DeskCode(code)]
        assert NEXT_STEPS[DeskCode(code)]
        assert f"def {test}(" in tests, test


def test_a_layer_that_is_gone_is_named(town_with_run, monkeypatch: pytest.MonkeyPatch) -> None:
    client = town_with_run.scientist
    asked = {"run": run_id(client), "filters": {"near": ["front_line"], "within_m": 500}}
    real = Layers.path

    def path(layers: Layers, name: str) -> Path:
        if name == "front_line":
            raise InputError("it is not there")
        return real(layers, name)

    monkeypatch.setattr(Layers, "path", path)
    for address in (f"/api/runs/{asked['run']}/check", "/api/requests"):
        found = client.post(address, json=asked)
        assert (found.status_code, found.json()["code"]) == (409, "desk_layer_gone")
        assert "front_line" in found.json()["title"]


def test_a_tile_beside_the_map_or_of_no_class_is_told_to_be_missing(town_with_run) -> None:
    client = town_with_run.scientist
    run = run_id(client)
    assert client.get(f"/tiles/runs/{run}/any/class/8/161/97.png").status_code == 200
    for place in ("any/class/8/0/0", "ap/class/8/161/97"):
        found = client.get(f"/tiles/runs/{run}/{place}.png")
        assert (found.status_code, found.json()["code"]) == (404, "desk_tile_missing")
        assert found.json()["detail"]


def test_a_run_whose_folder_is_gone_is_told_so(town_with_run, runs: Path) -> None:
    client = town_with_run.scientist
    run = run_id(client)
    name = client.post("/api/requests", json={"run": run}).json()["id"]
    (runs / "tiny").rename(runs.parent / f"{runs.name}-gone")
    assert client.get(f"/api/runs/{run}").json()["code"] == "desk_run_unverified"
    kept = client.get(f"/api/requests/{name}").json()
    assert (kept["usable"], kept["outdated"][0]["code"]) == (False, "desk_run_unverified")


def test_a_job_that_takes_too_much_memory_is_stopped(town_with_run) -> None:
    client = town_with_run.scientist
    small = town_with_run.with_limits(job_bytes=1_000_000)
    name = client.post("/api/requests", json={"run": run_id(client)}).json()["id"]
    assert small.work()
    found = client.get(f"/api/requests/{name}").json()
    assert (found["state"], found["why"]["code"]) == ("failed", "desk_memory_spent")
    assert not small.work()  # what takes too much is not tried again


def test_the_log_tells_who_asked_for_which_land_and_downloaded_what(town_with_run) -> None:
    client = town_with_run.scientist
    filters = {"near": ["front_line"], "within_m": 700}
    body = {"run": run_id(client), "filters": filters}
    name = client.post("/api/requests", json=body).json()["id"]
    assert town_with_run.work()
    assert client.get(f"/api/requests/{name}/pack.zip").status_code == 200
    assert client.get(f"/api/requests/{name}/files/tasks.csv").status_code == 200
    lines = town_with_run.administrator.get("/api/access-log").text.splitlines()
    assert first_broken(iter(lines)) is None
    asked, pack, file = (line for line in lines if f'"subject":"{name}"' in line)
    assert '"by":"scientist"' in asked
    assert '"land":"near_front_line_700m"' in asked
    assert '"action":"download"' in pack
    assert '"file":"pack.zip"' in pack
    assert '"file":"tasks.csv"' in file
    assert client.get("/api/access-log").status_code == 403
