"""The page on how the code is laid out names what is there, all of it, and nothing else."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ROOMS = ("features", "models", "pipelines", "configs")
NAME = re.compile(r"`(minerisk(?:\.\w+)+)`")
ROW = re.compile(r"^\| `((?:features|models|pipelines)/\w+)` \| ([^|]+) \|$", re.MULTILINE)

MOST_MODULES, MOST_LINES = 16, 400


def sub_packages() -> set[str]:
    return {
        str(path.parent.relative_to(ROOT))
        for room in ("features", "models", "pipelines")
        for path in ROOT.glob(f"{room}/*/__init__.py")
    }


def test_every_sub_package_has_one_row() -> None:
    named = [name for name, _ in ROW.findall(PAGE)]
    assert len(named) == len(set(named))
    assert set(named) == sub_packages()


def test_every_sub_package_has_its_own_sentence() -> None:
    sentences = [sentence for _, sentence in ROW.findall(PAGE)]
    assert len(set(sentences)) == len(sentences)


@pytest.mark.parametrize("name", sorted(set(NAME.findall(PAGE))))
def test_every_name_that_is_named_is_there(name: str) -> None:
    parent, _, last = name.rpartition(".")
    module = importlib.import_module(parent)
    assert hasattr(module, last) or importlib.import_module(name)


def test_the_way_of_the_data_names_sub_packages_that_are_there() -> None:
    way = PAGE.partition("```")[2].partition("```")[0]
    named = set(re.findall(r"(?:features|models|pipelines)/\w+", way))
    assert len(named) > 8
    assert named <= sub_packages()


def folders() -> list[Path]:
    return sorted({path.parent for room in ROOMS for path in (ROOT / room).rglob("*.py")})


def test_no_folder_holds_more_than_sixteen_modules() -> None:
    count = {str(folder.relative_to(ROOT)): len(list(folder.glob("*.py"))) for folder in folders()}
    assert {folder: modules for folder, modules in count.items() if modules > MOST_MODULES} == {}


def test_no_module_has_more_than_four_hundred_lines() -> None:
    files = [path for folder in folders() for path in folder.glob("*.py")]
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in files
    }
    assert {path: count for path, count in lines.items() if count > MOST_LINES} == {}
