"""What is installed is one package, minerisk, whole, and nothing beside it."""

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("features", "models", "pipelines", "configs", "data")
DATA = (".j2", ".gpkg", ".tif", ".csv", ".mo", ".po", ".yaml", ".json", ".css", ".js", ".svg")
"""Ends of names of files that the code reads beside itself."""


def build(project: Path, target: str, out: Path) -> Path:
    """Build a distribution as an installer does, without a network."""
    code = f"import sys; from hatchling.build import build_{target} as b; print(b(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(out)],
        cwd=project, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return out / done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "sdist", tmp_path_factory.mktemp("sdist"))


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as opened:
        return set(opened.namelist())


def test_nothing_but_minerisk_lands_in_site_packages(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in names_in(wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"minerisk"}


def test_the_wheel_holds_every_module_and_all_that_modules_read(wheel: Path) -> None:
    found = names_in(wheel)
    for room in ROOMS:
        files = [path for path in (ROOT / room).rglob("*") if path.suffix in (".py", *DATA)]
        missing = {f"minerisk/{path.relative_to(ROOT).as_posix()}" for path in files} - found
        assert files
        assert not missing
    assert "minerisk/py.typed" in found


def test_scripts_of_the_desk_travel_with_the_licences_of_their_packages(wheel: Path) -> None:
    folder = "minerisk/pipelines/service/pages/static"
    with zipfile.ZipFile(wheel) as opened:
        assert f"{folder}/desk.js" in opened.namelist(), "make front"
        licences = opened.read(f"{folder}/licences.txt").decode()
    assert "\nCopyright" in licences
    assert re.search(r"^ol [\d.]+ \(BSD-2-Clause\)$", licences, re.MULTILINE)


def test_tests_and_tools_of_the_pages_stay_out_of_the_wheel(wheel: Path) -> None:
    parts = {part for name in names_in(wheel) for part in Path(name).parts}
    assert not parts & {"tests", "docs", "conftest.py", "__pycache__"}


def test_the_source_distribution_builds_the_same_wheel(
    wheel: Path, sdist: Path, tmp_path: Path
) -> None:
    with tarfile.open(sdist) as opened:
        opened.extractall(tmp_path, filter="data")
    (project,) = tmp_path.iterdir()
    (tmp_path / "again").mkdir()
    again = build(project, "wheel", tmp_path / "again")
    assert names_in(again) == names_in(wheel)


def test_the_installed_package_runs_by_itself(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "installed"
    install = ["pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([sys.executable, "-m", *install, "--target", target, wheel], check=True)
    code = """
import importlib.util, sys
import minerisk.pipelines.cli.main
from minerisk.configs.load import load_config
print(minerisk.__file__)
print([name for name in ("features", "models", "pipelines", "configs")
       if importlib.util.find_spec(name)])
"""
    # Without -S the development environment would put this repository on the path.
    path = os.pathsep.join([str(target), sysconfig.get_path("purelib")])
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": path},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    place, beside = done.stdout.splitlines()
    assert Path(place) == target / "minerisk" / "__init__.py"
    assert beside == "[]"


def test_both_distributions_pass_the_checks_of_the_index(wheel: Path, sdist: Path) -> None:
    pytest.importorskip("twine", reason="twine is not installed: pip install twine")
    check = [sys.executable, "-m", "twine", "check", "--strict", str(wheel), str(sdist)]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_installed_package_brings_a_study_area_and_validates_it(
    wheel: Path, tmp_path: Path
) -> None:
    target, empty = tmp_path / "installed", tmp_path / "empty"
    install = ["pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([sys.executable, "-m", *install, "--target", target, wheel], check=True)
    empty.mkdir()
    path = os.pathsep.join([str(target), sysconfig.get_path("purelib")])
    env = {**os.environ, "PYTHONPATH": path}
    for asked in (["example", "tiny", "--out", "own"], ["features", "own/tiny.yaml"], ["doctor"]):
        done = subprocess.run(
            [sys.executable, "-S", "-m", "minerisk", *asked],
            cwd=empty, env=env, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert f"in {target}" in done.stdout
    assert (empty / "own" / "layers" / "base.gpkg").is_file()
