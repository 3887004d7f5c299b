"""What was agreed before training, and whether a run keeps it."""

from collections.abc import Mapping
from typing import Any

from minerisk.configs.schema import Config
from minerisk.features.errors import InputError
from minerisk.models.table import CellTable
from minerisk.pipelines.run.contents import MODEL


def gates(config: Config, metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Hold a run against what was agreed before training."""
    agreed = config.gates
    far = metrics["protocols"]["far"]["models"]
    skill = metrics["comparison"]["far"]["prevalence"]["average_precision"]
    slope = far[MODEL]["calibration_slope"]
    margin = agreed.calibration_slope_margin
    calibrated = slope[0] is not None and (slope[1] <= 1 <= slope[2] or abs(slope[0] - 1) <= margin)
    permuted = abs(metrics["permuted"]["within_blocks"][0] - 0.5)
    rows = [
        (
            "positive_cells",
            "enough positive cells",
            agreed.min_positive_cells,
            metrics["cells"]["positive"],
            metrics["cells"]["positive"] >= agreed.min_positive_cells,
        ),
        (
            "leakage",
            "labels dealt out anew within blocks cannot be predicted (ROC-AUC, distance from 0.5)",
            agreed.permuted_auc_margin,
            permuted,
            metrics["permuted"]["passed"] and permuted <= agreed.permuted_auc_margin,
        ),
        (
            "null_model",
            "better than prevalence on far land (average precision, low end of the difference)",
            agreed.min_skill,
            skill[1],
            skill[1] > agreed.min_skill,
        ),
        (
            "calibration",
            "far calibration slope: its distance from 1 (also passed if its interval holds 1)",
            margin,
            abs((slope[0] or 0.0) - 1),
            calibrated,
        ),
        (
            "applicability",
            "share of the study area that the training data speak for",
            agreed.min_applicable_share,
            metrics["applicable_share"],
            metrics["applicable_share"] >= agreed.min_applicable_share,
        ),
    ]
    return [
        {
            "name": name,
            "words": words,
            "threshold": float(threshold),
            "value": float(value),
            "passed": bool(passed),
        }
        for name, words, threshold, value, passed in rows
    ]


def refuse_too_few(table: CellTable, config: Config) -> None:
    """Refuse to train on fewer cells of a class than was agreed.

    Raises
    ------
    InputError
        If there are fewer positive or negative cells than ``gates.min_positive_cells``.
    """
    positive = int((table.state == 1).sum())
    negative = int((table.state == 0).sum())
    least = config.gates.min_positive_cells
    if positive < least or negative < least:
        raise InputError(
            f"The labels have {positive:,} positive and {negative:,} negative cells; expected at "
            f"least {least} of each (gates.min_positive_cells). Add finding layers, or a "
            "labels.surveyed layer that says where people looked."
        )
