"""Commands for survey results that come back, and for the run that learns from them."""

from pathlib import Path
from typing import Annotated

import typer

from minerisk.pipelines.cli.options import (
    By,
    Json,
    Layer,
    MakerKey,
    NewRun,
    RunFolder,
    example,
    number,
    writable,
)
from minerisk.pipelines.cli.output import progress_line, show
from minerisk.pipelines.records.choices import Export

feedback = typer.Typer(
    help="Record survey results and compare them with the map.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.add_typer(feedback, name="feedback")
    line = "minerisk retrain runs/my_area --out runs/my_area_2 --by 'staff 12'"
    app.command(epilog=example(line))(retrain)


@feedback.command(
    epilog=example("minerisk feedback add runs/my_area results.gpkg --by 'operations, sector 4'")
)
def add(
    folder: RunFolder,
    results: Annotated[Path, typer.Argument(help="file of survey results")],
    layer: Layer = None,
    hours_per_ha: Annotated[
        float | None,
        typer.Option(
            "--hours-per-ha",
            parser=number,
            metavar="NUMBER",
            help="team-hours that search one hectare once",
        ),
    ] = None,
    export: Annotated[
        Export | None,
        typer.Option("--from", help="program that wrote the file, if it keeps days in its own way"),
    ] = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Check survey results and add them to those on record."""
    from minerisk.pipelines.feedback.feedback import deliver
    from minerisk.pipelines.feedback.store import Delivery
    from minerisk.pipelines.run.folder import Run

    entry = deliver(
        Run.open(folder),
        Delivery(results, by=by or "", hours_per_ha=hours_per_ha, export=export),
        layer=layer,
    )
    line = (
        f"Added as delivery {entry.number}. Results: {entry.records}, of them finds: {entry.finds}."
    )
    show(entry, [line], as_json=as_json)


@feedback.command("show", epilog=example("minerisk feedback show runs/my_area"))
def show_feedback(folder: RunFolder, as_json: Json = False) -> None:
    """Compare what the run predicted with what surveys found."""
    from minerisk.pipelines.feedback.feedback import feedback_lines
    from minerisk.pipelines.feedback.feedback import show_feedback as compare
    from minerisk.pipelines.run.folder import Run

    found = compare(Run.open(folder))
    show(found, feedback_lines(found), as_json=as_json)


def retrain(
    folder: RunFolder,
    out: NewRun,
    by: By = None,
    key: MakerKey = None,
    difference: Annotated[
        Path | None,
        typer.Option("--difference", callback=writable, help="folder for the map of rank shifts"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a new run that learns from the survey results.

    It is a draft until it is reviewed. What moved on the map goes into OUT_difference.
    """
    from minerisk.pipelines.feedback.feedback import retrain as make_again
    from minerisk.pipelines.feedback.feedback import retrain_lines
    from minerisk.pipelines.run.folder import Run

    made = make_again(
        Run.open(folder), out, by=by, key=key, difference=difference, said=progress_line
    )
    show(made.comparison, retrain_lines(made), as_json=as_json)
