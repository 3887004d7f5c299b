"""Where a training run's processor time goes: by protocol and by kind of work, all threads counted.

    MINERISK_DATA=… python -m tests.benchmarks.training_profile RUN_FOLDER [--far-folds N]

RUN_FOLDER is one of `minerisk build`, or of a whole run; nothing is written into it. Every 5
milliseconds the clock of each thread is read, and what it has used since is put down to the first
of `KINDS` whose function is on its stack, innermost frame first. With `--far-folds` only every
model is scored on the first N regions left out, which says most of a large area in a tenth of the
time.
"""

import argparse
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType

from minerisk.models.evaluation.feature_lint import place_columns
from minerisk.models.evaluation.out_of_fold_scores import draw_folds, out_of_fold_models
from minerisk.models.fitting.training import train_model
from minerisk.models.folds.protocol import ProtocolName
from minerisk.models.selection.candidates import ModelSpec, makers
from minerisk.models.selection.protocols import hold_out
from minerisk.models.table import CellTable
from minerisk.pipelines.run.contents import covered_columns, feature_families, read_cells
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.progress import took
from minerisk.pipelines.train.land_samples import land_to_predict
from minerisk.pipelines.train.run_metrics import run_metrics
from minerisk.pipelines.train.shared_land import SharedLand
from minerisk.pipelines.train.spec import model_spec

EVERY_S = 0.005
KINDS = {
    ("minerisk.models.estimators.random_forest", "fit"): "random forest",
    ("minerisk.models.trees.binned_rows", "bin_rows"): "members: bins of columns",
    ("minerisk.models.estimators.member_growth", "grown_member"): "members: trees",
    ("lightgbm.basic", "construct"): "readings by LightGBM",
    ("lightgbm.basic", "update"): "readings by LightGBM",
    ("minerisk.models.estimators.estimators", "_trained"): "other work of members",
    ("minerisk.models.estimators.ridge_logistic", "fit_ridge_logistic"): "logistic regressions",
    ("minerisk.models.trees.kernel", "kernel_of"): "scores of members: trees read",
    ("minerisk.models.estimators.members", "log_odds"): "scores of members",
    ("minerisk.models.evaluation.out_of_fold_scores", "_encode_drawn"): "columns of past findings",
    ("minerisk.models.evaluation.out_of_fold_scores", "_encode_tested"): "columns of past findings",
    ("minerisk.models.evaluation.metrics", "_bootstrap"): "bootstrap of blocks",
    ("minerisk.models.calibration.cross_calibration", "cross_calibrate"): "calibration",
    ("minerisk.models.calibration.cross_calibration", "choose_kind"): "calibration",
    ("minerisk.models.calibration.cross_calibration", "fit_kind"): "calibration",
    ("minerisk.models.calibration.conformal", "cover_across_folds"): "intervals",
    ("minerisk.models.survey_bias.unsurveyed", "_readings"): "unsurveyed land: readings of labels",
    (
        "minerisk.models.survey_bias.propensity",
        "survey_chance",
    ): "unsurveyed land: chance of survey",
    ("minerisk.models.survey_bias.unsurveyed", "assess_unsurveyed"): "unsurveyed land: the rest",
    ("minerisk.models.folds.knndm", "match"): "kNNDM",
    ("minerisk.models.applicability.area_of_applicability", "held_out_novelty"): "applicability",
    ("minerisk.models.applicability.area_of_applicability", "dissimilarity"): "applicability",
    ("minerisk.models.selection.nested_search", "score_inside"): "other work of the search",
    ("minerisk.models.evaluation.feature_lint", "lint_features"): "lint of features",
}
"""Module and function to what its time is shown as."""


class Profile:
    """Processor seconds by stage and kind of work."""

    def __init__(self) -> None:
        self.stage = "start"
        self.seconds: Counter[tuple[str, str]] = Counter()
        self.used: Counter[str] = Counter()
        self._since = time.process_time()
        self._main_before = time.thread_time()
        self._over = threading.Event()

    def step(self, what: str, done: int, total: int) -> None:
        """Note what is done from now on."""
        now = time.process_time()
        self.used[self.stage] += now - self._since
        self.stage, self._since = what, now

    @contextmanager
    def running(self) -> Iterator[None]:
        """Sample all threads but that of the profile itself."""
        watcher = threading.Thread(target=self._watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            self._over.set()
            watcher.join()
            self.step("end", 0, 1)

    def _watch(self) -> None:
        before: dict[int, float] = {threading.main_thread().native_id or 0: self._main_before}
        while not self._over.wait(EVERY_S):
            frames = sys._current_frames()
            for thread in threading.enumerate():
                ident, number = thread.ident, thread.native_id
                if ident is None or number is None or ident not in frames:
                    continue
                if ident == threading.get_ident():
                    continue
                try:
                    now = time.clock_gettime(time.pthread_getcpuclockid(ident))
                except OSError:  # it has ended meanwhile
                    continue
                # A new thread may have the number of one that has ended, whose clock was ahead.
                last = before.get(number, 0.0)
                used = now - last if last <= now else now
                self.seconds[self.stage, kind_of(frames[ident])] += used
                before[number] = now


def kind_of(frame: FrameType | None) -> str:
    """Return the kind of work that a stack is at."""
    while frame is not None:
        place = frame.f_globals.get("__name__", ""), frame.f_code.co_name
        if place in KINDS:
            return KINDS[place]
        frame = frame.f_back
    return "other"


def _as_trained(run: Run) -> tuple[CellTable, ModelSpec]:
    """Read the labelled cells and the settings of a model as `minerisk train` does."""
    table = read_cells(run)
    spec = model_spec(
        run.config.model,
        as_of=run.config.study_area.as_of,
        covered=covered_columns(run),
        place_columns=place_columns(table),
    )
    return table, spec


def profile_training(folder: Path) -> tuple[Profile, str]:
    """Train as `minerisk train` does, and return where the time went and how much was done."""
    run, profile, begun = Run.open(folder), Profile(), time.monotonic()
    config = run.config
    with profile.running():
        profile.step("read and hold out", 0, 1)
        table, spec = _as_trained(run)
        target = land_to_predict(run)
        held = hold_out(table, target=target, seed=spec.seed, **config.folds.model_dump())
        trained = train_model(
            table,
            held,
            spec,
            families=feature_families(run),
            interval=config.model.interval,
            permutations=config.gates.permutations,
            step=profile.step,
        )
        profile.step("metrics", 0, 1)
        run_metrics(run, trained, SharedLand(table))
    folds = {name.value: len(one.folds) for name, one in held.protocols.items()}
    far = trained.scores.choices.get(ProtocolName.FAR)
    trials = 0 if far is None else len(far.trials) // len(far.chosen)
    return profile, (
        f"{len(table.state):,} labelled cells, folds {folds}, {spec.members} members, "
        f"{trials} trials for each training set on {spec.inner_folds} inner folds, "
        f"{config.gates.permutations} permutations; "
        f"{took(time.monotonic() - begun)} from start to end"
    )


def profile_far_folds(folder: Path, count: int) -> tuple[Profile, str]:
    """Score every model on the first regions left out; return the same."""
    run, profile, begun = Run.open(folder), Profile(), time.monotonic()
    config = run.config
    with profile.running():
        profile.step("read", 0, 1)
        table, spec = _as_trained(run)
        profile.step("hold out", 0, 1)
        target = land_to_predict(run)
        held = hold_out(table, target=target, seed=spec.seed, **config.folds.model_dump())
        far = held.protocols[ProtocolName.FAR]
        some = replace(far, folds=list(far.folds)[:count])
        profile.step("far folds", 0, 1)
        out_of_fold_models(
            makers(table.features, spec, families=feature_families(run), block_m=held.block_m),
            some,
            draw_folds(table, some, spec.drawing(held.block_m)),
            rows=len(table.state),
            threads=spec.threads,
        )
    return profile, (
        f"{len(table.state):,} labelled cells, {count} of {len(far.folds)} far folds, "
        f"{spec.members} members; {took(time.monotonic() - begun)} from start to end"
    )


def lines_of(profile: Profile) -> Iterator[str]:
    """Write the time of each stage, and of each kind of work, as tables of Markdown."""
    yield "| stage | processor s |\n| --- | --- |"
    for stage, seconds in profile.used.items():
        if stage not in ("start", "end"):
            yield f"| {stage} | {seconds:.1f} |"
    yield f"| all | {sum(profile.used.values()):.1f} |\n"
    kinds: Counter[str] = Counter()
    for (_, kind), seconds in profile.seconds.items():
        kinds[kind] += seconds
    seen, whole = sum(kinds.values()), sum(profile.used.values())
    yield "| kind of work | processor s |\n| --- | --- |"
    for kind, seconds in kinds.most_common():
        yield f"| {kind} | {seconds * whole / max(seen, 1e-9):.1f} |"


def main() -> None:
    """Print the tables of a run."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("folder", type=Path, help="run folder, built at least")
    words.add_argument("--far-folds", type=int, help="score on so many regions left out, no more")
    asked = words.parse_args()
    if asked.far_folds is None:
        profile, done = profile_training(asked.folder)
    else:
        profile, done = profile_far_folds(asked.folder, asked.far_folds)
    sys.stdout.write("\n".join([done, "", *lines_of(profile), ""]))


if __name__ == "__main__":
    main()
