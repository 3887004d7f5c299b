"""`minerisk run`: every stage in order, each done once, each on record."""

import logging
import os
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from minerisk.configs.schema import Config
from minerisk.features.additions import load_added
from minerisk.features.errors import InputError
from minerisk.features.layers.stored_frames import StoredFrames
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.provenance.extras import Extra, need
from minerisk.pipelines.provenance.manifest import do_stage, locked, outputs_of, record_maker
from minerisk.pipelines.provenance.signatures import read_key
from minerisk.pipelines.records.manifest import NoFacts, TrackFacts, ValidateFacts
from minerisk.pipelines.records.record import Record
from minerisk.pipelines.report.drawing import DRAWING
from minerisk.pipelines.run.beforehand import check_day, check_room
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.intact import check_outputs
from minerisk.pipelines.run.processes import apart, prepare
from minerisk.pipelines.run.progress import Progress, progress, took
from minerisk.pipelines.run.workers import ALONE, Workers

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

log = logging.getLogger(__name__)

Done = tuple[Sequence[Path], Record]
Work = Callable[[Run, Progress], Done]


Settings = Callable[[Run], dict[str, JsonValue]]


@dataclass(frozen=True)
class Step:
    """A stage of a run.

    Attributes
    ----------
    name, title, about
        In the manifest, while it is done, and what it does, for reviewers.
    needs
        Earlier stages whose outputs it reads; those that this run does not have are left out.
    settings
        The part of the configuration that decides its outputs.
    work
        Makes the outputs; returns their paths and facts worth keeping.
    layers
        Whether it reads the layers of the configuration.
    when
        Tells whether a configuration has this stage; none is always.
    """

    name: str
    title: str
    about: str
    needs: tuple[str, ...]
    settings: Settings
    work: Work
    layers: bool = False
    when: Callable[[Config], bool] | None = None

    def is_in(self, config: Config) -> bool:
        """Tell whether a configuration has this stage."""
        return self.when is None or self.when(config)


def sections(*names: str) -> Settings:
    """Return how to read those sections of a configuration."""
    return lambda run: run.config.model_dump(mode="json", include=set(names))


def _whole_file(run: Run) -> dict[str, JsonValue]:
    return {"file": run.files.config.read_text(encoding="utf-8")}


def _configure(run: Run, bar: Progress) -> Done:
    return [run.files.config], NoFacts()


def _simulate(run: Run, bar: Progress) -> Done:
    from minerisk.pipelines.prepare.simulate import run_simulation

    layers = run.layers()
    geobox, inside = run.grid(layers)
    run_simulation(run.config, layers, geobox, inside[:], run.files.simulated)
    return [run.files.simulated], NoFacts()


def _validate(run: Run, bar: Progress) -> Done:
    from minerisk.features.layers.problems import Level
    from minerisk.pipelines.prepare.validate import run_validate, stop_on_errors
    from minerisk.pipelines.run.finding_rows import write_rows

    report = run_validate(run.config, layers=run.layers(), out_dir=run.folder)
    stop_on_errors(report)
    return (
        [run.files.validation_json, run.files.validation_html, write_rows(run)],
        ValidateFacts(warnings=report.count(Level.WARNING), notes=report.count(Level.NOTE)),
    )


def _build(run: Run, bar: Progress) -> Done:
    from minerisk.pipelines.prepare.build import build

    return build(run, progress=bar)


def _train(run: Run, bar: Progress) -> Done:
    from minerisk.pipelines.tracking.mlflow_record import check_store
    from minerisk.pipelines.train.train import train

    check_store(run)
    paths, facts = train(run, progress=bar)
    return [*paths, apart(_draw_figures, run.folder)], facts


def _draw_figures(folder: Path) -> Path:
    from minerisk.pipelines.train.figures import write_figures

    return write_figures(Run.open(folder))


def _track(run: Run, bar: Progress) -> Done:
    from minerisk.pipelines.tracking.store_place import settled

    with settled(run) as uri:
        return [], apart(partial(_record, uri=uri), run.folder)


def _record(folder: Path, *, uri: str) -> TrackFacts:
    from minerisk.pipelines.tracking.mlflow_record import record_run

    run = Run.open(folder)
    return record_run(run, uri, figures=run.files.figures)


def _predict(run: Run, bar: Progress) -> Done:
    from minerisk.pipelines.predict.hazard_rasters import predict_classes
    from minerisk.pipelines.predict.predict import predict

    return predict_classes(
        run.folder, run.files.rasters, lambda name: predict(run, progress=bar, hazard=name)
    )


def _prioritize(run: Run, bar: Progress) -> Done:
    from minerisk.pipelines.prioritize.prioritize import write_tasks

    return write_tasks(run)


def _report(run: Run, bar: Progress) -> Done:
    from minerisk.pipelines.report.report import report_of_run

    return [report_of_run(run)], NoFacts()


LATE = (
    "minerisk.pipelines.cli.main",
    "minerisk.pipelines.steps",
    "minerisk.pipelines.train.figures",
    "minerisk.pipelines.plotting.preview",
    *DRAWING,
    "minerisk.pipelines.tracking.imports",
)
"""What is imported for stages after the model is trained."""


def prepare_late_steps() -> None:
    """Let a second core import what draws and records the model, while this one trains it."""
    if (os.cpu_count() or 1) > 1:
        prepare(*LATE)


LAND = ("study_area", "layers", "features", "effort", "labels")
STEPS = {
    step.name: step
    for step in (
        Step("configure", "Configuration", marked("reads the configuration"), (),
             _whole_file, _configure),
        Step("simulate", "SIMULATED findings", marked("simulates findings"), ("configure",),
             sections("study_area", "simulation"), _simulate, layers=True,
             when=lambda config: config.simulation is not None),
        Step("validate", "Validate layers", marked("checks the layers"), ("configure", "simulate"),
             sections(*LAND), _validate, layers=True),
        Step("build", "Feature cube", marked("computes the feature cube and the labels"),
             ("configure", "simulate"), sections(*LAND), _build, layers=True),
        Step("train", "Train and test", marked("trains, tests on land held out, calibrates"),
             ("build",), sections("study_area", "folds", "model", "gates"), _train),
        Step("track", "MLflow record", marked("records in MLflow"), ("configure", "build", "train"),
             sections("tracking"), _track),
        Step("predict", "Risk rasters", marked("writes the rasters"), ("build", "train"),
             sections("study_area", "classes"), _predict),
        Step("prioritize", "Survey tasks", marked("writes the survey tasks"),
             ("simulate", "build", "train", "predict"),
             sections("study_area", "layers", "features", "labels", "tasks", "model"),
             _prioritize, layers=True),
        Step("report", "Report", marked("writes the report"),
             ("build", "train", "predict", "prioritize"), sections(), _report),
    )
}  # fmt: skip
"""Every stage of a run, in order."""


def run_steps(
    config_path: Path,
    folder: Path,
    *,
    last: str = "report",
    by: str | None = None,
    key: Path | None = None,
    said: Callable[[str], None] = log.info,
    workers: Workers = ALONE,
) -> Run:
    """Do every stage up to `last` that is not done yet.

    Parameters
    ----------
    config_path
        The study area's YAML.
    folder
        Run folder; new, or of an earlier run of the same study area, which is then gone on with.
    last
        Name of the last stage.
    by
        Who makes the run, in their own words; whoever approves it must be somebody else.
    key
        Ed25519 private key of whoever makes it: the head of the trail is signed, and the same key
        cannot approve the run.
    said
        Called with a line for each stage.
    workers
        Who works on the tiles of cube and rasters.

    Raises
    ------
    MineriskError
        By the stage that cannot go on; what was finished before stays usable.
    """
    if not config_path.is_file():
        raise InputError(f"There is no configuration at {config_path}. Give the path of a YAML.")
    signer = None if key is None else read_key(key)
    with locked(folder):
        run = replace(Run.start(config_path, folder), workers=workers, stored=StoredFrames())
        record_maker(run.files, by, signer=signer)
        _check_beforehand(run, last)
        do_steps(run, last=last, said=said, signer=signer)
    return run


def _check_beforehand(run: Run, last: str) -> None:
    """Refuse what would only fail after hours: the day, room on the disk, the tracking store."""
    check_day(run.config)
    manifest, names = run.manifest(), list(STEPS)
    if manifest.stage("track") is None and names.index(last) >= names.index("train"):
        need(Extra.TRAIN)
    if manifest.stage("build") is None:
        check_room(run)
    if manifest.stage("train") is None and names.index(last) >= names.index("train"):
        for name in run.config.model.choice.added:
            load_added("minerisk.estimators", name)
    if manifest.stage("track") is None and names.index(last) >= names.index("track"):
        from minerisk.pipelines.tracking.mlflow_record import check_store

        check_store(run)


def do_steps(
    run: Run,
    *,
    last: str = "report",
    skip: Collection[str] = (),
    said: Callable[[str], None] = log.info,
    signer: "Ed25519PrivateKey | None" = None,
) -> None:
    """Do the stages of a run in order, up to `last`, in a folder that is locked."""
    for step in STEPS.values():
        if step.name in skip or not step.is_in(run.config):
            continue
        said(_do(run, step, signer))
        if step.name == last:
            break


def redo_step(
    folder: Path,
    name: str,
    *,
    said: Callable[[str], None] = log.info,
    workers: Workers = ALONE,
) -> Run:
    """Do one stage of a run that has what it needs, as it was written."""
    run = replace(Run.open(folder), workers=workers, stored=StoredFrames())
    with locked(folder):
        check_outputs(run, _needed(run, STEPS[name]))
        said(_do(run, STEPS[name]))
    return run


def _needed(run: Run, step: Step) -> list[str]:
    return [name for name in step.needs if STEPS[name].is_in(run.config)]


def _do(run: Run, step: Step, signer: "Ed25519PrivateKey | None" = None) -> str:
    inputs: dict[str, str] = outputs_of(run.manifest(), *_needed(run, step))
    if step.layers:
        inputs |= run.layer_inputs()
    start = time.monotonic()
    with progress(step.title) as bar:
        done = do_stage(
            run.files,
            step.name,
            inputs=inputs,
            settings=step.settings(run),
            work=lambda: step.work(run, bar),
            signer=signer,
        )
    if not done:
        return f"{step.title}: nothing to do, same inputs as before"
    return f"{step.title}: done in {took(time.monotonic() - start)}"
