"""Commands that measure how good a run is, and compare it with others and with what came later."""

from pathlib import Path
from typing import Annotated

import typer

from minerisk.pipelines.cli.options import (
    Clip,
    Config,
    Json,
    Layer,
    Out,
    RunFolder,
    example,
    number,
    writable,
)
from minerisk.pipelines.cli.output import progress_line, show

evaluate = typer.Typer(
    help="Measure how good a model is on land it has not seen.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.add_typer(evaluate, name="evaluate")
    for command, line in (
        (ablate, "minerisk ablate my_area.yaml --out runs/ablation"),
        (compare, "minerisk compare runs/my_area runs/my_area_2 --out runs/difference"),
        (lookback, "minerisk lookback runs/my_area accidents.gpkg --kind type"),
        (status, "minerisk status runs/my_area --incidents accidents.gpkg"),
    ):
        app.command(epilog=example(line))(command)


@evaluate.command("run", epilog=example("minerisk evaluate run runs/my_area"))
def evaluate_run(folder: RunFolder, as_json: Json = False) -> None:
    """Print the scores of a run, beside rules of thumb.

    All are measured on land that was held out of training.
    """
    from minerisk.pipelines.report.summary import run_score_lines
    from minerisk.pipelines.run.folder import Run

    run = Run.open(folder)
    found = run.metrics()
    lines = run_score_lines(run)
    show(found.model_dump(mode="json"), lines, as_json=as_json)


@evaluate.command(
    "by",
    epilog=example("minerisk evaluate by runs/my_area front_distance_m --edges 2000,10000"),
)
def evaluate_by(
    folder: RunFolder,
    feature: Annotated[str, typer.Argument(help="column of the feature cube")],
    edges: Annotated[
        str, typer.Option("--edges", help="limits of the strata, such as 2000,5000; else fifths")
    ] = "",
    as_json: Json = False,
) -> None:
    """Print the scores of a run by the values of one feature."""
    from minerisk.pipelines.evaluate.by_land import evaluate_by as measure
    from minerisk.pipelines.evaluate.by_land import numbers_of, strata_lines

    strata = measure(folder, feature, numbers_of(edges))
    show(strata, strata_lines(strata), as_json=as_json)


@evaluate.command("regions", epilog=example("minerisk evaluate regions runs/my_area"))
def evaluate_regions(folder: RunFolder, as_json: Json = False) -> None:
    """Print how good a run and its plain rule are in each region left out, the worst first."""
    from minerisk.pipelines.evaluate.by_land import evaluate_regions as measure
    from minerisk.pipelines.evaluate.by_land import region_lines

    found = measure(folder)
    show(found, region_lines(found), as_json=as_json)


@evaluate.command("area", epilog=example("minerisk evaluate area runs/my_area district.gpkg"))
def evaluate_area(
    folder: RunFolder,
    area: Annotated[Path, typer.Argument(help="polygons of the land that is asked about")],
    layer: Layer = None,
    clip: Clip = False,
    as_json: Json = False,
) -> None:
    """Print how good a run is on land like that of an area.

    From land held out where as many lines are known, with an interval for the next such land, not
    for the mean of all.
    """
    from minerisk.pipelines.evaluate.like_land import like_lines, like_this
    from minerisk.pipelines.predict.window import area_window
    from minerisk.pipelines.records.request import Filters, LikeThis
    from minerisk.pipelines.request.filters import request_area
    from minerisk.pipelines.run.folder import Run

    run = Run.open(folder)
    polygons = request_area(run, Filters(aoi=area, layer=layer, clip=clip))
    found = like_this(run, area_window(run.cube(), polygons, clip=clip))
    lines = like_lines(found, simulated=run.simulated)
    show(LikeThis.of(found), lines, as_json=as_json)


@evaluate.command("later", epilog=example("minerisk evaluate later runs/my_area later.gpkg"))
def evaluate_later(
    folder: RunFolder,
    labels: Annotated[Path, typer.Argument(help="finds that were made after the run")],
    layer: Layer = None,
    searched: Annotated[
        str | None, typer.Option("--searched", help="layer of that file with the land searched")
    ] = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Score a run on finds that were made after it."""
    from minerisk.pipelines.evaluate.later_labels import evaluate_labels, later_lines

    found = evaluate_labels(folder, labels, layer=layer, searched_layer=searched, out=out)
    show(found, later_lines(found), as_json=as_json)


@evaluate.command(
    "table",
    epilog=example(
        "minerisk evaluate table labels.csv --label found --easting lon --northing lat "
        "--crs EPSG:4326"
    ),
)
def evaluate_table(
    table: Annotated[Path, typer.Argument(help="CSV or Parquet, one row per place")],
    label: Annotated[
        str, typer.Option("--label", help="column: 1 found, 0 searched, blank not searched")
    ],
    easting: Annotated[str, typer.Option("--easting", help="column of easting or longitude")],
    northing: Annotated[str, typer.Option("--northing", help="column of northing or latitude")],
    crs: Annotated[str, typer.Option("--crs", help="CRS of the coordinates, such as EPSG:4326")],
    group: Annotated[
        str | None, typer.Option("--group", help="column of the unit left out whole")
    ] = None,
    date: Annotated[str | None, typer.Option("--date", help="column of dates")] = None,
    date_format: Annotated[
        str | None,
        typer.Option("--date-format", help="how dates are written, such as %d.%m.%Y"),
    ] = None,
    block_m: Annotated[
        float | None,
        typer.Option(
            "--block-m", parser=number, metavar="NUMBER", help="side of the blocks, metres"
        ),
    ] = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Evaluate models on a table.

    Folds, rules of thumb, gates and measures are those of a run.
    """
    from minerisk.pipelines.evaluate.table import evaluate_table as measure
    from minerisk.pipelines.evaluate.table import table_lines

    found = measure(
        table,
        label=label,
        coordinates=(easting, northing),
        crs=crs,
        group=group,
        date=date,
        date_format=date_format,
        block_m=block_m,
        out=out,
    )
    show(found, table_lines(found), as_json=as_json)


def ablate(
    config: Config,
    out: Annotated[
        Path,
        typer.Option("--out", callback=writable, help="folder for the result; it can be continued"),
    ],
    into: Annotated[
        Path | None,
        typer.Option("--into", callback=writable, help="JSON of several study areas to add it to"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure what each family of features adds.

    Every model is scored on held-out land. Continues where it stopped.
    """
    from minerisk.pipelines.evaluate.ablation import ablate as measure
    from minerisk.pipelines.evaluate.ablation import lines_of

    found = measure(config, out, into=into, said=progress_line)
    show(found, lines_of(found), as_json=as_json)


def compare(
    first: RunFolder,
    second: Annotated[Path, typer.Argument(metavar="OTHER", help="run folder to compare with it")],
    out: Out = None,
    as_json: Json = False,
) -> None:
    """List what differs between two runs and their maps."""
    from minerisk.pipelines.evaluate.compare import compare_runs
    from minerisk.pipelines.evaluate.comparison_lines import comparison_lines
    from minerisk.pipelines.run.folder import Run

    found = compare_runs(Run.open(first), Run.open(second), out=out)
    show(found, comparison_lines(found), as_json=as_json)


def lookback(
    folder: RunFolder,
    events: Annotated[Path, typer.Argument(help="accidents or finds after the run")],
    layer: Layer = None,
    kind: Annotated[
        str | None, typer.Option("--kind", help="column of the kinds to count separately")
    ] = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Report what was predicted where something happened later.

    Misses are counted by region, kind, distance from the front line and land cover.
    """
    from minerisk.pipelines.evaluate.lookback import look_back, lookback_lines
    from minerisk.pipelines.run.folder import Run

    found = look_back(Run.open(folder), events, layer=layer, kind=kind, out=out)
    show(found, lookback_lines(found), as_json=as_json)


def status(
    folder: RunFolder,
    incidents: Annotated[
        Path | None, typer.Option("--incidents", help="accidents or finds, of any date")
    ] = None,
    layer: Layer = None,
    date: Annotated[str | None, typer.Option("--date", help="column of their dates")] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="YYYY-MM-DD", help="count those after this day only"),
    ] = None,
    as_json: Json = False,
) -> None:
    """List what has changed since a run was made.

    Layers, findings and incidents, and how much of the ranking they touch. Ends with exit code 1
    if the maps are stale.
    """
    from minerisk.pipelines.evaluate.status import Incidents, run_status, status_lines
    from minerisk.pipelines.run.folder import Run

    known = None if incidents is None else Incidents(incidents, layer, date, since)
    found = run_status(Run.open(folder), incidents=known)
    show(found, status_lines(found), as_json=as_json)
    if found.stale:
        raise typer.Exit(1)
