"""OGC API - Processes as programs use it, and the faults that users of other servers report."""

import jsonschema
import pytest

from minerisk.pipelines.service.ogc.processes import PROCESSES, Inputs
from tests.pipelines.service.ogc.conftest import LAND, program_of, refuse_invalid
from tests.pipelines.service.ogc.conftest import PROCESSES as SCHEMAS

JOBS = "/api/ogc/jobs"


def test_bodies_are_as_the_standard_has_them(answered) -> None:
    get = answered.mine.json
    refuse_invalid(get("/api/ogc"), f"{SCHEMAS}/landingPage")
    refuse_invalid(get("/api/ogc/conformance"), f"{SCHEMAS}/confClasses")
    refuse_invalid(get("/api/ogc/processes"), f"{SCHEMAS}/processList")
    for name in PROCESSES:
        refuse_invalid(get(f"/api/ogc/processes/{name}"), f"{SCHEMAS}/process")
    refuse_invalid(get(JOBS), f"{SCHEMAS}/jobList")
    refuse_invalid(answered.first.json(), f"{SCHEMAS}/statusInfo")
    refuse_invalid(get(f"{JOBS}/{answered.job}"), f"{SCHEMAS}/statusInfo")
    refuse_invalid(get(f"{JOBS}/{answered.job}/results"), f"{SCHEMAS}/results")
    for gone in (f"{JOBS}/{'a' * 32}", "/api/ogc/processes/heat-map", "/api/ogc/nothing"):
        found = answered.mine.get(gone)
        assert found.status_code == 404
        assert found.headers["content-type"] == "application/problem+json"
        refuse_invalid(found.json(), f"{SCHEMAS}/exception")


def test_every_link_leads_somewhere(answered) -> None:
    for page in ("/api/ogc", "/api/ogc/processes", "/api/ogc/processes/pack", "/api/stac"):
        for link in answered.mine.json(page)["links"]:
            if link.get("method") == "POST":
                continue
            found = answered.mine.get(link["href"])
            assert found.status_code == 200, link
            assert found.headers["content-type"].startswith(link["type"].partition(";")[0][:12])


def test_a_job_is_told_of_by_jobid_and_its_address(answered) -> None:
    made = answered.first
    status = made.json()
    assert made.headers["location"] == f"https://testserver{JOBS}/{status['jobID']}"
    assert made.headers["preference-applied"] == "respond-async"
    assert (status["type"], status["processID"]) == ("process", "risk-map")
    assert status["jobID"] == status["id"]
    now = answered.mine.json(JOBS + "/" + status["jobID"])
    assert (now["status"], now["progress"]) == ("successful", 100)
    assert now["created"] <= now["started"] <= now["finished"] <= now["updated"]
    assert "DRAFT" in now["message"]
    assert "SIMULATED" in now["message"]


def test_without_a_preference_it_is_asynchronous_too(answered, asks) -> None:
    described = answered.mine.json("/api/ogc/processes/pack")
    assert described["jobControlOptions"] == ["async-execute", "dismiss"]
    found = asks("pack", inputs={"area": LAND, "clip": True})
    assert found.status_code == 201
    assert "preference-applied" not in found.headers
    assert found.json()["status"] == "successful"  # asked before, and done once


def test_results_are_addresses_of_files_with_their_marks(answered) -> None:
    found = answered.mine.json(f"{JOBS}/{answered.job}/results")
    assert {"risk_class", "probability", "qgis"} <= set(found)
    assert set(found) <= set(answered.mine.json("/api/ogc/processes/risk-map")["outputs"])
    for link in found.values():
        assert "SIMULATED" in link["title"]
        assert answered.mine.get(link["href"]).status_code == 200, link


@pytest.mark.parametrize("process", ["survey-tasks", "pack"])
def test_each_process_hands_out_what_it_describes(answered, asks, process: str) -> None:
    job = asks(process, inputs={"area": LAND, "clip": True}).json()["jobID"]
    found = answered.mine.json(f"{JOBS}/{job}/results")
    assert set(found) == set(answered.mine.json(f"/api/ogc/processes/{process}")["outputs"])
    for link in found.values():
        assert answered.mine.get(link["href"]).status_code == 200


def test_only_the_outputs_that_were_asked_for_are_told_of(answered, asks) -> None:
    made = asks(inputs={"area": LAND, "clip": True}, outputs={"probability": {}})
    assert set(answered.mine.json(f"{JOBS}/{made.json()['jobID']}/results")) == {"probability"}
    wrong = asks(outputs={"heat": {}})
    assert wrong.status_code == 400
    assert "probability" in wrong.json()["choices"]


def test_nobody_sees_or_stops_a_job_of_another(answered) -> None:
    """Also not who sees every request on the pages."""
    place = f"{JOBS}/{answered.job}"
    assert answered.other.get(f"/api/requests/{answered.job}").status_code == 200
    for found in (
        answered.other.get(place),
        answered.other.delete(place),
        answered.other.get(f"{place}/results"),
    ):
        assert found.status_code == 404
        assert found.json()["type"].endswith("ogcapi-processes-1/1.0/no-such-job")
    assert answered.other.json(JOBS)["jobs"] == []
    assert answered.town.stranger().get(JOBS).status_code == 401


def test_jobs_are_chosen_and_come_in_parts(answered, asks) -> None:
    for _ in range(2):
        asks("pack", inputs={"area": LAND, "clip": True})
    jobs = answered.mine.json(JOBS)["jobs"]
    assert {job["processID"] for job in answered.mine.json(f"{JOBS}?processID=pack")["jobs"]} == {
        "pack"
    }
    assert answered.mine.json(f"{JOBS}?status=failed,accepted")["jobs"] == []
    assert answered.mine.json(f"{JOBS}?datetime=../2020-01-01")["jobs"] == []
    assert len(answered.mine.json(f"{JOBS}?datetime=2020-01-01/..")["jobs"]) == len(jobs)
    assert answered.mine.json(f"{JOBS}?minDuration=9999")["jobs"] == []
    seen, address = [], f"{JOBS}?limit=1"
    while address:
        part = answered.mine.json(address)
        seen += [job["jobID"] for job in part["jobs"]]
        address = next((x["href"] for x in part["links"] if x["rel"] == "next"), None)
    assert seen == [job["jobID"] for job in jobs]
    wrong = answered.mine.get(f"{JOBS}?status=ready")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "desk_query_wrong")
    assert "successful" in wrong.json()["choices"]


def test_a_job_that_waits_has_no_results_and_can_be_dismissed(answered, asks) -> None:
    job = asks("pack", inputs={"budget_ha": 770.0}).json()
    assert (job["status"], job["progress"]) == ("accepted", 0)
    early = answered.mine.get(f"{JOBS}/{job['jobID']}/results")
    assert early.status_code == 404
    assert early.json()["type"].endswith("ogcapi-processes-1/1.0/result-not-ready")
    gone = answered.mine.delete(f"{JOBS}/{job['jobID']}")
    assert (gone.status_code, gone.json()["status"]) == (200, "dismissed")
    assert answered.mine.json(f"{JOBS}/{job['jobID']}")["status"] == "dismissed"
    assert answered.mine.get(f"{JOBS}/{job['jobID']}/results").status_code == 410
    assert not answered.town.work()


def test_results_of_a_dismissed_job_are_handed_out_no_more(answered, asks) -> None:
    job = asks("pack", inputs={"area": LAND, "clip": True}).json()["jobID"]
    assert answered.mine.get(f"/api/requests/{job}/pack.zip").status_code == 200
    assert answered.mine.delete(f"{JOBS}/{job}").json()["status"] == "dismissed"
    assert answered.mine.get(f"/api/requests/{job}/pack.zip").status_code != 200
    assert answered.mine.json(f"{JOBS}/{answered.job}")["status"] == "successful"


def test_a_job_that_failed_tells_why_in_its_results(answered, asks) -> None:
    town = answered.town
    job = asks("pack", inputs={"budget_ha": 550.0}).json()["jobID"]
    small = town.with_limits(job_seconds=0.001)
    assert small.work()
    town.with_limits()
    assert answered.mine.json(f"{JOBS}/{job}")["status"] == "failed"
    why = answered.mine.json(f"/api/requests/{job}")["why"]
    found = answered.mine.get(f"{JOBS}/{job}/results")
    assert (found.status_code, found.json()["code"]) == (422, why["code"])
    assert found.json()["title"] == why["words"]


WRONG = {
    "no inputs": {},
    "no run": {"inputs": {}},
    "unknown input": {"inputs": {"run": "RUN", "colour": "red"}},
    "an address as a value": {"inputs": {"run": "RUN", "area": {"href": "http://a.example/x"}}},
    "somebody to call back": {"inputs": {"run": "RUN"}, "subscriber": {"successUri": "http://a.b"}},
    "a raw response": {"inputs": {"run": "RUN"}, "response": "raw"},
    "a point as land": {"inputs": {"run": "RUN", "area": {"type": "Point", "coordinates": [1, 2]}}},
    "by value": {"inputs": {"run": "RUN"}, "outputs": {"qgis": {"transmissionMode": "value"}}},
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_not_as_described_is_refused_with_its_place(answered, kind: str) -> None:
    body = WRONG[kind]
    if body.get("inputs", {}).get("run"):
        body = body | {"inputs": body["inputs"] | {"run": answered.run}}
    found = answered.mine.post("/api/ogc/processes/risk-map/execution", json=body)
    assert found.status_code == 400, found.text
    assert found.headers["content-type"] == "application/problem+json"
    assert set(found.json()) >= {"type", "title", "status", "detail", "code", "choices"}


def test_a_value_may_be_qualified(asks) -> None:
    given = {"area": {"value": LAND, "mediaType": "application/geo+json"}, "clip": True}
    assert asks(inputs=given).status_code == 201


def test_inputs_are_described_by_what_reads_them(answered) -> None:
    process = answered.mine.json("/api/ogc/processes/survey-tasks")
    described = process["inputs"]
    assert set(described) == set(Inputs.model_fields)
    for each in (*described.values(), *process["outputs"].values()):
        jsonschema.Draft202012Validator.check_schema(each["schema"])
    assert described["run"]["minOccurs"] == 1
    assert described["budget_ha"] == {
        "title": "budget ha", "description": "land to be tasked, hectares",
        "schema": {"type": "number"}, "minOccurs": 0,
    }  # fmt: skip


def test_a_token_that_reads_does_not_ask(answered) -> None:
    reads = program_of(answered.town, answered.town.scientist, "read")
    assert reads.get(JOBS).status_code == 200
    body = {"inputs": {"run": answered.run}}
    assert reads.post("/api/ogc/processes/pack/execution", json=body).status_code == 403
    assert reads.delete(f"{JOBS}/{answered.job}").status_code == 403


def test_a_manager_asks_of_no_draft(answered) -> None:
    manager = program_of(answered.town, answered.town.manager)
    body = {"inputs": {"run": answered.run}}
    found = manager.post("/api/ogc/processes/pack/execution", json=body)
    assert (found.status_code, found.json()["code"]) == (403, "desk_run_draft")


def test_another_method_is_refused_with_those_that_there_are(answered) -> None:
    found = answered.mine.put("/api/ogc/jobs")
    assert (found.status_code, found.headers["allow"]) == (405, "GET")
    assert found.json()["code"] == "desk_method_wrong"
