"""Numbers for a monitoring system: told to whoever has the secret, and none of them a finding."""

import re
from pathlib import Path

import pytest

from minerisk.features.errors import InputError
from minerisk.pipelines.service.jobs.orders import JobKind, Order, job_key
from minerisk.pipelines.service.jobs.queue import add_job

SECRET = "a word of forty letters that monitors send"


@pytest.fixture
def watched(town_of, tmp_path: Path):
    (tmp_path / "metrics.secret").write_text(SECRET + "\n")
    return town_of(metrics_secret_file=tmp_path / "metrics.secret")


def test_numbers_are_told_to_whoever_has_the_secret_alone(watched) -> None:
    for client in (watched.stranger(), watched.administrator, watched.manager):
        for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Basic {SECRET}"}):
            found = client.get("/api/metrics", headers=headers)
            assert (found.status_code, found.json()["code"]) == (404, "desk_not_found")
    found = watched.stranger().get("/api/metrics", headers={"Authorization": f"Bearer {SECRET}"})
    assert found.status_code == 200
    assert found.headers["content-type"].startswith("text/plain; version=0.0.4")


def test_where_no_secret_is_set_there_are_none(town) -> None:
    found = town.stranger().get("/api/metrics", headers={"Authorization": f"Bearer {SECRET}"})
    assert found.status_code == 404


def test_each_line_is_a_number_of_the_desk(watched) -> None:
    order = Order(kind=JobKind.REQUEST, run="secret place", head="h")
    with watched.desk.store.write() as session:
        add_job(session, order, job_key(order, "x"), at=watched.clock() - 60)
    watched.stranger().get("/api/runs")
    text = (
        watched.stranger().get("/api/metrics", headers={"Authorization": f"Bearer {SECRET}"}).text
    )
    for line in text.splitlines():
        assert re.fullmatch(
            r"# (HELP|TYPE) minerisk_\w+ .+|minerisk_\w+(\{\w+=\"\w+\"\})? [\d.]+", line
        )
    assert 'minerisk_jobs{state="waiting"} 1' in text
    assert 'minerisk_answers_total{status="401"} 1' in text
    waits = re.search(r"minerisk_job_waits_seconds ([\d.]+)", text)
    assert 60 <= float(waits.group(1)) < 120
    assert "secret" not in text


def test_a_secret_that_is_short_is_refused(town_of, tmp_path: Path) -> None:
    (tmp_path / "metrics.secret").write_text("short")
    with pytest.raises(InputError, match="shorter than 32"):
        town_of(metrics_secret_file=tmp_path / "metrics.secret")
