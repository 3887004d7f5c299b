"""A password that somebody else chose lets its owner choose another for a few days, and no more."""

import re
from pathlib import Path

import pytest
from sqlalchemy import MetaData, insert
from typer.testing import CliRunner

from minerisk.pipelines.cli.main import app
from minerisk.pipelines.service.accounts.access import RULES, Role
from minerisk.pipelines.service.accounts.people import Credentials, add_account, try_sign_in
from minerisk.pipelines.service.accounts.secrets import hashed
from minerisk.pipelines.service.settings import Limits
from minerisk.pipelines.service.store.database import bring, open_store, prepare_file
from minerisk.pipelines.service.store.models import Account
from tests.pipelines.service.test_accounts import sign_in

GIVEN = "a phrase of four words"
OWN = "staple 7 heron lantern"
DAY_S = 86_400
OPEN = {"DELETE /api/session", "PUT /api/session/password", "GET /account"}


def given_to(town, name: str, *roles: Role) -> str:
    """Have an administrator make an account; its id."""
    body = {"name": name, "roles": [role.value for role in roles], "password": GIVEN}
    done = town.administrator.post("/api/accounts", json=body)
    assert done.status_code == 201, done.text
    return done.json()["id"]


def change(client, old: str, new: str):
    return client.put("/api/session/password", json={"old": old, "new": new})


def test_a_given_password_is_good_for_choosing_another_and_nothing_else(town) -> None:
    given_to(town, "ann", *(role for role in Role if role is not Role.PUBLIC))
    client = town.stranger()
    signed = sign_in(client, "ann", GIVEN)
    assert signed.json()["first_password"] is True
    assert client.get("/api/session").json()["first_password"] is True
    for address, rule in sorted(RULES.items()):
        method, path = address.split()
        if rule.anyone or address in OPEN or method == "HEAD":
            continue
        path = re.sub(r"\{\w+(:path)?\}", "a" * 32, path)
        body = {} if method in {"POST", "PATCH", "PUT"} else None
        found = client.request(method, path, json=body)
        assert (found.status_code, found.json()["code"]) == (403, "desk_first_password"), address
        assert "/account" in found.json()["detail"]
    assert change(client, GIVEN, GIVEN).json()["code"] == "desk_password_same"
    assert change(client, OWN, "another 4 words of them").status_code == 401
    assert change(client, GIVEN, OWN).status_code == 204
    assert client.get("/api/session").json()["name"] is None
    assert sign_in(town.stranger(), "ann", GIVEN).status_code == 401
    again = sign_in(client, "ann", OWN)
    assert again.json()["first_password"] is False
    assert client.get("/api/runs").status_code == 200
    assert change(client, OWN, GIVEN).status_code == 204  # one's own is changed whenever one likes


def test_a_page_leads_to_where_a_given_password_is_changed(town) -> None:
    given_to(town, "ann", Role.MANAGER)
    client = town.stranger()
    sign_in(client, "ann", GIVEN)
    page = {"Accept": "text/html"}
    for path in ("/", "/runs", "/requests", "/accounts"):
        assert client.get(path, headers=page).url.path == "/account"
    words = {
        "en": "This account still has the password that it was given.",
        "az": "Bu hesabda hələ də ona verilmiş parol var.",
        "ru": "У этой учётной записи всё ещё пароль, который ей дали.",
    }
    for language, said in words.items():
        shown = client.get("/account", headers={**page, "Accept-Language": language}).text
        assert said in shown
        assert "PUT /api/session/password" in shown
        for other in ("/api/sessions/end", "/api/tokens", "second-factor"):
            assert other not in shown
        told = client.get("/api/runs", headers={"Accept-Language": language}).json()
        assert told["title"] == said
    assert change(client, GIVEN, OWN).status_code == 204
    sign_in(client, "ann", OWN)
    assert words["en"] not in client.get("/account", headers=page).text


def test_a_given_password_that_is_not_used_in_time_is_of_no_use(town) -> None:
    name = given_to(town, "ann", Role.MANAGER)
    early = town.stranger()
    town.clock.ahead = 7 * DAY_S - 60
    assert sign_in(early, "ann", GIVEN).status_code == 200
    assert early.get("/api/session").json()["name"] == "ann"
    town.clock.ahead = 7 * DAY_S + 60
    assert early.get("/api/session").json()["name"] is None  # nor is what was signed in with it
    late = sign_in(town.stranger(), "ann", GIVEN)
    assert (late.status_code, late.json()["code"]) == (401, "desk_first_password_over")
    assert sign_in(town.stranger(), "ann", OWN).json()["code"] == "desk_credentials_wrong"
    administrator = town.person("another", Role.ADMINISTRATOR)
    shown = administrator.get("/accounts", headers={"Accept": "text/html"}).text
    assert "given password is over" in shown
    path = f"/api/accounts/{name}"
    assert administrator.patch(path, json={"password": GIVEN}).json()["first_until"] is not None
    client = town.stranger()
    assert sign_in(client, "ann", GIVEN).status_code == 200
    assert change(client, GIVEN, OWN).status_code == 204
    town.clock.ahead = 30 * DAY_S
    assert sign_in(client, "ann", OWN).status_code == 200  # one's own does not end


def test_a_password_that_an_administrator_gives_later_is_a_first_one_too(town) -> None:
    with town.desk.store.write() as session:
        account = add_account(session, "ann", [Role.MANAGER], OWN, at=town.clock())
        session.flush()
        name = account.id
    client = town.stranger()
    assert sign_in(client, "ann", OWN).json()["first_password"] is False
    town.administrator.patch(f"/api/accounts/{name}", json={"password": GIVEN})
    assert client.get("/api/runs").json()["code"] == "desk_not_signed_in"
    assert sign_in(client, "ann", GIVEN).json()["first_password"] is True
    assert client.get("/api/runs").json()["code"] == "desk_first_password"


@pytest.mark.parametrize("command", ["account", "password"])
def test_a_password_from_the_command_line_is_a_first_one_too(
    tmp_path: Path, command: str, town_of
) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "first.txt").write_text(f"{GIVEN}\n")
    where = ["--home", str(tmp_path / "desk"), "--runs", str(tmp_path / "runs"),
             "--password-file", str(tmp_path / "first.txt")]  # fmt: skip
    made = CliRunner().invoke(app, ["desk", "account", "ann", "--role", "manager", *where])
    assert made.exit_code == 0, made.output
    town = town_of(tmp_path / "runs")
    client = town.stranger()
    if command == "password":
        sign_in(client, "ann", GIVEN)
        change(client, GIVEN, OWN)
        given = CliRunner().invoke(app, ["desk", "password", "ann", *where])
        assert given.exit_code == 0, given.output
        assert re.search(r"Until \d{4}-\d\d-\d\d ann can sign in", given.output)
        lines = town.administrator.get("/api/access-log").text.splitlines()
        assert any('"by":null' in line and '"action":"change account"' in line for line in lines)
    assert sign_in(client, "ann", GIVEN).json()["first_password"] is True
    assert client.get("/api/runs").json()["code"] == "desk_first_password"
    nobody = CliRunner().invoke(app, ["desk", "password", "eve", *where])
    assert "No account is named 'eve'" in str(nobody.exception) + nobody.output


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_passwords_of_a_desk_that_is_upgraded_stay_their_owners(database_of, kind: str) -> None:
    url = database_of(kind)
    prepare_file(url)
    store = open_store(url)
    row = {"id": "a" * 32, "name": "Əli", "folded": "əli", "roles": ["manager"], "active": True,
           "password": hashed(OWN), "totp": None, "totp_confirmed": False, "totp_step": 0,
           "failed": 0, "locked_until": 0.0, "created_at": 1.5}  # fmt: skip
    with store.writing() as connection:
        bring(connection, "0003")
        known = MetaData()
        known.reflect(connection)
        connection.execute(insert(known.tables["accounts"]), [row])
        bring(connection)
    with store.write() as session:
        given = Credentials("Əli", OWN)
        found = try_sign_in(session, given, Limits(), at=1e12)
        assert isinstance(found, Account)
        assert found.first_until is None
    store.engine.dispose()
