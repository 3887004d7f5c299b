"""Requests from question to result, by either door, and what happens when a run is withdrawn."""

import base64
import hashlib
import html
import json
import shutil
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
import rasterio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from minerisk.pipelines.audit.decide import Decision, review_run
from minerisk.pipelines.language.like_words import like_line
from minerisk.pipelines.provenance.signatures import public_text
from minerisk.pipelines.records.metrics import Metrics
from minerisk.pipelines.records.request import Filters, PackManifest, RequestRecord
from minerisk.pipelines.request.opening import open_request
from minerisk.pipelines.request.pack import answer_request
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.service.accounts.access import Role
from minerisk.pipelines.service.copies import back_up, restore
from minerisk.pipelines.service.desk import checks
from minerisk.pipelines.service.jobs.orders import JobState, Order, Outcome
from minerisk.pipelines.service.jobs.queue import claim, show_maps, take_back_lost
from minerisk.pipelines.service.jobs.work import Places, do
from minerisk.pipelines.service.store.models import Job
from minerisk.pipelines.service.upkeep import tidy
from tests.pipelines.service.conftest import Town

SQUARE = [[47.25, 39.5], [47.3, 39.5], [47.3, 39.55], [47.25, 39.55], [47.25, 39.5]]
BODY = json.dumps(
    {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {},
                "geometry": {"type": "Polygon", "coordinates": [SQUARE]},
            }
        ],
    }
).encode()


def polygon(*ring: tuple[float, float]) -> bytes:
    return BODY.replace(json.dumps(SQUARE).encode(), json.dumps(ring).encode())


def run_id(client) -> str:
    return client.get("/api/runs").json()["runs"][0]["id"]


def question(client, content: bytes = BODY, **filters: object) -> dict[str, object]:
    area = client.post("/api/areas?name=land.geojson", content=content).json()["id"]
    return {"run": run_id(client), "area": area, "filters": filters}


def decide(folder: Path, decision: str) -> None:
    review_run(Run.open(folder), Decision(decision, by="reviewer 7", note="looked at"))


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_filters_of_the_house_are_those_of_every_door(town) -> None:
    from minerisk.pipelines.cli.request_commands import Asked

    schema = town.manager.get("/api/openapi.json").json()["components"]["schemas"]
    described = [name for name in schema if name.startswith("Filters")]
    assert described
    for name in described:
        assert set(schema[name]["properties"]) == set(Filters.model_fields)
    options = {
        "within": "within_m", "district": "districts", "budget": "budget_ha", "weight": "weights"
    }  # fmt: skip
    assert {options.get(name, name) for name in Asked.__dataclass_fields__} == set(
        Filters.model_fields
    )
    assert "Filters" in str(schema["RequestView"]["properties"]["filters"])


def test_a_request_gives_the_same_bytes_by_either_door(
    town_with_run, runs: Path, tmp_path: Path
) -> None:
    town, client = town_with_run, town_with_run.scientist
    asked = question(client, clip=True)
    first = client.post("/api/requests", json=asked)
    assert first.status_code == 202, first.text
    assert client.get(f"/api/requests/{first.json()['id']}/tasks").json()["code"] == (
        "desk_result_not_ready"
    )
    again = client.post("/api/requests", json=asked).json()
    assert town.work()
    assert not town.work()  # asked twice, done once
    found = client.get(f"/api/requests/{again['id']}").json()
    assert (found["state"], found["usable"], found["why"]) == ("done", True, None)
    home = runs / "tiny" / "requests" / found["record"]
    by_desk = digests(home)
    assert RequestRecord.read(home / "request.json").filters.aoi == Path("land.geojson")

    # The command line's way, on a copy that nobody asked yet.
    area = tmp_path / "land.geojson"
    area.write_bytes(BODY)
    other = runs / "other"
    import shutil

    shutil.copytree(runs / "tiny", other, ignore=shutil.ignore_patterns("requests"))
    opened = open_request(other, Filters(aoi=area, clip=True))
    answer_request(opened)
    by_hand = digests(opened.home)
    assert opened.record.id == found["record"]
    same = {name: digest for name, digest in by_desk.items() if name != "pack.zip"}
    assert same == by_hand

    _results(client, found["id"], home)


def test_budget_and_weights_are_the_same_by_every_door(town_with_run, runs: Path) -> None:
    from minerisk.pipelines.cli.request_commands import Asked, Shared, _opened

    client = town_with_run.scientist
    facts = client.get(f"/api/runs/{run_id(client)}").json()
    assert facts["weights"] == {"hazard": 1.0, "casualties": 0.0, "socio_economic": 0.0}
    filters = {"near": ["front_line"], "within_m": 900.5, "budget_ha": 400,
               "weights": {"hazard": 1, "casualties": 2}}  # fmt: skip
    found = client.post("/api/requests", json={"run": run_id(client), "filters": filters}).json()
    given = Asked(None, None, ["front_line"], 900.5, None, None, None, False, 400.0,
                  ["casualties=2", "hazard=1"])  # fmt: skip
    opened = _opened(runs / "tiny", given, Shared(1, None, None, False))
    order = town_with_run.desk.store
    with order.read() as session:
        asked = Order.model_validate_json(session.scalars(select(Job.order)).one()).filters
    assert asked == opened.filters
    assert found["command"] == (
        "minerisk request tiny --near front_line --within 900.5 --budget 400 "
        "--weight casualties=2 --weight hazard=1"
    )


def _results(client, name: str, home: Path) -> None:
    packed = client.get(f"/api/requests/{name}/pack.zip")
    with zipfile.ZipFile(BytesIO(packed.content)) as archive:
        assert {f"pack/{path}" for path in digests(home / "pack")} == set(archive.namelist())
    tif = client.get(f"/api/requests/{name}/files/probability.tif")
    assert tif.content == (home / "pack" / "probability.tif").read_bytes()
    part = client.get(f"/api/requests/{name}/files/probability.tif", headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, tif.content[:10])
    tasks = client.get(f"/api/requests/{name}/tasks").json()
    assert tasks["strip"]["simulated"] is True
    assert any("DRAFT" in words for words in tasks["strip"]["words"])
    cell = client.get(f"/api/requests/{name}/cell?longitude=47.27&latitude=39.52").json()
    assert cell["lower"] * 100 <= cell["of_hundred"] <= cell["upper"] * 100
    assert len(cell["reasons"]) == 3
    outside = client.get(f"/api/requests/{name}/cell?longitude=40&latitude=39.52").json()
    assert outside["code"] == "desk_area_outside"
    like = RequestRecord.read(home / "request.json").like_this
    assert like is not None
    assert PackManifest.read(home / "pack" / "manifest.json").like_this == like
    shown = [client.get(f"/requests/{name}").text]
    shown += [(home / "pack" / known).read_text() for known in ("report.html", "README.txt")]
    for text in shown:  # lines of a text file are folded
        assert like_line(like.land) in " ".join(html.unescape(text).split())
    for strange in ("nothing.tif", "../request.json", "%2e%2e/request.json", "/etc/passwd"):
        assert client.get(f"/api/requests/{name}/files/{strange}").status_code == 404, strange


def test_a_file_of_a_result_that_was_changed_is_not_handed_out(town_with_run, runs: Path) -> None:
    town, client = town_with_run, town_with_run.scientist
    name = client.post("/api/requests", json=question(client)).json()["id"]
    town.work()
    record = client.get(f"/api/requests/{name}").json()["record"]
    path = runs / "tiny" / "requests" / record / "pack" / "tasks.geojson"
    path.write_bytes(path.read_bytes().replace(b"NTS", b"XXX"))
    assert client.get(f"/api/requests/{name}/tasks").json()["code"] == "desk_result_changed"


def test_a_manager_is_told_that_nothing_may_be_used_before_an_approval(town_with_run) -> None:
    manager, scientist = town_with_run.manager, town_with_run.scientist
    found = manager.get("/api/runs").json()
    assert found["runs"] == []
    assert found["remark"]["code"] == "desk_no_run_approved"
    assert found["remark"]["words"].endswith("nothing may be used yet.")
    shown = scientist.get("/api/runs").json()["runs"][0]
    assert shown["why"]["code"] == "desk_run_draft"
    assert shown["strip"]["words"][0].startswith("DRAFT")
    asked = {"run": shown["id"]}
    assert manager.post("/api/requests", json=asked).json()["code"] == "desk_run_draft"


def test_a_run_whose_layers_are_not_at_hand_is_still_looked_at(
    town_of: Callable[..., Town], made_run: Path, tmp_path: Path
) -> None:
    shutil.copytree(made_run, tmp_path / "else" / "where" / "runs" / "tiny")
    town = town_of(tmp_path / "else" / "where" / "runs")
    assert town.scientist.post("/api/runs", json={"folder": "tiny"}).status_code == 201
    facts = town.scientist.get(f"/api/runs/{run_id(town.scientist)}")
    assert facts.status_code == 200, facts.text
    assert facts.json()["layers"] == facts.json()["near"] == []


class EnoughError(Exception):
    """Ends a job in the middle, as if its process had been killed."""


def test_the_map_is_looked_at_while_the_pack_is_being_written(town_with_run, runs: Path) -> None:
    town, manager = town_with_run, town_with_run.manager
    decide(runs / "tiny", "approve")
    name = manager.post("/api/requests", json=question(manager)).json()["id"]
    tile, worker = f"/tiles/requests/{name}/class/9/323/194.png", "worker 1"

    def code_of(path: str) -> str:
        return manager.get(path).json()["code"]

    assert code_of(tile) == "desk_result_not_ready"
    with town.desk.store.write() as session:
        taken = claim(session, worker, at=town.clock())

    def look(maps: Outcome) -> None:
        with town.desk.store.write() as session:
            show_maps(session, taken, maps, at=town.clock())
        written.append(runs / "tiny" / maps.home / "risk_class.tif")
        raise EnoughError

    written: list[Path] = []
    with pytest.raises(EnoughError):
        do(taken.order, Places.of(town.desk.settings, taken.id), look)
    drawn, (path,) = manager.get(tile), written
    assert drawn.headers["content-type"] == "image/png"
    view = manager.get(f"/api/requests/{name}").json()
    assert (view["state"], view["drawn"], view["usable"]) == ("running", True, False)
    assert f"/tiles/requests/{name}" in manager.get(f"/requests/{name}").text
    assert "data-drawn" in manager.get(f"/requests/{name}/progress").text
    assert code_of(f"/api/requests/{name}/pack.zip") == "desk_result_not_ready"
    assert town.stranger().get(tile).status_code == 401
    assert town.administrator.get(tile).status_code == 403
    before = path.read_bytes()
    path.write_bytes(before + b" ")
    assert code_of(tile) == "desk_result_changed"
    path.write_bytes(before)
    assert manager.get(tile).content == drawn.content
    with town.desk.store.write() as session:  # its worker is given up
        assert take_back_lost(session, at=town.clock() + 60) == 1
    assert code_of(tile) == "desk_result_not_ready"
    assert town.work()
    assert manager.get(tile).content == drawn.content
    with town.desk.store.write() as session:
        session.get(Job, taken.id).state = JobState.RUNNING
    assert manager.get(tile).content == drawn.content
    decide(runs / "tiny", "withdraw")
    assert code_of(tile) == "desk_run_withdrawn"


def test_a_withdrawn_run_is_refused_from_the_next_call_on(town_with_run, runs: Path) -> None:
    town, manager = town_with_run, town_with_run.manager
    decide(runs / "tiny", "approve")
    asked = question(manager) | {"public": True, "shared": True}
    request = manager.post("/api/requests", json=asked).json()
    town.work()
    name, run = request["id"], request["run"]
    looks = [
        f"/api/requests/{name}/{what}"
        for what in (
            "tasks",
            "pack.zip",
            "files/probability.tif",
            "cell?longitude=47.27&latitude=39.52",
        )
    ]
    looks += [f"/api/runs/{run}", f"/api/runs/{run}/cell?longitude=47.27&latitude=39.52",
              f"/api/runs/{run}/layers/front_line", f"/api/public/{name}/pack.zip"]  # fmt: skip
    assert {manager.get(path).status_code for path in looks} == {200}
    body = {"decision": "withdraw", "note": "a layer was wrong"}
    done = town.reviewer.post(f"/api/runs/{run}/reviews", json=body)
    assert done.status_code == 202, done.text
    for path in looks:
        found = manager.get(path)
        assert found.status_code in {404, 410}, path
        if "public" not in path:
            assert found.json()["code"] == "desk_run_withdrawn", path
    assert manager.post("/api/requests", json=asked).json()["code"] == "desk_run_withdrawn"
    kept = manager.get(f"/api/requests/{name}").json()  # greyed, not deleted
    assert (kept["state"], kept["usable"]) == ("done", False)
    assert [each["code"] for each in kept["outdated"]] == ["desk_run_withdrawn"]
    assert kept["strip"]["words"][0].startswith("WITHDRAWN")
    assert town.work()  # MLflow is told
    log = town.administrator.get("/api/access-log").text
    for action in ("offer", "ask", "download", "see tasks", "see layer", "withdraw"):
        assert f'"action":"{action}"' in log, action


def test_anybody_has_coarse_packs_of_approved_runs_where_that_is_switched_on_and_nothing_else(
    town_of: Callable[..., Town], runs: Path
) -> None:
    town = town_of(runs, public=True)
    town.scientist.post("/api/runs", json={"folder": "tiny"})
    decide(runs / "tiny", "approve")
    manager, anybody = town.manager, town.stranger()
    for public, shared in ((True, False), (False, True), (True, True)):
        asked = question(manager) | {"public": public, "shared": shared}
        name = manager.post("/api/requests", json=asked).json()["id"]
        town.work()
        town.work()
    listed = anybody.get("/api/public").json()
    assert [each["id"] for each in listed] == [name]
    pack = anybody.get(f"/api/public/{name}/pack.zip")
    assert pack.status_code == 200
    with zipfile.ZipFile(BytesIO(pack.content)) as opened:
        held = {Path(member).name for member in opened.namelist()}
        raster = next(each for each in opened.namelist() if each.endswith("/probability.tif"))
        with rasterio.io.MemoryFile(opened.read(raster)).open() as coarse:
            assert coarse.res == (2_000, 2_000)
    assert "reasons.tif" not in held
    for path in (f"/api/requests/{name}/pack.zip", f"/api/requests/{name}/files/probability.tif",
                 "/api/runs", f"/api/runs/{asked['run']}/layers/front_line"):  # fmt: skip
        assert anybody.get(path).status_code == 401
    decide(runs / "tiny", "withdraw")
    assert anybody.get("/api/public").json() == []
    assert anybody.get(f"/api/public/{name}/pack.zip").status_code == 404


def test_a_run_that_was_touched_is_refused_from_the_next_call_on(town_with_run, runs) -> None:
    client = town_with_run.scientist
    run = run_id(client)
    path = f"/api/runs/{run}/cell?longitude=47.27&latitude=39.52"
    assert client.get(path).status_code == 200
    raster = runs / "tiny" / "rasters" / "probability.tif"
    content = bytearray(raster.read_bytes())
    content[-1] ^= 1
    raster.write_bytes(content)
    assert client.get(path).json()["code"] == "desk_run_unverified"
    assert client.get("/api/runs").json()["runs"][0]["usable"] is False


def test_who_offered_a_run_or_made_it_cannot_approve_it(town_with_run) -> None:
    town = town_with_run
    both = town.person("both", Role.SCIENTIST, Role.REVIEWER)
    run = run_id(both)
    both.delete(f"/api/runs/{run}")
    both.post("/api/runs", json={"folder": "tiny"})
    body = {"decision": "approve", "note": "mine"}
    refused = both.post(f"/api/runs/{run}/reviews", json=body)
    assert refused.json()["code"] == "desk_review_of_own"
    assert both.get(f"/api/runs/{run}/reviews").json()["may_approve"] is False
    assert town.scientist.post(f"/api/runs/{run}/reviews", json=body).status_code == 403


def test_an_approval_is_signed_where_the_key_is_and_recorded_after_an_audit(
    town_with_run, runs: Path
) -> None:
    town, reviewer = town_with_run, town_with_run.reviewer
    run = run_id(reviewer)
    key = Ed25519PrivateKey.generate()
    body = {"decision": "approve", "note": "checked", "key": public_text(key)}
    given = reviewer.post(f"/api/runs/{run}/reviews/to-sign", json=body).json()
    signature = base64.b64encode(key.sign(base64.b64decode(given["content"]))).decode()
    signed = body | {"at": given["at"], "signature": signature}
    for wrong in ({"note": "other words"}, {"at": "2020-01-01T00:00:00+00:00"}):
        done = reviewer.post(f"/api/runs/{run}/reviews", json=signed | wrong)
        assert done.status_code in {202, 409}
        if done.status_code == 202:
            town.work()
    assert reviewer.get(f"/api/runs/{run}/reviews").json()["entries"] == []
    assert reviewer.post(f"/api/runs/{run}/reviews", json=signed).status_code == 202
    town.work()
    found = reviewer.get(f"/api/runs/{run}/reviews").json()
    assert found["strip"]["state"] == "approved", found
    assert (found["entries"][0]["by"], found["entries"][0]["key"]) == ("reviewer", public_text(key))
    assert Run.open(runs / "tiny").standing().state == "approved"


def test_an_audit_is_done_by_a_worker_and_its_dossier_is_read(town_with_run) -> None:
    town, reviewer = town_with_run, town_with_run.reviewer
    run = run_id(reviewer)
    started = reviewer.post(f"/api/runs/{run}/audits").json()["job"]["id"]
    town.work()
    found = reviewer.get(f"/api/runs/{run}/audits/{started}").json()
    assert (found["job"]["state"], found["problems"]) == ("done", [])
    assert all(gate["passed"] for gate in found["gates"])
    page = reviewer.get(f"/api/runs/{run}/audits/{started}/dossier/index.html")
    assert page.status_code == 200
    assert "script-src" not in page.headers["content-security-policy"]
    assert page.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


def test_a_check_tells_what_an_answer_would_be_about(town_with_run) -> None:
    client = town_with_run.scientist
    asked = question(client, polygon((46.9, 39.5), (47.2, 39.5), (47.2, 39.55), (46.9, 39.55),
                                     (46.9, 39.5)))  # fmt: skip
    run = asked["run"]
    found = client.post(f"/api/runs/{run}/check", json=asked).json()
    assert [each["code"] for each in found["remarks"]] == ["desk_area_partly_outside"]
    assert 0.5 < found["outside_share"] < 0.9
    assert found["hectares"] == found["cells"] * 25
    assert sum(found["class_shares"].values()) == pytest.approx(1)
    assert client.post("/api/requests", json=asked).json()["code"] == "desk_area_partly_outside"
    asked["filters"] = {"clip": True}
    assert client.post(f"/api/runs/{run}/check", json=asked).json()["remarks"] == []


@pytest.mark.parametrize(
    ("filters", "code"),
    [
        ({"near": ["nothing"], "within_m": 5}, "desk_layer_unknown"),
        ({"near": ["front_line"]}, "desk_near_without_metres"),
        ({"within_m": 5}, "desk_near_without_metres"),
        ({"near": ["front_line"], "within_m": -1}, "desk_asked_refused"),
        ({"hazard": "ap"}, "desk_class_without_model"),
        ({"budget_ha": 1}, "desk_asked_refused"),
        ({"weights": {"nothing": 1}}, "desk_asked_refused"),
        ({"weights": {"casualties": "many"}}, "desk_body_wrong"),
        ({"as_of": "2999-01-01"}, "desk_day_to_come"),
        ({"districts": ["Nowhere"]}, "desk_district_unknown"),
        ({"aoi": "/etc/passwd"}, "desk_body_wrong"),
        ({"layer": "x"}, "desk_body_wrong"),
    ],
)
def test_what_a_run_does_not_have_is_refused_with_its_code(town_with_run, filters, code) -> None:
    client = town_with_run.scientist
    found = client.post("/api/requests", json={"run": run_id(client), "filters": filters})
    assert (found.status_code, found.json()["code"]) == (422, code), found.text


def test_land_that_cannot_be_answered_is_refused_with_its_code(town_with_run) -> None:
    client = town_with_run.scientist
    far = polygon((10, 39.5), (10.1, 39.5), (10.1, 39.6), (10, 39.5))
    found = client.post("/api/requests", json=question(client, far)).json()
    assert found["code"] == "desk_area_outside"
    tiny = polygon((47.25, 39.5), (47.2501, 39.5), (47.2501, 39.5001), (47.25, 39.5))
    asked = question(client, tiny)
    checked = client.post(f"/api/runs/{asked['run']}/check", json=asked).json()
    assert (checked["cells"], checked["remarks"][0]["code"]) == (1, "desk_area_too_small")
    gone = asked | {"area": "0" * 32}
    assert client.post("/api/requests", json=gone).json()["code"] == "desk_area_gone"
    town_with_run.with_limits(hectares=10)
    large = client.post("/api/requests", json=question(client)).json()
    assert large["code"] == "desk_area_too_large"


def test_a_run_of_another_version_is_told_as_that_and_not_as_a_wrong_question(
    town_with_run, monkeypatch
) -> None:
    def read(run: Run, filters: Filters) -> None:
        Metrics.parse('{"schema_version": 99}', source=Path("metrics.json"))

    monkeypatch.setattr(checks, "check_filters", read)
    client = town_with_run.scientist
    asked = question(client)
    found = client.post(f"/api/runs/{asked['run']}/check", json=asked)
    assert (found.status_code, found.json()["code"]) == (409, "desk_run_not_read")
    assert "schema version 99" in found.json()["title"]
    assert "version of minerisk that made it" in found.json()["detail"]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "whole study area"),
        ("az", "bütün tədqiqat ərazisi"),
        ("ru", "весь район исследования"),
    ],
)
def test_a_request_for_all_land_is_named_in_the_language_of_whoever_reads(
    town_with_run, language, words
) -> None:
    client = town_with_run.scientist
    made = client.post("/api/requests", json={"run": run_id(client), "filters": {}}).json()
    client.cookies.set("minerisk_language", language)
    found = client.get(f"/api/requests/{made['id']}", headers={"Accept-Language": language})
    assert found.json()["title"] == words


def test_an_account_asks_as_much_as_its_quota(town_with_run) -> None:
    client = town_with_run.scientist
    town_with_run.with_limits(waiting=2, requests_a_day=3)
    run = run_id(client)

    def ask() -> dict[str, str]:
        return client.post("/api/requests", json={"run": run}).json()

    first = [ask(), ask()]
    assert ask()["code"] == "desk_quota_waiting"
    for each in first:
        client.delete(f"/api/requests/{each['id']}")
    third = ask()
    assert third["state"] == "waiting"
    client.delete(f"/api/requests/{third['id']}")
    assert ask()["code"] == "desk_quota_day"
    assert client.get(f"/api/requests/{third['id']}").json()["why"]["code"] == "desk_cancelled"


def test_a_request_is_its_owners_until_it_is_shared(town_with_run, runs) -> None:
    town = town_with_run
    decide(runs / "tiny", "approve")
    other = town.person("other", Role.MANAGER)
    name = town.manager.post("/api/requests", json={"run": run_id(town.manager)}).json()["id"]
    assert other.get(f"/api/requests/{name}").status_code == 404
    assert other.get("/api/requests").json() == []
    town.manager.patch(f"/api/requests/{name}", json={"shared": True})
    assert other.get(f"/api/requests/{name}").json()["own"] is False
    for way in (other.delete, lambda path: other.patch(path, json={"note": "x"})):
        assert way(f"/api/requests/{name}").json()["code"] == "desk_not_allowed"


def test_a_job_starts_only_where_there_is_room(town_with_run) -> None:
    client = town_with_run.scientist
    full = town_with_run.with_limits(disk_bytes=10**18)
    name = client.post("/api/requests", json={"run": run_id(client)}).json()["id"]
    assert full.work()
    found = client.get(f"/api/requests/{name}").json()
    assert (found["state"], found["why"]["code"]) == ("failed", "desk_disk_full")


def test_a_job_that_takes_too_long_is_stopped(town_with_run) -> None:
    client = town_with_run.scientist
    short = town_with_run.with_limits(job_seconds=0.001)
    name = client.post("/api/requests", json={"run": run_id(client)}).json()["id"]
    assert short.work()
    assert client.get(f"/api/requests/{name}").json()["why"]["code"] == "desk_time_spent"


def test_old_results_are_deleted_and_may_be_asked_for_again(
    town_with_run, runs: Path, tmp_path: Path, town_of: Callable[..., object]
) -> None:
    town, client = town_with_run, town_with_run.scientist
    asked = question(client)
    name = client.post("/api/requests", json=asked).json()["id"]
    town.work()
    found = client.get(f"/api/requests/{name}").json()
    home = runs / "tiny" / "requests" / found["record"]
    settings, store = town.desk.settings, town.desk.store
    assert tidy(settings, store, at=town.clock() + 89 * 86_400) == 0
    assert home.is_dir()

    copy = back_up(settings, tmp_path / "copy.tar.gz")
    assert tidy(settings, store, at=town.clock() + 91 * 86_400) == 1
    assert not home.exists()
    expired = client.get(f"/api/requests/{name}/tasks")
    assert (expired.status_code, expired.json()["code"]) == (410, "desk_result_expired")
    assert client.post("/api/requests", json=asked).json()["code"] == "desk_area_gone"
    assert client.post("/api/requests", json=question(client)).json()["state"] == "waiting"

    elsewhere = settings.model_copy(update={"home": tmp_path / "again"})
    restore(elsewhere, copy)
    from minerisk.pipelines.service.serving import open_desk

    with open_desk(elsewhere).store.read() as session:
        kept = session.scalars(select(Job)).one()
        area = Order.model_validate_json(kept.order).area
    assert (kept.state, area is not None) == ("done", True)
    assert (elsewhere.uploads / str(area)).read_bytes() == BODY
