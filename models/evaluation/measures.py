"""The measures of a model on held-out land, each with its interval."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Self

from minerisk.models.estimate import Estimate


class Measure(StrEnum):
    """Every measure of `minerisk.models.evaluation.metrics.score`, by name."""

    ROC_AUC = "roc_auc"
    AVERAGE_PRECISION = "average_precision"
    FOUND_IN_TOP_5 = "found_in_top_5"
    FOUND_IN_TOP_10 = "found_in_top_10"
    FOUND_IN_TOP_20 = "found_in_top_20"
    HECTARES_TO_50 = "hectares_to_50"
    HECTARES_TO_80 = "hectares_to_80"
    HECTARES_TO_95 = "hectares_to_95"
    LOWEST_CLASS_MISS_RATE = "lowest_class_miss_rate"
    BRIER = "brier"
    LOG_LOSS = "log_loss"
    CALIBRATION_SLOPE = "calibration_slope"
    CALIBRATION_INTERCEPT = "calibration_intercept"
    ECE = "ece"


class ModelName(StrEnum):
    """The model of a run, and the rules of thumb it is compared with."""

    MODEL = "model"
    DISTANCE_RULE = "distance_rule"
    LOGISTIC_REGRESSION = "logistic_regression"
    RANDOM_FOREST = "random_forest"
    PREVALENCE = "prevalence"


@dataclass(frozen=True, kw_only=True)
class RankMeasures:
    """How well land is ranked; what each is: `minerisk.models.evaluation.metrics.score`."""

    roc_auc: Estimate
    average_precision: Estimate
    found_in_top_5: Estimate
    found_in_top_10: Estimate
    found_in_top_20: Estimate
    hectares_to_50: Estimate
    hectares_to_80: Estimate
    hectares_to_95: Estimate
    lowest_class_miss_rate: Estimate

    @classmethod
    def of(cls, found: Mapping[str, tuple[float, float, float]]) -> Self:
        """Make a record of what `metrics.block_bootstrap` or `comparison.compare` measured."""
        return cls(**{field.name: Estimate.of(found[field.name]) for field in fields(cls)})

    def items(self) -> Iterator[tuple[Measure, Estimate]]:
        """Go through the measures."""
        for field in fields(self):
            yield Measure(field.name), getattr(self, field.name)

    def without_hectares(self) -> Self:
        """Return the same without a value in hectares, where the area of a row is not known."""
        none = Estimate(None, None, None)
        return replace(self, hectares_to_50=none, hectares_to_80=none, hectares_to_95=none)

    def by_measure(self) -> dict[Measure, Estimate]:
        """Return the estimate of each measure there is."""
        return dict(self.items())


@dataclass(frozen=True, kw_only=True)
class Measures(RankMeasures):
    """How well land is ranked, and how far its probabilities are right."""

    brier: Estimate
    log_loss: Estimate
    calibration_slope: Estimate
    calibration_intercept: Estimate
    ece: Estimate
