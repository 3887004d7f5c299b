"""Calls of every address of the desk, made from its OpenAPI schema: none may end as a fault.

``python -m tests.fuzz.desk RUN --count 100000`` goes on after the last number of its record. Each
call is by somebody of a role drawn by chance; ids in addresses are mostly real ones. A call may be
refused, and then says why; 500 is never answered, and 503 only with ``Retry-After``.
"""

import argparse
import json
import logging
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from docs.build.records import commit
from docs.build.reliability_page import Trial, added, last_seed, record, recorded
from minerisk.pipelines.service.accounts.access import RULES

NAME, SEED, STRETCH = "fuzz_desk", 1, 2_000
LEFT_OUT = {"DELETE /api/session", "POST /api/sessions/end", "PUT /api/session/password"}
"""They sign the caller out."""


@dataclass
class Found:
    """What became of calls."""

    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def tried(self) -> int:
        """Count the calls."""
        return sum(self.outcomes.values())


def operations(client: TestClient) -> list[schemathesis.schemas.APIOperation]:
    """List the calls that the schema describes."""
    schema = schemathesis.openapi.from_dict(client.get("/api/openapi.json").json())
    found = [each.ok() for each in schema.get_all_operations()]
    return [each for each in found if f"{each.method.upper()} {each.path}" not in LEFT_OUT]


def sent(case: schemathesis.Case) -> tuple[dict[str, object], bytes | None, dict[str, str]]:
    """Return query, body and headers of a call, as a program could send them."""
    query = {str(name): value for name, value in (case.query or {}).items()}
    headers = {}
    for name, value in (case.headers or {}).items():
        if str(value).isascii() and str(value).isprintable() and str(name).isascii():
            headers[str(name)] = str(value)
    body = case.body
    if isinstance(body, schemathesis.core.NotSet):
        return query, None, headers
    if isinstance(body, bytes):
        return query, body, headers
    text = json.dumps(body, default=str)
    return (
        query,
        text.encode(errors="surrogatepass"),
        headers | {"Content-Type": "application/json"},
    )


def call(
    people: Mapping[str, TestClient], who: str, case: schemathesis.Case, ids: Mapping[str, str]
) -> str:
    """Make a call; return what became of it, which begins with WRONG where it must not be so."""
    path = case.operation.path
    for name, value in (case.path_parameters or {}).items():
        words = ids.get(name) or str(value).encode("utf-8", "replace").hex()
        path = path.replace(f"{{{name}}}", words).replace(f"{{{name}:path}}", words)
    query, body, headers = sent(case)
    answer = people[who].request(case.method, path, params=query, content=body, headers=headers)
    status = answer.status_code
    if status == 503 and int(answer.headers.get("retry-after", "0")) > 0:
        return "503 with Retry-After"
    if status >= 500:
        return f"WRONG {status} at {case.method} {path} as {who}: {answer.text[:200]}"
    kind = answer.headers.get("content-type", "")
    if status >= 400 and "json" not in kind and "html" not in kind:
        return f"WRONG {status} without words at {case.method} {path} as {who}"
    return f"{status // 100}xx"


def fuzz(
    people: Mapping[str, TestClient], ids: Mapping[str, str], *, count: int, first: int
) -> Iterator[Found]:
    """Make so many calls, shared among the addresses; yield what was found, address by address."""
    known = operations(people["manager"])
    each = max(1, -(-count // len(known)))
    for operation in known:
        found = Found()
        _attempts(operation, people, ids, found, examples=each, first=first)()
        yield found


def callers(
    operation: schemathesis.schemas.APIOperation, people: Mapping[str, TestClient]
) -> st.SearchStrategy[str]:
    """Draw who calls: mostly somebody who may."""
    known = {address.replace(":path", ""): rule for address, rule in RULES.items()}
    rule = known[f"{operation.method.upper()} {operation.path}"]
    may = sorted({role.value.split()[-1] for role in rule.roles} & set(people))
    anybody = st.sampled_from(sorted(people))
    return st.one_of(anybody, *[st.sampled_from(may)] * 4) if may else anybody


def _attempts(
    operation: schemathesis.schemas.APIOperation,
    people: Mapping[str, TestClient],
    ids: Mapping[str, str],
    found: Found,
    *,
    examples: int,
    first: int,
) -> Callable[[], None]:
    @seed(SEED * 1_000_003 + first)
    @settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(operation.as_strategy(), callers(operation, people), st.integers(0, 4))
    def attempt(case: schemathesis.Case, who: str, real: int) -> None:
        said = call(people, who, case, ids if real else {})
        found.outcomes["fault" if said.startswith("WRONG") else said] += 1
        if said.startswith("WRONG"):
            found.wrong.append(said)

    return attempt


def desk_of(folder: Path, home: Path) -> tuple[dict[str, TestClient], dict[str, str]]:
    """Set up a desk over a copy of a run, with somebody of each role and a request."""
    from minerisk.pipelines.service.accounts.access import Role
    from minerisk.pipelines.service.accounts.people import add_account
    from minerisk.pipelines.service.accounts.secrets import form_word
    from minerisk.pipelines.service.accounts.sessions import open_session
    from minerisk.pipelines.service.app import create_app
    from minerisk.pipelines.service.serving import open_desk
    from minerisk.pipelines.service.settings import Limits, Settings
    from minerisk.pipelines.service.wire import COOKIE

    limits = Limits(calls_a_minute=10**9, requests_a_day=10**9, waiting=10**9)
    given = {"runs": folder.parent, "names": ("testserver",), "limits": limits}
    desk = open_desk(Settings(home=home, **given))
    app, people = create_app(desk), {}
    for role in Role:
        client = TestClient(app, base_url="https://testserver", raise_server_exceptions=False)
        people[role.value.split()[-1]] = client
        if role is Role.PUBLIC:
            continue
        with desk.store.write() as session:
            account = add_account(session, role.value, [role], None, at=time.time())
            session.flush()
            word = open_session(session, account, strong=True, at=time.time())
        client.cookies.set(COOKIE, word, domain="testserver.local")
        client.headers["X-Desk-Form"] = form_word(word)
    scientist = people["scientist"]
    run = scientist.post("/api/runs", json={"folder": folder.name}).json()["id"]
    asked = scientist.post("/api/requests", json={"run": run}).json()["id"]
    return people, {"run": run, "asked": asked, "hazard": "any", "z": "9", "x": "323", "y": "195"}


def main() -> int:
    """Make calls, and write the record."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("run", type=Path)
    options.add_argument("--count", type=int, default=100_000)
    chosen = options.parse_args()
    before = recorded(NAME)
    logging.getLogger("minerisk").setLevel(logging.CRITICAL)  # a line for each refusal
    first, start = last_seed(NAME) + 1, time.monotonic()
    found, done = Found(), first
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "runs" / "tiny"
        shutil.copytree(chosen.run, folder)
        people, ids = desk_of(folder, Path(home) / "desk")
        while done < chosen.count:
            for part in fuzz(people, ids, count=min(STRETCH, chosen.count - done), first=done):
                found.outcomes += part.outcomes
                found.wrong += part.wrong
            done = first + found.tried
            trial = Trial(
                what="Calls of every address of the request desk, made from its schema, by every "
                "role: answered or refused in words, never a fault, 503 only with Retry-After",
                tried=found.tried, found=sorted(set(found.wrong))[:20],
                seconds=time.monotonic() - start, commit=commit(), command="make fuzz-desk",
                asked=chosen.count, outcomes=dict(found.outcomes), seeds=[[first, done - 1]],
            )  # fmt: skip
            record(NAME, added(before, trial))
            sys.stdout.write(f"{done} calls: {dict(found.outcomes)}\n")
            sys.stdout.flush()
    for words in sorted(set(found.wrong)):
        sys.stdout.write(words + "\n")
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
