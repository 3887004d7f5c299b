"""`minerisk run`: every stage in order, each done once, each on record."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.manifest import do_stage, locked, outputs_of, record_trainer
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.progress import Progress, progress
from minerisk.pipelines.run.workers import ALONE, Workers

log = logging.getLogger(__name__)

Work = Callable[[Run, Progress], tuple[Sequence[Path], dict[str, Any]]]


@dataclass(frozen=True)
class Step:
    """A stage: its name, what it needs, which settings matter to it, and its work."""

    name: str
    title: str
    needs: tuple[str, ...]
    sections: tuple[str, ...]
    work: Work
    layers: bool = False


def _configure(run: Run, bar: Progress) -> tuple[Sequence[Path], dict[str, Any]]:
    return [run.files.config], {}


def _simulate(run: Run, bar: Progress) -> tuple[Sequence[Path], dict[str, Any]]:
    from minerisk.pipelines.prepare.simulate import run_simulation

    layers = run.layers()
    geobox, inside = run.grid(layers)
    run_simulation(run.config, layers, geobox, inside, run.files.simulated)
    return [run.files.simulated], {"words": "SIMULATED findings; evidence of nothing real"}


def _validate(run: Run, bar: Progress) -> tuple[Sequence[Path], dict[str, Any]]:
    from minerisk.features.layers.problems import Level
    from minerisk.pipelines.prepare.validate import run_validate, stop_on_errors
    from minerisk.pipelines.run.finding_rows import write_rows

    report = run_validate(run.config, layers=run.layers(), out_dir=run.folder)
    stop_on_errors(report)
    return (
        [run.files.validation_json, run.files.validation_html, write_rows(run)],
        {level: report.count(level) for level in (Level.WARNING, Level.NOTE)},
    )


def _build(run: Run, bar: Progress) -> tuple[Sequence[Path], dict[str, Any]]:
    from minerisk.pipelines.prepare.build import build

    return build(run, progress=bar)


def _train(run: Run, bar: Progress) -> tuple[Sequence[Path], dict[str, Any]]:
    from minerisk.pipelines.tracking.mlflow_record import check_store
    from minerisk.pipelines.train.figures import write_figures
    from minerisk.pipelines.train.train import train

    check_store(run)
    paths, facts = train(run, progress=bar)
    return [*paths, write_figures(run.folder)], facts


def _track(run: Run, bar: Progress) -> tuple[Sequence[Path], dict[str, Any]]:
    from minerisk.pipelines.tracking.mlflow_record import track

    return [], track(run, figures=run.files.figures)


def _predict(run: Run, bar: Progress) -> tuple[Sequence[Path], dict[str, Any]]:
    from minerisk.pipelines.predict.hazard_rasters import predict_classes
    from minerisk.pipelines.predict.predict import predict

    return predict_classes(
        run.folder, run.files.rasters, lambda name: predict(run, progress=bar, hazard=name)
    )


def _prioritize(run: Run, bar: Progress) -> tuple[Sequence[Path], dict[str, Any]]:
    from minerisk.pipelines.prioritize.prioritize import write_tasks

    return write_tasks(run)


def _report(run: Run, bar: Progress) -> tuple[Sequence[Path], dict[str, Any]]:
    from minerisk.pipelines.report.report import report_of_run

    return [report_of_run(run)], {}


STEPS = {
    step.name: step
    for step in (
        Step("configure", "Configuration", (), (), _configure),
        Step("simulate", "SIMULATED findings", ("configure",), ("study_area", "simulation"),
             _simulate, layers=True),
        Step("validate", "Validate layers", ("configure",),
             ("study_area", "layers", "features", "effort", "labels"), _validate, layers=True),
        Step("build", "Feature cube", ("configure",),
             ("study_area", "layers", "features", "effort", "labels"), _build, layers=True),
        Step("train", "Train and test", ("build",),
             ("study_area", "folds", "model", "gates"), _train),
        Step("track", "MLflow record", ("configure", "build", "train"), ("tracking",), _track),
        Step("predict", "Risk rasters", ("build", "train"), ("study_area", "classes"), _predict),
        Step("prioritize", "Survey tasks", ("build", "train", "predict"),
             ("study_area", "layers", "features", "labels", "tasks", "model"), _prioritize,
             layers=True),
        Step("report", "Report", ("build", "train", "predict", "prioritize"), (), _report),
    )
}  # fmt: skip


def run_steps(
    config_path: Path,
    folder: Path,
    *,
    last: str = "report",
    by: str | None = None,
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
    with locked(folder):
        run = replace(Run.start(config_path, folder), workers=workers)
        if by is not None:
            record_trainer(folder, by)
        do_steps(run, last=last, said=said)
    return run


def do_steps(
    run: Run,
    *,
    last: str = "report",
    skip: Collection[str] = (),
    said: Callable[[str], None] = log.info,
) -> None:
    """Do the stages of a run in order, up to `last`, in a folder that is locked."""
    for step in STEPS.values():
        if step.name in skip or (step.name == "simulate" and run.config.simulation is None):
            continue
        said(_do(run, step))
        if step.name == last:
            break


def redo_step(
    folder: Path,
    name: str,
    *,
    said: Callable[[str], None] = log.info,
    workers: Workers = ALONE,
) -> Run:
    """Do one stage of a run that has what it needs."""
    with locked(folder):
        run = replace(Run.open(folder), workers=workers)
        said(_do(run, STEPS[name]))
    return run


def _do(run: Run, step: Step) -> str:
    needs = [*step.needs]
    if run.config.simulation is not None and step.name in {"validate", "build", "prioritize"}:
        needs.append("simulate")
    inputs: dict[str, str] = outputs_of(run.folder, *needs) if needs else {}
    if step.layers:
        inputs |= run.layer_inputs()
    settings: Mapping[str, Any] = run.config.model_dump(mode="json", include=set(step.sections))
    if step.name == "configure":
        settings = {"file": (run.files.config).read_text(encoding="utf-8")}
    with progress(step.title) as bar:
        done = do_stage(
            run.folder,
            step.name,
            inputs=inputs,
            settings=settings,
            work=lambda: step.work(run, bar),
        )
    return f"{step.title}: {'done' if done else 'nothing to do, same inputs as before'}"
