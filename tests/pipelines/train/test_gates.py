"""Gates hold a run against what its configuration agreed, by hand-made numbers."""

from pathlib import Path
from typing import Any

import pytest

from minerisk.configs.load import load_config
from minerisk.pipelines.train.gates import gates

TINY = Path(__file__).resolve().parents[3] / "configs" / "tiny.yaml"

METRICS: dict[str, Any] = {
    "protocols": {"far": {"models": {"model": {"calibration_slope": [1.2, 1.1, 1.3]}}}},
    "comparison": {"far": {"prevalence": {"average_precision": [0.05, 0.02, 0.08]}}},
    "permuted": {"within_blocks": [0.52, 0.4, 0.6], "passed": True},
    "cells": {"positive": 100},
    "applicable_share": 0.8,
}


@pytest.mark.parametrize(
    ("setting", "agreed", "gate"),
    [
        ("min_positive_cells", 101, "positive_cells"),
        ("permuted_auc_margin", 0.01, "leakage"),
        ("min_skill", 0.03, "null_model"),
        ("calibration_slope_margin", 0.1, "calibration"),
        ("min_applicable_share", 0.9, "applicability"),
    ],
)
def test_each_gate_falls_by_its_own_agreed_value(setting: str, agreed: float, gate: str) -> None:
    config = load_config(TINY)
    assert all(row["passed"] for row in gates(config, METRICS))
    stricter = config.model_copy(
        update={"gates": config.gates.model_copy(update={setting: agreed})}
    )
    rows = gates(stricter, METRICS)
    assert [row["name"] for row in rows if not row["passed"]] == [gate]
    assert next(row["threshold"] for row in rows if row["name"] == gate) == agreed
