"""Signing in with OpenID Connect, at a real service: oidc-provider."""

from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from minerisk.pipelines.service.accounts.access import Role
from minerisk.pipelines.service.accounts.people import add_account
from minerisk.pipelines.service.store.models import Account
from minerisk.pipelines.service.wire import COOKIE, FLOW_COOKIE

BACK = "/sign-in/provider/back"
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def service(service_for):
    return service_for("https://testserver")


@pytest.fixture
def town(town_of, service, tmp_path):
    return town_of(oidc=service.settings(tmp_path))


def begin(client: TestClient) -> str:
    found = client.get("/sign-in/provider", follow_redirects=False)
    assert found.status_code == 303, found.text
    return found.headers["location"]


def at_service(address: str, **given: str) -> str:
    """Sign in at the service, as a browser does; where it sends the browser back to."""
    with httpx2.Client(follow_redirects=True, timeout=20) as browser:
        form = browser.get(address)
        assert "Sign-in service" in form.text, form.text
        found = browser.post(form.url, data=given, follow_redirects=False)
        while "testserver" not in found.headers["location"]:
            where = found.url.join(found.headers["location"])
            found = browser.get(where, follow_redirects=False)
        return found.headers["location"].removeprefix("https://testserver")


def sign_in(client: TestClient, who: str, code: str = ""):
    found = client.get(at_service(begin(client), who=who, code=code), headers=HTML)
    form = client.get("/api/session").json()["form"]
    client.headers["X-Desk-Form"] = form or ""
    return found


def test_a_browser_is_sent_with_state_nonce_and_the_hash_of_a_verifier(town) -> None:
    client = town.stranger()
    one, other = (parse_qs(urlsplit(begin(client)).query) for _ in range(2))
    assert one["response_type"] == ["code"]
    assert one["code_challenge_method"] == ["S256"]
    assert one["redirect_uri"] == [f"https://testserver{BACK}"]
    for name in ("state", "nonce", "code_challenge"):
        assert len(one[name][0]) >= 43
        assert one[name] != other[name]
    assert client.cookies[FLOW_COOKIE] not in str(other)


def test_the_cookie_of_a_sign_in_ends_and_is_closed_to_scripts(town) -> None:
    words = town.stranger().get("/sign-in/provider", follow_redirects=False).headers["set-cookie"]
    for part in (FLOW_COOKIE, "Max-Age=600", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in words


def test_who_signs_in_has_the_roles_of_their_groups(town) -> None:
    client = town.stranger()
    found = sign_in(client, "ann+managers+choir")
    assert found.status_code == 200
    assert 'http-equiv="refresh"' in found.text
    seen = client.get("/api/session").json()
    assert (seen["name"], seen["roles"], seen["second_factor"]) == ("ann", ["manager"], False)
    assert client.get("/api/runs").status_code == 200
    assert client.get("/api/accounts").status_code == 403
    assert FLOW_COOKIE not in client.cookies


def test_a_role_that_decides_counts_after_a_second_factor_at_the_service(town) -> None:
    client = town.stranger()
    sign_in(client, "rita+reviewers")
    assert client.get("/api/runs").json()["code"] == "desk_provider_factor"
    assert client.post("/api/session/second-factor", json={}).json()["code"] == "desk_not_allowed"
    sign_in(client, "rita+reviewers", code="123456")
    assert client.get("/api/runs").status_code == 200


def test_roles_are_those_of_the_last_sign_in_and_none_ends_all_sessions(town) -> None:
    first = town.stranger()
    sign_in(first, "tom+managers")
    sign_in(town.stranger(), "tom+staff", code="1")
    assert first.get("/api/session").json()["roles"] == []
    refused = sign_in(town.stranger(), "tom")
    assert refused.status_code == 403
    assert "no role of the desk" in refused.text
    assert first.get("/api/session").json()["name"] is None


def test_an_account_is_found_by_what_the_service_never_gives_away_and_not_by_name(town) -> None:
    with town.desk.store.write() as session:
        add_account(session, "mara", [Role.ADMINISTRATOR], None, at=0.0)
    refused = sign_in(town.stranger(), "mara+managers")
    assert refused.status_code == 409
    assert "Traceback" not in refused.text
    sign_in(town.stranger(), "una+managers")
    with town.desk.store.read() as session:
        made = session.scalars(select(Account).where(Account.subject == "id-of-una")).one()
    assert (made.issuer, made.password) == (town.desk.settings.oidc.issuer, None)


def test_an_account_that_an_administrator_closed_stays_out(town) -> None:
    sign_in(town.stranger(), "vic+managers")
    listed = town.administrator.get("/api/accounts").json()
    own = next(each["id"] for each in listed if each["name"] == "vic")
    change = town.administrator.patch(f"/api/accounts/{own}", json={"password": "x" * 20})
    assert change.json()["code"] == "desk_body_wrong"  # no second way in
    town.administrator.patch(f"/api/accounts/{own}", json={"active": False})
    assert sign_in(town.stranger(), "vic+managers").status_code == 401


def test_a_state_that_this_browser_did_not_begin_with_is_refused(town) -> None:
    address = at_service(begin(town.stranger()), who="ann+managers")
    for client in (town.stranger(), (other := town.stranger())):
        if client is other:
            begin(client)
        found = client.get(address, headers=HTML)
        assert found.status_code == 403
        assert "not begun in this browser" in found.text
        assert COOKIE not in client.cookies


def test_a_code_is_of_use_once(town) -> None:
    client = town.stranger()
    address = at_service(begin(client), who="ann+managers")
    word = client.cookies[FLOW_COOKIE]
    assert client.get(address).status_code == 200
    again = town.stranger()
    again.cookies.set(FLOW_COOKIE, word, domain="testserver.local")
    found = again.get(address)
    assert (found.status_code, found.json()["code"]) == (403, "desk_provider_refused")


def test_what_the_service_says_of_another_issuer_is_refused(town) -> None:
    client = town.stranger()
    address = at_service(begin(client), who="ann+managers")
    issuer = parse_qs(urlsplit(address).query)["iss"][0]
    assert issuer == town.desk.settings.oidc.issuer
    for changed in (address.replace("iss=", "iss=https%3A%2F%2Fevil.example%2F"),
                    address.partition("&iss=")[0]):  # fmt: skip
        assert client.get(changed).json()["code"] == "desk_provider_wrong"


def test_a_refusal_of_the_service_is_told_in_words_of_the_desk(town) -> None:
    client = town.stranger()
    found = client.get(at_service(begin(client), refuse="yes"), headers=HTML)
    assert found.status_code == 403
    assert "The sign-in service refused: access_denied" in found.text
    assert "not today" not in found.text


def test_signing_out_ends_the_session_here_and_leads_to_the_service(town) -> None:
    client = town.stranger()
    sign_in(client, "ann+managers")
    assert 'data-then="/sign-out/provider"' in client.get("/account").text
    word = client.cookies[COOKIE]
    assert client.delete("/api/session").status_code == 204
    thief = town.stranger()
    thief.cookies.set(COOKIE, word, domain="testserver.local")
    assert thief.get("/api/runs").status_code == 401
    out = client.get("/sign-out/provider", follow_redirects=False).headers["location"]
    asked = httpx2.get(out, timeout=20)
    assert asked.status_code == 200  # it knows the client, and where to go from there
    assert parse_qs(urlsplit(out).query)["post_logout_redirect_uri"] == [
        "https://testserver/sign-in"
    ]


def test_a_service_that_is_away_is_told_in_words(town_of, service_for, tmp_path) -> None:
    gone = service_for("https://testserver")
    gone.process.kill()
    gone.process.wait(10)
    town = town_of(oidc=gone.settings(tmp_path))
    found = town.stranger().get("/sign-in/provider", headers=HTML)
    assert found.status_code == 503
    assert "does not answer" in found.text
    assert town.manager.get("/api/runs").status_code == 200  # who is in stays in


def test_the_wrong_secret_is_refused_by_the_service(town_of, service, tmp_path) -> None:
    settings = service.settings(tmp_path)
    (tmp_path / "oidc.secret").write_text("the wrong one")
    town = town_of(oidc=settings)
    client = town.stranger()
    found = client.get(at_service(begin(client), who="ann+managers"))
    assert (found.status_code, found.json()["code"]) == (403, "desk_provider_refused")


def test_without_a_service_its_addresses_are_none(town_of, tmp_path) -> None:
    town = town_of()
    for path in ("/sign-in/provider", BACK, "/sign-out/provider"):
        assert town.stranger().get(path).json()["code"] == "desk_not_found"
