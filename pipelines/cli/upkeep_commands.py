"""Commands for whoever installs and keeps minerisk."""

from pathlib import Path
from typing import Annotated

import typer

from minerisk.pipelines.cli.options import Json, example
from minerisk.pipelines.cli.output import show


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command(epilog=example("minerisk doctor --json"))(doctor)
    app.command("example", epilog=example("minerisk example tiny --out my_first"))(copy_example)


def doctor(
    folder: Annotated[
        Path, typer.Option("--runs", metavar="DIR", help="where runs are to be kept")
    ] = Path(),
    as_json: Json = False,
) -> None:
    """Look at what is installed and at this machine, and say what to do about it.

    Nothing is changed and nothing is sent. The exit code is 1 if something will fail.
    """
    from minerisk.pipelines.upkeep.doctor import diagnose, diagnosis_lines

    found = diagnose(folder)
    show(found, diagnosis_lines(found), as_json=as_json)
    if not found.passed:
        raise typer.Exit(1)


def copy_example(
    name: Annotated[
        str,
        typer.Argument(
            help="karabakh; tiny: 30 km of it, a minute's run; or additions: a package of features "
            "and models of one's own"
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="new folder")],
) -> None:
    """Write a study area that comes with minerisk, or a package that extends it, into a new folder.

    A study area comes with its layers.
    """
    from minerisk.pipelines.notebook.example_area import ADDITIONS, write_example

    written = write_example(name, out)
    if name == ADDITIONS:
        typer.echo(f"Now: pip install {written if written.is_absolute() else f'./{written}'}")
    else:
        typer.echo(f"Now: minerisk run {written} --out runs/{name}")
