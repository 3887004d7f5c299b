"""What deploy/ holds for systemd and for containers, checked as far as this machine can."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
import yaml

from minerisk.pipelines.cli.main import app
from minerisk.pipelines.service.settings import read_settings
from tests.pipelines.service.deploy.conftest import DEPLOY

ROOT = DEPLOY.parent
UNITS = sorted((DEPLOY / "systemd").iterdir())
SERVICES = [path for path in UNITS if path.suffix == ".service"]
TOOL = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(TOOL is None, reason="systemd is not installed")


@needs_systemd
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    own = str(Path(sys.executable).parent / "minerisk")
    for path in UNITS:
        text = path.read_text(encoding="utf-8").replace("/opt/minerisk/bin/minerisk", own)
        (tmp_path / path.name).write_text(text)
    copies = sorted(map(str, tmp_path.iterdir()))
    done = subprocess.run(
        [str(TOOL), "verify", "--man=no", *copies], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize("unit", SERVICES, ids=lambda path: path.name)
def test_a_unit_is_kept_to_its_own_folders(unit: Path) -> None:
    done = subprocess.run(
        [str(TOOL), "security", "--offline=true", "--threshold=15", str(unit)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-300:]


@pytest.mark.parametrize("unit", SERVICES, ids=lambda path: path.name)
def test_a_unit_tells_the_journal_which_rotates_by_itself(unit: Path) -> None:
    told = ("StandardOutput=", "StandardError=")
    assert not [line for line in unit.read_text().splitlines() if line.startswith(told)]


@pytest.mark.parametrize("unit", SERVICES, ids=lambda path: path.name)
def test_a_unit_starts_a_command_that_there_is(unit: Path) -> None:
    line = re.search(r"^ExecStart=/opt/minerisk/bin/minerisk (.*)$", unit.read_text(), re.MULTILINE)
    assert line is not None
    words, command = shlex.split(line[1]), typer.main.get_command(app)
    while hasattr(command, "commands"):
        command, words = command.commands[words[0]], words[1:]
    assert command.make_context("minerisk", words).params["settings"] == Path(
        "/etc/minerisk/desk.yaml"
    )


@pytest.mark.parametrize("name", ["desk.yaml", "container.yaml"])
def test_settings_are_taken(name: str) -> None:
    found = read_settings(DEPLOY / name)
    assert found.proxy is not None
    assert str(found.home).startswith("/var/lib/minerisk/")


def test_what_settings_leave_out_is_taken_too(tmp_path: Path) -> None:
    text = (DEPLOY / "desk.yaml").read_text(encoding="utf-8")
    whole = re.sub(r"^# (?=\w+:|  )", "", text.partition("\n")[2], flags=re.MULTILINE)
    (tmp_path / "desk.yaml").write_text(whole)
    assert set(yaml.safe_load(whole)) > {"oidc", "database", "trusted_keys"}
    found = read_settings(tmp_path / "desk.yaml")
    assert found.oidc is not None
    assert found.database == "postgresql:///minerisk"


def test_the_container_copies_what_there_is_and_is_nobody_special() -> None:
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    steps = [" ".join(step.split()) for step in text.replace("\\\n", "").splitlines()]
    copied = [word for step in steps if step.startswith("COPY ") and "--from" not in step
              for word in step.split()[1:-1]]  # fmt: skip
    assert copied
    assert all((ROOT / word).exists() for word in copied)
    users = [step.split()[1] for step in steps if step.startswith("USER ")]
    assert users == ["minerisk"]
    assert not re.search(r"(?i)(password|secret|token)\s*=", text)
    runs = [step for step in steps if "pip install" in step]
    assert all("--require-hashes" in step or "--no-deps" in step for step in runs)
    command = typer.main.get_command(app)
    assert command.commands["serve"].make_context("minerisk", ["--settings", "x"])


def test_nothing_that_was_built_or_is_secret_comes_into_the_container() -> None:
    left_out = set((ROOT / ".containerignore").read_text(encoding="utf-8").split())
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().split()}
    assert {".git", ".venv", "runs", "build", "dist"} <= left_out
    for name in ("front/node_modules", "pipelines/service/pages/static"):
        assert name in left_out & ignored
