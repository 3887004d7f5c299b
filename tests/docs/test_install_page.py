"""The page on installing says what the package is, and its commands for a run folder work."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from minerisk.pipelines.provenance.extras import Extra

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def section(title: str) -> list[str]:
    """Return the shell lines of a section."""
    part = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    return "\n".join(re.findall(r"```sh\n(.*?)```", part, re.DOTALL)).splitlines()


def test_every_extra_is_on_the_page_and_known_to_the_program() -> None:
    extras = set(PROJECT["optional-dependencies"])
    named = {
        name for found in re.findall(r"minerisk\[([\w,]+)\]", PAGE) for name in found.split(",")
    }
    assert named == extras
    assert {extra.value for extra in Extra} == extras - {"docs"}
    needed = {line.partition(">")[0] for line in PROJECT["dependencies"]}
    assert not needed & {"mlflow", "optuna", "distributed", "dask", "scikit-image"}


def test_a_run_is_backed_up_and_restored_as_the_page_says(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    subprocess.run(["cp", "-r", str(tiny_run), "runs/tiny"], check=True)
    (tmp_path / "restored").mkdir()
    for line in section("Back up and restore"):
        words = line.split()
        if words[0] == "minerisk":
            words = [sys.executable, "-m", *words]
        done = subprocess.run(words, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "Trail ends in" in done.stdout


def test_installing_upgrading_and_uninstalling_touch_one_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pip itself is not run here: it would need a network."""
    monkeypatch.chdir(tmp_path)
    make, *others = section("Install")
    subprocess.run(["python3", *make.split()[1:], "--without-pip"], check=True)
    assert {line.split()[0] for line in [*others, *section("Upgrade")]} == {
        "minerisk_env/bin/pip", "minerisk_env/bin/minerisk",
    }  # fmt: skip
    subprocess.run(section("Uninstall")[0].split(), check=True)
    assert list(tmp_path.iterdir()) == []
