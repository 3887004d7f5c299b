"""What surveyed land can say of land that nobody surveyed."""

import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.models.evaluation.comparison import compare
from minerisk.models.folds.splits import assign_blocks
from minerisk.models.risk_model import RiskModel
from minerisk.models.survey_bias.label_readings import SEARCH, label_readings
from minerisk.models.survey_bias.prevalence import (
    Prevalence,
    compare_readings,
    unsurveyed_prevalence,
)
from minerisk.models.survey_bias.propensity import overlap, survey_chance, transport_weights
from minerisk.models.table import CellTable

log = logging.getLogger(__name__)

ROWS = 20_000
DRAWS = 100
RUN = "this run's map"
KEPT = ("roc_auc", "average_precision", "expected_over_found", "prevalence", "same_top")


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
        like those made would find something), ``overlap``, ``readings`` (see `survey_bias_rows`)
        and ``words``. None where there is no unsurveyed land, or too few blocks to say.
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
    fold = np.r_[known.region, np.full(len(other.state), -1)][told]
    readings = _readings(features, found, fold, chance, prevalence)
    return {
        "prevalence": {name: _number(value) for name, value in asdict(prevalence).items()},
        "overlap": {
            "effective_rows": round(seen.effective_rows, 1),
            "surveyed_rows": seen.surveyed,
            "beyond_share": round(seen.beyond_share, 4),
            "trimmed_share": round(seen.trimmed_share, 4),
            "unbalanced": seen.unbalanced,
        },
        "readings": _side_by_side(
            {RUN: predicted} | readings, found, mask, blocks, cell_ha=surveyed.cell_ha
        ),
        "words": (
            f"A survey like those made would find something in about {prevalence.estimate:.2%} of "
            f"the unsurveyed cells (95 % interval {prevalence.lower:.2%} to "
            f"{prevalence.upper:.2%}); {seen.beyond_share:.0%} of that land is unlike any that was "
            "surveyed, and what is said of it is extrapolation."
        ),
    }


def survey_bias_rows(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the readings of a run's labels as rows of a table; none where nothing is said.

    Parameters
    ----------
    metrics
        A run's ``metrics.json``.

    Returns
    -------
    list of dict
        ``reading``; on far folds of surveyed land ``roc_auc``, ``average_precision`` and
        ``expected_over_found`` (1 where as much is found as was expected), ``roc_auc_difference``
        and ``average_precision_difference`` (from negative by search: value and 90 % interval);
        on unsurveyed land ``prevalence`` and ``same_top`` (share of the run's top fifth that this
        reading has in its own).
    """
    told = metrics.get("unsurveyed") or {}
    return [dict(row) for row in told.get("readings") or ()]


def _readings(
    features: pd.DataFrame,
    found: NDArray[np.float64],
    fold: NDArray[np.int32],
    chance: NDArray[np.float64],
    prevalence: Prevalence,
) -> dict[str, NDArray[np.float64]]:
    """Score every reading on the far folds; none where they cannot be made."""
    priors = {
        f"prior {value:.2%}{words}": value
        for value, words in (
            (prevalence.estimate, ""),
            (prevalence.lower, " (lower end)"),
            (prevalence.upper, " (upper end)"),
        )
    }
    try:
        return dict(label_readings(features.to_numpy(), found, fold, chance, priors=priors))
    except InputError as error:
        log.warning("The readings of the labels cannot be compared: %s", error)
        return {}


def _side_by_side(
    readings: dict[str, NDArray[np.float64]],
    found: NDArray[np.float64],
    surveyed: NDArray[np.bool_],
    blocks: NDArray[np.int64],
    *,
    cell_ha: float,
) -> list[dict[str, Any]]:
    table = compare_readings(readings, found, surveyed)
    y, block = found[surveyed].astype(np.int8), blocks[surveyed]
    rows: list[dict[str, Any]] = []
    for row in table.to_dict("records"):
        name = str(row["reading"])
        made: dict[str, Any] = {"reading": name}
        made |= {key: _number(row[key]) for key in KEPT}
        if name not in (RUN, SEARCH):
            p, q = (readings[one][surveyed] for one in (name, SEARCH))
            less = compare(y, p, q, block, cell_ha=cell_ha, draws=DRAWS)
            made |= {
                f"{key}_difference": [_number(value) for value in less[key]]
                for key in ("roc_auc", "average_precision")
            }
        rows.append(made)
    return rows


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
