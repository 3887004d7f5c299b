"""Signing in: passwords, second factors, sessions, tokens, and a proxy in front."""

import pyotp
import pytest
from sqlalchemy import select

from minerisk.pipelines.service.accounts.access import Role
from minerisk.pipelines.service.accounts.people import add_account
from minerisk.pipelines.service.accounts.secrets import factor_step, hashed, is_password, is_weak
from minerisk.pipelines.service.settings import Proxy
from minerisk.pipelines.service.store.models import Account, SignedIn, Token
from minerisk.pipelines.service.wire import COOKIE

WORDS = "a phrase of four words"


def with_password(town, name: str, *roles: Role) -> None:
    with town.desk.store.write() as session:
        add_account(session, name, roles, WORDS, at=town.clock())


def sign_in(client, name: str, password: str = WORDS, code: str | None = None):
    done = client.post("/api/session", json={"name": name, "password": password, "code": code})
    if done.status_code == 200:
        client.headers["X-Desk-Form"] = done.json()["form"]
    return done


def test_a_password_is_kept_as_argon2id_with_a_salt_of_its_own() -> None:
    first, second = hashed(WORDS), hashed(WORDS)
    assert first.startswith("$argon2id$")
    assert first != second
    assert is_password(WORDS, first)
    assert not is_password(WORDS + " ", first)
    assert not is_password("", None)


@pytest.mark.parametrize(
    ("password", "weak"),
    [
        ("short", True),
        ("password1234", True),
        ("aaaaaaaaaaaaaaaa", True),
        ("staff 12 staff 12", True),
        ("x" * 300, True),
        (WORDS, False),
        ("пять длинных слов здесь", False),
    ],
)
def test_a_short_or_common_password_is_weak(password: str, weak: bool) -> None:
    assert is_weak(password, "staff 12") is weak


def test_the_cookie_is_closed_to_scripts_other_sites_and_plain_lines(town) -> None:
    with_password(town, "ann", Role.MANAGER)
    done = sign_in(town.stranger(), "ANN")
    words = done.headers["set-cookie"]
    assert words.startswith("__Host-desk=")
    for part in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
        assert part in words
    assert done.headers["cache-control"] == "no-store"


def test_wrong_name_and_wrong_password_get_the_same_answer(town) -> None:
    with_password(town, "ann", Role.MANAGER)
    client = town.stranger()
    one, other = sign_in(client, "ann", "wrong words here"), sign_in(client, "nobody")
    assert (one.status_code, one.json()) == (other.status_code, other.json())
    assert one.status_code == 401


def test_an_account_is_locked_after_five_failures_and_opens_again(town) -> None:
    with_password(town, "ann", Role.MANAGER)
    client = town.stranger()
    for _ in range(5):
        assert sign_in(client, "ann", "wrong words here").status_code == 401
    locked = sign_in(client, "ann")
    assert (locked.status_code, locked.json()["code"]) == (429, "desk_locked_out")
    assert int(locked.headers["retry-after"]) > 0
    town.clock.ahead = 901
    assert sign_in(client, "ann").status_code == 200


def test_a_reviewer_may_nothing_before_a_second_factor_and_no_code_is_taken_twice(town) -> None:
    with_password(town, "rita", Role.REVIEWER)
    client = town.stranger()
    assert sign_in(client, "rita").json()["second_factor"] is True
    assert client.get("/api/runs").json()["code"] == "desk_code_needed"
    secret = client.post("/api/session/second-factor").json()["secret"]
    wrong = client.put("/api/session/second-factor", json={"code": "000000"})
    assert wrong.json()["code"] == "desk_code_wrong"
    code = pyotp.TOTP(secret).at(town.clock())
    done = client.put("/api/session/second-factor", json={"code": code})
    client.headers["X-Desk-Form"] = done.json()["form"]
    assert client.get("/api/runs").status_code == 200
    again = town.stranger()
    assert sign_in(again, "rita").status_code == 401
    assert sign_in(again, "rita", code=code).status_code == 401  # used above
    town.clock.ahead = 60
    assert sign_in(again, "rita", code=pyotp.TOTP(secret).at(town.clock())).status_code == 200
    assert again.post("/api/session/second-factor").json()["code"] == "desk_not_allowed"


def test_codes_of_a_second_factor_are_those_of_rfc_6238() -> None:
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # the RFC's own
    assert factor_step(secret, "287082", now=59, after=0) == 1
    assert factor_step(secret, "287082", now=59, after=1) is None
    assert factor_step(secret, "287082", now=200, after=0) is None
    assert factor_step(secret, "２８７０８２", now=59, after=0) is None


def test_a_change_without_the_word_of_the_page_is_refused(town) -> None:
    body = {"folder": "x"}
    client = town.scientist
    word = client.headers.pop("X-Desk-Form")
    assert client.post("/api/runs", json=body).json()["code"] == "desk_form_stale"
    client.headers["X-Desk-Form"] = word[::-1]
    assert client.post("/api/runs", json=body).json()["code"] == "desk_form_stale"
    client.headers["X-Desk-Form"] = word
    assert client.post("/api/runs", json=body).json()["code"] == "desk_not_found"
    crossed = client.post("/api/runs", json=body, headers={"Sec-Fetch-Site": "cross-site"})
    assert crossed.json()["code"] == "desk_form_stale"


def test_a_session_ends_when_it_is_not_used_and_when_it_is_old(town) -> None:
    assert town.manager.get("/api/runs").status_code == 200
    town.clock.ahead = 3_601
    assert town.manager.get("/api/runs").status_code == 401


def test_a_session_in_use_gets_another_word_and_the_old_one_ends(town) -> None:
    client = town.manager
    old = client.cookies[COOKIE]
    town.clock.ahead = 901
    found = client.get("/api/runs")
    assert found.status_code == 200
    assert client.cookies[COOKIE] != old
    form = client.get("/api/session").json()["form"]
    assert form == found.headers["X-Desk-Form"] != client.headers["X-Desk-Form"]
    town.clock.ahead += 30
    thief = town.stranger()
    thief.cookies.set(COOKIE, old)
    assert thief.get("/api/runs").status_code == 401
    assert client.get("/api/runs").status_code == 200


def test_words_of_sessions_and_tokens_are_not_in_the_database(town) -> None:
    word = town.manager.post(
        "/api/tokens", json={"title": "QGIS", "scopes": ["read"], "days": 5}
    ).json()["word"]
    with town.desk.store.read() as session:
        kept = [row.digest for kind in (SignedIn, Token) for row in session.scalars(select(kind))]
    assert word not in kept
    assert town.manager.cookies[COOKIE] not in kept
    assert {len(digest) for digest in kept} == {64}


def test_a_token_reaches_as_far_as_its_scopes_and_its_days(town) -> None:
    made = town.manager.post(
        "/api/tokens", json={"title": "QGIS", "scopes": ["read"], "days": 5}
    ).json()
    program = town.stranger()
    program.headers["Authorization"] = f"Bearer {made['word']}"
    assert program.get("/api/runs").status_code == 200
    assert program.post("/api/requests", json={"run": "a" * 16}).status_code == 403
    assert program.get("/api/tokens").status_code == 403
    town.clock.ahead = 6 * 86_400
    assert program.get("/api/runs").status_code == 401


def test_a_token_never_has_the_rights_of_a_reviewer_or_administrator(town) -> None:
    both = town.person("both", Role.MANAGER, Role.ADMINISTRATOR)
    word = both.post("/api/tokens", json={"title": "x", "scopes": ["read", "ask", "offer"]})
    program = town.stranger()
    program.headers["Authorization"] = f"Bearer {word.json()['word']}"
    assert program.get("/api/accounts").status_code == 403


def test_a_new_password_ends_sessions_and_tokens(town) -> None:
    with_password(town, "ann", Role.MANAGER)
    client, other = town.stranger(), town.stranger()
    sign_in(client, "ann")
    sign_in(other, "ann")
    done = client.put("/api/session/password", json={"old": WORDS, "new": "other four long words"})
    assert done.status_code == 204
    assert other.get("/api/runs").status_code == 401
    assert sign_in(other, "ann", "other four long words").status_code == 200


def test_the_last_administrator_stays(town) -> None:
    accounts = town.administrator.get("/api/accounts").json()
    own = next(each["id"] for each in accounts if each["name"] == "administrator")
    for change in ({"active": False}, {"roles": ["manager"]}):
        refused = town.administrator.patch(f"/api/accounts/{own}", json=change)
        assert refused.json()["code"] == "desk_last_administrator"
    assert town.administrator.get("/api/accounts").status_code == 200


def test_a_closed_account_is_out_at_once(town) -> None:
    accounts = town.administrator.get("/api/accounts").json()
    own = next(each["id"] for each in accounts if each["name"] == "manager")
    town.administrator.patch(f"/api/accounts/{own}", json={"active": False})
    assert town.manager.get("/api/runs").status_code == 401


def test_accounts_show_no_secret(town) -> None:
    with_password(town, "ann", Role.MANAGER)
    text = town.administrator.get("/api/accounts").text
    assert "argon2" not in text
    assert "totp" not in text


def test_a_proxy_is_believed_by_its_secret_alone(town_of, tmp_path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s" * 40)
    town = town_of(proxy=Proxy(secret_file=secret, identity=True))
    client = town.stranger()
    client.headers["X-Desk-User"] = "manager"
    assert client.get("/api/runs").status_code == 401
    client.headers["X-Desk-Proxy"] = "t" * 40
    assert client.get("/api/runs").status_code == 401
    client.headers["X-Desk-Proxy"] = "s" * 40
    assert client.get("/api/runs").status_code == 200
    client.headers["X-Desk-User"] = "somebody else"
    assert client.get("/api/runs").status_code == 401


def test_no_account_is_there_by_itself(tmp_path) -> None:
    from minerisk.pipelines.service.serving import open_desk
    from minerisk.pipelines.service.settings import Settings

    (tmp_path / "runs").mkdir()
    desk = open_desk(Settings(home=tmp_path / "desk", runs=tmp_path / "runs"))
    with desk.store.read() as session:
        assert session.scalars(select(Account)).all() == []
