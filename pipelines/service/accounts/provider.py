"""A sign-in service that speaks OpenID Connect: code flow with PKCE, and what its tokens say."""

import hashlib
import hmac
import re
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

import pydantic

from minerisk.features.errors import InputError
from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.service.accounts.access import Role
from minerisk.pipelines.service.accounts.secrets import read_words, same
from minerisk.pipelines.service.errors import RefusedError
from minerisk.pipelines.service.settings import Oidc, is_closed_line

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import OAuth2Client
    from joserfc.jwk import Key, KeySet

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
              "EdDSA", "Ed25519")  # fmt: skip
"""Signatures by a key that only the service has; none that the desk could make itself."""
KEPT_S = 3_600.0
PATIENCE_S = 10.0
LEEWAY_S = 60
MOST_BYTES = 1_000_000

Claim = pydantic.JsonValue
Answer = TypeVar("Answer", bound=pydantic.BaseModel)


@dataclass(frozen=True)
class Flow:
    """What one sign-in proves itself by; a browser holds the word that all of it follows from."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def of(cls, word: str) -> "Flow":
        """Derive it from the word of a browser."""
        return cls(*(_derived(word, purpose) for purpose in ("state", "nonce", "verifier")))


@dataclass(frozen=True)
class Returned:
    """What the service has a browser bring back.

    Attributes
    ----------
    issuer
        Who says so (RFC 9207); services that do not tell leave it out.
    """

    code: str
    issuer: str | None = None


@dataclass(frozen=True)
class Person:
    """Who signed in, as the service tells it.

    Attributes
    ----------
    subject
        Of the service: never given to somebody else, unlike a name.
    strong
        Whether a second factor was used there.
    """

    issuer: str
    subject: str
    name: str
    roles: frozenset[Role]
    strong: bool


class _Service(pydantic.BaseModel):
    """What the service publishes of itself, as far as the desk reads it."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False

    def places(self) -> tuple[str, ...]:
        """Return where the desk or a browser is sent to."""
        places = (self.authorization_endpoint, self.token_endpoint, self.jwks_uri)
        return places if self.end_session_endpoint is None else (*places, self.end_session_endpoint)


class _Keys(pydantic.BaseModel):
    keys: list[dict[str, Claim]]


class _Token(pydantic.BaseModel):
    id_token: str
    access_token: str | None = None


@dataclass
class Provider:
    """The service, and what it published within the last hour."""

    settings: Oidc
    secret: str | None = None
    _service: tuple[float, _Service] | None = None
    _keys: tuple[float, "KeySet"] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, settings: Oidc | None) -> "Provider | None":
        """Set it up, where settings have one.

        Raises
        ------
        InputError
            If the file of the secret, or of certificates, cannot be read.
        """
        if settings is None:
            return None
        file = settings.client_secret_file
        secret = None if file is None else read_words(file)
        if settings.ca_file is not None:
            _trusted(settings.ca_file)
        return cls(settings, secret)

    def begin(self, word: str) -> str:
        """Return where a browser signs in, to come back with the state of its word.

        Raises
        ------
        RefusedError
            If the service does not answer, or not as it should.
        """
        flow = Flow.of(word)
        values = {"acr_values": " ".join(self.settings.factor_values)}
        with self._client() as client:
            found: tuple[str, str] = client.create_authorization_url(
                self.service().authorization_endpoint,
                state=flow.state,
                nonce=flow.nonce,
                code_verifier=flow.verifier,
                **(values if self.settings.factor_claim == "acr" else {}),
            )
        return found[0]

    def end(self) -> str | None:
        """Return where a browser signs out of the service; None where that is not offered."""
        place = self.service().end_session_endpoint
        if place is None:
            return None
        back = f"{self.settings.address.rstrip('/')}/sign-in"
        words = {"client_id": self.settings.client_id, "post_logout_redirect_uri": back}
        return f"{place}{'&' if '?' in place else '?'}{urlencode(words)}"

    def person(self, word: str, returned: Returned, *, at: float) -> Person:
        """Exchange the code that a browser brought back, and check who it tells of.

        Raises
        ------
        RefusedError
            If the service does not answer or refuses, or its token does not hold.
        """
        service, flow = self.service(), Flow.of(word)
        stated = returned.issuer
        if stated is None and service.authorization_response_iss_parameter_supported:
            raise _wrong("iss")
        if stated is not None and not same(stated, service.issuer):
            raise _wrong("iss")
        return self._told(self._claims(self._exchange(returned.code, flow), flow, at))

    def service(self) -> _Service:
        """Return what the service publishes of itself.

        Raises
        ------
        RefusedError
            If it does not answer, speaks as another issuer, or on a line that others read.
        """
        with self._lock:
            held = self._service
        if held is not None and time.monotonic() - held[0] < KEPT_S:
            return held[1]
        issuer = self.settings.issuer
        found = self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration", _Service)
        if found.issuer != issuer:
            raise _wrong("issuer")
        if not all(is_closed_line(place.partition("?")[0]) for place in found.places()):
            raise _wrong("https")
        with self._lock:
            self._service = (time.monotonic(), found)
        return found

    def _exchange(self, code: str, flow: Flow) -> _Token:
        import httpx2
        from authlib.integrations.base_client import OAuthError

        try:
            with self._client() as client:
                token = client.fetch_token(
                    self.service().token_endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=flow.verifier,
                )
            return _Token.model_validate(dict(token))
        except OAuthError as error:
            raise RefusedError(DeskCode.PROVIDER_REFUSED, why=plain(error.error)) from error
        except httpx2.HTTPError as error:
            raise RefusedError(DeskCode.PROVIDER_AWAY) from error
        except (ValueError, TypeError) as error:
            raise _wrong("token") from error

    def _claims(self, token: _Token, flow: Flow, at: float) -> Mapping[str, Claim]:
        """Check signature, issuer, audience, times, nonce and hash of an ID token."""
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import JoseError

        named = {"essential": True}
        options = {
            "iss": {**named, "value": self.service().issuer},
            "aud": {**named, "value": self.settings.client_id},
            "sub": named, "exp": named, "iat": named,
        }  # fmt: skip
        params = {"nonce": flow.nonce, "client_id": self.settings.client_id,
                  "access_token": token.access_token}  # fmt: skip
        try:
            try:
                signed = jwt.decode(token.id_token, self._key_set(), ALGORITHMS)
            except (JoseError, ValueError):  # signed by a key that was published since?
                signed = jwt.decode(token.id_token, self._key_set(anew=True), ALGORITHMS)
            claims = CodeIDToken(signed.claims, signed.header, options, params)
            claims.validate(now=int(at), leeway=LEEWAY_S)
        except (JoseError, ValueError, TypeError) as error:
            raise _wrong(getattr(error, "claim", None) or "signature") from error
        return claims

    def _told(self, claims: Mapping[str, Claim]) -> Person:
        known = self.settings
        subject, name = claim_at(claims, "sub"), claim_at(claims, known.name_claim)
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise _wrong("sub")
        if not isinstance(name, str):
            raise _wrong(known.name_claim)
        groups = _words(claim_at(claims, known.roles_claim))
        return Person(
            known.issuer,
            subject,
            name,
            frozenset(Role(role) for group, role in known.roles.items() if group in groups),
            bool(_words(claim_at(claims, known.factor_claim)) & set(known.factor_values)),
        )

    def _key_set(self, *, anew: bool = False) -> "KeySet":
        from joserfc.jwk import KeySet

        with self._lock:
            held = self._keys
        if held is not None and not anew and time.monotonic() - held[0] < KEPT_S:
            return held[1]
        published = self._get(self.service().jwks_uri, _Keys)
        keys = KeySet([key for each in published.keys if (key := _key(each)) is not None])
        with self._lock:
            self._keys = (time.monotonic(), keys)
        return keys

    def _get(self, address: str, kind: type[Answer]) -> Answer:
        import httpx2

        try:
            with httpx2.Client(
                verify=_trusted(self.settings.ca_file), timeout=PATIENCE_S
            ) as client:
                found = client.get(address)
        except httpx2.HTTPError as error:
            raise RefusedError(DeskCode.PROVIDER_AWAY) from error
        if found.status_code >= 500:
            raise RefusedError(DeskCode.PROVIDER_AWAY)
        if found.status_code != 200 or len(found.content) > MOST_BYTES:
            raise _wrong(str(found.status_code))
        try:
            return kind.model_validate_json(found.content)
        except pydantic.ValidationError as error:
            raise _wrong("JSON") from error

    def _client(self) -> "OAuth2Client":
        from authlib.integrations.httpx_client import OAuth2Client

        method = "none"
        if self.secret is not None:
            taken = self.service().token_endpoint_auth_methods_supported
            basic, posted = "client_secret_basic", "client_secret_post"
            method = posted if posted in taken and basic not in taken else basic
        return OAuth2Client(
            self.settings.client_id,
            self.secret,
            token_endpoint_auth_method=method,
            scope=" ".join(self.settings.scopes),
            redirect_uri=self.settings.back,
            code_challenge_method="S256",
            verify=_trusted(self.settings.ca_file),
            timeout=PATIENCE_S,
        )


def claim_at(claims: Mapping[str, Claim], path: str) -> Claim:
    """Return the claim of that name, or the one that dots lead to; None where there is none.

    Examples
    --------
    >>> claim_at({"realm_access": {"roles": ["managers"]}}, "realm_access.roles")
    ['managers']
    """
    if path in claims:
        return claims[path]
    found: Claim = dict(claims)
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def plain(code: str | None) -> str:
    """Return the code of an error of the service, if it is one: it comes from outside."""
    return code if code is not None and re.fullmatch("[a-z_]{1,60}", code) else "unknown_error"


def _words(claim: Claim) -> set[str]:
    """Read a claim that holds one word or several."""
    given = claim if isinstance(claim, list) else [claim]
    return {word for word in given if isinstance(word, str)}


def _derived(word: str, purpose: str) -> str:
    return hmac.new(word.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def _wrong(what: str) -> RefusedError:
    return RefusedError(DeskCode.PROVIDER_WRONG, why=what[:60])


def _key(published: dict[str, Claim]) -> "Key | None":
    """Read a key; None where it is of a kind that is not known, or is not for signatures."""
    from joserfc.errors import JoseError
    from joserfc.jwk import JWKRegistry

    words = {name: value for name, value in published.items() if isinstance(value, str)}
    if words.get("use") == "enc" or words.get("kty") == "oct":
        return None
    try:
        return JWKRegistry.import_key({**words})
    except (JoseError, ValueError):
        return None


def _trusted(file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if file is None else str(file))
    except (OSError, ssl.SSLError) as error:
        raise InputError(f"{file} cannot be read as certificates ({error}).") from error
