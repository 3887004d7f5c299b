"""Every command that a page, a message or a template names is one, and its options too."""

import re
import shlex
from pathlib import Path

import pytest
import typer.main
from typer._click import Command

from minerisk.pipelines.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEXTS = [
    *PAGES,
    *sorted(path for room in ("features", "models", "pipelines", "configs") for path in
            (ROOT / room).rglob("*") if path.suffix in {".py", ".j2", ".yaml"}),
]  # fmt: skip
LINE = re.compile(r"^(?:\w+=\S+ )*(minerisk .*)$")


def commands_in(page: Path) -> list[str]:
    """List the commands in the shell blocks of a page; two may be joined by ``&&``."""
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    lines = [
        part.strip().removesuffix(" &") for block in blocks for part in re.split(r"&&|\n", block)
    ]
    return [found[1] for line in lines if (found := LINE.match(line))]


def command_of(words: list[str]) -> tuple[Command, list[str]]:
    """Return the command that words name, and the words that are left."""
    command: Command = typer.main.get_command(app)
    while hasattr(command, "commands") and words and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    return command, words


@pytest.mark.parametrize(
    ("page", "line"), [(page.name, line) for page in PAGES for line in commands_in(page)]
)
def test_a_command_of_a_page_parses(page: str, line: str) -> None:
    command, words = command_of(
        shlex.split(line.replace("$(", "'").replace(")", "'"), comments=True)[1:]
    )
    assert not hasattr(command, "commands"), f"{page}: {line}"
    assert command.make_context("minerisk", words).params


def test_a_command_that_is_named_in_a_text_is_one() -> None:
    wrong = []
    for path in TEXTS:
        text = re.sub(r"`\s*\n\s*", "`", path.read_text(encoding="utf-8"))
        for words in re.findall(r"`minerisk ([a-z][\w-]*(?: [a-z]+\b)?)", text):
            if hasattr(command_of(words.split())[0], "commands"):  # a group, or no command
                wrong.append(f"{path.relative_to(ROOT)}: minerisk {words}")
    assert not wrong
