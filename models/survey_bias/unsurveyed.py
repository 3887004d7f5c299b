"""What surveyed land shows of land that nobody surveyed."""

import logging
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.models.estimate import Estimate, finite
from minerisk.models.evaluation.comparison import compare
from minerisk.models.folds.blocks import assign_blocks
from minerisk.models.risk_model import RiskModel
from minerisk.models.survey_bias.facts import (
    OverlapFacts,
    PriorEnd,
    ReadingKind,
    ReadingScores,
    Unsurveyed,
)
from minerisk.models.survey_bias.prevalence import (
    compare_readings,
    unsurveyed_prevalence,
)
from minerisk.models.survey_bias.propensity import (
    KnownChances,
    Overlap,
    overlap,
    transport_weights,
)
from minerisk.models.survey_bias.readings import SEARCH, Reading, label_readings
from minerisk.models.table import CellTable

log = logging.getLogger(__name__)

ROWS = 20_000
DRAWS = 100
RUN = Reading(ReadingKind.RUN_MAP)
KEPT = ["roc_auc", "average_precision", "expected_over_found", "prevalence", "same_top"]


def assess_unsurveyed(
    surveyed: CellTable,
    held_out: NDArray[np.float64],
    unsurveyed: CellTable | None,
    model: RiskModel,
    *,
    block_m: float,
    seed: int,
    chances: KnownChances | None = None,
) -> Unsurveyed | None:
    """Estimate the prevalence of unsurveyed land, and how far surveyed land can stand for it.

    Parameters
    ----------
    surveyed
        Labelled cells.
    held_out
        Calibrated probability of each, by models that did not see it; shape ``(n,)``.
    unsurveyed
        Cells of the land that nobody surveyed; none where all was.
    model
        The trained model.
    block_m
        Side of the blocks that are drawn from, metres.
    chances
        What was learned before of where land was surveyed, and is added to; nothing, if none.

    Returns
    -------
    Unsurveyed or None
        None where there is no unsurveyed land, or too few blocks for an estimate.
    """
    if unsurveyed is None or len(unsurveyed.state) == 0:
        return None
    rng = np.random.default_rng([seed, 6])
    rows = np.sort(rng.permutation(len(surveyed.state))[:ROWS])
    known, other = surveyed.take(rows), unsurveyed
    cells = pd.concat([known.cells, other.cells], ignore_index=True)
    mask = np.r_[np.ones(len(known.state), bool), np.zeros(len(other.state), bool)]
    predicted = np.r_[held_out[rows], model.predict(other.cells).probability]
    scored = np.isfinite(predicted)
    cells, mask, predicted = cells[scored].reset_index(drop=True), mask[scored], predicted[scored]
    found = np.r_[(known.state == 1).astype(float), np.zeros(len(other.state))][scored]
    blocks = assign_blocks(cells[["easting", "northing"]].to_numpy(), block_m=block_m)
    features = cells[surveyed.features]
    features = features.loc[:, features.nunique() > 1]
    try:
        chance = (chances or KnownChances()).of(features.to_numpy(), mask, blocks, seed=seed)
        weights = transport_weights(chance, mask)
        prevalence = unsurveyed_prevalence(
            np.clip(predicted, 0.0, 1.0), found, weights, blocks, seed=seed
        )
    except InputError as error:
        log.warning("The prevalence of unsurveyed land cannot be estimated: %s", error)
        return None
    fold = np.r_[known.region, np.full(len(other.state), -1)][scored]
    priors = {
        PriorEnd.ESTIMATE: prevalence.estimate,
        PriorEnd.LOWER: prevalence.lower,
        PriorEnd.UPPER: prevalence.upper,
    }
    readings = _readings(features, found, fold, chance, priors)
    return Unsurveyed(
        prevalence,
        _rounded(overlap(features, chance, mask, weights)),
        _side_by_side(
            {RUN: predicted} | readings,
            found,
            mask,
            blocks,
            cell_ha=surveyed.cell_ha,
            priors=priors,
        ),
    )


def _rounded(found: Overlap) -> OverlapFacts:
    return OverlapFacts(
        effective_rows=round(found.effective_rows, 1),
        surveyed_rows=found.surveyed,
        beyond_share=round(found.beyond_share, 4),
        trimmed_share=round(found.trimmed_share, 4),
        unbalanced=tuple(found.unbalanced),
    )


def _readings(
    features: pd.DataFrame,
    found: NDArray[np.float64],
    fold: NDArray[np.int32],
    chance: NDArray[np.float64],
    priors: Mapping[PriorEnd, float],
) -> dict[Reading, NDArray[np.float64]]:
    """Score every reading on the far folds; none where they cannot be made."""
    named = {end.value: prior for end, prior in priors.items()}
    try:
        return label_readings(features.to_numpy(), found, fold, chance, priors=named)
    except InputError as error:
        log.warning("The readings of the labels cannot be compared: %s", error)
        return {}


def _side_by_side(
    readings: Mapping[Reading, NDArray[np.float64]],
    found: NDArray[np.float64],
    surveyed: NDArray[np.bool_],
    blocks: NDArray[np.int64],
    *,
    cell_ha: float,
    priors: Mapping[PriorEnd, float],
) -> tuple[ReadingScores, ...]:
    table = compare_readings(readings, found, surveyed)
    y, block = found[surveyed].astype(np.int8), blocks[surveyed]
    rows = []
    for values, reading in zip(table[KEPT].to_numpy(np.float64), readings, strict=True):
        own_auc, own_precision, ratio, share, same = map(finite, values)
        end = PriorEnd(reading.prior) if reading.prior else None
        auc = precision = None
        if reading not in (RUN, SEARCH):
            p, q = (readings[one][surveyed] for one in (reading, SEARCH))
            less = compare(y, p, q, block, cell_ha=cell_ha, draws=DRAWS)
            auc, precision = Estimate.of(less["roc_auc"]), Estimate.of(less["average_precision"])
        rows.append(
            ReadingScores(
                kind=reading.kind,
                end=end,
                prior=None if end is None else priors[end],
                roc_auc=own_auc,
                average_precision=own_precision,
                expected_over_found=ratio,
                prevalence=share,
                same_top=same,
                roc_auc_difference=auc,
                average_precision_difference=precision,
            )
        )
    return tuple(rows)
