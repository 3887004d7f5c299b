"""A result asked for, waited for and opened by curl alone, and by QGIS alone, of a real server."""

import json
import os
import re
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from minerisk.pipelines.service.accounts.access import Role, Scope
from minerisk.pipelines.service.accounts.people import add_account
from minerisk.pipelines.service.accounts.sessions import add_token
from minerisk.pipelines.service.desk.desk import Caller
from minerisk.pipelines.service.desk.runs import offer, run_id
from minerisk.pipelines.service.serving import open_desk
from minerisk.pipelines.service.settings import settings_of
from tests.pipelines.service.real_server import real_server

PAGE = Path(__file__).parents[4] / "docs" / "desk.md"
HIGHER, MARK = (83, 36, 100), (176, 0, 32)
ASK = Path(__file__).with_name("ask_in_qgis.py")


@dataclass(frozen=True)
class Real:
    """A desk that answers at an address, and a token for it."""

    address: str
    run: str
    word: str


@pytest.fixture(scope="module")
def real(made_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    home = tmp_path_factory.mktemp("real")
    runs = made_run.parent.parent / f"runs-of-{home.name}"
    shutil.copytree(made_run, runs / "tiny")
    desk = open_desk(settings_of({"home": home, "runs": runs}, source="test"))
    with desk.store.write() as session:
        account = add_account(session, "program", [Role.SCIENTIST], None, at=time.time())
        session.flush()
        offer(desk, session, Caller(account.id, account.name), "tiny")
        scopes = (Scope.READ, Scope.ASK)
        _, word = add_token(session, account, "test", scopes, days=1, at=time.time())
    desk.store.engine.dispose()
    with real_server("--home", home, "--runs", runs) as server:
        yield Real(server.address, run_id("tiny"), word)
    shutil.rmtree(runs)


def test_by_curl_alone(real: Real, tmp_path: Path) -> None:
    """The script of docs/desk.md, with another address and run."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    (script,) = re.findall(r"```bash\n(# Ask, wait.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    for old, new in {"https://desk.example.org": real.address, "RUN": real.run}.items():
        assert old in script
        script = script.replace(old, new)
    (tmp_path / "desk.header").write_text(f"Authorization: Bearer {real.word}\n")
    done = subprocess.run(
        ["sh", "-eu", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    with zipfile.ZipFile(tmp_path / "pack.zip") as pack:
        assert any(name.endswith("tasks.gpkg") for name in pack.namelist())
    assert b"SIMULATED" in done.stdout.encode()


def test_by_qgis_alone(real: Real, tmp_path: Path) -> None:
    python = shutil.which("python3", path="/usr/bin")
    known = python and not subprocess.run(
        [python, "-c", "import qgis.core"], capture_output=True, check=False
    ).returncode  # fmt: skip
    if not known:
        pytest.skip("QGIS is not installed (Debian: python3-qgis)")
    token = tmp_path / "token"
    token.write_text(real.word)
    environment = {"QT_QPA_PLATFORM": "offscreen", "PATH": "/usr/bin", "HOME": str(tmp_path),
                   "XDG_RUNTIME_DIR": str(tmp_path)}  # fmt: skip
    done = subprocess.run(
        [python, str(ASK), real.address, str(token), real.run, str(tmp_path)],
        capture_output=True, text=True, check=False, env=environment, timeout=400,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert told["invalid"] == []
    assert told["layers"] > 5
    assert not any(real.word in source for source in told["sources"])
    assert real.word not in (tmp_path / "layers.qlr").read_text(encoding="utf-8")
    kept = os.environ.get("MINERISK_PICTURES")
    if kept:
        shutil.copy(tmp_path / "map.png", Path(kept) / "qgis.png")
    with Image.open(tmp_path / "map.png") as image:
        colours = {colour: count for count, colour in image.convert("RGB").getcolors(1_000_000)}
    assert colours.get(HIGHER, 0) > 1_000  # the map
    assert colours.get((0, 0, 0), 0) > 500  # outlines of tasks
    assert colours.get(MARK, 0) > 500  # what it says of itself: DRAFT, SIMULATED
