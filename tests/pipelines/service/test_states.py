"""What the desk says where a request cannot go on, and that the page of it lists each case."""

import ast
import json
import re
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from minerisk.features.errors import InputError
from minerisk.features.layers.sources import Layers
from minerisk.pipelines.language.desk_codes import DeskCode, desk_notice
from minerisk.pipelines.language.desk_words import DESK_WORDS, NEXT_STEPS
from minerisk.pipelines.language.messages import LANGUAGES, texts
from minerisk.pipelines.service.desk.access_log import first_broken
from minerisk.pipelines.service.errors import said
from minerisk.pipelines.service.jobs.orders import JobState, Order
from minerisk.pipelines.service.store.models import Job, Request
from tests.pipelines.service.test_requests import decide

PAGE = Path(__file__).parents[3] / "docs" / "desk.md"
ROW = re.compile(r"^\| [^|]+ \| `(desk_\w+)` \| [^|]+ \| `(test_\w+)` \|$", re.MULTILINE)


def run_id(client) -> str:
    return client.get("/api/runs").json()["runs"][0]["id"]


def test_each_state_of_the_page_has_words_a_next_step_and_a_test() -> None:
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    assert len(rows) >= 26
    tests = dict(named_tests())
    for name, test in rows:
        code = DeskCode(name)
        assert DESK_WORDS[code]
        assert NEXT_STEPS[code]
        assert test in tests, test
        assert name in tests[test] or f"DeskCode.{code.name}" in tests[test], (name, test)


def named_tests() -> Iterator[tuple[str, str]]:
    """Every test of the desk, with what it is given."""
    for path in Path(__file__).parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                yield node.name, "\n".join(text.splitlines()[first - 1 : node.end_lineno])


WORKED_ON = [
    (JobState.WAITING, desk_notice(DeskCode.WORKER_DIED)),
    (JobState.FAILED, desk_notice(DeskCode.WORKER_DIED_AGAIN, times=3)),
    (JobState.FAILED, desk_notice(DeskCode.DISK_FULL, left=0.4)),
    (JobState.FAILED, desk_notice(DeskCode.TIME_SPENT, minutes=30.0)),
    (JobState.FAILED, desk_notice(DeskCode.MEMORY_SPENT, most=8.0)),
    (JobState.FAILED, desk_notice(DeskCode.LAYER_GONE, layer="front_line")),
    (JobState.CANCELLED, desk_notice(DeskCode.CANCELLED)),
    (JobState.EXPIRED, desk_notice(DeskCode.RESULT_EXPIRED, days=90)),
]


def test_the_page_of_a_request_says_what_happened_and_what_to_do(town_with_run) -> None:
    client = town_with_run.scientist
    name = client.post("/api/requests", json={"run": run_id(client)}).json()["id"]
    for state, notice in WORKED_ON:
        with town_with_run.desk.store.write() as session:
            job = session.get_one(Job, session.get_one(Request, name).job_id)
            job.state, job.notice = state, notice.model_dump_json()
        for language in LANGUAGES:
            asked = {"Accept": "text/html", "Accept-Language": language}
            shown = unescape(client.get(f"/requests/{name}", headers=asked).text)
            words = said(notice, texts(language))
            assert words.words in shown, (notice.code, language)
            assert words.next in shown, (notice.code, language)


def test_a_page_of_a_run_that_cannot_be_used_says_why_and_what_to_do(
    town_with_run, runs: Path
) -> None:
    """Rejected, then approved and withdrawn; a request of it is kept, and leads on."""
    client = town_with_run.scientist
    run = run_id(client)
    name = client.post("/api/requests", json={"run": run}).json()["id"]
    assert town_with_run.work()
    for decisions, code in (
        (("reject",), "desk_run_rejected"),
        (("approve", "withdraw"), "desk_run_withdrawn"),
    ):
        for decision in decisions:
            decide(runs / "tiny", decision)
        manager = town_with_run.manager
        refused = manager.post("/api/requests", json={"run": run}).json()
        assert refused["code"] == code
        for language in LANGUAGES:
            asked = {"Accept": "text/html", "Accept-Language": language}
            words = said(desk_notice(DeskCode(code)), texts(language))
            shown = unescape(manager.get(f"/runs/{run}", headers=asked).text)
            assert words.words in shown
            assert words.next in shown
    shown = unescape(client.get(f"/requests/{name}", headers={"Accept": "text/html"}).text)
    assert NEXT_STEPS[DeskCode.RUN_WITHDRAWN] in shown


def test_a_run_that_was_made_anew_makes_a_request_old(town_with_run) -> None:
    client = town_with_run.scientist
    name = client.post("/api/requests", json={"run": run_id(client)}).json()["id"]
    with town_with_run.desk.store.write() as session:
        job = session.get_one(Job, session.get_one(Request, name).job_id)
        order = Order.model_validate_json(job.order)
        job.order = order.model_copy(update={"head": "0" * 64}).model_dump_json()
    found = client.get(f"/api/requests/{name}").json()["outdated"]
    assert [each["code"] for each in found] == ["desk_run_changed"]
    shown = unescape(client.get("/requests", headers={"Accept": "text/html"}).text)
    assert found[0]["words"] in shown
    assert found[0]["next"] in shown


def test_a_file_of_an_area_that_is_gone_is_told_so(town_with_run) -> None:
    client = town_with_run.scientist
    land = {"type": "Polygon", "coordinates": [[[47.2, 39.5], [47.3, 39.5], [47.3, 39.6],
                                                [47.2, 39.5]]]}  # fmt: skip
    sent = client.post("/api/areas?name=drawn.geojson", content=json.dumps(land).encode()).json()
    shutil.rmtree(town_with_run.desk.settings.uploads)
    asked = {"run": run_id(client), "area": sent["id"]}
    found = client.post(f"/api/runs/{asked['run']}/check", json=asked)
    assert (found.status_code, found.json()["code"]) == (410, "desk_area_gone")
    assert found.json()["detail"]


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
