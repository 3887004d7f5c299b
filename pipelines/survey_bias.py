"""What surveyed land can say of land that nobody surveyed."""

import logging
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import InputError
from models.prevalence import unsurveyed_prevalence
from models.propensity import overlap, survey_chance, transport_weights
from models.risk_model import RiskModel
from models.splits import assign_blocks
from models.table import CellTable

log = logging.getLogger(__name__)

ROWS = 20_000


def survey_bias(
    surveyed: CellTable,
    held_out: NDArray[np.float64],
    unsurveyed: CellTable | None,
    model: RiskModel,
    *,
    block_m: float,
    seed: int,
) -> dict[str, Any] | None:
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

    Returns
    -------
    dict or None
        ``prevalence`` (estimate and 95 % interval: the share of unsurveyed cells in which a survey
        like those made would find something), ``overlap`` and ``words``. None where there is no
        unsurveyed land, or too few blocks to say.
    """
    if unsurveyed is None or len(unsurveyed.state) == 0:
        return None
    rng = np.random.default_rng([seed, 6])
    rows = np.sort(rng.permutation(len(surveyed.state))[:ROWS])
    known, other = surveyed.take(rows), unsurveyed
    cells = pd.concat([known.cells, other.cells], ignore_index=True)
    mask = np.r_[np.ones(len(known.state), bool), np.zeros(len(other.state), bool)]
    predicted = np.r_[held_out[rows], model.predict(other.cells).probability]
    told = np.isfinite(predicted)
    cells, mask, predicted = cells[told].reset_index(drop=True), mask[told], predicted[told]
    found = np.r_[(known.state == 1).astype(float), np.zeros(len(other.state))][told]
    blocks = assign_blocks(cells[["easting", "northing"]].to_numpy(), block_m=block_m)
    features = cells[surveyed.features]
    features = features.loc[:, features.nunique() > 1]
    try:
        chance = survey_chance(features.to_numpy(), mask, blocks, seed=seed)
        weights = transport_weights(chance, mask)
        prevalence = unsurveyed_prevalence(
            np.clip(predicted, 0.0, 1.0), found, weights, blocks, seed=seed
        )
    except InputError as error:
        log.warning("Prevalence of unsurveyed land cannot be told: %s", error)
        return None
    seen = overlap(features, chance, mask, weights)
    return {
        "prevalence": {name: _number(value) for name, value in asdict(prevalence).items()},
        "overlap": {
            "effective_rows": round(seen.effective_rows, 1),
            "surveyed_rows": seen.surveyed,
            "beyond_share": round(seen.beyond_share, 4),
            "trimmed_share": round(seen.trimmed_share, 4),
            "unbalanced": seen.unbalanced,
        },
        "words": (
            f"A survey like those made would find something in about {prevalence.estimate:.2%} of "
            f"the unsurveyed cells (95 % interval {prevalence.lower:.2%} to "
            f"{prevalence.upper:.2%}); {seen.beyond_share:.0%} of that land is unlike any that was "
            "surveyed, and what is said of it is extrapolation."
        ),
    }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
