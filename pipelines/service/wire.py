"""What every answer bears, and how large a call may be: on the wire, around the application."""

import json
import math
import re
from collections import Counter
from collections.abc import Mapping

from anyio import current_time, move_on_after
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from minerisk.pipelines.language.desk_codes import DeskCode, desk_notice
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.service.accounts.secrets import form_word
from minerisk.pipelines.service.errors import PROBLEM_JSON, problem
from minerisk.pipelines.service.settings import Limits

COOKIE = "__Host-desk"
FLOW_COOKIE = "__Host-desk-flow"
FLOW_S = 600
COOKIE_WORDS = "Path=/; Secure; HttpOnly; SameSite=Strict"
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), camera=(), microphone=(), payment=()",
    "Cache-Control": "no-store",
}
UPLOADS = re.compile(r"/api/areas|(/api)?/runs/[0-9a-f]{16,32}/results(/check)?")
"""Addresses that take files."""
MB = 1_000_000
BODY_S = 30.0
BODY_RATE = 1_000
"""A body may take so many seconds, and one more for so many bytes of it that have come."""


class Wire:
    """Dresses answers, and counts bytes and time of each call, whatever it says of its length."""

    def __init__(self, app: ASGIApp, limits: Limits, answers: Counter[int]) -> None:
        self.app = app
        self.limits = limits
        self.answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a call on with a limit on its body, and its answer with headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most, count, more = self.most(scope), 0, True
        began = current_time()
        scope.setdefault("state", {})

        async def counted() -> Message:
            nonlocal count, more
            until = began + BODY_S + count / BODY_RATE if more else math.inf
            with move_on_after(until - current_time()) as waiting:
                message = await receive()
            if waiting.cancelled_caught:
                raise HTTPException(408)
            more = more and message.get("more_body", False)
            count += len(message.get("body", b""))
            if count > most:
                raise HTTPException(413)
            return message

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.answers[message["status"]] += 1
                dress(MutableHeaders(scope=message), scope)
            await send(message)

        if _stated(scope) > most:
            await _refuse(dressed, most)
            return
        await self.app(scope, counted, dressed)

    def most(self, scope: Scope) -> int:
        """Return how many bytes the body of a call may have."""
        upload = UPLOADS.fullmatch(scope["path"])
        return self.limits.upload_bytes if upload else self.limits.body_bytes


def dress(headers: MutableHeaders, scope: Scope) -> None:
    """Give an answer its headers; nothing of a desk is kept by a cache unless it says so."""
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    if scope["scheme"] == "https":
        headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
    fresh = scope["state"].get("fresh")
    if fresh is not None and "set-cookie" not in headers:
        headers.append("Set-Cookie", cookie(fresh))
        headers.append("X-Desk-Form", form_word(fresh))


def cookie(word: str) -> str:
    """Return what hands a browser the word of its session."""
    return f"{COOKIE}={word}; {COOKIE_WORDS}"


def flow_cookie(word: str) -> str:
    """Return what hands a browser the word of a sign-in elsewhere.

    It comes back from another site, which a cookie that is Strict would not survive.
    """
    age = FLOW_S if word else 0
    return f"{FLOW_COOKIE}={word}; Max-Age={age}; Path=/; Secure; HttpOnly; SameSite=Lax"


def no_cookie() -> str:
    """Return what takes it away."""
    return f"{COOKIE}=; Max-Age=0; {COOKIE_WORDS}"


def signed_out(headers: MutableHeaders) -> None:
    """Have a browser forget the session, and what was shown in it."""
    headers["Set-Cookie"] = no_cookie()
    headers["Clear-Site-Data"] = '"cache", "storage"'


def _stated(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


async def _refuse(send: Send, most: int) -> None:
    found = problem(desk_notice(DeskCode.BODY_TOO_LARGE, most=most / MB), ENGLISH)
    body = json.dumps(found.model_dump(mode="json")).encode()
    headers = [(b"content-type", PROBLEM_JSON.encode()), (b"content-length", b"%d" % len(body))]
    headers += [(b"connection", b"close")]
    await send({"type": "http.response.start", "status": found.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
