"""The command line. Heavy modules are imported by the command that needs them."""

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from minerisk.pipelines.cli.exit_codes import endings
from minerisk.pipelines.cli.review_commands import add_desk, show
from minerisk.pipelines.run.standard_output import keep_output_own

if TYPE_CHECKING:
    from minerisk.pipelines.run.workers import Workers

# Waiting threads sleep: two runs on one machine would otherwise slow each other twentyfold.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# What GDAL has read stays in memory: by itself a twentieth of the machine's in every worker. In MB.
os.environ.setdefault("GDAL_CACHEMAX", "256")

app = typer.Typer(
    name="minerisk",
    help="Rank unsurveyed land for survey: calibrated contamination probability, and where it "
    "cannot be told. A low value never means that land may be used.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

ConfigFile = Annotated[Path, typer.Argument(help="the study area's YAML")]
Out = Annotated[Path, typer.Option("--out", help="run folder; new, or to go on with")]
RunFolder = Annotated[Path, typer.Option("--run", help="run folder that `minerisk run` made")]
By = Annotated[
    str | None,
    typer.Option("--by", help="who makes the run: a role or staff number will do; kept with it"),
]
WorkersOption = Annotated[
    int, typer.Option("--workers", min=1, help="processes that share the tiles")
]
Scheduler = Annotated[
    str | None,
    typer.Option("--scheduler", help="Dask scheduler whose workers share them: tcp://host:port"),
]
Json = Annotated[bool, typer.Option("--json", help="print JSON")]
Near = Annotated[
    list[str] | None, typer.Option("--near", help="only near this layer; may be given again")
]
Within = Annotated[float | None, typer.Option("--within", help="metres to --near, at most")]
District = Annotated[
    list[str] | None, typer.Option("--district", help="only in this district; may be given again")
]
Hazard = Annotated[str | None, typer.Option("--hazard", help="hazard class: ap, at, uxo or any")]
AsOf = Annotated[
    str | None, typer.Option("--as-of", help="day of the evidence: a run of its own is made")
]


Language = Annotated[
    str, typer.Option("--language", help="of report, legends and README: en, az or ru")
]


add_desk(app)


@app.command()
def run(
    config: ConfigFile,
    out: Out,
    by: By = None,
    workers: WorkersOption = 1,
    scheduler: Scheduler = None,
) -> None:
    """Do everything in order, from layers to report. Goes on where it stopped."""
    who = _workers(
        workers, scheduler, "minerisk.features.cube.build", "minerisk.pipelines.predict.predict"
    )
    from minerisk.pipelines.steps import run_steps

    done = run_steps(config, out, by=by, said=_say, workers=who)
    from minerisk.pipelines.report.summary import closing_lines

    for line in closing_lines(done):
        typer.echo(line)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="folder of layers")],
    out: Annotated[Path, typer.Option("--out", help="YAML to write")] = Path("study_area.yaml"),
) -> None:
    """Write a first configuration from a folder of layers."""
    from minerisk.pipelines.prepare.init import write_first_config

    for line in write_first_config(folder, out):
        typer.echo(line)


@app.command()
def validate(
    config: ConfigFile,
    out: Annotated[Path | None, typer.Option("--out", help="folder for the report")] = None,
    as_json: Json = False,
) -> None:
    """Check the layers of a study area, and report."""
    from minerisk.pipelines.prepare.validate import run_validate, show_report
    from minerisk.pipelines.run.folder import read_config
    from minerisk.pipelines.run.layers import open_layers
    from minerisk.pipelines.run.progress import out as console

    parsed = read_config(config)
    found = run_validate(parsed, layers=open_layers(parsed, config_path=config), out_dir=out)
    if as_json:
        typer.echo(found.to_json(), nl=False)
    else:
        show_report(found, console)
    if found.failed:
        raise typer.Exit(1)


@app.command()
def features(
    config: Annotated[
        Path | None, typer.Argument(help="a study area's YAML: list the columns it builds")
    ] = None,
    as_json: Json = False,
) -> None:
    """List every kind of feature, or every column that a study area builds."""
    from minerisk.pipelines.prepare.feature_list import lines_of, listed

    found = listed(config)
    show(found, lines_of(found), as_json=as_json)


@app.command()
def ablate(
    config: ConfigFile,
    out: Out,
    into: Annotated[
        Path | None, typer.Option("--into", help="JSON of several study areas to put it into")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure what each family of features adds on land held out. Goes on where it stopped."""
    from minerisk.pipelines.evaluate.ablation import ablate as measure
    from minerisk.pipelines.evaluate.ablation import lines_of

    found = measure(config, out, into=into, said=_say)
    show(found, lines_of(found), as_json=as_json)


@app.command()
def build(
    config: ConfigFile, out: Out, workers: WorkersOption = 1, scheduler: Scheduler = None
) -> None:
    """Make the feature cube and the labels."""
    who = _workers(workers, scheduler, "minerisk.features.cube.build")
    from minerisk.pipelines.steps import run_steps

    run_steps(config, out, last="build", said=_say, workers=who)
    typer.echo(f"Cube: {out / 'cube.zarr'}")


@app.command()
def train(config: ConfigFile, out: Out, by: By = None) -> None:
    """Train, put to the test on land held out, calibrate, pass the gates."""
    from minerisk.pipelines.report.summary import score_lines
    from minerisk.pipelines.run.readers import read_metrics
    from minerisk.pipelines.steps import run_steps

    done = run_steps(config, out, last="track", by=by, said=_say)
    for line in score_lines(read_metrics(done.folder)):
        typer.echo(line)


@app.command()
def evaluate(
    run: RunFolder,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="finds that came after the run")
    ] = None,
    layer: Annotated[str | None, typer.Option("--layer", help="layer of the finds")] = None,
    searched: Annotated[
        str | None, typer.Option("--searched", help="layer of that file: land searched")
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", help="feature: how good on land of like values of it")
    ] = None,
    edges: Annotated[
        str, typer.Option(help="where its values are parted, such as 2000,5000; else in fifths")
    ] = "",
    out: Annotated[Path | None, typer.Option("--out", help="folder for the result")] = None,
    as_json: Json = False,
) -> None:
    """Print how good a run is on land held out; with --labels, on finds that came later."""
    from minerisk.pipelines.report.summary import score_lines
    from minerisk.pipelines.run.readers import read_metrics

    if by is not None:
        from minerisk.pipelines.evaluate.by_feature import evaluate_by, numbers_of, strata_lines

        strata = evaluate_by(run, by, numbers_of(edges))
        show(strata, strata_lines(strata), as_json=as_json)
        return
    if labels is None:
        metrics = read_metrics(run)
        show(metrics, score_lines(metrics), as_json=as_json)
        return
    from minerisk.pipelines.evaluate.later_labels import evaluate_labels

    found = evaluate_labels(run, labels, layer=layer, searched_layer=searched, out=out)
    show(found, found["words"], as_json=as_json)


@app.command("evaluate-table")
def evaluate_table(
    table: Annotated[Path, typer.Argument(help="CSV or Parquet, one row a place")],
    label: Annotated[str, typer.Option(help="column: 1 found, 0 searched, blank not searched")],
    easting: Annotated[str, typer.Option(help="column of easting or longitude")],
    northing: Annotated[str, typer.Option(help="column of northing or latitude")],
    crs: Annotated[str, typer.Option(help="CRS of the coordinates, such as EPSG:4326")],
    group: Annotated[str | None, typer.Option(help="column of the unit left out whole")] = None,
    date: Annotated[str | None, typer.Option(help="column of dates")] = None,
    block_m: Annotated[float | None, typer.Option(help="side of the blocks, metres")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="folder for the result")] = None,
    as_json: Json = False,
) -> None:
    """Put the models to the test on a plain table, with the folds and gates of a run."""
    from minerisk.pipelines.evaluate.table import evaluate_table as evaluate
    from minerisk.pipelines.report.summary import score_lines

    found = evaluate(
        table,
        label=label,
        coordinates=(easting, northing),
        crs=crs,
        group=group,
        date=date,
        block_m=block_m,
        out=out,
    )
    show(found, score_lines(found), as_json=as_json)


@app.command()
def predict(
    run: RunFolder,
    aoi: Annotated[
        Path | None, typer.Option("--aoi", help="polygons of the area asked for")
    ] = None,
    layer: Annotated[str | None, typer.Option("--layer", help="layer of that file")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="folder for its rasters")] = None,
    near: Near = None,
    within: Within = None,
    district: District = None,
    hazard: Hazard = None,
    as_of: AsOf = None,
    workers: WorkersOption = 1,
    scheduler: Scheduler = None,
) -> None:
    """Write risk rasters of the whole study area, or of the land asked for."""
    who = _workers(workers, scheduler, "minerisk.pipelines.predict.predict")
    if who.alone:
        _prepare_drawing()
    from minerisk.pipelines.request.answer import predict_request
    from minerisk.pipelines.request.filters import Filters
    from minerisk.pipelines.steps import redo_step

    asked = Filters(tuple(near or ()), within, tuple(district or ()), hazard, as_of, aoi, layer)
    if asked:
        for path in predict_request(run, asked, out=out, said=_say, workers=who):
            typer.echo(str(path))
        return
    redo_step(run, "predict", said=_say, workers=who)
    typer.echo(f"Rasters: {run / 'rasters'}")


@app.command()
def feedback(
    run: RunFolder,
    results: Annotated[
        Path | None, typer.Argument(help="survey results; without them, those on record")
    ] = None,
    layer: Annotated[str | None, typer.Option("--layer", help="layer of that file")] = None,
    hours_per_ha: Annotated[
        float | None,
        typer.Option("--hours-per-ha", help="team-hours that search a hectare once"),
    ] = None,
    by: By = None,
    retrain: Annotated[
        bool, typer.Option("--retrain", help="make a new run that has learned the results")
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", help="folder of the new run")] = None,
    difference: Annotated[
        Path | None, typer.Option("--difference", help="folder for what moved on the map")
    ] = None,
    as_json: Json = False,
) -> None:
    """Keep survey results, say what the run had said there, and teach a new run."""
    from minerisk.pipelines.feedback.feedback import check_retrain, deliver, show_feedback
    from minerisk.pipelines.feedback.feedback import retrain as make_again
    from minerisk.pipelines.feedback.store import Delivery

    check_retrain(run, retrain=retrain, out=out)
    if results is not None:
        deliver(run, Delivery(results, by=by or "", hours_per_ha=hours_per_ha), layer=layer)
    found = show_feedback(run)
    show(found, found["words"], as_json=as_json and out is None)
    if out is not None:
        made = make_again(run, out, by=by, difference=difference, said=_say)
        show(made, made["words"], as_json=as_json)


@app.command()
def prioritize(
    run: RunFolder,
    near: Near = None,
    within: Within = None,
    district: District = None,
    hazard: Hazard = None,
    as_of: AsOf = None,
    out: Annotated[Path | None, typer.Option("--out", help="folder for its tasks")] = None,
) -> None:
    """Write ranked survey tasks, on the whole study area or on the land asked for."""
    from minerisk.pipelines.request.answer import prioritize_request
    from minerisk.pipelines.request.filters import Filters
    from minerisk.pipelines.steps import redo_step

    asked = Filters(tuple(near or ()), within, tuple(district or ()), hazard, as_of)
    if asked:
        for path in prioritize_request(run, asked, out=out, said=_say):
            typer.echo(str(path))
        return
    redo_step(run, "prioritize", said=_say)
    typer.echo(f"Tasks: {run / 'tasks.gpkg'}, {run / 'tasks.csv'}")


@app.command()
def report(
    run: RunFolder,
    language: Annotated[
        str, typer.Option("--language", help="en, az or ru; others than en go into a copy")
    ] = "en",
) -> None:
    """Write report.html, or beside it a copy in another language."""
    from minerisk.pipelines.report.report import report_of_run
    from minerisk.pipelines.run.folder import Run
    from minerisk.pipelines.steps import redo_step

    if language != "en":
        typer.echo(f"Report: {report_of_run(Run.open(run), language)}")
        return
    redo_step(run, "report", said=_say)
    typer.echo(f"Report: {run / 'report.html'}")


@app.command()
def pack(
    run: Annotated[Path, typer.Argument(help="run folder")],
    out: Annotated[Path, typer.Option("--out", help="folder of the pack; new or an earlier pack")],
    aoi: Annotated[
        Path | None, typer.Option("--aoi", help="polygons of the area asked for")
    ] = None,
    layer: Annotated[str | None, typer.Option("--layer", help="layer of that file")] = None,
    near: Near = None,
    within: Within = None,
    district: District = None,
    hazard: Hazard = None,
    as_of: AsOf = None,
    tasks: Annotated[
        Path | None, typer.Option("--tasks", help="tasks.gpkg that prioritize made for a request")
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="also a coarsened copy without findings, OUT_public")
    ] = False,
    language: Language = "en",
) -> None:
    """Write one folder to hand out: maps, tasks, report, model card; opens in QGIS by map.qgs."""
    from minerisk.pipelines.request.filters import Filters
    from minerisk.pipelines.request.pack import make_packs

    asked = Filters(tuple(near or ()), within, tuple(district or ()), hazard, as_of, aoi, layer)
    for folder in make_packs(
        run, out, filters=asked, tasks=tasks, public=public, language=language
    ):
        typer.echo(f"Pack: {folder} (open {folder / 'map.qgs'} or {folder / 'report.html'})")


def main() -> None:
    """Run the command line: one clear line and an exit code, whatever goes wrong."""
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    logging.getLogger("rasterio._env").setLevel(logging.ERROR)  # drivers already absent
    logging.getLogger("optuna.storages").setLevel(logging.WARNING)  # a line for every study
    keep_output_own()
    with endings():
        app()


def _workers(count: int, scheduler: str | None, *modules: str) -> "Workers":
    """Give the workers asked for; they import what they need while this process does."""
    from minerisk.pipelines.run.workers import Workers

    who = Workers(count, scheduler)
    who.prepare(*modules)
    return who


def _prepare_drawing() -> None:
    """Let a second core import what draws the preview, while this process predicts."""
    from minerisk.pipelines.run.processes import prepare

    if (os.cpu_count() or 1) > 1:
        prepare(
            "minerisk.pipelines.cli.main",
            "minerisk.pipelines.plotting.preview",
            "minerisk.pipelines.plotting.figures",
            "minerisk.pipelines.plotting.map_figure",
        )


def _say(line: str) -> None:
    typer.echo(line, err=True)


if __name__ == "__main__":
    main()
