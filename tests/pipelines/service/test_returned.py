"""Survey results come back to the desk: a form goes out, a file is checked, added and compared."""

import shutil
from pathlib import Path

import geopandas as gpd
import pytest

from minerisk.pipelines.feedback.feedback import deliver, show_feedback
from minerisk.pipelines.feedback.store import Delivery, read_deliveries
from minerisk.pipelines.run.folder import Run
from tests.pipelines.service.conftest import Town

HEAD = "task,date,outcome,hazard,place,land,method,reliability,searched_ha,team_hours\n"


def asked(town: Town) -> tuple[str, str, dict]:
    run = town.scientist.get("/api/runs").json()["runs"][0]["id"]
    request = town.scientist.post("/api/requests", json={"run": run}).json()["id"]
    assert town.work()
    tasks = town.scientist.get(f"/api/requests/{request}/tasks").json()["features"]
    return run, request, {task["properties"]["task"]: task for task in tasks}


def rows(tasks: dict, *, fault: str = "") -> bytes:
    """What a team found: nothing in the control tasks, a mine in the first of the others."""
    lines, first = [HEAD], True
    for name, task in tasks.items():
        properties = task["properties"]
        place = f"{properties['latitude']} {properties['longitude']} 0 0"
        if properties["arm"] == "control":
            lines.append(f"{name},2026-01-05,no_find,,,,manual,0.9,{properties['hectares']},\n")
        elif first:
            lines.append(f"{name},2026-01-06,find,ap,{place},,manual,0.9,1,\n")
            first = False
    return "".join([*lines, fault]).encode()


def test_results_come_back_and_stand_beside_what_the_map_said(
    town_with_run: Town, runs: Path, tmp_path: Path
) -> None:
    town, client = town_with_run, town_with_run.scientist
    run, request, tasks = asked(town)
    name = next(iter(tasks))
    form = client.get(f"/api/requests/{request}/tasks/{name}/form.xlsx")
    assert form.content.startswith(b"PK")
    package = client.get(f"/api/requests/{request}/tasks/{name}/take-along.gpkg")
    (tmp_path / "t.gpkg").write_bytes(package.content)
    assert list(gpd.read_file(tmp_path / "t.gpkg", layer="task")["task"]) == [name]
    assert "reliability" in gpd.read_file(tmp_path / "t.gpkg", layer="results").columns
    assert client.get(f"/api/requests/{request}/tasks/none/form.xlsx").status_code == 404

    query = f"?name=kobo.csv&asked={request}"
    faulty = rows(tasks, fault=f"{name},yesterday,find,ap,0 90 0 0,,manual,1,,\n")
    last = faulty.count(b"\n") - 1
    checked = client.post(f"/api/runs/{run}/results/check{query}", content=faulty).json()
    assert (checked["faulty"], checked["records"]) == (1, last)
    wrong = next(row for row in checked["rows"] if row["problems"])
    assert wrong["row"] == last
    assert any("yesterday" in words for words in wrong["problems"])
    assert any("outside the study area" in words for words in wrong["problems"])
    refused = client.post(f"/api/runs/{run}/results{query}", content=faulty)
    assert refused.json()["code"] == "desk_results_refused"
    assert read_deliveries(Run.open(runs / "tiny").files).entries == ()
    assert client.get(f"/api/runs/{run}/results").json() is None

    good = rows(tasks)
    added = client.post(f"/api/runs/{run}/results{query}", content=good)
    assert added.status_code == 201, added.text
    assert added.json()["finds"] == 1
    again = client.post(f"/api/runs/{run}/results{query}", content=good)
    assert "on record already" in again.json()["title"]
    shown = client.get(f"/api/runs/{run}/results").json()
    assert shown["check"]["arms"][0]["arm"] == "control"
    assert shown == show_feedback(Run.open(runs / "tiny")).model_dump(mode="json")
    assert '"action":"add results"' in town.administrator.get("/api/access-log").text


def test_the_command_line_takes_the_same_file_with_the_same_result(
    town_with_run: Town, runs: Path, tmp_path: Path
) -> None:
    town = town_with_run
    run, request, tasks = asked(town)
    content = rows(tasks)
    town.scientist.post(f"/api/runs/{run}/results?name=kobo.csv", content=content)
    stored = sorted((runs / "tiny" / "feedback").glob("*.fgb"))
    (tmp_path / "kobo.csv").write_bytes(content)
    other = runs / "other"
    shutil.copytree(runs / "tiny", other)
    shutil.rmtree(other / "feedback")
    entry = deliver(Run.open(other), Delivery(tmp_path / "kobo.csv", by="data scientist"))
    assert stored
    assert (other / "feedback" / entry.stored).read_bytes() == stored[0].read_bytes()


@pytest.mark.parametrize("name", ["results.exe", "results", "a.pdf"])
def test_a_file_of_another_kind_is_refused_with_those_that_are_taken(
    town_with_run: Town, name: str
) -> None:
    client = town_with_run.scientist
    run = client.get("/api/runs").json()["runs"][0]["id"]
    found = client.post(f"/api/runs/{run}/results/check?name={name}", content=b"x")
    assert (found.status_code, ".xlsx" in found.json()["choices"]) == (422, True)


def test_a_manager_brings_nothing_back_to_a_draft(town_with_run: Town) -> None:
    run = town_with_run.scientist.get("/api/runs").json()["runs"][0]["id"]
    found = town_with_run.manager.post(f"/api/runs/{run}/results?name=a.csv", content=b"x")
    assert found.json()["code"] == "desk_run_draft"
