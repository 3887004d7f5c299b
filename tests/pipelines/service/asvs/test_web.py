"""Requirements of OWASP ASVS that no other test holds: between a browser and a desk."""

import re
import secrets

import pyotp
import pytest

from minerisk.features.errors import InputError
from minerisk.pipelines.service.accounts.access import RULES, Role
from minerisk.pipelines.service.accounts.people import add_account, set_password
from minerisk.pipelines.service.accounts.secrets import is_weak, new_factor, new_word
from minerisk.pipelines.service.app import create_app
from minerisk.pipelines.service.settings import settings_of
from minerisk.pipelines.service.store.models import Account, Base

WORDS = "staple 7 heron lantern"
HOSTILE = "<img src=x onerror=alert(1)>{{7*7}}'\"--"
SAID = {"home": "desk", "runs": "runs"}


def account(town, name: str, password: str = WORDS, role: Role = Role.MANAGER):
    with town.desk.store.write() as session:
        add_account(session, name, [role], password, at=town.clock())


def sign_in(client, name: str, password: str = WORDS, **more: str):
    done = client.post("/api/session", json={"name": name, "password": password, **more})
    if done.status_code == 200:
        client.headers["X-Desk-Form"] = done.json()["form"]
    return done


def page(client, path: str):
    return client.get(path, headers={"Accept": "text/html"})


def test_what_people_write_is_shown_as_words(town) -> None:
    body = {"title": HOSTILE, "scopes": ["read"]}
    assert town.manager.post("/api/tokens", json=body).status_code == 201
    shown = page(town.manager, "/account").text
    assert "&lt;img src=x onerror=alert(1)&gt;{{7*7}}" in shown
    assert "<img src=x" not in shown
    assert town.manager.get("/api/tokens").json()[0]["title"] == HOSTILE


def test_words_of_people_are_no_query(town) -> None:
    account(town, "ann")
    for name in ("' OR '1'='1", "ann' --", 'ann"; DROP TABLE accounts; --'):
        assert sign_in(town.stranger(), name).status_code == 401
    assert sign_in(town.stranger(), "ann").status_code == 200


def answers(town):
    """One answer of each kind."""
    return {
        "data": town.manager.get("/api/session"),
        "page": page(town.manager, "/runs"),
        "refused": town.manager.get("/api/accounts"),
        "refused page": page(town.manager, "/accounts"),
        "nobody": town.stranger().get("/api/runs"),
        "nowhere": town.manager.get("/nowhere"),
        "too large": town.manager.post("/api/requests", content=b"x" * 70_000),
        "wrong": town.manager.post("/api/requests", content=b"{"),
        "health": town.stranger().get("/api/health"),
    }


def test_every_answer_bears_its_headers(town) -> None:
    for kind, answer in answers(town).items():
        headers = answer.headers
        age = re.fullmatch(
            r"max-age=(\d+); includeSubDomains", headers["strict-transport-security"]
        )
        assert age, kind
        assert int(age.group(1)) >= 31_536_000
        policy = dict(
            part.strip().partition(" ")[::2]
            for part in headers["content-security-policy"].split(";")
        )
        assert policy["default-src"] == "'none'", kind  # object-src too
        assert policy["base-uri"] == policy["frame-ancestors"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == "'self'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in headers


def test_every_answer_says_what_it_is(town) -> None:
    found = {kind: each.headers["content-type"] for kind, each in answers(town).items()}
    assert found["page"] == found["refused page"] == "text/html; charset=utf-8"
    assert found["data"] == found["health"] == "application/json"
    rest = {"refused", "nobody", "nowhere", "too large", "wrong"}
    assert {found[kind] for kind in rest} == {"application/problem+json"}


def test_no_other_site_is_let_in(town) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    found = town.stranger().options("/api/session", headers=asked)
    assert found.status_code in {404, 405}
    assert not any(name.startswith("access-control") for name in found.headers)
    assert (
        "access-control-allow-origin" not in town.manager.get("/api/session", headers=asked).headers
    )


def test_methods_that_the_table_does_not_name_are_refused(town) -> None:
    for method in ("TRACE", "CONNECT", "PROPFIND", "PUT"):
        assert town.manager.request(method, "/api/runs").status_code in {404, 405}


def test_no_secret_travels_in_an_address(town) -> None:
    schema = town.manager.get("/api/openapi.json").json()
    names = {
        each["name"]
        for path in schema["paths"].values()
        for call in path.values()
        for each in call.get("parameters", [])
        if each["in"] == "query"
    }
    assert not {name for name in names if re.search("token|password|secret|key|session", name)}
    word = town.manager.post("/api/tokens", json={"title": "x", "scopes": ["read"]}).json()["word"]
    for query in (f"token={word}", f"access_token={word}", f"authorization=Bearer {word}"):
        assert town.stranger().get(f"/api/runs?{query}").status_code == 401


def test_a_value_counts_only_where_it_belongs(town) -> None:
    account(town, "ann")
    query = f"/api/session?name=ann&password={WORDS}"
    assert town.stranger().post(query, json={}).status_code == 422
    body = town.stranger().post("/api/session", data={"name": "ann", "password": WORDS})
    assert body.status_code == 422  # of another kind than JSON
    cookie = town.stranger()
    cookie.cookies.set("X-Desk-Form", "x")
    assert cookie.post("/api/runs", json={"folder": "x"}).status_code in {401, 403}


def test_fields_that_nobody_asked_for_are_refused(town) -> None:
    """Every body of a call is a record that takes its own fields and no others."""
    schema = town.manager.get("/api/openapi.json").json()
    bodies = {
        call["requestBody"]["content"]["application/json"]["schema"].get("$ref", "")
        for path, calls in schema["paths"].items()
        for call in calls.values()
        if "application/json" in call.get("requestBody", {}).get("content", {})
        and not path.startswith(("/api/ogc", "/api/stac"))  # bodies of standards
    }
    bodies = {name.rpartition("/")[2] for name in bodies}
    assert len(bodies) >= 10
    parts = schema["components"]["schemas"]
    assert {
        name for name in bodies if parts[name].get("additionalProperties") is not False
    } == set()
    body = {"name": "eve", "roles": ["manager"], "password": WORDS, "totp": "A" * 32}
    assert town.administrator.post("/api/accounts", json=body).status_code == 422


def test_any_characters_make_a_password(town) -> None:
    for number, word in enumerate(
        ("only small letters here", "ТОЛЬКО БОЛЬШИЕ БУКВЫ", "7391 0465 8820 17", "{}[]<>!?;:,.~^%")
    ):
        account(town, f"person {number}", word)
        assert sign_in(town.stranger(), f"person {number}", word).status_code == 200


def test_a_password_counts_as_it_was_given(town) -> None:
    long = "".join(secrets.token_urlsafe(48) for _ in range(4))[:256]
    for number, word in enumerate((" edges are kept, both ", long, "Capitals Are Letters 7")):
        account(town, f"person {number}", word)
        for other in (word.strip() + "x", word[:-1], word.swapcase(), word.strip()):
            if other != word and len(other) <= 256:
                assert sign_in(town.stranger(), f"person {number}", other).status_code == 401
        with town.desk.store.write() as session:  # not locked by what was tried
            for row in session.query(Account):
                row.failed, row.locked_until = 0, 0.0
        assert sign_in(town.stranger(), f"person {number}", word).status_code == 200


def test_a_password_holds_until_it_is_changed(town) -> None:
    account(town, "ann")
    town.clock.ahead = 20 * 365 * 86_400
    assert sign_in(town.stranger(), "ann").status_code == 200


def test_words_of_the_desk_and_of_its_people_make_no_password() -> None:
    for word in ("minerisk desk 1", "MineRisk-2026!", "deskdeskdesk7", "Fatima Quliyeva 1"):
        assert is_weak(word, "fatima quliyeva"), word


def test_fields_of_passwords_hide_them_and_take_what_a_manager_of_passwords_fills_in(town) -> None:
    shown = page(town.stranger(), "/sign-in").text + page(town.manager, "/account").text
    fields = re.findall(r"<input[^>]*name=\"(?:password|old|new)\"[^>]*>", shown)
    assert fields
    for field in fields:
        assert 'type="password"' in field
        assert re.search(r'autocomplete="(current|new)-password"', field)
    assert "onpaste" not in shown
    assert not re.search("hint|mother|question", shown.replace('class="hint"', ""), re.IGNORECASE)


def test_a_new_password_from_an_administrator_leaves_the_second_factor(town) -> None:
    account(town, "rita", role=Role.REVIEWER)
    client = town.stranger()
    sign_in(client, "rita")
    secret = client.post("/api/session/second-factor", json={"password": WORDS}).json()["secret"]
    code = pyotp.TOTP(secret).at(town.clock())
    client.put("/api/session/second-factor", json={"code": code})
    row = next(
        each for each in town.administrator.get("/api/accounts").json() if each["name"] == "rita"
    )
    other = "another 4 words of them"
    path = f"/api/accounts/{row['id']}"
    assert town.administrator.patch(path, json={"password": other}).status_code == 200
    assert sign_in(town.stranger(), "rita", other).status_code == 401
    town.clock.ahead = 60
    code = pyotp.TOTP(secret).at(town.clock())
    assert sign_in(town.stranger(), "rita", other, code=code).status_code == 200


def test_secrets_are_long_and_by_chance() -> None:
    words, factors = [new_word() for _ in range(200)], [new_factor() for _ in range(200)]
    assert len(set(words)) == len(set(factors)) == 200
    assert all(len(word) >= 43 for word in words)  # 256 bits
    assert all(len(each) >= 32 for each in factors)  # 160 bits, as RFC 4226 has them


def test_signing_in_again_gives_another_word_and_ends_the_one_before(town) -> None:
    account(town, "ann")
    client = town.stranger()
    sign_in(client, "ann")
    first = client.cookies["__Host-desk"]
    sign_in(client, "ann")
    assert client.cookies["__Host-desk"] != first
    old = town.stranger()
    old.cookies.set("__Host-desk", first, domain="testserver.local")
    assert old.get("/api/runs").status_code == 401


def test_a_word_that_the_desk_did_not_make_is_no_session(town) -> None:
    client = town.stranger()
    client.cookies.set("__Host-desk", "a" * 43, domain="testserver.local")
    account(town, "ann")
    sign_in(client, "ann")
    assert client.cookies.get("__Host-desk", domain="testserver.local") != "a" * 43
    assert client.get("/api/session").json()["name"] == "ann"


def test_every_page_leads_to_signing_out(town) -> None:
    for person, path in (
        ("manager", "/runs"),
        ("manager", "/accounts"),
        ("administrator", "/status"),
        ("reviewer", "/reviews"),
        ("scientist", "/offers"),
    ):
        assert 'data-send="DELETE /api/session"' in page(town.people[person], path).text


def test_signing_out_ends_the_session_and_clears_the_browser(town) -> None:
    account(town, "ann")
    client = town.stranger()
    sign_in(client, "ann")
    word = client.cookies["__Host-desk"]
    done = client.delete("/api/session")
    assert "Max-Age=0" in done.headers["set-cookie"]
    assert done.headers["clear-site-data"] == '"cache", "storage"'
    client.cookies.set("__Host-desk", word, domain="testserver.local")
    assert client.get("/api/runs").status_code == 401


def test_a_hash_of_lower_cost_is_made_anew_at_the_next_sign_in(town) -> None:
    from argon2 import PasswordHasher, extract_parameters

    account(town, "ann")
    with town.desk.store.write() as session:
        row = session.query(Account).filter_by(name="ann").one()
        row.password = PasswordHasher(time_cost=1, memory_cost=8_192).hash(WORDS)
    assert sign_in(town.stranger(), "ann").status_code == 200
    with town.desk.store.read() as session:
        kept = extract_parameters(session.query(Account).filter_by(name="ann").one().password)
    assert (kept.type.name, kept.memory_cost >= 19_456, kept.time_cost >= 2) == ("ID", True, True)
    assert sign_in(town.stranger(), "ann").status_code == 200


def test_no_token_of_a_sign_in_service_is_kept() -> None:
    names = {column.name for table in Base.metadata.tables.values() for column in table.columns}
    assert not {name for name in names if re.search("access|refresh|id_token|verifier", name)} - {
        "access_log"
    }


def test_only_tls_reaches_a_database_elsewhere() -> None:
    for url in ("postgresql://db.example/desk", "postgresql://10.0.0.1/desk?sslmode=require",
                "postgresql:///desk?host=db.example"):  # fmt: skip
        with pytest.raises(InputError, match="sslmode=verify-full"):
            settings_of({**SAID, "database": url}, source="x")
    for url in ("postgresql://db.example/desk?sslmode=verify-full", "postgresql:///desk",
                "postgresql://127.0.0.1/desk", "postgresql:///desk?host=/run/postgresql",
                "sqlite:///desk.sqlite"):  # fmt: skip
        assert settings_of({**SAID, "database": url}, source="x").database == url


def test_nothing_for_development_is_switched_on(town) -> None:
    app = create_app(town.desk)
    assert (app.debug, app.docs_url, app.redoc_url, app.openapi_url) == (False, None, None, None)
    for path in ("/docs", "/redoc", "/openapi.json", "/static/", "/static", "/.git/config",
                 "/static/..%2f..%2fapp.py", "/static/%2e%2e/app.py", "/api/"):  # fmt: skip
        assert town.manager.get(path).status_code in {404, 405}, path
    assert town.stranger().get("/api/openapi.json").status_code == 401
    assert set(town.stranger().get("/api/health").json()) <= {"status", "answers"}


def test_a_refusal_is_told_in_the_log_and_holds_no_value_of_the_call(town, caplog) -> None:
    word = secrets.token_hex(8)
    with caplog.at_level("INFO", logger="minerisk.security"):
        town.manager.get("/api/accounts", headers={"Authorization-Note": word})
        town.manager.patch(f"/api/requests/{word}", json={"note": word})
        town.manager.post("/api/runs", json={"folder": word})
        town.manager.post("/api/requests", json={"run": word, "colour": word})
        town.stranger().get("/api/runs")
        sign_in(town.stranger(), word)
    lines = [each.getMessage() for each in caplog.records if each.name == "minerisk.security"]
    assert len(lines) == 6
    assert "refused GET /api/accounts to manager at testclient: desk_not_allowed (403)" in lines
    assert not any(word in line for line in lines)


def test_signing_in_and_failing_to_are_in_the_access_log(town) -> None:
    account(town, "ann")
    sign_in(town.stranger(), "ann")
    sign_in(town.stranger(), "ann", "wrong words here")
    sign_in(town.stranger(), "nobody\nforged", "wrong words here")
    log = town.administrator.get("/api/access-log").text
    lines = [line for line in log.splitlines() if '"action":"sign in' in line]
    assert len(lines) == 3
    assert ['"sign in"' in line for line in lines] == [True, False, False]
    assert all(re.search(r'"at":"[\d-]+T[\d:]+(\+00:00|Z)"', line) for line in lines)
    assert WORDS not in log
    assert "wrong words" not in log


def test_every_rule_is_for_an_address_that_holds_no_secret() -> None:
    assert not [rule for rule in RULES if re.search("password}|secret}|word}|code}", rule)]


def test_a_password_that_is_set_is_checked_wherever_it_is_set(town) -> None:
    from minerisk.pipelines.service.errors import RefusedError

    body = {"name": "eve", "roles": ["manager"], "password": "password1234"}
    assert (
        town.administrator.post("/api/accounts", json=body).json()["code"] == "desk_password_weak"
    )
    account(town, "ann")
    client = town.stranger()
    sign_in(client, "ann")
    change = {"old": WORDS, "new": "leavemealone"}
    assert client.put("/api/session/password", json=change).json()["code"] == "desk_password_weak"
    change = {"old": "not the one before", "new": "another 4 words of them"}
    assert client.put("/api/session/password", json=change).status_code == 401
    with town.desk.store.write() as session, pytest.raises(RefusedError):
        set_password(session, session.query(Account).filter_by(name="ann").one(), "1q2w3e4r5t6y")
