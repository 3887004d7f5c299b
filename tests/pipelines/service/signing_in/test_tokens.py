"""What a token of a sign-in service says counts only if all of it holds."""

import hashlib
from base64 import urlsafe_b64encode

import pytest

from minerisk.features.errors import InputError
from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.service.accounts.access import Role
from minerisk.pipelines.service.accounts.provider import Flow, Provider, Returned, claim_at, plain
from minerisk.pipelines.service.errors import RefusedError
from minerisk.pipelines.service.settings import Oidc, settings_of

pytest.importorskip("joserfc", reason="joserfc is not installed: pip install minerisk[serve]")
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

ISSUER = "https://login.example"
NOW = 1_800_000_000
WORD = "the word of a browser"
KEY, OTHER = (ECKey.generate_key("P-256", parameters={"kid": kid}) for kid in ("one", "other"))
SAID = {"home": "desk", "runs": "runs"}


def settings(**more: object) -> Oidc:
    given = {"issuer": ISSUER, "client_id": "desk", "address": "https://desk.example",
             "roles": {"managers": "manager", "field/reviewers": "reviewer"}}  # fmt: skip
    return Oidc.model_validate({**given, **more})


class Published:
    """What a service publishes and answers, in place of calls to it."""

    def __init__(self, monkeypatch, provider: Provider) -> None:
        self.keys, self.asked = [KEY], 0
        self.token: dict[str, str] = {}
        self.about = {
            "issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/auth",
            "token_endpoint": f"{ISSUER}/token", "jwks_uri": f"{ISSUER}/keys",
        }  # fmt: skip
        monkeypatch.setattr(provider, "_get", self.get)
        monkeypatch.setattr(
            "authlib.integrations.httpx_client.OAuth2Client.fetch_token",
            lambda *_, **__: self.token,
        )

    def get(self, address: str, kind):
        if not address.endswith("/keys"):
            return kind.model_validate(self.about)
        self.asked += 1
        return kind.model_validate({"keys": [key.as_dict(private=False) for key in self.keys]})

    def sign(self, key=KEY, header: dict[str, str] | None = None, **changed: object) -> None:
        claims = {
            "iss": ISSUER, "aud": "desk", "sub": "7", "exp": NOW + 300, "iat": NOW,
            "nonce": Flow.of(WORD).nonce, "preferred_username": "ann", "groups": ["managers"],
        }  # fmt: skip
        claims = {name: value for name, value in {**claims, **changed}.items() if value is not None}
        head = {"alg": "ES256", "kid": "one", **(header or {})}
        algorithms = ["ES256", "HS256", "none"]
        self.token = {"access_token": "an access token", "token_type": "Bearer",
                      "id_token": jwt.encode(head, claims, key, algorithms)}  # fmt: skip


@pytest.fixture
def provider() -> Provider:
    return Provider(settings())


@pytest.fixture
def published(monkeypatch, provider) -> Published:
    return Published(monkeypatch, provider)


def refused(provider: Provider, code: str = "code", issuer: str | None = None) -> str:
    with pytest.raises(RefusedError) as caught:
        provider.person(WORD, Returned(code, issuer), at=NOW)
    assert caught.value.notice.code is DeskCode.PROVIDER_WRONG
    return str(caught.value.notice.values["why"])


def test_a_token_that_holds_tells_who_it_is(provider, published) -> None:
    half = hashlib.sha256(b"an access token").digest()[:16]
    published.sign(at_hash=urlsafe_b64encode(half).decode().rstrip("="), amr=["pwd", "otp"])
    found = provider.person(WORD, Returned("code", ISSUER), at=NOW)
    assert (found.issuer, found.subject, found.name) == (ISSUER, "7", "ann")
    assert (found.roles, found.strong) == (frozenset({Role.MANAGER}), True)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"iss": "https://evil.example"}, "iss"),
        ({"iss": None}, "iss"),
        ({"aud": "another"}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": ["desk", "another"]}, "azp"),
        ({"aud": ["desk", "another"], "azp": "another"}, "azp"),
        ({"azp": "another"}, "azp"),
        ({"exp": NOW - 61}, "exp"),
        ({"exp": None}, "exp"),
        ({"iat": NOW + 3_600}, "iat"),
        ({"iat": None}, "iat"),
        ({"nbf": NOW + 3_600}, "nbf"),
        ({"nonce": "of another sign-in"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": 7}, "sub"),
        ({"sub": "x" * 256}, "sub"),
        ({"at_hash": "of-another-token"}, "at_hash"),
        ({"preferred_username": None}, "preferred_username"),
        ({"preferred_username": ["ann"]}, "preferred_username"),
    ],
)
def test_a_claim_that_does_not_hold_is_named(provider, published, changed, why) -> None:
    published.sign(**changed)
    assert refused(provider) == why


@pytest.mark.parametrize(
    ("key", "header"),
    [
        (OTHER, {}),
        (OTHER, {"kid": "other"}),
        (OctKey.import_key("words that both could know"), {"alg": "HS256"}),
        (OctKey.import_key("words of no use at all"), {"alg": "none"}),
    ],
    ids=["another key", "a key that is not published", "HMAC", "no signature"],
)
def test_a_signature_that_is_not_the_services_is_refused(provider, published, key, header) -> None:
    published.sign(key, header)
    assert refused(provider) == "signature"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "e30.e30."])
def test_what_is_no_token_is_refused(provider, published, token) -> None:
    published.token = {"access_token": "a", "id_token": token}
    assert refused(provider) == "signature"
    published.token = {"access_token": "a"}
    assert refused(provider) == "token"


def test_a_key_that_was_published_since_is_fetched_once(provider, published) -> None:
    published.sign()
    provider.person(WORD, Returned("code"), at=NOW)
    provider.person(WORD, Returned("code"), at=NOW)
    assert published.asked == 1
    published.keys = [OTHER]
    published.sign(OTHER, {"kid": "other"})
    provider.person(WORD, Returned("code"), at=NOW)
    assert published.asked == 2


def test_a_service_that_speaks_as_another_or_on_an_open_line_is_refused(
    provider, published
) -> None:
    published.sign()
    published.about["issuer"] = "https://evil.example"
    assert refused(provider) == "issuer"
    published.about |= {"issuer": ISSUER, "token_endpoint": "http://login.example/token"}
    assert refused(provider) == "https"
    published.about |= {"token_endpoint": f"{ISSUER}/token"}
    assert refused(provider, issuer="https://evil.example") == "iss"
    published.about |= {"authorization_response_iss_parameter_supported": True}
    fresh = Provider(provider.settings)
    fresh._get = published.get
    assert refused(fresh, issuer=None) == "iss"


def test_roles_are_read_from_the_claim_that_settings_name(monkeypatch) -> None:
    provider = Provider(settings(roles_claim="realm_access.roles", factor_claim="acr",
                                 factor_values=["2"]))  # fmt: skip
    published = Published(monkeypatch, provider)
    published.sign(realm_access={"roles": ["field/reviewers", "Managers"]}, acr="2")
    found = provider.person(WORD, Returned("code"), at=NOW)
    assert (found.roles, found.strong) == (frozenset({Role.REVIEWER}), True)
    published.sign(realm_access="field/reviewers", acr="1")
    found = provider.person(WORD, Returned("code"), at=NOW)
    assert (found.roles, found.strong) == (frozenset(), False)
    assert "acr_values=2" in provider.begin(WORD)


def test_a_claim_is_found_by_its_name_or_by_dots() -> None:
    assert claim_at({"https://x.example/roles": "a"}, "https://x.example/roles") == "a"
    assert claim_at({"a": {"b": {"c": [1]}}}, "a.b.c") == [1]
    assert claim_at({"a": "b"}, "a.b") is None


def test_an_error_from_outside_is_shown_only_if_it_is_a_code() -> None:
    assert plain("access_denied") == "access_denied"
    assert plain("<script>") == plain(None) == "unknown_error"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"issuer": "http://login.example"}, "issuer is http://login.example; expected https"),
        ({"address": "http://desk.example"}, "address is http://desk.example"),
        ({"roles": {"managers": "public"}}, "oidc.roles.managers"),
        ({"roles": {}}, "oidc.roles"),
        ({"scopes": ["profile"]}, "lack openid"),
        ({"colour": 1}, "oidc.colour"),
    ],
)
def test_settings_of_a_service_that_do_not_hold_are_named(changed, words) -> None:
    given = {**settings().model_dump(mode="json", exclude_defaults=True), **changed}
    with pytest.raises(InputError, match=words):
        settings_of({**SAID, "oidc": given}, source="desk.yaml")


def test_two_who_tell_who_calls_are_one_too_many() -> None:
    given = {"oidc": settings().model_dump(), "proxy": {"socket": "s", "identity": True}}
    with pytest.raises(InputError, match="give one of them"):
        settings_of({**SAID, **given}, source="desk.yaml")


def test_files_that_a_desk_needs_for_it_are_named_where_they_lack(tmp_path) -> None:
    for name in ("client_secret_file", "ca_file"):
        with pytest.raises(InputError, match="nowhere"):
            Provider.of(settings(**{name: tmp_path / "nowhere"}))
