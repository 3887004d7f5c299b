"""Requirements of OWASP ASVS about how the desk is written: read from its sources."""

import ast
import json
import logging
import re
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from minerisk.pipelines.service.accounts.provider import Provider
from minerisk.pipelines.service.errors import RefusedError
from minerisk.pipelines.service.logs import LineOfJson
from minerisk.pipelines.service.settings import Oidc

ROOT = Path(__file__).parents[4]
SERVICE = sorted((ROOT / "pipelines" / "service").rglob("*.py"))
ROOMS = [path for room in ("features", "models", "pipelines", "configs")
         for path in sorted((ROOT / room).rglob("*.py"))]  # fmt: skip
FRONT = sorted((ROOT / "front" / "source").glob("*.js"))


def calls(paths: list[Path]) -> Iterator[tuple[str, ast.Call]]:
    """Every call in some files: where it is, and what is called, as it is written."""
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def called(node: ast.Call) -> str:
    return ast.unparse(node.func)


RUNNING = re.compile(r"(eval|exec|compile|__import__|os\.(system|popen)|pickle\.\w+|marshal\.\w+|"
                     r"yaml\.(load|unsafe_load)|jinja2\.Template|Template)")  # fmt: skip


def test_no_text_is_run_and_no_shell_is_started() -> None:
    found = [where for where, node in calls(SERVICE) if RUNNING.fullmatch(called(node))]
    shells = [where for where, node in calls(SERVICE)
              for word in node.keywords if word.arg == "shell"]  # fmt: skip
    assert (found, shells) == ([], [])


def test_no_query_is_put_together_from_words() -> None:
    """What reaches the database as text is written in the source, whole."""
    texts = [(where, node) for where, node in calls(SERVICE)
             if called(node) in {"text", "exec_driver_sql"}
             or called(node).endswith((".exec_driver_sql", ".text"))]  # fmt: skip
    assert texts
    for where, node in texts:
        if "migrations" not in where and node.args:
            words = node.args[0]
            branches = [words.body, words.orelse] if isinstance(words, ast.IfExp) else [words]
            assert all(isinstance(each, ast.Constant | ast.Name) for each in branches), where


def test_no_broken_hash_and_no_guessable_number_is_used() -> None:
    weak = re.compile(r"(hashlib\.)?(md5|sha1)|random\.\w+|uuid\.uuid1")
    assert [where for where, node in calls(SERVICE) if weak.fullmatch(called(node))] == []
    hashes = [
        where
        for where, node in calls(ROOMS)
        if re.fullmatch(r"(hashlib\.)?(md5|sha1)", called(node))
    ]
    assert hashes == []


def test_cryptography_is_that_of_known_libraries() -> None:
    """No module computes a cipher, a signature or a password's hash by itself."""
    known = {"hashlib", "hmac", "secrets", "ssl", "argon2", "pyotp", "joserfc", "authlib",
             "cryptography"}  # fmt: skip
    used = set()
    for path in SERVICE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                used |= {each.name.split(".")[0] for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                used.add(node.module.split(".")[0])
    strange = {"Crypto", "Cryptodome", "nacl", "rsa", "ecdsa", "bcrypt", "passlib", "jose", "jwt"}
    assert used & strange == set()
    assert known - used <= {"cryptography"}


def test_scripts_run_no_text_and_keep_nothing_in_the_browser() -> None:
    forbidden = re.compile(
        r"\beval\(|new Function|document\.write|insertAdjacentHTML|outerHTML|postMessage|"
        r"localStorage|sessionStorage|indexedDB|serviceWorker|__proto__|javascript:"
    )
    for path in FRONT:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            assert not forbidden.search(line), f"{path.name}:{number}"
            if "innerHTML" in line:  # parts of pages that the desk has filled
                assert re.search(r"innerHTML = (await call\(|fragment;)", line), line


def test_no_page_has_a_script_or_a_style_within() -> None:
    for path in sorted((ROOT / "pipelines/service/pages/templates").glob("*.j2")):
        text = path.read_text(encoding="utf-8")
        scripts = re.findall(r"<script[^>]*>", text)
        assert all("src=" in tag or 'type="application/json"' in tag for tag in scripts), path.name
        assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:|\|\s*safe\b", text), path.name


class Leading(BaseHTTPRequestHandler):
    """A service that sends whoever asks to another address, which must not be called."""

    asked: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(302 if self.path != "/inside" else 200)
        self.send_header("Location", "/inside")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_a_sign_in_service_leads_the_desk_nowhere() -> None:
    server = HTTPServer(("127.0.0.1", 0), Leading)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    issuer = f"http://127.0.0.1:{server.server_port}"
    oidc = Oidc(
        issuer=issuer, client_id="desk", address="https://desk.example", roles={"a": "manager"}
    )
    with pytest.raises(RefusedError, match="302"):
        Provider(oidc).service()
    server.shutdown()
    assert Leading.asked == ["/.well-known/openid-configuration"]


def test_a_line_of_the_log_is_json_and_quotes_nothing_of_an_exception() -> None:
    try:
        raise ValueError("48.25, 37.1: a find")
    except ValueError:
        about = sys.exc_info()
    made = logging.LogRecord("minerisk.x", logging.ERROR, "x.py", 7, "fault %s\n{\"forged\": 1}",
                             ("a\x1b[31m",), about)  # fmt: skip
    line = LineOfJson().format(made)
    assert "\n" not in line
    assert "a find" not in line
    found = json.loads(line)
    assert found["exception"] == "ValueError"
    assert "\x1b" not in found["message"]
    assert found["at"].endswith("+00:00")
    assert {"at", "level", "from", "process", "message", "stack"} <= set(found)


def test_nginx_tells_who_calls_and_nobody_else_does() -> None:
    text = (ROOT / "deploy/nginx/minerisk.conf").read_text(encoding="utf-8")
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in text
    assert "$proxy_add_x_forwarded_for" not in text
    assert not re.search(r"location[^{]*\{[^}]*proxy_set_header", text)  # would drop those above
    assert re.search(r"ssl_protocols TLSv1\.2 TLSv1\.3;", text)
    ciphers = re.search(r"ssl_ciphers (\S+);", text).group(1).split(":")
    assert all(
        each.startswith("ECDHE-") and ("GCM" in each or "POLY1305" in each) for each in ciphers
    )
    assert "autoindex" not in text


def test_every_package_is_locked_by_its_hash() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pinned = re.findall(r"^[\w.-]+(?:\[[\w,-]+\])?==", lock, re.MULTILINE)
    assert len(pinned) > 50
    for block in re.split(r"^(?=[\w.-]+(?:\[[\w,-]+\])?==)", lock, flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in block, block.splitlines()[0]
    packages = json.loads((ROOT / "front/package-lock.json").read_text(encoding="utf-8"))[
        "packages"
    ]
    assert all("integrity" in each for name, each in packages.items() if name)


DEVELOPING = re.compile(r"--hash|pytest|hypothesis|ruff|mypy")


def test_nothing_for_tests_is_installed_beside_the_desk() -> None:
    import tomllib

    found = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = found["dependencies"] + found["optional-dependencies"]["serve"]
    assert not [name for name in wanted if DEVELOPING.search(name)]
    last = (ROOT / "deploy/Containerfile").read_text(encoding="utf-8").rpartition("FROM ")[2]
    copied = re.findall(r"^COPY (.*)$", last, re.MULTILINE)
    assert [line.split()[-1] for line in copied] == ["/opt/minerisk", "/etc/minerisk/desk.yaml"]
