"""Clients that send slowly, take slowly or say nothing hold nobody up, and are cut off."""

import contextlib
import http.client
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn

from minerisk.pipelines.service import lines, serving, wire
from minerisk.pipelines.service.accounts.access import Role, Scope
from minerisk.pipelines.service.accounts.people import add_account
from minerisk.pipelines.service.accounts.sessions import add_token
from minerisk.pipelines.service.app import THREADS
from minerisk.pipelines.service.pages import land
from minerisk.pipelines.service.pages.shell import STATIC
from minerisk.pipelines.service.routes import areas
from minerisk.pipelines.service.serving import open_desk
from minerisk.pipelines.service.settings import Settings, settings_of
from tests.pipelines.service.real_server import free_port, real_server, wait_for

MANY = THREADS + 3
HOST = b"Host: localhost\r\n"
HEAD = b"GET /api/session HTTP/1.1\r\nHost: loc"
BODY = b"POST /api/session HTTP/1.1\r\n" + HOST + b"Content-Length: 60000\r\n\r\n{"
FILE = b"POST /api/areas?name=x.kml HTTP/1.1\r\n" + HOST + b"Content-Length: 9000000\r\n"
CALL = b"GET /api/session HTTP/1.1\r\n" + HOST + b"\r\n"
SCRIPT = b"GET /static/desk.js HTTP/1.1\r\n" + HOST + b"\r\n"
SLOW = {
    "nothing": b"", "head": HEAD, "body": BODY, "kept": CALL,
    "file": FILE + b"Authorization: Bearer TOKEN\r\n\r\n<",
    "download": SCRIPT * 30,  # as many answers as do not fit between the two
}  # fmt: skip


@dataclass(frozen=True)
class At:
    """Where a desk answers, and the token of a manager."""

    port: int
    token: bytes


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[At]:
    """A desk as `minerisk serve` starts it, without a run."""
    if not (STATIC / "desk.js").is_file():
        pytest.fail("The scripts of the desk are not built: make front")
    folder = tmp_path_factory.mktemp("desk")
    (folder / "runs").mkdir()
    given = settings_of({"home": folder / "desk", "runs": folder / "runs"}, source="x")
    token = token_of_a_manager(given)
    with real_server("--home", folder / "desk", "--runs", folder / "runs") as server:
        yield At(server.port, token)


def token_of_a_manager(settings: Settings) -> bytes:
    opened = open_desk(settings)
    with opened.store.write() as session:
        account = add_account(session, "mara", [Role.MANAGER], None, at=time.time())
        session.flush()
        _, word = add_token(session, account, "x", [Scope.ASK], days=1, at=time.time())
    opened.store.engine.dispose()
    return word.encode()


@contextmanager
def desk_in_this_process(folder: Path) -> Iterator[int]:
    """The same server in a thread, so that a test can be less patient than a desk is."""
    (folder / "runs").mkdir()
    port = free_port()
    given = {"home": folder / "desk", "runs": folder / "runs", "port": port}
    desk = open_desk(settings_of(given, source="test"))
    server = uvicorn.Server(serving._config(desk))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_for(f"http://localhost:{port}/api/health")
        yield port
    finally:
        server.should_exit = server.force_exit = True
        thread.join(30)
        desk.store.engine.dispose()


def opened(port: int, sent: bytes = b"", host: str = "127.0.0.1") -> socket.socket:
    """A client that takes as little at a time as it can."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    made.bind((host, 0))
    made.settimeout(30)
    made.connect(("127.0.0.1", port))
    made.sendall(sent)
    return made


def seconds_of_a_call(port: int, host: str = "127.0.0.1") -> float:
    """How long an ordinary client waits for an answer that a thread makes."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60, source_address=(host, 0))
    with contextlib.closing(client):
        began = time.monotonic()
        client.request("GET", "/sign-in", headers={"Host": "localhost", "Accept": "text/html"})
        answer = client.getresponse()
        assert answer.status == 200
        answer.read()
        return time.monotonic() - began


def usual(port: int) -> float:
    return statistics.median(seconds_of_a_call(port) for _ in range(9))


@pytest.mark.parametrize("kind", SLOW)
def test_slow_clients_hold_nobody_up(desk: At, kind: str) -> None:
    port, sent = desk.port, SLOW[kind].replace(b"TOKEN", desk.token)
    quiet = usual(port)
    with ExitStack() as stack:
        slow = [stack.enter_context(opened(port, sent)) for _ in range(MANY)]
        time.sleep(0.5)
        assert usual(port) < 20 * quiet + 2
        for each in slow:
            if kind in {"head", "body", "file"}:
                each.sendall(b"a")  # they still come, byte by byte
        assert usual(port) < 20 * quiet + 2
        assert not any(is_cut_off(each) for each in slow)


def test_many_lines_of_one_address_leave_room_for_others(desk: At) -> None:
    port = desk.port
    with ExitStack() as stack:
        many = [stack.enter_context(opened(port)) for _ in range(lines.LINES + lines.SPARE + 50)]
        assert seconds_of_a_call(port, "127.0.0.2") < 10
        kept = sum(not is_cut_off(each) for each in many)
        assert lines.OF_ONE - MANY <= kept <= lines.OF_ONE
    wait_until(lambda: seconds_of_a_call(port) < 10)  # the first address is heard again


def test_a_desk_that_is_full_says_so(desk: At) -> None:
    port = desk.port
    with ExitStack() as stack:
        for number in range(10, 14):
            for _ in range(lines.OF_ONE):
                stack.enter_context(opened(port, host=f"127.0.0.{number}"))
        with opened(port, CALL, host="127.0.0.2") as one_more:
            assert one_more.recv(100).startswith(b"HTTP/1.1 503 ")


def test_a_line_without_a_whole_call_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "QUIET_S", 1.0)
    monkeypatch.setattr(serving, "QUIET_S", 1.0)
    monkeypatch.setattr(lines, "LOOK_S", 0.1)
    with desk_in_this_process(tmp_path) as port, ExitStack() as stack:
        slow = {name: stack.enter_context(opened(port, SLOW[name]))
                for name in ("nothing", "head", "kept")}  # fmt: skip
        refused = stack.enter_context(
            opened(port, FILE + b"\r\n<")
        )  # answered before its file has come
        for _ in range(100):
            for each in (slow["head"], refused):
                with contextlib.suppress(OSError):
                    each.sendall(b"a")
            if all(is_cut_off(each) for each in (*slow.values(), refused)):
                return
            time.sleep(0.2)
        pytest.fail("A slow client is still there.")


def test_a_body_that_comes_slowly_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "BODY_S", 1.0)
    with desk_in_this_process(tmp_path) as port, opened(port, BODY) as slow:
        for _ in range(5):
            slow.sendall(b" ")
            time.sleep(0.1)
        found = http.client.HTTPResponse(slow)
        found.begin()
        assert (found.status, found.headers["connection"]) == (408, "close")
        assert b"desk_body_too_slow" in found.read()
        assert slow.recv(1) == b""
    # One that is large, and comes as fast as a poor line brings it, takes longer and is read.
    monkeypatch.setattr(wire, "BODY_RATE", 10_000)
    (tmp_path / "again").mkdir()
    with desk_in_this_process(tmp_path / "again") as port, opened(port, BODY[:-1]) as fair:
        for _ in range(20):
            fair.sendall(b" " * 3_000)
            time.sleep(0.15)
        found = http.client.HTTPResponse(fair)
        found.begin()
        assert found.status == 422


def test_a_client_that_does_not_take_its_answer_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = tmp_path / "static" / "desk.js"
    large.parent.mkdir()
    large.write_bytes(b"x" * 30_000_000)
    monkeypatch.setattr(land, "STATIC", large.parent)
    monkeypatch.setattr(lines, "TAKING_S", 1.0)
    monkeypatch.setattr(lines, "LOOK_S", 0.1)
    (tmp_path / "at").mkdir()
    with desk_in_this_process(tmp_path / "at") as port:
        with opened(port, SCRIPT) as slow:
            time.sleep(4)
            taken, block = 0, b"x"
            with contextlib.suppress(OSError):
                while block := slow.recv(1_000_000):
                    taken += len(block)
            assert 0 < taken < 30_000_000
        with opened(port, SCRIPT) as steady:  # whoever takes it in time has all of it
            found = http.client.HTTPResponse(steady)
            found.begin()
            assert len(found.read()) == 30_000_000


def test_files_that_take_long_to_read_hold_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, over = threading.Semaphore(0), threading.Event()

    def read(*_: object) -> None:
        reading.release()
        over.wait(60)

    monkeypatch.setattr(areas, "_keep", read)
    with desk_in_this_process(tmp_path) as port, ExitStack() as stack:
        kept = settings_of({"home": tmp_path / "desk", "runs": tmp_path / "runs"}, source="test")
        token = token_of_a_manager(kept)
        file = FILE.replace(b"9000000", b"1") + b"Authorization: Bearer " + token + b"\r\n\r\n<"
        for _ in range(MANY):
            stack.enter_context(opened(port, file))
        assert all(reading.acquire(timeout=30) for _ in range(areas.READERS.total_tokens))
        assert seconds_of_a_call(port) < 10
        assert not reading.acquire(timeout=1)
        over.set()


def is_cut_off(line: socket.socket) -> bool:
    """Tell whether a line has ended; what has come on it is read and passed over."""
    line.setblocking(False)
    try:
        while line.recv(100_000):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError, http.client.HTTPException):
            if holds():
                return
        time.sleep(0.2)
    pytest.fail("It does not come to hold.")
