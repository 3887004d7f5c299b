"""Quality place by place, as rows: regions, hazard classes, likeness to the surveyed land."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from minerisk.features.grid import strips
from minerisk.models.applicability.area_of_applicability import MAX_POINTS
from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.gates import over_rule
from minerisk.models.evaluation.measures import ModelName, RankMeasures
from minerisk.models.evaluation.results import FindScores, RegionReliability, RegionScores
from minerisk.models.folds.protocol import ProtocolName
from minerisk.pipelines.formats.cog import raster_grid, read_raster_like
from minerisk.pipelines.formats.palette import DISSIMILARITY_RAMP
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.metrics import HazardModel, Metrics, ProtocolScores

NO_ESTIMATE = Estimate(None, None, None)


class Side(StrEnum):
    """Where a prediction lies beside the interval of what was found."""

    BELOW = "below"
    WITHIN = "within"
    ABOVE = "above"


@dataclass(frozen=True)
class RegionRow:
    """A region left out: what a model that did not see it predicted, and what was found there."""

    region: int
    cells: int
    positive: int
    roc_auc: Estimate
    predicted: float
    observed: Estimate
    side: Side


def regions(metrics: Metrics) -> tuple[RegionRow, ...]:
    """Pair what was predicted of each left-out region with what was found in it."""
    scored = {row.region: row for row in metrics.regions}
    return tuple(_region(row, scored.get(row.region)) for row in metrics.reliability_by_region)


def _region(row: RegionReliability, scores: RegionScores | None) -> RegionRow:
    side = Side.WITHIN
    if row.predicted < row.low:
        side = Side.BELOW
    elif row.predicted > row.high:
        side = Side.ABOVE
    return RegionRow(
        region=row.region,
        cells=row.cells,
        positive=row.positive,
        roc_auc=_ranked(scores),
        predicted=row.predicted,
        observed=Estimate(row.observed, row.low, row.high),
        side=side,
    )


def _ranked(scores: RegionScores | None) -> Estimate:
    if scores is None:
        return NO_ESTIMATE
    if scores.intervals is None:
        return Estimate(scores.roc_auc, None, None)
    return scores.intervals.roc_auc


class Compared(Protocol):
    """What is compared with the plain rule: the metrics of a run or of a table."""

    @property
    def protocols(self) -> Mapping[ProtocolName, ProtocolScores]:
        """Scores by protocol."""

    @property
    def comparison(self) -> Mapping[ProtocolName, Mapping[ModelName, RankMeasures]]:
        """Measures of the model minus those of each other, by protocol."""


@dataclass(frozen=True)
class OverRule:
    """How much more the model finds in the first 20 % of land than the plain rule, by protocol.

    Attributes
    ----------
    evidence
        Kind of find, of `codes.REAL_FINDS`; None for all positives.
    cells
        Held-out cells of the kind; None for all positives.
    minus
        The model's share minus the rule's, on the same draws of blocks.
    """

    evidence: str | None
    cells: int | None
    minus: Mapping[ProtocolName, Estimate]


def over_rule_rows(found: Compared) -> tuple[OverRule, ...]:
    """Set the model against the plain rule: on all positives, then on each kind of find.

    Returns
    -------
    tuple of OverRule
        Empty where there is no plain rule.
    """
    whole = {
        name: minus
        for name, compared in found.comparison.items()
        if (minus := over_rule(compared)) is not None
    }
    if not whole:
        return ()
    kinds: dict[str, dict[ProtocolName, FindScores]] = {}
    for name in whole:
        for row in found.protocols[name].finds:
            kinds.setdefault(row.evidence, {})[name] = row
    rule = ModelName.DISTANCE_RULE
    return (
        OverRule(None, None, whole),
        *(
            OverRule(
                evidence,
                max(row.cells for row in rows.values()),
                {name: row.minus[rule] for name, row in rows.items()},
            )
            for evidence, rows in kinds.items()
        ),
    )


@dataclass(frozen=True)
class HazardThirds:
    """Shares of the finds of a hazard class in thirds of the left-out land, by probability.

    Attributes
    ----------
    positive
        Cells with a find of the class.
    highest, middle, lowest
        None where no land is in the third.
    """

    hazard: str
    positive: int
    highest: float | None
    middle: float | None
    lowest: float | None


def hazard_thirds(metrics: Metrics) -> tuple[HazardThirds, ...]:
    """Find in which third of the land the finds of each class lie."""
    rows = metrics.reliability_by_hazard
    found = {(row.hazard, row.third): row for row in rows}

    def share(hazard: str, third: int) -> float | None:
        row = found.get((hazard, third))
        return None if row is None else row.finds

    return tuple(
        HazardThirds(
            hazard,
            sum(row.land.positive for row in rows if row.hazard == hazard and row.land is not None),
            highest=share(hazard, 3),
            middle=share(hazard, 2),
            lowest=share(hazard, 1),
        )
        for hazard in dict.fromkeys(row.hazard for row in rows)
    )


@dataclass(frozen=True)
class HazardModelRow:
    """The model of a hazard class beside that of any hazard: ROC-AUC on far land."""

    hazard: str
    model: HazardModel
    own: Estimate
    any_hazard: Estimate


def hazard_model_rows(hazards: Mapping[str, HazardModel]) -> tuple[HazardModelRow, ...]:
    """List the hazard classes of a run."""
    return tuple(
        HazardModelRow(
            hazard,
            model,
            own=NO_ESTIMATE if model.far is None else model.far.roc_auc,
            any_hazard=NO_ESTIMATE if model.far_by_any is None else model.far_by_any.roc_auc,
        )
        for hazard, model in hazards.items()
    )


@dataclass(frozen=True)
class NoveltyStep:
    """A step of dissimilarity.

    Attributes
    ----------
    words
        What the step is called in legends.
    share
        Of the land that lies in it.
    density
        Median number of surveyed cells like it.
    error
        Mean expected error; None where it cannot be said.
    """

    words: str
    share: float
    density: float
    error: float | None


def novelty(home: RunFolder) -> tuple[NoveltyStep, ...]:
    """Measure by step of dissimilarity how much land there is, how many cells like it, what error.

    Returns
    -------
    tuple of NoveltyStep
        Steps without land are left out; empty before the rasters are written.
    """
    paths = [
        home.raster(name) for name in ("dissimilarity", "local_point_density", "expected_error")
    ]
    if not all(path.is_file() for path in paths):
        return ()
    like, known, error = _by_likeness(paths)
    land = like.sum()
    return tuple(
        NoveltyStep(
            words,
            share=float(counts.sum() / land),
            density=_middle(counts),
            error=float(errors / cells) if cells else None,
        )
        for (_, _, words), counts, cells, errors in zip(
            DISSIMILARITY_RAMP, like, known, error, strict=True
        )
        if counts.any()
    )


def _by_likeness(
    paths: Sequence[Path],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Sum dissimilarity, density and expected error by step of dissimilarity, by row blocks.

    Returns
    -------
    like, known, error
        Cells by step and density, shape ``(steps, densities)``; cells with an expected error, and
        the sum of it, shape ``(steps,)``.
    """
    geobox = raster_grid(paths[0])
    edges = [upper for upper, _, _ in DISSIMILARITY_RAMP[:-1]]
    steps, most = len(DISSIMILARITY_RAMP), MAX_POINTS + 1
    like = np.zeros(steps * most, dtype=np.int64)
    known, error = np.zeros(steps, dtype=np.int64), np.zeros(steps)
    for rows in strips(geobox.shape):
        ratio, density, errors = (read_raster_like(path, geobox[rows, :]) for path in paths)
        inside = np.isfinite(ratio)
        step = np.searchsorted(edges, ratio[inside], side="left")
        place = step * most + density[inside].astype(np.int64)
        like += np.bincount(place, minlength=steps * most)
        measured = np.isfinite(errors[inside])
        known += np.bincount(step[measured], minlength=steps)
        error += np.bincount(step[measured], errors[inside][measured], minlength=steps)
    return like.reshape(steps, most), known, error


def _middle(counts: NDArray[np.int64]) -> float:
    """Compute the median of whole numbers, of which there are `counts`."""
    upto = np.cumsum(counts)
    middle = [(upto[-1] - 1) // 2, upto[-1] // 2]
    return float(np.searchsorted(upto, middle, side="right").mean())
