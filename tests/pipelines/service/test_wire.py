"""What every answer bears, how large and how fast calls may be, and where a desk listens."""

import stat

import pytest
from anyio.to_thread import current_default_thread_limiter

from minerisk.features.errors import InputError
from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.language.desk_words import DESK_WORDS, NEXT_STEPS
from minerisk.pipelines.service.app import THREADS
from minerisk.pipelines.service.desk.pace import Recent
from minerisk.pipelines.service.serving import open_socket, serve
from minerisk.pipelines.service.settings import read_settings, settings_of

SAID = {"home": "desk", "runs": "runs"}


def test_every_code_has_words_and_a_next_step() -> None:
    assert set(DESK_WORDS) == set(NEXT_STEPS) == set(DeskCode)


def test_no_answer_runs_an_inline_script_or_is_kept(town) -> None:
    for client, path in ((town.stranger(), "/api/runs"), (town.manager, "/api/runs"),
                         (town.stranger(), "/nowhere")):  # fmt: skip
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"


def test_a_refusal_is_a_problem_in_the_language_of_whoever_asks(town) -> None:
    found = town.stranger().get("/api/runs", headers={"Accept-Language": "ru,en;q=0.5"})
    assert found.headers["content-type"] == "application/problem+json"
    assert found.json() == {
        "type": "urn:minerisk:desk_not_signed_in", "title": "Никто не вошёл.", "status": 401,
        "detail": "Войдите.", "code": "desk_not_signed_in", "choices": [],
    }  # fmt: skip


def test_a_body_that_is_too_large_is_refused_whatever_it_says_of_itself(town) -> None:
    stated = town.manager.post("/api/requests", content=b"x" * 70_000)
    assert (stated.status_code, stated.json()["code"]) == (413, "desk_body_too_large")

    def parts():
        for _ in range(20):
            yield b"x" * 10_000

    unstated = town.manager.post("/api/requests", content=parts())
    assert (unstated.status_code, unstated.json()["code"]) == (413, "desk_body_too_large")


def test_a_body_that_is_wrong_names_the_place(town) -> None:
    found = town.manager.post("/api/requests", json={"run": "a" * 16, "colour": 1})
    assert found.status_code == 422
    assert "colour" in found.json()["title"]
    assert town.manager.post("/api/requests", content=b"{").status_code == 422


def test_too_many_calls_wait(town) -> None:
    town.with_limits(calls_a_minute=5)
    codes = [town.manager.get("/api/session") for _ in range(8)]
    assert codes[0].status_code == 200
    assert codes[-1].json()["code"] == "desk_too_many"
    assert int(codes[-1].headers["retry-after"]) > 0


def test_a_file_that_is_read_in_parts_is_one_line_of_the_log() -> None:
    noted = Recent()
    assert [noted.is_new("ann", "a", "x.tif") for _ in range(3)] == [True, False, False]
    assert noted.is_new("ann", "a", "y.tif")
    assert noted.is_new("bob", "a", "x.tif")


def test_a_name_that_is_not_the_desks_is_refused(town) -> None:
    assert town.manager.get("/api/health", headers={"Host": "evil.example"}).status_code == 400


def test_a_fault_tells_a_reference_and_nothing_else(town, monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret place")

    monkeypatch.setattr("minerisk.pipelines.service.desk.runs.list_runs", broken)
    found = town.manager.get("/api/runs")
    assert (found.status_code, found.json()["code"]) == (500, "desk_fault")
    assert "secret" not in found.text
    assert found.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "desk.example"])
def test_an_address_that_others_reach_needs_tls_or_a_proxy(host: str) -> None:
    with pytest.raises(InputError, match="without tls or proxy"):
        settings_of({**SAID, "host": host}, source="options")
    tls = {"certificate": "c.pem", "key": "k.pem"}
    assert settings_of({**SAID, "host": host, "tls": tls}, source="options").host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.9.1"])
def test_an_address_of_this_machine_needs_nothing(host: str) -> None:
    assert settings_of({**SAID, "host": host}, source="options").host == host


def test_a_proxy_without_secret_and_socket_is_refused() -> None:
    with pytest.raises(InputError, match="secret_file or socket"):
        settings_of({**SAID, "proxy": {"identity": True}}, source="options")


def test_nobody_but_the_desk_and_its_group_speaks_at_its_socket(tmp_path) -> None:
    path = tmp_path / "desk.socket"
    for _ in range(2):  # the second finds what a server that was killed left
        with open_socket(path):
            assert stat.S_IMODE(path.stat().st_mode) == 0o660
    path.unlink()
    path.write_text("notes")
    with pytest.raises(InputError, match=r"desk\.socket cannot be listened at"):
        open_socket(path)
    assert path.read_text() == "notes"
    with pytest.raises(InputError, match="No such file"):
        open_socket(tmp_path / "nowhere" / "desk.socket")


def test_files_that_are_not_there_are_named_before_anything_listens(tmp_path) -> None:
    (tmp_path / "runs").mkdir()
    given = {"home": tmp_path / "desk", "runs": tmp_path / "runs"}
    tls = {"certificate": tmp_path / "c.pem", "key": tmp_path / "k.pem"}
    with pytest.raises(InputError, match=r"c\.pem and .*k\.pem cannot be used"):
        serve(settings_of({**given, "tls": tls}, source="x"), command=[], said=print)
    proxy = {"secret_file": tmp_path / "proxy.secret"}
    with pytest.raises(InputError, match=r"proxy\.secret cannot be read"):
        serve(settings_of({**given, "proxy": proxy}, source="x"), command=[], said=print)


def test_every_path_of_settings_is_led_from_their_file(tmp_path) -> None:
    path = tmp_path / "desk.yaml"
    path.write_text(
        "home: h\nruns: r\ntls: {certificate: c.pem, key: /etc/k.pem}\nproxy: {socket: s}\n"
    )
    found = read_settings(path)
    assert found.tls is not None
    assert found.proxy is not None
    assert (found.tls.certificate, str(found.tls.key)) == (tmp_path / "c.pem", "/etc/k.pem")
    assert found.proxy.socket == tmp_path / "s"


def test_settings_are_read_beside_their_file(tmp_path) -> None:
    path = tmp_path / "desk.yaml"
    path.write_text("home: here\nruns: /somewhere/runs\nlimits: {waiting: 3}\n")
    found = read_settings(path)
    assert (found.home, str(found.runs)) == (tmp_path / "here", "/somewhere/runs")
    assert found.limits.waiting == 3
    path.write_text("home: here\nruns: r\nlimts: {}\n")
    with pytest.raises(InputError, match="limts"):
        read_settings(path)


def test_few_calls_are_answered_at_a_time(town) -> None:
    """Each tile being made has several megabytes: forty of them at once are too much memory."""
    with town.stranger() as client:
        assert client.portal is not None
        tokens = client.portal.call(lambda: current_default_thread_limiter().total_tokens)
    assert tokens == THREADS <= 16
