"""Gates hold a run against what was agreed, by hand-made numbers."""

from typing import Any

import pytest

from minerisk.configs.schema import Gates
from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.gates import calibration_cautions, hold_to_gates
from minerisk.models.evaluation.results import GateName, PermutedSkill

MEASURED: dict[str, Any] = {
    "positive_cells": 100,
    "permuted": PermutedSkill((0.52,), Estimate(0.52, 0.4, 0.6), moved=0.0, passed=True),
    "skill": Estimate(0.05, 0.02, 0.08),
    "slope": Estimate(1.2, 1.1, 1.3),
    "applicable_share": 0.8,
    "over_rule": Estimate(0.1, 0.03, 0.2),
}
AGREED = Gates(min_positive_cells=20).model_dump(exclude={"permutations"})


@pytest.mark.parametrize(
    ("setting", "agreed", "gate"),
    [
        ("min_positive_cells", 101, GateName.POSITIVE_CELLS),
        ("permuted_auc_margin", 0.01, GateName.LEAKAGE),
        ("min_skill", 0.03, GateName.NULL_MODEL),
        ("calibration_slope_margin", 0.1, GateName.CALIBRATION),
        ("min_applicable_share", 0.9, GateName.APPLICABILITY),
        ("min_over_rule", 0.03, GateName.RULE),
    ],
)
def test_each_gate_falls_by_its_own_agreed_value(
    setting: str, agreed: float, gate: GateName
) -> None:
    assert all(row.passed for row in hold_to_gates(**MEASURED, **AGREED))
    rows = hold_to_gates(**MEASURED, **AGREED | {setting: agreed})
    assert [row.name for row in rows if not row.passed] == [gate]
    assert next(row.threshold for row in rows if row.name is gate) == agreed


def test_the_rule_is_asked_for_only_where_it_was_agreed() -> None:
    assert GateName.RULE not in [row.name for row in hold_to_gates(**MEASURED, **AGREED)]
    beaten = MEASURED | {"over_rule": Estimate(-0.01, -0.04, 0.02)}
    for agreed, passed in ((0.0, False), (-0.05, True)):
        gate = hold_to_gates(**beaten, **AGREED | {"min_over_rule": agreed})[-1]
        assert (gate.name, gate.passed) == (GateName.RULE, passed)
    without = hold_to_gates(**MEASURED | {"over_rule": None}, **AGREED | {"min_over_rule": 0.0})
    assert (without[-1].value, without[-1].passed) == (None, False)


def test_a_slope_whose_interval_holds_one_is_passed_and_one_without_a_value_is_not() -> None:
    wide = MEASURED | {"slope": Estimate(1.9, 0.9, 3.0)}
    assert all(row.passed for row in hold_to_gates(**wide, **AGREED))
    blank = MEASURED | {"slope": Estimate(None, None, None), "skill": Estimate(0.1, None, None)}
    failed = [row for row in hold_to_gates(**blank, **AGREED) if not row.passed]
    assert [row.name for row in failed] == [GateName.NULL_MODEL, GateName.CALIBRATION]
    assert [row.value for row in failed] == [None, None]


@pytest.mark.parametrize(
    ("slope", "known"),
    [
        (Estimate(0.96, 0.9, 1.1), True),
        (Estimate(0.96, 0.3, 1.2), False),
        (Estimate(1.0, 0.8, 1.4), False),
        (Estimate(1.0, None, None), False),
    ],
)
def test_a_slope_that_could_be_further_off_than_agreed_is_not_known(
    slope: Estimate, known: bool
) -> None:
    """Even where the gate is passed, since 1 lies in the interval."""
    cautions = calibration_cautions(slope, margin=0.25)
    assert bool(cautions) is not known
    for caution in cautions:
        assert (caution.slope_low, caution.slope_high) == (slope.low, slope.high)
