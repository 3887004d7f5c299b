"""One tiny finished run, made once, and the commands of a page, for every test that wants them."""

import fcntl
import functools
import json
import logging
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from minerisk.pipelines.run.own_process import set_up_process

ROOT = Path(__file__).resolve().parent.parent
TINY = ROOT / "configs" / "tiny.yaml"
QGIS_PYTHON = "/usr/bin/python3"
IN_QGIS = ROOT / "tests" / "qgis_plugin" / "in_qgis.py"
InQgis = Callable[..., list[dict[str, Any]]]
ONE_OF_SEVERAL = "PYTEST_XDIST_WORKER" in os.environ


def pytest_configure() -> None:
    """Be the process that the command line is, before GDAL and OpenMP are loaded.

    Workers of pytest-xdist share the cores, so that each keeps to one thread of OpenMP.
    """
    set_up_process()
    if ONE_OF_SEVERAL:
        os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """Leave the log as it was: a command run in this process sets level and handlers for good."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    root.handlers[:] = [
        h for h in root.handlers if h in handlers or "_pytest" in type(h).__module__
    ]


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from minerisk.pipelines.steps import run_steps

    folder = tmp_path_factory.mktemp("runs") / "tiny"
    if not ONE_OF_SEVERAL:
        run_steps(TINY, folder)
        return folder
    # The first worker makes the run, and each has a copy, as deep so that layers are found.
    made = tmp_path_factory.getbasetemp().parent / "made" / "once" / "tiny"
    made.parent.mkdir(parents=True, exist_ok=True)
    with (made.parents[1] / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run_steps(TINY, made)
    shutil.copytree(made, folder)
    return folder


@pytest.fixture
def tiny_copy(tiny_run: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil. It lies as deep as the original, so that layers are found."""
    folder = tiny_run.parent / f"copy-of-{tmp_path.name}"
    shutil.copytree(tiny_run, folder)
    return folder


@pytest.fixture
def commands() -> Callable[[str], list[str]]:
    """Give the commands of a page of docs/, in order."""

    def read(page: str) -> list[str]:
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        lines = [line for block in blocks for line in block.splitlines() if line]
        assert all(line.startswith("minerisk ") for line in lines)
        return lines

    return read


@pytest.fixture
def said() -> Callable[[str], tuple[int, str]]:
    """Do a command of a page; give its exit code and what it said."""

    def do(line: str) -> tuple[int, str]:
        from minerisk.pipelines.cli.main import app

        done = CliRunner().invoke(app, shlex.split(line, comments=True)[1:])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.stdout

    return do


@functools.cache
def has_qgis() -> bool:
    done = subprocess.run([QGIS_PYTHON, "-c", "import qgis.core"], capture_output=True)
    return done.returncode == 0


@pytest.fixture
def in_qgis(tmp_path: Path) -> InQgis:
    """Do algorithms of the plugin in a QGIS of their own, from its ZIP, as its user has it."""
    from qgis_plugin.pack import pack

    if not has_qgis():
        pytest.skip("There is no QGIS on this machine: apt-get install qgis python3-qgis")

    def do(steps: Sequence[dict[str, Any]], **settings: str) -> list[dict[str, Any]]:
        pack(tmp_path / "plugin.zip")
        command = str(Path(sys.executable).parent / "minerisk")
        for name, content in (
            ("settings", {"MINERISK_COMMAND": command} | settings),
            ("steps", steps),
        ):
            (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
        line = [QGIS_PYTHON, IN_QGIS, tmp_path / "plugin.zip", tmp_path / "settings.json",
                tmp_path / "steps.json", tmp_path]  # fmt: skip
        kept = os.environ | {"QGIS_CUSTOM_CONFIG_PATH": str(tmp_path / "profile"),
                             "XDG_RUNTIME_DIR": str(tmp_path)}  # fmt: skip
        done = subprocess.run(line, capture_output=True, text=True, env=kept, timeout=900)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])

    return do
