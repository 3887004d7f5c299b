"""Every example in a docstring does what it shows."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("features", "models", "pipelines", "configs")
EXAMPLE = re.compile(r"^\s*>>> ", re.MULTILINE)


def modules_with_examples() -> list[str]:
    """List the modules of minerisk that hold an example, by their import names."""
    files = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    files += sorted((ROOT / "minerisk").glob("*.py"))
    found = [path for path in files if EXAMPLE.search(path.read_text(encoding="utf-8"))]
    return [_import_name(path) for path in found]


def _import_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    inside = parts if parts[0] == "minerisk" else ("minerisk", *parts)
    return ".".join(inside).removesuffix(".__init__")


@pytest.mark.parametrize("name", modules_with_examples())
def test_the_examples_of_a_module_hold(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)  # an example that writes a file leaves none behind
    module = importlib.import_module(name)
    failed, tried = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert failed == 0, capsys.readouterr().out
    assert tried > 0, f"{name} holds >>> where doctest does not find it"
