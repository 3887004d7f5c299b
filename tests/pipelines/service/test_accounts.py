"""Signing in: passwords, second factors, sessions, tokens, and a proxy in front."""

import secrets

import pyotp
import pytest
from sqlalchemy import select

from minerisk.pipelines.service.accounts.access import Role
from minerisk.pipelines.service.accounts.common import _common, is_common
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
        ("123456789012", True),
        ("qwertyuiop[]", True),
        ("iloveyouforever1", False),
        ("letmeinletmein", True),
        ("trustno1trustno1", True),
        ("1q2w3e4r5t6y", True),
        ("xyz7xyz7xyz7xyz7", True),
        ("ФЫВАПРОЛДЖЭ123", True),
        ("Passw0rd2024!", True),
        ("minerisk-desk-1", True),
        ("minerisk minerisk", True),
        ("heron 7 lantern", False),
        ("staple 7 heron lantern", False),
        ("staff 12 staff 12", True),
        ("x" * 300, True),
        ("leavemealone", True),
        ("FinalFantasy", True),
        ("1QAZ2wsx3edc4rfv", True),
        ("unbelievable", True),
        (WORDS, False),
        ("пять длинных слов здесь", False),
    ],
)
def test_a_short_or_common_password_is_weak(password: str, weak: bool) -> None:
    assert is_weak(password, "staff 12") is weak


def test_the_commonest_passwords_that_are_long_enough_are_known() -> None:
    assert len(_common()) == 10_000
    assert all(is_common(word) for word in ("justinbieber", "Justinbieber", "finalfantasy"))
    taken = [secrets.token_urlsafe(12) for _ in range(2_000)]
    assert not any(is_common(word) for word in taken)


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
    refused = client.post("/api/session/second-factor", json={"password": "x"})
    assert refused.json()["code"] == "desk_credentials_wrong"
    begun = client.post("/api/session/second-factor", json={"password": WORDS})
    secret = begun.json()["secret"]
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
    assert (
        again.post("/api/session/second-factor", json={"password": WORDS}).json()["code"]
        == "desk_not_allowed"
    )


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


def test_a_new_second_factor_ends_other_sessions(town) -> None:
    with_password(town, "rita", Role.REVIEWER)
    client, other = town.stranger(), town.stranger()
    sign_in(client, "rita")
    sign_in(other, "rita")
    body = {"password": WORDS}
    secret = client.post("/api/session/second-factor", json=body).json()["secret"]
    code = pyotp.TOTP(secret).at(town.clock())
    assert client.put("/api/session/second-factor", json={"code": code}).status_code == 200
    assert other.get("/api/session").json()["name"] is None
    assert client.get("/api/session").json()["name"] == "rita"


def test_passwords_that_are_tried_from_within_a_session_are_counted_too(town) -> None:
    with_password(town, "ann", Role.MANAGER)
    client = town.stranger()
    sign_in(client, "ann")
    for _ in range(5):
        body = {"old": "wrong words here", "new": "other four long words"}
        assert client.put("/api/session/password", json=body).status_code == 401
    for path in ("/api/session/second-factor", "/api/sessions/end"):
        locked = client.post(path, json={"password": WORDS})
        assert locked.json()["code"] == "desk_locked_out"


def test_an_account_sees_where_it_is_signed_in_and_ends_all_of_it(town) -> None:
    with_password(town, "ann", Role.MANAGER)
    client, other = town.stranger(), town.stranger()
    sign_in(other, "ann")
    sign_in(client, "ann")
    town.clock.ahead = 901
    client.headers["X-Desk-Form"] = client.get("/api/runs").headers["X-Desk-Form"]
    found = client.get("/api/sessions").json()
    assert [each["own"] for each in found] == [True, False]  # the word before is none of its own
    assert "Where this account is signed in" in client.get("/account").text
    refused = client.post("/api/sessions/end", json={"password": "x"})
    assert refused.json()["code"] == "desk_credentials_wrong"
    assert client.post("/api/sessions/end", json={"password": WORDS}).status_code == 204
    assert other.get("/api/runs").status_code == 401
    assert client.get("/api/sessions").status_code == 401


def test_an_administrator_ends_the_sessions_of_an_account(town) -> None:
    word = town.manager.post("/api/tokens", json={"title": "x", "scopes": ["read"]}).json()["word"]
    accounts = town.administrator.get("/api/accounts").json()
    own = next(each["id"] for each in accounts if each["name"] == "manager")
    town.administrator.patch(f"/api/accounts/{own}", json={"end_sessions": True})
    assert town.manager.get("/api/runs").status_code == 401
    program = town.stranger()
    assert program.get("/api/runs", headers={"Authorization": f"Bearer {word}"}).status_code == 401


def test_everybody_needs_a_second_factor_where_settings_say_so(town_of) -> None:
    town = town_of(second_factor="everybody")
    with_password(town, "ann", Role.MANAGER)
    client = town.stranger()
    assert sign_in(client, "ann").json()["second_factor"] is True
    assert client.get("/api/runs").json()["code"] == "desk_code_needed"
    assert "counts only with a second factor" in client.get("/account").text
    assert town.manager.get("/api/runs").status_code == 200  # with one


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
    assert client.get("/api/runs").status_code == 403
    client.headers["X-Desk-Proxy"] = "t" * 40
    assert client.get("/api/runs").status_code == 403
    client.headers["X-Desk-Proxy"] = "s" * 40
    assert client.get("/api/runs").status_code == 200
    client.headers["X-Desk-User"] = "somebody else"
    assert client.get("/api/runs").status_code == 401


def test_where_a_proxy_has_a_secret_nobody_calls_beside_it(town_of, tmp_path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s" * 40)
    town = town_of(proxy=Proxy(secret_file=secret))
    for path in ("/api/runs", "/sign-in", "/static/desk.css", "/api/session"):
        assert town.manager.get(path, headers={"Accept": "text/html"}).status_code == 403
    assert town.stranger().get("/api/health").status_code == 200
    town.manager.headers["X-Desk-Proxy"] = "s" * 40
    assert town.manager.get("/api/runs").status_code == 200


def test_a_proxy_at_a_socket_is_believed_and_signing_in_beside_it_is_not(town_of, tmp_path) -> None:
    town = town_of(proxy=Proxy(socket=tmp_path / "desk.socket", identity=True))
    with_password(town, "ann", Role.MANAGER)
    client = town.stranger()
    assert sign_in(client, "ann").json()["code"] == "desk_not_allowed"
    client.headers["X-Desk-User"] = "ann"
    assert client.get("/api/runs").status_code == 200
    assert client.post("/api/areas?name=x.kml").json()["code"] == "desk_form_stale"


@pytest.mark.parametrize("proxy", [None, "desk.socket"])
def test_headers_of_a_proxy_mean_nothing_where_none_tells_who_calls(
    town_of, tmp_path, proxy
) -> None:
    client = town_of(proxy=proxy and Proxy(socket=tmp_path / proxy)).stranger()
    for name in ("X-Desk-User", "X-Desk-Proxy", "X_Desk_User", "Remote-User", "X-Forwarded-User"):
        client.headers[name] = "administrator"
    assert client.get("/api/accounts").status_code == 401


def test_no_account_is_there_by_itself(tmp_path) -> None:
    from minerisk.pipelines.service.serving import open_desk
    from minerisk.pipelines.service.settings import Settings

    (tmp_path / "runs").mkdir()
    desk = open_desk(Settings(home=tmp_path / "desk", runs=tmp_path / "runs"))
    with desk.store.read() as session:
        assert session.scalars(select(Account)).all() == []
