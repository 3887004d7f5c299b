"""Choose a model inside the training land, so that the land held out is touched once."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.pipeline import Pipeline

from minerisk.features.errors import InputError
from minerisk.models.evaluation.metrics import capture_curve
from minerisk.models.evaluation.out_of_fold_scores import Drawing, DrawnRows, draw_folds
from minerisk.models.folds.blocks import assign_blocks
from minerisk.models.folds.protocol import Protocol, ProtocolName, Splitter
from minerisk.models.folds.splits import folds_from_ids
from minerisk.models.selection.common_scale import common_scale
from minerisk.models.selection.forward_choice import choose_families
from minerisk.models.selection.trials import Search, Trial, TrialScores
from minerisk.models.table import SPEAKS, CellTable

if TYPE_CHECKING:
    import optuna

Settings = Mapping[str, Any]
Space = Mapping[str, tuple[Any, ...]]

log = logging.getLogger(__name__)

FAMILIES = "families"
"""Setting of a search: the families that are read, each on its place, where they were chosen."""
NEGATIVES_SCORED = 30_000


@dataclass
class NestedChoice:
    """Make a pipeline for each training set by trying settings on folds inside it.

    Called with a training table, it searches `space` (tree-structured Parzen estimator, Bergstra
    2011, through Optuna), scores each setting on regions left out *within* that table, and gives
    the pipeline of the best setting, its log-odds set right by Platt's curve on those regions: a
    forest's mean something else than a boosted model's, and scores of several training sets are
    pooled. Every setting tried is kept in `trials`, one that could not be scored with the reason.

    Parameters
    ----------
    space
        Setting to its possible values.
    quick, full
        Make a pipeline from settings: a small one to try with, and the one to use.
    read
        What a pipeline of settings depends on: two settings that agree in it are one.
    trials_each
        Settings tried for each training set, at least all of `first`.
    first
        Settings to begin with; the first of them is used if nothing tried is better.
    inner_folds
        Groups of regions (or of blocks, where there are too few regions) inside the training set.
    drawing
        How training rows are drawn.
    covered
        Columns of layers that state their coverage. Where there are any, each setting is scored a
        second time as if those layers said nothing of the land left out, and that counts by the
        share of the training land that they say nothing of: a setting that leans on a line must
        also do where no line is known.
    simple
        Which settings are of a simple model. The best of them is taken where what was best is not
        better by more than one standard error (Breiman et al. 1984), measured by ROC-AUC region
        by region of the land left out.
    families, forward_fits
        Families of features, of which those that gain are added one by one before settings are
        tried (`forward_choice.choose_families`), and how many models that may fit; with 0 every
        column is read.
    whole
        The same settings with every column. They are taken where leaving columns out is not better
        by more than one standard error: what the model is held against reads every column.
    """

    space: Space
    quick: Callable[[Settings], Pipeline]
    full: Callable[[Settings], Pipeline]
    read: Callable[[Settings], Settings]
    trials_each: int
    first: Sequence[Settings]
    inner_folds: int
    drawing: Drawing
    covered: Sequence[str] = ()
    simple: Callable[[Settings], bool] = lambda _: False
    whole: Callable[[Settings], Settings] = lambda settings: settings
    families: Sequence[str] = ()
    forward_fits: int = 0
    trials: list[Trial] = field(default_factory=list)
    chosen: list[Settings] = field(default_factory=list)

    @property
    def search(self) -> Search:
        """What was tried and chosen so far."""
        return Search(tuple(self.trials), tuple(self.chosen))

    def __call__(self, table: CellTable) -> Pipeline:
        """Choose on folds inside `table`, and give an unfitted pipeline.

        Where the land is too little for inner folds, the first settings are used as they are.

        Raises
        ------
        InputError
            If no setting could be scored on the inner folds.
        """
        number = len(self.chosen)
        try:
            protocol = inner_protocol(table, self.inner_folds, self.drawing, number)
        except InputError as error:
            return self._as_stated(number, error)
        drawn = tuple(draw_folds(table, protocol, self.drawing))
        known: dict[frozenset[tuple[str, Any]], TrialScores] = {}
        by_region: dict[frozenset[tuple[str, Any]], NDArray[np.float64]] = {}

        read = self._families_read(table, protocol, drawn)

        def objective(trial: "optuna.Trial") -> float:
            settings: dict[str, Any] = {
                name: trial.suggest_categorical(name, list(values))
                for name, values in self.space.items()
            } | read
            record = partial(Trial, choice=number, trial=trial.number, settings=settings)
            tried = frozenset(self.read(settings).items())
            try:
                if tried not in known:
                    quick = self.quick(settings)
                    known[tried], by_region[tried], _ = score_inside(
                        quick, table, protocol, drawn, self.covered
                    )
            except InputError as error:
                self.trials.append(record(scores=None, failed=str(error)))
                raise
            self.trials.append(record(scores=known[tried]))
            return known[tried].objective

        best: Settings = {**self._search(objective), **read}
        best = self._simplified(best, number, by_region)
        whole = self.whole(best)
        own, other = (by_region.get(frozenset(self.read(s).items())) for s in (best, whole))
        if own is not None and other is not None and within_one_error(own - other):
            best = whole
        self.chosen.append(best)
        scores = known[frozenset(self.read(best).items())]
        return self.full(best).set_params(
            classifier__slope=scores.slope, classifier__intercept=scores.intercept
        )

    def _families_read(
        self, table: CellTable, protocol: Protocol, drawn: Sequence[DrawnRows]
    ) -> dict[str, str]:
        """Choose families by the settings stated; return them as a setting, none for all."""
        if self.forward_fits == 0:
            return {}

        def score(names: tuple[str, ...]) -> NDArray[np.float64]:
            pipeline = self.quick({**self.first[0], FAMILIES: " ".join(names)})
            return score_inside(pipeline, table, protocol, drawn, self.covered)[2]

        chosen = choose_families(
            self.families, score, fits=self.forward_fits, fits_each=len(protocol.folds)
        )
        return {FAMILIES: " ".join(chosen)}

    def _as_stated(self, number: int, error: InputError) -> Pipeline:
        """Take the first settings where nothing can be chosen, and keep why."""
        log.warning("Settings are taken as they are stated: %s", error)
        stated = self.first[0]
        self.trials.append(
            Trial(choice=number, trial=0, settings=stated, scores=None, failed=str(error))
        )
        self.chosen.append(stated)
        return self.full(stated)

    def _simplified(
        self,
        best: Settings,
        number: int,
        by_region: Mapping[frozenset[tuple[str, Any]], NDArray[np.float64]],
    ) -> Settings:
        """Return the best simple settings, where `best` does not beat them by a standard error."""
        tried = [t for t in self.trials if t.choice == number and self.simple(t.settings)]
        scored = {t.scores.objective: t.settings for t in tried if t.scores is not None}
        if self.simple(best) or not scored:
            return best
        plain = scored[max(scored)]
        own, other = (by_region[frozenset(self.read(kind).items())] for kind in (best, plain))
        return plain if within_one_error(own - other) else best

    def _search(self, objective: Callable[["optuna.Trial"], float]) -> Settings:
        """Return the settings with the greatest objective; a trial that fails is passed over."""
        import optuna  # of the extra `train`

        sampler = optuna.samplers.TPESampler(
            seed=self.drawing.seed, n_startup_trials=max(4, len(self.first))
        )
        study = optuna.create_study(direction="maximize", sampler=sampler)
        for settings in self.first:
            study.enqueue_trial(dict(settings))
        trials = max(self.trials_each, len(self.first))
        for _ in range(trials):  # study.optimize would log the traceback of a trial that fails
            trial = study.ask()
            try:
                study.tell(trial, objective(trial))
            except InputError:
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
        failed = [record for record in self.trials[-trials:] if record.failed is not None]
        if len(failed) == trials:
            raise InputError(f"None of {trials} settings could be tried: {failed[-1].failed}")
        for record in failed:
            log.warning("A setting could not be tried, and is passed over: %s", record)
        return study.best_params


def inner_protocol(table: CellTable, count: int, drawing: Drawing, number: int) -> Protocol:
    """Make folds inside a training set: groups of regions, else groups of blocks.

    Test rows are all positives and a part of the negatives, weighted in the scoring.
    """
    rng = np.random.default_rng([drawing.seed, 5, number])
    regions = np.unique(table.region)
    units = table.region.astype(np.int64)
    if len(regions) < 2 * count:
        units = assign_blocks(table.coordinates, block_m=drawing.block_m)
    names, index = np.unique(units, return_inverse=True)
    if len(names) < count:
        raise InputError(
            f"The training land has {len(names)} regions or blocks; {count} inner folds need at "
            "least that many. Ask for fewer inner folds (model.choice.inner_folds)."
        )
    group = np.empty(len(names), dtype=np.int64)
    group[rng.permutation(len(names))] = np.arange(len(names)) % count
    scored = (table.state == 1) | (rng.random(len(table.state)) < scored_share(table))
    folds = [(train, test[scored[test]]) for train, test in folds_from_ids(group[index])]
    both = all(
        0 < (table.state[test] == 1).sum() < len(test) and (table.state[train] == 1).any()
        for train, test in folds
    )
    if not both:
        raise InputError(
            "An inner fold would hold one class only; more findings, or fewer inner folds "
            "(model.choice.inner_folds), are needed to choose a model."
        )
    return Protocol(ProtocolName.INNER, Splitter.REGIONS, folds)


def scored_share(table: CellTable) -> float:
    """Return the share of negatives that is scored inside a training set."""
    return min(1.0, NEGATIVES_SCORED / max(int((table.state == 0).sum()), 1))


def score_inside(
    pipeline: Pipeline,
    table: CellTable,
    protocol: Protocol,
    drawn: Sequence[DrawnRows],
    covered: Sequence[str] = (),
) -> tuple[TrialScores, NDArray[np.float64], NDArray[np.float64]]:
    """Score a pipeline on folds inside a training set, whose rows are drawn already.

    Returns
    -------
    scores
        Pooled over the folds.
    by_region
        ROC-AUC of each region, ascending; NaN where all rows scored are of one class.
    against_all
        The same of the positives of each region against the negatives of all: a column that names
        the region moves all its rows together, which is seen here alone.
    """
    score = np.full((2, len(table.state)), np.nan)
    silent_share = silent_land(table) if covered else 0.0
    for (_, test), fold in zip(protocol.folds, drawn, strict=True):
        fitted = fold.fit(pipeline)
        score[0, test], _ = fold.score(fitted)
        if silent_share:
            score[1, test] = fold.score_silenced(fitted, covered)
    scored = np.isfinite(score[0])
    y = (table.state[scored] == 1).astype(np.int8)
    weight: NDArray[np.float64] = np.where(y == 1, 1.0, 1.0 / scored_share(table))
    auc, precision, found = _ranking(y, score[0, scored], weight)
    silenced = sum(_ranking(y, score[1, scored], weight)) if silent_share else None
    objective = auc + precision + found
    if silenced is not None:
        objective += silent_share * (silenced - objective)
    slope, intercept = common_scale(score[0, scored], y, weight)
    scores = TrialScores(
        roc_auc=auc,
        average_precision=precision,
        found_in_top_20=found,
        objective=objective,
        silenced=silenced,
        slope=slope,
        intercept=intercept,
    )
    region = table.region[scored]
    by_region = _by_region(region, y, score[0, scored], weight)
    return scores, by_region, _by_region(region, y, score[0, scored], weight, against=y == 0)


def _by_region(
    region: NDArray[np.int32],
    y: NDArray[np.int8],
    score: NDArray[np.float64],
    weight: NDArray[np.float64],
    *,
    against: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Measure the ROC-AUC of each region, with rows of other regions to be told apart from it."""
    names = np.unique(region)
    out = np.full(len(names), np.nan)
    for number, name in enumerate(names):
        own = region == name if against is None else (region == name) | against
        if 0 < y[own].sum() < own.sum():
            out[number] = roc_auc_score(y[own], score[own], sample_weight=weight[own])
    return out


def within_one_error(gain: NDArray[np.float64]) -> bool:
    """Tell whether the mean gain over regions is at most its standard error.

    Parameters
    ----------
    gain
        Of each region, NaN where it is not known. Of fewer than three nothing can be said.

    Examples
    --------
    >>> within_one_error(np.array([0.10, -0.08, 0.02]))
    True
    >>> within_one_error(np.array([0.10, 0.08, 0.09]))
    False
    """
    known = gain[np.isfinite(gain)]
    if len(known) < 3:
        return False
    return bool(known.mean() <= known.std(ddof=1) / np.sqrt(len(known)))


def silent_land(table: CellTable) -> float:
    """Return the share of rows that no layer with a coverage speaks for."""
    return 0.0 if table.cover is None else float((table.cover < SPEAKS).mean())


def _ranking(
    y: NDArray[np.int8], score: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Return ROC-AUC, average precision, and the share of positives in the first 20 % of land."""
    return (
        float(roc_auc_score(y, score, sample_weight=weight)),
        float(average_precision_score(y, score, sample_weight=weight)),
        float(capture_curve(y, score, weight=weight, points=6)[1, 1]),
    )
