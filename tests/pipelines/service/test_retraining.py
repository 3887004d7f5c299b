"""A run is made anew from the desk: in a folder of its own, as a draft, by whoever asked."""

from pathlib import Path

import pytest
from sqlalchemy import select

from minerisk.configs.load import data_root
from minerisk.pipelines.run.folder import Run, read_config
from minerisk.pipelines.service.jobs.orders import JobKind, Order, Outcome
from minerisk.pipelines.service.jobs.queue import claim, finish
from minerisk.pipelines.service.jobs.work import Places, do
from minerisk.pipelines.service.store.models import Job


def run_id(client) -> str:
    return client.get("/api/runs").json()["runs"][0]["id"]


def orders(town) -> list[Order]:
    with town.desk.store.read() as session:
        return [Order.model_validate_json(text) for text in session.scalars(select(Job.order))]


def test_a_data_scientist_asks_for_it_once(town_with_run, runs: Path) -> None:
    client = town_with_run.scientist
    run = run_id(client)
    made = client.post(f"/api/runs/{run}/retrain")
    assert made.status_code == 202, made.text
    assert (made.json()["run"], made.json()["folder"]) == ("tiny", "tiny_2")
    assert client.post(f"/api/runs/{run}/retrain").json()["id"] == made.json()["id"]
    (order,) = orders(town_with_run)
    assert (order.kind, order.target, order.by) == (JobKind.RETRAIN, "tiny_2", "scientist")
    for other in (town_with_run.manager, town_with_run.reviewer, town_with_run.administrator):
        assert other.post(f"/api/runs/{run}/retrain").status_code == 403
    (listed,) = client.get("/api/retrainings").json()
    assert listed["state"] == "waiting"
    assert "tiny_2" in client.get("/offers", headers={"Accept": "text/html"}).text
    assert '"action":"retrain"' in town_with_run.administrator.get("/api/access-log").text


def test_one_that_was_stopped_is_gone_on_with_in_its_folder(town_with_run) -> None:
    client = town_with_run.scientist
    run = run_id(client)
    first = client.post(f"/api/runs/{run}/retrain").json()
    stopped = client.delete(f"/api/retrainings/{first['id']}").json()
    assert stopped["state"] == "cancelled"
    again = client.post(f"/api/runs/{run}/retrain").json()
    assert again["id"] != first["id"]
    assert again["folder"] == "tiny_2"
    assert client.delete(f"/api/retrainings/{'0' * 16}").status_code == 404


def test_the_next_has_the_next_number_and_half_made_folders_are_not_offered(
    town_with_run, runs: Path
) -> None:
    client = town_with_run.scientist
    (runs / "tiny_2").mkdir()
    (runs / "tiny_2" / "manifest.json").write_text("{}")
    made = client.post(f"/api/runs/{run_id(client)}/retrain").json()
    assert made["folder"] == "tiny_3"
    assert client.get("/api/run-folders").json() == []
    with town_with_run.desk.store.write() as session:
        taken = claim(session, "w", at=1)
        finish(session, taken, Outcome(), at=2)
    assert client.get("/api/retrainings").json()[0]["state"] == "done"


def test_it_is_made_by_the_configuration_of_the_run_and_not_decided_on(
    town_with_run, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def run_steps(config: Path, folder: Path, *, by: str, workers: object):
        asked.append((config, folder, by))
        return work_run

    work_run = Run.open(runs / "tiny")
    monkeypatch.setattr("minerisk.pipelines.steps.run_steps", run_steps)
    settings = town_with_run.desk.settings
    order = Order(kind=JobKind.RETRAIN, run="tiny", target="tiny_2", by="dan")
    outcome = do(order, Places.of(settings, "job"))
    ((config, folder, by),) = asked
    assert (folder, by) == (runs / "tiny_2", "dan")
    text = config.read_text(encoding="utf-8")
    assert "Made by minerisk from the configuration of tiny: layers as they are now" in text
    made = read_config(config)
    assert (made.model, made.labels, made.tasks) == (
        work_run.config.model, work_run.config.labels, work_run.config.tasks
    )  # fmt: skip
    assert data_root(made, config) == data_root(work_run.config, work_run.config_path)
    assert outcome.state == "draft"
    assert not (runs / "tiny" / "reviews.jsonl").exists()
