"""Commands that make a run: from a folder of layers to the report, all at once or by stage."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from minerisk.pipelines.cli.options import (
    By,
    Config,
    Json,
    Language,
    MakerKey,
    NewRun,
    Out,
    RunFolder,
    Scheduler,
    Tls,
    TrustNetwork,
    Workers,
    example,
    writable,
)
from minerisk.pipelines.cli.output import progress_line, show

if TYPE_CHECKING:
    from minerisk.pipelines.run.workers import Workers as RunWorkers


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    for command, line in (
        (run, "minerisk run my_area.yaml --out runs/my_area"),
        (init, "minerisk init my_layers/ --out my_area.yaml"),
        (validate, "minerisk validate my_area.yaml"),
        (kinds, "minerisk kinds --json"),
        (features, "minerisk features my_area.yaml"),
        (build, "minerisk build my_area.yaml --out runs/my_area"),
        (train, "minerisk train my_area.yaml --out runs/my_area"),
        (predict, "minerisk predict runs/my_area --workers 2"),
        (prioritize, "minerisk prioritize runs/my_area"),
        (report, "minerisk report runs/my_area --language az"),
    ):
        app.command(epilog=example(line))(command)


def run(
    config: Config,
    out: NewRun,
    by: By = None,
    key: MakerKey = None,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    tls: Tls = None,
    trust_network: TrustNetwork = False,
) -> None:
    """Make a run, from layers to report.

    Every stage is done in order and once; the command continues where it stopped.
    """
    shared = workers_for(
        workers,
        scheduler,
        "minerisk.features.cube.build",
        "minerisk.pipelines.predict.predict",
        tls=tls,
        trust_network=trust_network,
    )
    from minerisk.pipelines.steps import prepare_late_steps, run_steps

    if shared.alone:
        prepare_late_steps()
    done = run_steps(config, out, by=by, key=key, said=progress_line, workers=shared)
    from minerisk.pipelines.report.summary import closing_lines

    for line in closing_lines(done):
        typer.echo(line)


def init(
    folder: Annotated[Path, typer.Argument(help="folder of layers")],
    out: Annotated[
        Path, typer.Option("--out", callback=writable, help="YAML file to write")
    ] = Path("study_area.yaml"),
) -> None:
    """Write a first configuration from a folder of layers."""
    from minerisk.pipelines.prepare.init import write_first_config

    for line in write_first_config(folder, out):
        typer.echo(line)


def validate(config: Config, out: Out = None, as_json: Json = False) -> None:
    """Check the layers of a study area before anything is built.

    Told too is what would end a run late: a day to come, an MLflow store that cannot be used.
    """
    from minerisk.features.errors import InputError
    from minerisk.pipelines.prepare.validate import run_validate, show_report
    from minerisk.pipelines.run.beforehand import check_day
    from minerisk.pipelines.run.folder import read_config
    from minerisk.pipelines.run.layers import open_layers
    from minerisk.pipelines.run.progress import console
    from minerisk.pipelines.tracking.mlflow_record import check_given_store

    parsed = read_config(config)
    found = run_validate(parsed, layers=open_layers(parsed, config_path=config), out_dir=out)
    if as_json:
        typer.echo(found.to_json(), nl=False)
    else:
        show_report(found, console())
    try:
        check_day(parsed)
        check_given_store(parsed)
    except InputError as error:
        typer.echo(f"minerisk: {error}", err=True)
        raise typer.Exit(1) from error
    if found.failed:
        raise typer.Exit(1)


def kinds(as_json: Json = False) -> None:
    """List the kinds of features that a study area may ask for."""
    from minerisk.pipelines.prepare.feature_list import kind_lines, list_kinds

    found = list_kinds()
    show(found, kind_lines(found), as_json=as_json)


def features(config: Config, as_json: Json = False) -> None:
    """List the columns that a study area builds, and what it leaves out."""
    from minerisk.pipelines.prepare.feature_list import column_lines, list_columns

    found = list_columns(config)
    show(found, column_lines(found), as_json=as_json)


def build(
    config: Config,
    out: NewRun,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    tls: Tls = None,
    trust_network: TrustNetwork = False,
) -> None:
    """Make a run up to the feature cube and the labels."""
    shared = workers_for(
        workers, scheduler, "minerisk.features.cube.build", tls=tls, trust_network=trust_network
    )
    from minerisk.pipelines.steps import run_steps

    done = run_steps(config, out, last="build", said=progress_line, workers=shared)
    typer.echo(f"Cube: {done.files.cube}")


def train(config: Config, out: NewRun, by: By = None, key: MakerKey = None) -> None:
    """Make a run up to the calibrated model and its scores."""
    from minerisk.pipelines.report.summary import score_lines
    from minerisk.pipelines.steps import prepare_late_steps, run_steps

    prepare_late_steps()
    done = run_steps(config, out, last="track", by=by, key=key, said=progress_line)
    for line in score_lines(done.metrics(), simulated=done.simulated):
        typer.echo(line)


def predict(
    folder: RunFolder,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    tls: Tls = None,
    trust_network: TrustNetwork = False,
) -> None:
    """Write the risk rasters of a run again. For a part of its land see `minerisk request`."""
    shared = workers_for(
        workers,
        scheduler,
        "minerisk.pipelines.predict.predict",
        tls=tls,
        trust_network=trust_network,
    )
    from minerisk.pipelines.steps import redo_step

    done = redo_step(folder, "predict", said=progress_line, workers=shared)
    typer.echo(f"Rasters: {done.files.rasters}")


def prioritize(folder: RunFolder) -> None:
    """Write the survey tasks of a run again. For a part of its land see `minerisk request`."""
    from minerisk.pipelines.steps import redo_step

    done = redo_step(folder, "prioritize", said=progress_line)
    typer.echo(f"Tasks: {done.files.tasks_gpkg}, {done.files.tasks_csv}")


def report(folder: RunFolder, language: Language = "en") -> None:
    """Write the report of a run.

    In English it is report.html, a stage of the run; in another language report_az.html or
    report_ru.html beside it.
    """
    from minerisk.pipelines.provenance.run_folder import MODEL_CARD_READS
    from minerisk.pipelines.report.report import report_of_run
    from minerisk.pipelines.run.folder import Run
    from minerisk.pipelines.run.intact import check_outputs
    from minerisk.pipelines.steps import STEPS, redo_step

    if language != "en":
        run = Run.open(folder)
        check_outputs(run, STEPS["report"].needs)
        state = run.standing(MODEL_CARD_READS).state
        typer.echo(f"Report: {report_of_run(run, language, state=state)}")
        return
    done = redo_step(folder, "report", said=progress_line)
    typer.echo(f"Report: {done.files.report}")


def workers_for(
    count: int,
    scheduler: str | None,
    *modules: str,
    tls: Path | None = None,
    trust_network: bool = False,
) -> "RunWorkers":
    """Return the workers asked for; they import modules while this process does."""
    from minerisk.pipelines.run.workers import Workers as RunWorkers

    shared = RunWorkers(count, scheduler, tls, trust_network)
    if shared.cluster is not None:
        shared.cluster.check()
    shared.prepare(*modules)
    return shared
