"""A desk with a finished request, called by programs with tokens; and the standards' schemas."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import jsonschema
import pytest
import yaml
from fastapi.testclient import TestClient
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from minerisk.pipelines.service.accounts.access import Role
from minerisk.pipelines.service.serving import open_desk
from minerisk.pipelines.service.settings import Settings
from tests.pipelines.service.conftest import ROLES, Clock, Town

PROCESSES = "ogcapi_processes_openapi.json#/components/schemas"
FEATURES = "ogcapi-features/core/openapi/schemas"
STAC = "stac-api/core/commons.yaml#/components/schemas"
SQUARE = [[47.25, 39.5], [47.3, 39.5], [47.3, 39.55], [47.25, 39.55], [47.25, 39.5]]
LAND = {"type": "Polygon", "coordinates": [SQUARE]}


def modern(value):
    """Write a schema of OpenAPI 3.0 as JSON Schema has it."""
    if isinstance(value, list):
        return [modern(part) for part in value]
    if not isinstance(value, dict):
        return value
    found = {key: modern(part) for key, part in value.items() if key != "nullable"}
    if "type" in value and value["type"] is None:  # YAML reads the word null so
        found["type"] = "null"
    for bound in ("Minimum", "Maximum"):
        if found.get(f"exclusive{bound}") is True:
            found[f"exclusive{bound}"] = found.pop(bound.lower())
    return {"anyOf": [found, {"type": "null"}]} if value.get("nullable") is True else found


@cache
def document(path: Path):
    found = modern(yaml.safe_load(path.read_text(encoding="utf-8")))
    if path.name == PROCESSES.partition("#")[0]:
        # The bundle has put the schema of features where that of JSON Schema belongs: by it not
        # even {"type": "string"}, which the standard has as its example, describes an input.
        found["components"]["schemas"]["schema"] = {"type": "object"}
    return found


def refuse_invalid(body, place: str) -> None:
    """Hold a body against a schema of a standard, by file and place in it."""
    home = os.environ.get("MINERISK_STANDARDS")
    if not home:
        pytest.skip("MINERISK_STANDARDS is not set: a folder with the standards' own schemas")

    def retrieve(address: str) -> Resource:
        return Resource(document(Path(address.removeprefix("file://"))), DRAFT202012)

    uri = f"file://{(Path(home) / place.partition('#')[0]).resolve()}"
    mark = place.partition("#")[2]
    schema = {"$ref": f"{uri}#{mark}" if mark else uri}
    registry = Registry(retrieve=retrieve)
    jsonschema.Draft202012Validator(schema, registry=registry).validate(body)


@dataclass
class Program:
    """A program that calls a desk, known by a token alone."""

    client: TestClient

    def __getattr__(self, name: str):
        return getattr(self.client, name)

    def json(self, address: str, **given):
        found = self.client.get(address, **given)
        assert found.status_code == 200, found.text
        return found.json()


def program_of(town: Town, person: TestClient, *scopes: str) -> Program:
    made = person.post("/api/tokens", json={"title": "test", "scopes": scopes or ("read", "ask")})
    client = town.stranger()
    client.headers["Authorization"] = f"Bearer {made.json()['word']}"
    return Program(client)


@dataclass
class Answered:
    """A desk on which one data scientist has asked by a program, and another has not."""

    town: Town
    run: str
    job: str
    mine: Program
    other: Program
    first: object


@pytest.fixture(scope="module")
def answered(made_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answered]:
    home = tmp_path_factory.mktemp("doors")
    runs = made_run.parent.parent / f"runs-of-{home.name}"
    shutil.copytree(made_run, runs / "tiny")
    settings = Settings(home=home / "desk", runs=runs, names=("testserver",))
    clock = Clock()
    town = Town(replace(open_desk(settings), clock=clock), clock, {})
    town.people |= {name: town.person(name, role) for name, role in ROLES.items()}
    run = town.scientist.post("/api/runs", json={"folder": "tiny"}).json()["id"]
    mine = program_of(town, town.scientist)
    other = program_of(town, town.person("second scientist", Role.SCIENTIST))
    given = {"inputs": {"run": run, "area": LAND, "clip": True}}
    first = mine.post(
        "/api/ogc/processes/risk-map/execution", json=given, headers={"Prefer": "respond-async"}
    )
    assert first.status_code == 201, first.text
    assert town.work()
    yield Answered(town, run, first.json()["jobID"], mine, other, first)
    town.desk.store.engine.dispose()
    shutil.rmtree(runs)


@pytest.fixture
def asks(answered: Answered) -> Callable[..., object]:
    """Ask for a process; the body is what a test gives."""

    def ask(process: str = "risk-map", **given: object):
        body = {"inputs": {"run": answered.run, **given.pop("inputs", {})}, **given}
        found = answered.mine.post(f"/api/ogc/processes/{process}/execution", json=body)
        assert found.status_code == 201 or "outputs" in given, found.text
        return found

    return ask
