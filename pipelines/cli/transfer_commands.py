"""The command that applies a model to land that it was not trained for."""

from pathlib import Path
from typing import Annotated

import typer

from minerisk.pipelines.cli.options import Config, Json, RunFolder, Workers, example, writable
from minerisk.pipelines.cli.output import progress_line, show


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    line = "minerisk transfer runs/my_area other_area.yaml --out runs/other_area_ranks"
    app.command(epilog=example(line))(transfer)


def transfer(
    folder: RunFolder,
    config: Config,
    out: Annotated[Path, typer.Option("--out", callback=writable, help="folder for the result")],
    stands: Annotated[
        list[str] | None,
        typer.Option(
            "--as",
            metavar="RUN_LAYER=LAYER",
            help="read LAYER of the new study area where the run reads RUN_LAYER; repeatable",
        ),
    ] = None,
    workers: Workers = 1,
    as_json: Json = False,
) -> None:
    """Apply a run's model to another study area: ranks, and how far that land differs.

    Features are computed as in the run, by kind and parameters, from the layers of the new study
    area. Refused where too much of what the model goes by cannot be had there, or where it can
    speak for too little of the land. Probabilities are given only where finds there allow it.
    """
    from minerisk.pipelines.cli.run_commands import workers_for
    from minerisk.pipelines.transfer.lines import transfer_lines
    from minerisk.pipelines.transfer.transfer import transfer as apply

    given = dict(_pair(text) for text in stands or ())
    shared = workers_for(workers, None, "minerisk.features.cube.build")
    found = apply(folder, config, out, given=given, said=progress_line, workers=shared)
    show(found, transfer_lines(found), as_json=as_json)


def _pair(text: str) -> tuple[str, str]:
    name, sign, other = (part.strip() for part in text.partition("="))
    if not (name and sign and other):
        raise typer.BadParameter(f"{text!r} is no RUN_LAYER=LAYER, such as towns=settlements.")
    return name, other
