"""What is measured of held-out scores, with the calibrator that was chosen for them."""

import logging
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.features.evidence.codes import HAZARD_BITS
from minerisk.models.calibration.conformal import Cover, cover_across_folds
from minerisk.models.calibration.cross_calibration import calibration_losses
from minerisk.models.evaluation.assessment import (
    assess,
    assess_hazards,
    assess_regions,
    reliability_bins,
)
from minerisk.models.evaluation.comparison import Ranked, rank_models
from minerisk.models.evaluation.measures import Measures, ModelName
from minerisk.models.evaluation.out_of_fold_scores import calibrate_across_folds
from minerisk.models.evaluation.reliability_by_part import (
    reliability_by_hazard,
    reliability_by_region,
)
from minerisk.models.evaluation.results import (
    HazardReliability,
    HazardScores,
    RegionReliability,
    RegionScores,
    ReliabilityBin,
)
from minerisk.models.folds.blocks import assign_blocks
from minerisk.models.folds.protocol import ProtocolName
from minerisk.models.selection.held_out_scores import HeldOutScores

log = logging.getLogger(__name__)

FAR, MODEL = ProtocolName.FAR, ModelName.MODEL
RULES_KIND = "shrunk"
"""Kind of calibrator of the rules of thumb: none is chosen for them."""


def measure_models(
    scores: HeldOutScores, name: ProtocolName, ranked: Mapping[ModelName, Ranked]
) -> dict[ModelName, Measures]:
    """Measure every model on one protocol, the model of the run with its own kind of calibrator.

    Parameters
    ----------
    ranked
        How they rank its land, from `rank_protocol`.
    """
    return {
        known: assess(
            score,
            scores.table,
            scores.protocols[name],
            block_m=scores.block_m,
            kind=scores.calibrator if known is MODEL else RULES_KIND,
            ranks=known is not ModelName.PREVALENCE,
            ranked=ranked[known],
            probability=_probability(scores, name) if known is MODEL else None,
        )
        for known, score in scores.scores_of(name).items()
    }


def rank_protocol(scores: HeldOutScores, name: ProtocolName) -> dict[ModelName, Ranked]:
    """Measure how every model ranks the held-out land of one protocol."""
    return rank_models(scores.scores_of(name), scores.table, block_m=scores.block_m)


def measure_regions(scores: HeldOutScores) -> tuple[RegionScores, ...]:
    """Measure the model on each left-out region by itself."""
    return tuple(
        assess_regions(
            scores.scores[FAR, MODEL].score,
            _probability(scores, FAR),
            scores.table,
            scores.protocols[FAR],
            block_m=scores.block_m,
        )
    )


def measure_hazards(scores: HeldOutScores) -> tuple[HazardScores, ...]:
    """Measure how the model of any hazard ranks far land for each class.

    Returns
    -------
    tuple of HazardScores
        As `assessment.assess_hazards`; empty where no finding states a class.
    """
    table = scores.table
    known = HAZARD_BITS["ap"] | HAZARD_BITS["at"] | HAZARD_BITS["uxo"]
    if not (table.hazard[table.state == 1] & known).any():
        return ()
    score, far = scores.scores[FAR, MODEL].score, scores.protocols[FAR]
    return tuple(assess_hazards(score, table, far, table.hazard, block_m=scores.block_m))


def measure_reliability(
    scores: HeldOutScores,
) -> dict[ProtocolName, tuple[ReliabilityBin, ...]]:
    """Compare predicted with observed share by tenths of the land, on every protocol but random."""
    return {
        name: tuple(
            reliability_bins(_probability(scores, name), scores.table, block_m=scores.block_m)
        )
        for name in scores.protocols
        if name is not ProtocolName.RANDOM
    }


def _probability(scores: HeldOutScores, name: ProtocolName) -> NDArray[np.float64]:
    """Return the model's probabilities on one protocol, each fold calibrated by the others."""
    if name in scores.probability:
        return scores.probability[name]
    fold = scores.protocols[name].fold_of_row(len(scores.table.state))
    score = scores.scores[name, MODEL].score
    return calibrate_across_folds(score, _labels(scores), fold, kind=scores.calibrator)


def measure_region_reliability(scores: HeldOutScores) -> tuple[RegionReliability, ...]:
    """Compare predicted with observed share in each left-out region."""
    y, fold = _labels(scores), scores.protocols[FAR].fold_of_row(len(scores.table.state))
    return tuple(reliability_by_region(y, scores.probability[FAR], fold, blocks=_blocks(scores)))


def measure_hazard_reliability(scores: HeldOutScores) -> tuple[HazardReliability, ...]:
    """Compare predicted with observed share for each hazard class, on far land."""
    probability, hazard = scores.probability[FAR], scores.table.hazard
    return tuple(
        reliability_by_hazard(_labels(scores), probability, hazard, blocks=_blocks(scores))
    )


def measure_interval(scores: HeldOutScores, name: ProtocolName, *, level: float) -> Cover | None:
    """Measure how often the interval holds what was found, each fold with the others' interval.

    Returns
    -------
    Cover or None
        None where it cannot be measured.
    """
    try:
        return cover_across_folds(
            scores.probability[name],
            scores.scores[name, MODEL].spread,
            _labels(scores),
            _blocks(scores),
            fold_ids=scores.protocols[name].fold_of_row(len(scores.table.state)),
            level=level,
        )
    except InputError as error:
        log.warning("The cover of the interval on %s land cannot be measured: %s", name, error)
        return None


def measure_calibrators(scores: HeldOutScores) -> dict[str, float]:
    """Measure the log loss on left-out regions of each kind of calibrator, for information."""
    fold = scores.protocols[FAR].fold_of_row(len(scores.table.state))
    return calibration_losses(scores.scores[FAR, MODEL].score, _labels(scores), fold)


def _labels(scores: HeldOutScores) -> NDArray[np.int8]:
    return (scores.table.state == 1).astype(np.int8)


def _blocks(scores: HeldOutScores) -> NDArray[np.int64]:
    return assign_blocks(scores.table.coordinates, block_m=scores.block_m)
