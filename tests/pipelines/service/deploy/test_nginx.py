"""What deploy/ sets up: Debian's nginx in front of a real desk at a Unix socket."""

import os
import re
import signal
import socket
import ssl
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPResponse
from pathlib import Path

import httpx2
import numpy as np
import pytest
import rasterio

from minerisk.pipelines.service.accounts.access import Role
from minerisk.pipelines.service.accounts.people import add_account
from minerisk.pipelines.service.pages.shell import STATIC
from minerisk.pipelines.service.serving import open_desk
from minerisk.pipelines.service.settings import Settings
from tests.pipelines.service.deploy.conftest import Behind, authority, nginx, serving, wait_for

WORDS = "a phrase of four words"


def started(stack: ExitStack, folder: Path, *, people: bool = False) -> Behind:
    (folder / "runs").mkdir(exist_ok=True)
    desk = open_desk(Settings(home=folder / "desk", runs=folder / "runs"))
    with desk.store.write() as session:
        for role in (Role.MANAGER, Role.ADMINISTRATOR):
            add_account(session, role.value, [role], WORDS, at=0.0)
    desk.store.engine.dispose()
    at = folder / "desk.socket"
    more = {"proxy": {"socket": str(at), "identity": True}} if people else {}
    stack.enter_context(serving(folder, **more))
    behind = stack.enter_context(nginx(folder, at, people=people))
    wait_for(behind, "manager" if people else None)
    return behind


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    with ExitStack() as stack:
        yield started(stack, tmp_path_factory.mktemp("desk"))


@pytest.fixture(scope="module")
def by_certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    with ExitStack() as stack:
        yield started(stack, tmp_path_factory.mktemp("people"), people=True)


SPOOFED = {
    "X-Desk-User": "administrator", "X-Desk-Proxy": "x" * 40, "x_desk_user": "administrator",
    "X-Forwarded-User": "administrator", "Forwarded": "for=127.0.0.1",
}  # fmt: skip


def test_somebody_signs_in_over_tls(behind: Behind) -> None:
    with behind.client() as client:
        done = client.post("/api/session", json={"name": "manager", "password": WORDS})
        assert done.status_code == 200
        assert client.get("/api/runs").status_code == 200  # the cookie, which is Secure, came back
        assert done.headers["strict-transport-security"].startswith("max-age=")
        assert client.get("/sign-in").headers["content-security-policy"]
        refused = client.post("/api/runs/a/check", json={})
        assert refused.json()["code"] == "desk_form_stale"


def test_plain_http_leads_to_tls(behind: Behind) -> None:
    found = httpx2.get(f"http://localhost:{behind.plain}/runs?x=1")
    assert (found.status_code, found.headers["location"]) == (301, "https://localhost/runs?x=1")


def test_plain_http_is_refused_to_programs(behind: Behind) -> None:
    found = httpx2.get(f"http://localhost:{behind.plain}/api/runs")
    assert (found.status_code, found.headers.get("location")) == (403, None)


def test_old_versions_of_tls_are_refused(behind: Behind) -> None:
    context = behind.context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with (
        socket.create_connection(("127.0.0.1", behind.port), 10) as plain,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(plain, server_hostname="localhost")
    with line(behind) as opened:
        assert opened.version() == "TLSv1.3"


def test_a_certificate_that_was_renewed_counts_after_a_reload_that_drops_no_call(
    behind: Behind,
) -> None:
    def serial() -> bytes | None:
        with line(behind) as opened:
            return opened.getpeercert(binary_form=True)

    before = serial()
    with line(behind) as kept:
        kept.sendall(b"GET /api/health HTTP/1.1\r\nHost: local")
        authority(behind.certificates, "desk")
        pid = int((behind.certificates.parent / "nginx.pid").read_text())
        os.kill(pid, signal.SIGHUP)  # what systemctl reload nginx does
        kept.sendall(b"host\r\n\r\n")
        assert answer(kept)[0] == 200
    new = 0
    for _ in range(200):  # for a moment workers of before and after take calls side by side
        try:
            new = new + 1 if serial() != before else 0
        except ssl.SSLError:  # the old one, which is no longer trusted
            new = 0
        if new == 20:
            return
        time.sleep(0.05)
    pytest.fail("The new certificate is not shown.")


def test_a_log_that_is_rotated_goes_on_in_another_file(behind: Behind) -> None:
    """As logrotate does with Debian's file for nginx: renamed, then nginx is told by USR1."""
    folder = behind.certificates.parent
    log, old = folder / "access.log", folder / "access.log.1"
    with behind.client() as client:
        client.get("/api/health?before")
        log.rename(old)
        os.kill(int((folder / "nginx.pid").read_text()), signal.SIGUSR1)
        for _ in range(100):
            client.get("/api/health?after")
            if log.is_file() and "?after" in log.read_text():
                break
            time.sleep(0.05)
        client.get("/api/health?last")
    assert "?before" in old.read_text()
    assert "?last" not in old.read_text()
    assert "?last" in log.read_text()


def test_a_trace_is_not_answered(behind: Behind) -> None:
    with behind.client() as client:
        assert client.request("TRACE", "/api/health").status_code == 405


def test_two_lengths_of_one_call_are_refused(behind: Behind) -> None:
    for more in (b"Transfer-Encoding: chunked\r\n", b"Content-Length: 3\r\n"):
        with line(behind) as opened:
            opened.sendall(
                b"POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
                + more + b"\r\n{}\r\nGET"
            )  # fmt: skip
            assert answer(opened)[0] == 400


def test_what_outside_says_of_who_calls_is_dropped(behind: Behind) -> None:
    with behind.client(**SPOOFED) as client:
        assert client.get("/api/session").json()["name"] is None
        assert client.get("/api/accounts").status_code == 401


def test_who_calls_is_the_name_in_a_certificate_that_was_verified(by_certificate: Behind) -> None:
    with by_certificate.client("manager", **SPOOFED) as client:
        assert client.get("/api/session").json()["name"] == "manager"
        assert client.get("/api/runs").status_code == 200
        assert client.get("/api/accounts").status_code == 403
        assert client.post("/api/areas?name=x.kml").json()["code"] == "desk_form_stale"
    with by_certificate.client("odd", **SPOOFED) as client:  # a name that is not plain
        assert client.get("/api/session").json()["name"] is None
    for other in (None, "forged"):
        with by_certificate.client(other, **SPOOFED) as client:
            assert client.get("/api/session").status_code == 400


def line(behind: Behind) -> socket.socket:
    plain = socket.create_connection(("127.0.0.1", behind.port), 10)
    return behind.context().wrap_socket(plain, server_hostname="localhost")


def answer(opened: socket.socket) -> tuple[int, bytes]:
    found = HTTPResponse(opened)
    found.begin()
    return found.status, found.read()


def test_a_line_is_kept_for_the_next_call(behind: Behind) -> None:
    with line(behind) as opened:
        for _ in range(3):
            opened.sendall(b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert answer(opened)[0] == 200


def test_a_name_that_is_not_the_desks_is_refused(behind: Behind) -> None:
    with line(behind) as opened:
        opened.sendall(b"GET /api/health HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        assert answer(opened)[0] == 400


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /api/health HTTP/1.1\r\nHost: local",
        b"POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n{",
    ],
    ids=["headers", "body"],
)
def test_whoever_sends_slowly_is_cut_off_and_nobody_waits(behind: Behind, sent: bytes) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(line(behind)) for _ in range(20)]
        for opened in slow:
            opened.sendall(sent)
        began = time.monotonic()
        with behind.client() as client:
            assert client.get("/api/health").status_code == 200
        assert time.monotonic() - began < 5
        for opened in slow:
            try:
                rest = opened.recv(1_000)
            except OSError:
                rest = b""
            assert rest == b"" or rest.startswith(b"HTTP/1.1 408")
        assert time.monotonic() - began < 15


def test_whoever_does_not_begin_or_go_on_is_cut_off(behind: Behind) -> None:
    with ExitStack() as stack:
        silent = [
            stack.enter_context(socket.create_connection(("127.0.0.1", behind.port), 10))
            for _ in range(20)
        ]  # without TLS
        kept = [stack.enter_context(line(behind)) for _ in range(20)]
        for opened in kept:
            opened.sendall(b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert answer(opened)[0] == 200
        with behind.client() as client:
            assert client.get("/api/health").status_code == 200
        for opened in (*silent, *kept):
            opened.settimeout(15)
            with suppress(ConnectionError, ssl.SSLEOFError):
                assert opened.recv(1_000) == b""


def test_whoever_takes_a_download_slowly_is_cut_off_and_nobody_waits(behind: Behind) -> None:
    asked = b"GET /static/desk.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 30
    with ExitStack() as stack:
        slow = [stack.enter_context(line(behind)) for _ in range(20)]
        for opened in slow:
            opened.sendall(asked)
        began = time.monotonic()
        with behind.client() as client:
            assert client.get("/api/session").status_code == 200
        assert time.monotonic() - began < 5
        time.sleep(5)
        whole = 30 * (STATIC / "desk.js").stat().st_size
        for opened in slow:
            taken, block = 0, b"x"
            with suppress(OSError):
                while block := opened.recv(1_000_000):
                    taken += len(block)
            assert 0 < taken < whole


def test_one_address_has_so_many_calls_at_a_time(behind: Behind) -> None:
    begun = b"POST /api/requests HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n{"
    with ExitStack() as stack:
        slow = [stack.enter_context(line(behind)) for _ in range(60)]
        for opened in slow:
            opened.sendall(begun)
        refused = 0
        for opened in slow:
            with suppress(ConnectionError, ssl.SSLEOFError):
                refused += opened.recv(1_000).startswith(b"HTTP/1.1 429 ")
        assert refused == 20


def test_what_is_too_large_does_not_come_through(behind: Behind) -> None:
    with behind.client() as client:
        assert client.post("/api/session", content=b"x" * 70_000).status_code == 413
        assert client.post("/api/areas?name=x.kml", content=b"x" * 21_000_000).status_code == 413
        passed = client.post("/api/areas?name=x.kml", content=b"x" * 1_000_000)
        assert passed.json()["code"] == "desk_not_signed_in"


def test_many_attempts_to_sign_in_are_slowed_down(behind: Behind) -> None:
    with behind.client() as client:
        codes = [client.get("/api/session").status_code for _ in range(40)]
    assert codes[0] == 200
    assert codes[-1] == 429


def test_settings_of_nginx_are_those_of_the_desk() -> None:
    """The limits of nginx are not below those of the desk."""
    from minerisk.pipelines.service.settings import Limits
    from tests.pipelines.service.deploy.conftest import DEPLOY

    text = (DEPLOY / "nginx" / "minerisk.conf").read_text(encoding="utf-8")
    small, *large = re.findall(r"client_max_body_size (\d+)([km]);", text)
    assert int(small[0]) * 1024 == Limits().body_bytes
    assert [int(each[0]) * 1024 * 1024 >= Limits().upload_bytes for each in large] == [True, True]


def test_a_raster_is_read_in_parts_by_a_program_with_a_token(
    town_with_run, runs: Path, tmp_path: Path
) -> None:
    town, client = town_with_run, town_with_run.scientist
    run = client.get("/api/runs").json()["runs"][0]["id"]
    asked = client.post("/api/requests", json={"run": run}).json()["id"]
    assert town.work()
    word = client.post("/api/tokens", json={"title": "QGIS", "scopes": ["read"]}).json()["word"]
    path = f"/api/requests/{asked}/files/probability.tif"
    whole = client.get(path).content
    lines = town.administrator.get("/api/access-log").text.count('"action":"download"')

    socket_at = tmp_path / "desk.socket"
    with (
        serving(tmp_path, runs=str(runs), home=str(town.desk.settings.home)),
        nginx(tmp_path, socket_at) as behind,
    ):
        wait_for(behind)
        with behind.client(Authorization=f"Bearer {word}") as program:
            part = program.get(path, headers={"Range": "bytes=100-199"})
            assert (part.status_code, part.content) == (206, whole[100:200])
            last = program.get(path, headers={"Range": "bytes=-50"})
            assert (last.status_code, last.content) == (206, whole[-50:])
            assert part.headers["content-range"] == f"bytes 100-199/{len(whole)}"
            head = program.head(path)
            assert (head.status_code, head.headers["accept-ranges"]) == (200, "bytes")
        address = f"/vsicurl/{behind.address}{path}"
        told = {"GDAL_HTTP_HEADERS": f"Authorization: Bearer {word}",
                "GDAL_HTTP_UNSAFESSL": "YES",  # of certificates, other tests speak
                # This process is kept from the network; the program that reads is not.
                "GDAL_HTTPS_PROXY": "", "GDAL_HTTP_PROXY": "",
                "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".tif"}  # fmt: skip
        with rasterio.Env(**told), rasterio.open(address) as raster:
            found = raster.read(1)
        with rasterio.MemoryFile(whole) as memory, memory.open() as raster:
            assert np.array_equal(found, raster.read(1), equal_nan=True)
    after = town.administrator.get("/api/access-log").text.count('"action":"download"')
    assert (lines, after) == (1, 2)  # what was read in parts is one line
