"""What was agreed before training, and whether a run keeps it."""

from collections.abc import Mapping

from minerisk.features.errors import InputError
from minerisk.models.cautions import Caution, CautionCode
from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.measures import ModelName, RankMeasures
from minerisk.models.evaluation.results import Gate, GateName, PermutedSkill
from minerisk.models.table import CellTable


def hold_to_gates(
    *,
    positive_cells: int,
    permuted: PermutedSkill,
    skill: Estimate,
    slope: Estimate,
    applicable_share: float,
    over_rule: Estimate | None,
    min_positive_cells: int,
    permuted_auc_margin: float,
    min_skill: float,
    calibration_slope_margin: float,
    min_applicable_share: float,
    min_over_rule: float | None,
) -> tuple[Gate, ...]:
    """Hold a run against what was agreed before training.

    Parameters
    ----------
    positive_cells
        Positive cells trained on.
    permuted
        Skill on labels permuted within blocks.
    skill
        Average precision on far land, the model's minus that of prevalence.
    slope
        Calibration slope on far land.
    applicable_share
        Share of the study area inside the area of applicability.
    over_rule
        Share of finds in the first 20 % of far land, the model's minus that of the distance rule;
        None where there is no such rule, and then a gate that asks for it is not passed.
    min_positive_cells, permuted_auc_margin, min_skill, calibration_slope_margin, \
    min_applicable_share, min_over_rule
        What was agreed.
    """
    leak = _off(permuted.within_blocks.value, 0.5)
    off = _off(slope.value, 1.0)
    return (
        Gate(
            GateName.POSITIVE_CELLS,
            float(min_positive_cells),
            float(positive_cells),
            positive_cells >= min_positive_cells,
        ),
        Gate(
            GateName.LEAKAGE,
            permuted_auc_margin,
            leak,
            permuted.passed and leak is not None and leak <= permuted_auc_margin,
        ),
        Gate(
            GateName.NULL_MODEL,
            min_skill,
            skill.low,
            skill.low is not None and skill.low > min_skill,
        ),
        Gate(
            GateName.CALIBRATION,
            calibration_slope_margin,
            off,
            _holds_one(slope) or (off is not None and off <= calibration_slope_margin),
        ),
        Gate(
            GateName.APPLICABILITY,
            min_applicable_share,
            applicable_share,
            applicable_share >= min_applicable_share,
        ),
        *_rule(over_rule, min_over_rule),
    )


def _rule(over_rule: Estimate | None, agreed: float | None) -> tuple[Gate, ...]:
    """Hold the model against the distance rule, where that was agreed."""
    if agreed is None:
        return ()
    low = None if over_rule is None else over_rule.low
    return (Gate(GateName.RULE, agreed, low, low is not None and low > agreed),)


def over_rule(comparison: Mapping[ModelName, RankMeasures]) -> Estimate | None:
    """Find in what was compared how much more the model finds than the distance rule does."""
    found = comparison.get(ModelName.DISTANCE_RULE)
    return None if found is None else found.found_in_top_20


def calibration_cautions(slope: Estimate, *, margin: float) -> tuple[Caution, ...]:
    """Warn where the interval of the calibration slope reaches further from 1 than was agreed.

    A slope that is off by less may be so by chance: with few finds it could as well be anything in
    that interval.

    Examples
    --------
    >>> calibration_cautions(Estimate(0.96, 0.9, 1.1), margin=0.25)
    ()
    >>> calibration_cautions(Estimate(0.96, 0.3, 1.2), margin=0.25)[0].code.value
    'calibration_not_known'
    """
    low, high = slope.low, slope.high
    if low is not None and high is not None and low >= 1 - margin and high <= 1 + margin:
        return ()
    return (Caution(code=CautionCode.CALIBRATION_NOT_KNOWN, slope_low=low, slope_high=high),)


def _off(value: float | None, expected: float) -> float | None:
    return None if value is None else abs(value - expected)


def _holds_one(slope: Estimate) -> bool:
    return slope.low is not None and slope.high is not None and slope.low <= 1 <= slope.high


def refuse_too_few(table: CellTable, *, least: int) -> None:
    """Refuse to train on fewer cells of a class than was agreed.

    Raises
    ------
    InputError
        If there are fewer positive or negative cells than ``gates.min_positive_cells``.
    """
    positive = int((table.state == 1).sum())
    negative = int((table.state == 0).sum())
    if positive < least or negative < least:
        raise InputError(
            f"The labels have {positive:,} positive and {negative:,} negative cells; expected at "
            f"least {least} of each (gates.min_positive_cells). Add finding layers, or a "
            "labels.surveyed layer that says where people looked."
        )
