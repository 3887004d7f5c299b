"""Every command: an example that parses, its run at the same place, one line for bad input."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
import typer.main
from typer._click import Command
from typer.testing import CliRunner

from minerisk.features.errors import FindingError, MineriskError
from minerisk.pipelines.cli.exit_codes import MEANINGS, ExitCode, exit_code_help
from minerisk.pipelines.cli.main import app, do
from minerisk.pipelines.language.messages import LANGUAGES
from minerisk.pipelines.records.choices import DecisionName, Hazard, Language
from minerisk.pipelines.records.request import Filters
from minerisk.pipelines.records.review import Verdict
from minerisk.pipelines.run.hazards import HAZARD_TITLES

OPTION_OF = {
    "within_m": "within", "districts": "district", "budget_ha": "budget", "weights": "weight"
}  # fmt: skip
OF_TASKS = {"budget", "weight"}
"""Not of `minerisk maps`, which makes no tasks."""
CLI = Path(__file__).parents[3] / "pipelines" / "cli"
OF_NONE = ("kinds", "doctor", "example")
OF_SENTENCES = ("sentences export", "sentences import")
OF_A_DESK = ("serve", "worker", "desk")
OF_A_FILE = (
    "init",
    "validate",
    "features",
    "run",
    "build",
    "train",
    "ablate",
    "digitise",
    "colours",
)


def walk(command: Command, *words: str) -> Iterator[tuple[str, Command]]:
    """Yield every command that does something, with its words."""
    for name, below in getattr(command, "commands", {}).items():
        yield from walk(below, *words, name)
    if words and not hasattr(command, "commands"):
        yield " ".join(words), command


COMMANDS = dict(walk(typer.main.get_command(app)))


def example_of(command: Command) -> str:
    assert command.epilog is not None
    head, line = command.epilog.removeprefix("\b\n").splitlines()
    assert head == "Example:"
    return line.strip()


def ending(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Do a command as a user does; give its exit code and what stands on standard error."""
    with pytest.raises(SystemExit) as ended:
        do(words)
    return int(ended.value.code or 0), capsys.readouterr().err


@pytest.mark.parametrize("words", COMMANDS)
def test_the_help_of_each_command_ends_with_an_example_that_parses(words: str) -> None:
    command = COMMANDS[words]
    line = example_of(command)
    assert line.startswith(f"minerisk {words} ")
    context = command.make_context(words, shlex.split(line)[1 + len(words.split()) :])
    assert context.params
    assert line in CliRunner().invoke(app, [*words.split(), "--help"]).output


@pytest.mark.parametrize("words", COMMANDS)
def test_the_run_is_the_first_argument_of_each_command_on_a_run(words: str) -> None:
    arguments = [
        item.metavar or item.name
        for item in COMMANDS[words].params
        if item.param_type_name == "argument"
    ]
    options = [name for item in COMMANDS[words].params for name in item.opts]
    assert "--run" not in options
    if words.split()[0] in OF_A_DESK:
        return
    if words not in {*OF_NONE, *OF_A_FILE, "runs import", "evaluate table", *OF_SENTENCES}:
        assert arguments[0] == "RUN"


@pytest.mark.parametrize("words", COMMANDS)
def test_an_option_has_the_same_help_in_each_command_that_has_it(words: str) -> None:
    shared = {"--json", "--layer", "--workers", "--scheduler", "--without-layers", "--pin"}
    for item in COMMANDS[words].params:
        for name in shared & set(item.opts):
            others = [
                other.help
                for command in COMMANDS.values()
                for other in command.params
                if name in other.opts
            ]
            assert set(others) == {item.help}


@pytest.mark.parametrize("words", COMMANDS)
def test_bad_input_is_one_line_and_exit_code_2(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code, told = ending(capsys, *words.split(), "--unknown")
    assert code == ExitCode.REFUSED
    assert told == (f"minerisk: No such option: --unknown. See `minerisk {words} --help`.\n")
    if words in (*OF_NONE, "sentences export"):  # it needs nothing that could be missing
        return
    code, told = ending(capsys, *shlex.split(example_of(COMMANDS[words]))[1:])
    assert code == ExitCode.REFUSED, told
    assert told.startswith("minerisk: ")
    assert told.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_choice_that_is_none_is_refused_with_the_choices(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for words, choices in (
        (["request", "run", "--hazard", "mines"], get_args(Hazard)),
        (["report", "run", "--language", "de"], get_args(Language)),
        (["review", "add", "run", "--decision", "maybe"], get_args(DecisionName)),
    ):
        code, told = ending(capsys, *words)
        assert code == ExitCode.REFUSED
        assert told.count("\n") == 1
        assert all(repr(choice) in told for choice in choices)


def test_a_day_that_is_none_is_refused_with_its_form(capsys: pytest.CaptureFixture[str]) -> None:
    code, told = ending(capsys, "request", "run", "--as-of", "soon")
    assert code == ExitCode.REFUSED
    assert "'soon' is no day; expected YYYY-MM-DD." in told


def test_every_number_is_read_by_one_function() -> None:
    for path in CLI.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        options = re.findall(r"float(?: \| None)?,\s*typer\.Option\((.*?)help=", text, re.DOTALL)
        assert all("parser=number" in option for option in options), path


@pytest.mark.parametrize("given", ["inf", "nan", "-Infinity", "1e999", "many", ""])
def test_a_number_that_is_none_is_refused(given: str) -> None:
    for option in ("--within", "--budget", "--weight=casualties"):
        words = ["request", "run", f"{option}={given}"]
        found = CliRunner().invoke(app, words)
        assert found.exit_code == 2 or isinstance(found.exception, MineriskError), words


def test_the_choices_are_those_of_the_program() -> None:
    assert set(get_args(Language)) == set(LANGUAGES)
    assert set(get_args(Hazard)) == set(HAZARD_TITLES)
    assert set(get_args(DecisionName)) == set(Verdict)


@pytest.mark.parametrize(
    ("words", "own"),
    [("request", {"public", "unapproved", "sheets", "phone", "language"}), ("maps", set())],
)
def test_the_filters_of_a_request_are_options_of_its_commands_by_the_same_names(
    words: str, own: set[str]
) -> None:
    options = {item.name for item in COMMANDS[words].params}
    fields = {OPTION_OF.get(name, name) for name in Filters.model_fields}
    fields -= OF_TASKS if words == "maps" else set()
    assert fields <= options
    shared = {"folder", "out", "workers", "scheduler", "tls", "trust_network", "as_json"}
    assert options - fields == shared | own


def test_exit_codes_are_in_one_table_and_in_the_help() -> None:
    assert set(MEANINGS) == set(ExitCode)
    assert MineriskError.exit_code == ExitCode.REFUSED
    assert FindingError.exit_code == ExitCode.FOUND
    told = CliRunner().invoke(app, ["--help"]).output
    for line in exit_code_help().splitlines()[2:]:
        assert line.strip() in told


def test_a_fault_is_one_line_with_its_details_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from minerisk.pipelines.prepare import feature_list

    def fail() -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(feature_list, "list_kinds", fail)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    code, told = ending(capsys, "kinds")
    assert code == ExitCode.FAULT
    assert told.startswith("minerisk: A fault of minerisk (ZeroDivisionError: by zero).")
    assert told.count("\n") == 1
    (details,) = tmp_path.iterdir()
    assert str(details) in told
    assert "Traceback" in details.read_text(encoding="utf-8")


def test_the_version_is_that_of_the_package() -> None:
    from importlib.metadata import version

    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.output) == (0, f"minerisk {version('minerisk')}\n")


def test_the_help_imports_nothing_heavy() -> None:
    code = "import sys; from minerisk.pipelines.cli.main import app; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=os.environ
    )
    heavy = {"numpy", "pandas", "pydantic", "xarray", "rasterio", "geopandas", "yaml", "jinja2"}
    assert not heavy & set(done.stdout.split())
