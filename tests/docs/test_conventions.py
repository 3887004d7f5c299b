"""The glossary has one meaning for a word, and the code has what it names."""

import importlib
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "conventions.md"
ROW = re.compile(r"^\| ([^|]+) \| [^|]+ \| `([\w.]+)` \|$", re.MULTILINE)


def glossary() -> list[tuple[str, str]]:
    return ROW.findall(PAGE.read_text(encoding="utf-8"))


def found(name: str) -> object:
    """Import as much of a dotted name as there is, and look the rest up in it."""
    parts = ["minerisk", *name.split(".")]
    for end in range(len(parts), 0, -1):
        try:
            value: object = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            value = getattr(value, part)
        return value
    raise AssertionError(name)


def test_every_row_of_the_glossary_is_read() -> None:
    table = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    assert len(glossary()) == len(table) - 2 > 30


def test_no_word_has_two_meanings() -> None:
    words = [word for words, _ in glossary() for word in words.split(", ")]
    assert len(set(words)) == len(words)


@pytest.mark.parametrize("name", sorted({name for _, name in glossary()}))
def test_what_the_glossary_names_is_in_the_code(name: str) -> None:
    assert found(name) is not None
