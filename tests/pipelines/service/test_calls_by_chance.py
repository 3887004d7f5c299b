"""Calls made from the schema, by every role: some thousand; `make fuzz-desk` makes 100,000."""

import pytest

pytest.importorskip("schemathesis")

from tests.fuzz.desk import fuzz


def test_no_call_ends_as_a_fault(town_with_run) -> None:
    town = town_with_run.with_limits(calls_a_minute=10**9, requests_a_day=10**9, waiting=10**9)
    people = {**town.people, "public": town.stranger()}
    run = town.scientist.get("/api/runs").json()["runs"][0]["id"]
    asked = town.scientist.post("/api/requests", json={"run": run}).json()["id"]
    ids = {"run": run, "asked": asked, "hazard": "any", "z": "9", "x": "323", "y": "195"}
    tried, wrong = 0, []
    for found in fuzz(people, ids, count=2_000, first=0):
        tried += found.tried
        wrong += found.wrong
    assert wrong == []
    assert tried >= 1_500
