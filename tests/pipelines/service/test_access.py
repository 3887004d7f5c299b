"""Every address has a rule, every rule an address, and nobody gets past one."""

import re
from collections.abc import Iterator

import pytest
from fastapi import APIRouter
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from minerisk.pipelines.service.accounts.access import RULES, STRONG, Role
from minerisk.pipelines.service.app import create_app
from minerisk.pipelines.service.guard import CHANGES as CHANGING

REFUSED = {"desk_not_allowed", "desk_not_signed_in", "desk_code_needed"}
REFUSAL = {401: "desk_not_signed_in", 403: "desk_not_allowed"}
CALLERS = ("manager", "scientist", "reviewer", "administrator", "nobody")
NAMES = {"manager": "manager", "scientist": "data scientist"}


def routes(holder: Starlette | APIRouter) -> Iterator[BaseRoute]:
    """Every route of an application, those of the routers in it too."""
    for route in holder.routes:
        within = getattr(route, "original_router", None)
        yield from [route] if within is None else routes(within)


def test_every_address_has_a_rule_and_every_rule_an_address(town) -> None:
    found = [
        f"{method} {route.path}"
        for route in routes(create_app(town.desk))
        for method in sorted(route.methods)
    ]
    assert sorted(found) == sorted(RULES)


def test_an_address_without_a_rule_is_refused_to_everybody(town, monkeypatch) -> None:
    monkeypatch.delitem(RULES, "GET /api/status")
    assert town.administrator.get("/api/status").json()["code"] == "desk_not_allowed"


@pytest.mark.parametrize("caller", CALLERS)
def test_every_address_lets_through_whom_its_rule_names(town, caller: str) -> None:
    client = town.stranger() if caller == "nobody" else town.people[caller]
    role = None if caller == "nobody" else Role(NAMES.get(caller, caller))
    for address, rule in sorted(RULES.items()):
        if address in {"DELETE /api/session", "PUT /api/session/second-factor",
                       "POST /api/sessions/end"}:  # fmt: skip
            continue  # would sign the caller out
        method, path = address.split()
        path = re.sub(r"\{\w+(:path)?\}", "a" * 32, path)
        found = client.request(method, path, json={} if method in {"POST", "PATCH"} else None)
        code = found.json()["code"] if found.status_code >= 400 and found.content else None
        if method == "HEAD":  # has no body
            code = REFUSAL.get(found.status_code)
        may = rule.anyone or role in rule.roles or (rule.signed_in and role is not None)
        own = address == "POST /api/session/second-factor"
        assert (code not in REFUSED) is may or own, (address, found.text)


CHANGES = sorted(address for address in RULES if not address.startswith(("GET ", "HEAD ")))


@pytest.mark.parametrize("address", CHANGES)
def test_every_change_is_refused_without_the_word_of_the_page_or_from_another_site(
    town, address: str
) -> None:
    method, path = address.split()
    path = re.sub(r"\{\w+(:path)?\}", "a" * 32, path)
    rule = RULES[address]
    callers = {name for name in town.people if rule.signed_in or Role(NAMES.get(name, name)) in
               rule.roles}  # fmt: skip
    assert rule.anyone or callers
    for client in (town.people[name] for name in sorted(callers)):
        word = client.headers.pop("X-Desk-Form")
        assert client.request(method, path, json={}).json()["code"] == "desk_form_stale"
        client.headers["X-Desk-Form"] = "0" * len(word)
        assert client.request(method, path, json={}).json()["code"] == "desk_form_stale"
        client.headers["X-Desk-Form"] = word
    for client in (town.stranger(), town.manager) if rule.anyone else (town.people[min(callers)],):
        found = client.request(method, path, json={}, headers={"Sec-Fetch-Site": "cross-site"})
        assert found.json()["code"] == "desk_form_stale"


def test_no_address_that_is_read_changes_anything() -> None:
    methods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
    assert {address.split()[0] for address in RULES} == methods
    assert {method.split()[0] for method in CHANGES} == CHANGING


def test_an_administrator_sees_no_findings() -> None:
    open_to = {rule for rule, who in RULES.items() if Role.ADMINISTRATOR in who.roles}
    assert {rule.split()[1].removeprefix("/api").split("/")[1] for rule in open_to} == {
        "accounts", "access-log", "status", "public",
    }  # fmt: skip


def test_no_token_reaches_reviews_or_accounts() -> None:
    for address, rule in RULES.items():
        if rule.scope is not None:
            assert not rule.roles or rule.roles - STRONG, address
        if "accounts" in address or address == "POST /api/runs/{run}/reviews":
            assert rule.scope is None


def test_nobody_is_the_public_only_where_it_is_switched_on(town_of, tmp_path) -> None:
    town = town_of(public=True)
    assert town.stranger().get("/api/public").json() == []
    assert town.stranger().get("/api/runs").status_code == 401
