"""Who may call which address: one table. What is not in it is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What an account may do; it may have several."""

    MANAGER = "manager"
    SCIENTIST = "data scientist"
    REVIEWER = "reviewer"
    ADMINISTRATOR = "administrator"
    PUBLIC = "public"


class Scope(StrEnum):
    """What a token of a program may do, of what its account may."""

    READ = "read"
    ASK = "ask"
    OFFER = "offer"


STRONG = frozenset({Role.REVIEWER, Role.ADMINISTRATOR})
"""Roles that need a second factor, and that no token has."""
GIVEN = frozenset(Role) - {Role.PUBLIC}
"""Roles of accounts; the public has none."""


@dataclass(frozen=True)
class Rule:
    """Who may call an address.

    Attributes
    ----------
    roles
        One of these is needed.
    anyone
        Whether nobody has to be signed in.
    signed_in
        Whether being signed in is enough, also before the second factor is set up.
    first
        Whether it is open to whoever has yet to choose a password of their own.
    scope
        What a token needs; none is closed to tokens.
    """

    roles: frozenset[Role] = frozenset()
    anyone: bool = False
    signed_in: bool = False
    first: bool = False
    scope: Scope | None = None


M, D, R, A, P = Role.MANAGER, Role.SCIENTIST, Role.REVIEWER, Role.ADMINISTRATOR, Role.PUBLIC
ANYONE = Rule(anyone=True)
SIGNED_IN = Rule(signed_in=True)
FIRST = Rule(signed_in=True, first=True)


def _of(*roles: Role, scope: Scope | None = None) -> Rule:
    return Rule(roles=frozenset(roles), scope=scope)


RULES: Mapping[str, Rule] = {
    "GET /api/health": ANYONE,
    "GET /api/metrics": ANYONE,  # with a secret of its own: see the guard
    "GET /api/session": ANYONE,
    "POST /api/session": ANYONE,
    "DELETE /api/session": FIRST,
    "PUT /api/session/password": FIRST,
    "GET /api/sessions": SIGNED_IN,
    "POST /api/sessions/end": SIGNED_IN,
    "POST /api/session/second-factor": SIGNED_IN,
    "PUT /api/session/second-factor": SIGNED_IN,
    "GET /api/openapi.json": Rule(signed_in=True, scope=Scope.READ),
    "GET /api/tokens": _of(M, D),
    "POST /api/tokens": _of(M, D),
    "DELETE /api/tokens/{token}": _of(M, D),
    "GET /api/runs": _of(M, D, R, scope=Scope.READ),
    "GET /api/runs/{run}": _of(M, D, R, scope=Scope.READ),
    "GET /api/runs/{run}/layers/{layer}": _of(M, D, R, scope=Scope.READ),
    "GET /api/runs/{run}/cell": _of(M, D, R, scope=Scope.READ),
    "GET /api/run-folders": _of(D, scope=Scope.OFFER),
    "POST /api/runs": _of(D, scope=Scope.OFFER),
    "DELETE /api/runs/{run}": _of(D, scope=Scope.OFFER),
    "POST /api/runs/{run}/retrain": _of(D, scope=Scope.OFFER),
    "GET /api/retrainings": _of(D, scope=Scope.OFFER),
    "DELETE /api/retrainings/{job}": _of(D, scope=Scope.OFFER),
    "POST /api/areas": _of(M, D, scope=Scope.ASK),
    "GET /api/areas/{area}": _of(M, D, scope=Scope.ASK),
    "POST /api/runs/{run}/check": _of(M, D, scope=Scope.ASK),
    "POST /api/requests": _of(M, D, scope=Scope.ASK),
    "GET /api/requests": _of(M, D, scope=Scope.READ),
    "GET /api/requests/{asked}": _of(M, D, scope=Scope.READ),
    "PATCH /api/requests/{asked}": _of(M, D, scope=Scope.ASK),
    "DELETE /api/requests/{asked}": _of(M, D, scope=Scope.ASK),
    "GET /api/requests/{asked}/tasks": _of(M, D, scope=Scope.READ),
    "GET /api/requests/{asked}/cell": _of(M, D, scope=Scope.READ),
    "GET /api/requests/{asked}/pack.zip": _of(M, D, scope=Scope.READ),
    "GET /api/requests/{asked}/files/{name:path}": _of(M, D, scope=Scope.READ),
    "GET /api/requests/{asked}/tasks/{task}/form.xlsx": _of(M, D, scope=Scope.READ),
    "GET /api/requests/{asked}/tasks/{task}/take-along.gpkg": _of(M, D, scope=Scope.READ),
    "GET /api/runs/{run}/results": _of(M, D, scope=Scope.READ),
    "POST /api/runs/{run}/results": _of(M, D, scope=Scope.ASK),
    "POST /api/runs/{run}/results/check": _of(M, D, scope=Scope.ASK),
    "GET /api/requests/{asked}/layers.qlr": _of(M, D, scope=Scope.READ),
    "GET /api/requests/{asked}/map.qgs": _of(M, D, scope=Scope.READ),
    "HEAD /api/requests/{asked}/pack.zip": _of(M, D, scope=Scope.READ),
    "HEAD /api/requests/{asked}/files/{name:path}": _of(M, D, scope=Scope.READ),
    "GET /api/runs/{run}/reviews": _of(R, D, scope=Scope.READ),
    "POST /api/runs/{run}/reviews": _of(R),
    "POST /api/runs/{run}/reviews/to-sign": _of(R),
    "POST /api/runs/{run}/audits": _of(R, D),
    "GET /api/runs/{run}/audits/{audit}": _of(R, D),
    "GET /api/runs/{run}/audits/{audit}/dossier/{name:path}": _of(R, D),
    "GET /api/accounts": _of(A),
    "POST /api/accounts": _of(A),
    "PATCH /api/accounts/{account}": _of(A),
    "GET /api/access-log": _of(A),
    "GET /api/status": _of(A),
    "GET /api/public": _of(P, M, D, R, A),
    "GET /api/public/{asked}/pack.zip": _of(P, M, D, R, A),
    "GET /api/ogc": _of(M, D, scope=Scope.READ),
    "GET /api/ogc/conformance": _of(M, D, scope=Scope.READ),
    "GET /api/ogc/processes": _of(M, D, scope=Scope.READ),
    "GET /api/ogc/processes/{process}": _of(M, D, scope=Scope.READ),
    "POST /api/ogc/processes/{process}/execution": _of(M, D, scope=Scope.ASK),
    "GET /api/ogc/jobs": _of(M, D, scope=Scope.READ),
    "GET /api/ogc/jobs/{job}": _of(M, D, scope=Scope.READ),
    "DELETE /api/ogc/jobs/{job}": _of(M, D, scope=Scope.ASK),
    "GET /api/ogc/jobs/{job}/results": _of(M, D, scope=Scope.READ),
    "GET /api/ogc/collections": _of(M, D, scope=Scope.READ),
    "GET /api/ogc/collections/{collection}": _of(M, D, scope=Scope.READ),
    "GET /api/ogc/collections/{collection}/items": _of(M, D, scope=Scope.READ),
    "GET /api/ogc/collections/{collection}/items/{feature}": _of(M, D, scope=Scope.READ),
    "GET /api/stac": _of(M, D, scope=Scope.READ),
    "GET /api/stac/conformance": _of(M, D, scope=Scope.READ),
    "GET /api/stac/collections": _of(M, D, scope=Scope.READ),
    "GET /api/stac/collections/{collection}": _of(M, D, scope=Scope.READ),
    "GET /api/stac/collections/{collection}/items": _of(M, D, scope=Scope.READ),
    "GET /api/stac/collections/{collection}/items/{item}": _of(M, D, scope=Scope.READ),
    "GET /api/stac/search": _of(M, D, scope=Scope.READ),
    "POST /api/stac/search": _of(M, D, scope=Scope.READ),
    "GET /": ANYONE,
    "GET /sign-in": ANYONE,
    "GET /sign-in/provider": ANYONE,
    "GET /sign-in/provider/back": ANYONE,
    "GET /sign-out/provider": ANYONE,
    "GET /static/{name}": ANYONE,
    "GET /account": FIRST,
    "GET /public": _of(P, M, D, R, A),
    "GET /runs": _of(M, D, R),
    "GET /runs/{run}": _of(M, D, R),
    "GET /runs/{run}/cell": _of(M, D, R),
    "GET /runs/{run}/ask": _of(M, D),
    "POST /runs/{run}/check": _of(M, D),
    "GET /runs/{run}/review": _of(R, D),
    "GET /runs/{run}/results": _of(M, D),
    "POST /runs/{run}/results/check": _of(M, D),
    "GET /retrainings/{job}": _of(D),
    "GET /retrainings/{job}/moved.png": _of(D),
    "GET /tiles/runs/{run}/{hazard}/{name}": _of(M, D, R),
    "GET /tiles/runs/{run}/{hazard}/{name}/{z}/{x}/{y}.png": _of(M, D, R, scope=Scope.READ),
    "GET /requests": _of(M, D),
    "GET /requests/{asked}": _of(M, D),
    "GET /requests/{asked}/progress": _of(M, D),
    "GET /requests/{asked}/cell": _of(M, D),
    "GET /requests/{asked}/tasks/{task}": _of(M, D),
    "GET /tiles/requests/{asked}/{name}": _of(M, D),
    "GET /tiles/requests/{asked}/{name}/{z}/{x}/{y}.png": _of(M, D, scope=Scope.READ),
    "GET /reviews": _of(R, D),
    "GET /offers": _of(D),
    "GET /accounts": _of(A),
    "GET /status": _of(A),
}
"""Method and address to rule."""
