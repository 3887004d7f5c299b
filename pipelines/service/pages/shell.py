"""What every page has around it: who is signed in, where they can go, the strip, the words."""

import hashlib
from collections.abc import Collection, Hashable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from minerisk.pipelines.language.desk_codes import DeskCode, DeskNotice
from minerisk.pipelines.language.marks import STANDS, USE
from minerisk.pipelines.language.messages import LANGUAGES
from minerisk.pipelines.language.page import page
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.run.hazards import HAZARD_TITLES
from minerisk.pipelines.service.accounts.access import Role
from minerisk.pipelines.service.accounts.secrets import form_word
from minerisk.pipelines.service.desk.desk import Caller
from minerisk.pipelines.service.desk.runs import Strip
from minerisk.pipelines.service.errors import problem
from minerisk.pipelines.service.guard import desk_of, texts_of
from minerisk.pipelines.service.pages import words

Showable = Hashable | Collection[Hashable]
"""What templates show: values, records, and collections of them."""
TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"
SIGN_IN = "/sign-in"
LEADS = {DeskCode.NOT_SIGNED_IN: SIGN_IN, DeskCode.FIRST_PASSWORD: "/account"}
M, D, R, A = Role.MANAGER, Role.SCIENTIST, Role.REVIEWER, Role.ADMINISTRATOR


@dataclass(frozen=True)
class Place:
    """An entry of the list of pages."""

    address: str
    words: str
    roles: frozenset[Role]


PLACES = (
    Place("/runs", marked("Maps"), frozenset({M, D, R})),
    Place("/requests", marked("Requests"), frozenset({M, D})),
    Place("/reviews", marked("Reviews"), frozenset({R, D})),
    Place("/offers", marked("Offer a run"), frozenset({D})),
    Place("/accounts", marked("Accounts"), frozenset({A})),
    Place("/status", marked("State of the desk"), frozenset({A})),
)


def render(
    request: Request,
    template: str,
    *,
    strip: Strip | None = None,
    code: int = 200,
    **facts: Showable,
) -> HTMLResponse:
    """Fill a template with what a page shows and what every page has around it."""
    texts, caller = texts_of(request), known_caller(request)
    path = request.url.path
    content = page(
        template,
        texts,
        folder=TEMPLATES,
        caller=caller,
        form_word=_form_word(request, caller),
        places=[each for each in PLACES if each.roles & caller.roles],
        path=path,
        languages=LANGUAGES,
        strip=strip,
        uses=(USE, STANDS),
        script_words=texts.words(words.SCRIPT_WORDS),
        version=version(),
        names=words,
        hazard_titles=HAZARD_TITLES,
        **facts,
    )
    return HTMLResponse(content, code)


def fragment(request: Request, template: str, **facts: Showable) -> HTMLResponse:
    """Fill a template that a script puts into a page."""
    content = page(template, texts_of(request), folder=TEMPLATES, names=words,
                   hazard_titles=HAZARD_TITLES, **facts)  # fmt: skip
    return HTMLResponse(content)


def refusal(request: Request, notice: DeskNotice, choices: tuple[str, ...] = ()) -> Response:
    """Show why a page is not shown; who can do something about it first is led there."""
    if notice.code in LEADS:
        return RedirectResponse(LEADS[notice.code], 303)
    found = problem(notice, texts_of(request), choices)
    return render(request, "refusal.html.j2", code=found.status, problem=found)


def wants_page(request: Request) -> bool:
    """Tell whether a refusal is read by a person, and not by a program or a script."""
    path = request.url.path
    programs = path.startswith(("/api/", "/tiles/", "/static/"))
    return not programs and request.method == "GET" and "text/html" in _accepted(request)


def _accepted(request: Request) -> str:
    kinds = request.headers.get("accept", "")
    return "" if kinds.startswith("application/json") else kinds


def known_caller(request: Request) -> Caller:
    """Return who calls; nobody where the guard has not come so far."""
    found = getattr(request.state, "caller", None)
    return found if isinstance(found, Caller) else Caller()


def _form_word(request: Request, caller: Caller) -> str:
    word = getattr(request.state, "fresh", None) or caller.word
    if word is not None:
        return form_word(word)
    proxy = desk_of(request).settings.proxy
    return "1" if proxy is not None and proxy.identity else ""


@cache
def version() -> str:
    """Return what changes in the address of scripts and styles when they do."""
    found = hashlib.sha256()
    for name in ("desk.js", "desk.css"):
        path = STATIC / name
        found.update(path.read_bytes() if path.is_file() else b"")
    return found.hexdigest()[:12]
