"""What is measured on held-out land, as records; the functions beside this module make them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.measures import Measures, ModelName, RankMeasures


@dataclass(frozen=True)
class ReliabilityBin:
    """One bin of a reliability diagram: predicted and observed share, its interval, and cells."""

    predicted: float
    observed: float
    low: float
    high: float
    cells: float


@dataclass(frozen=True, kw_only=True)
class RegionScores:
    """How the model does in one region left out.

    Attributes
    ----------
    region
        Number of its fold.
    cells, positive
        Held-out cells, and those with a find.
    roc_auc
        Of the cells as they are; None with one class.
    mean_probability, observed
        Mean probability, and share found.
    easting, northing
        Middle of the cells, metres.
    intervals
        Every measure, with its interval from the region's own blocks; None where it holds one
        class or one block only, or no blocks were asked for.
    """

    region: int
    cells: int
    positive: int
    roc_auc: float | None
    mean_probability: float
    observed: float
    easting: float
    northing: float
    intervals: Measures | None


@dataclass(frozen=True)
class HazardScores:
    """How a model ranks the land for one class of hazard.

    Attributes
    ----------
    hazard
        Class, of `codes.HAZARD_BITS`.
    cells, positive
        Cells compared, and those where the class was found.
    intervals
        None with one class of cells or one block.
    """

    hazard: str
    cells: int
    positive: int
    intervals: RankMeasures | None


@dataclass(frozen=True, kw_only=True)
class FindScores:
    """How much of one kind of find lies in the first 20 % of held-out land, model by model.

    Attributes
    ----------
    evidence
        Kind, of `codes.REAL_FINDS`.
    cells
        Held-out cells that hold such a find.
    found
        Share of them in the first 20 % of all land that was held out.
    minus
        That of the model minus that of each other, on the same draws of blocks.
    """

    evidence: str
    cells: int
    found: Mapping[ModelName, Estimate]
    minus: Mapping[ModelName, Estimate]


class CapturePoint(NamedTuple):
    """Share of positives found in a share of the land, highest score first."""

    land: float
    found: float


class SuccessPoint(NamedTuple):
    """Share of finds in a share of the land, with its interval."""

    land: float
    found: float
    low: float
    high: float


class ThresholdPoint(NamedTuple):
    """Shares of finds and of land at or above a score."""

    threshold: float
    found: float
    land: float


@dataclass(frozen=True, kw_only=True)
class Curves:
    """How finds lie along pooled held-out scores.

    Attributes
    ----------
    boyce
        Continuous Boyce index; None if all scores are equal.
    success_rate, area
        The success-rate curve, and the area under it.
    prediction_area, crossing, density
        The P–A plot, the share of finds where its curves cross, and the density of finds there.
    """

    boyce: Estimate | None
    success_rate: tuple[SuccessPoint, ...]
    area: Estimate
    prediction_area: tuple[ThresholdPoint, ...]
    crossing: Estimate
    density: Estimate


@dataclass(frozen=True, kw_only=True)
class PartReliability:
    """What was predicted of a part of the land, and what was found there.

    Attributes
    ----------
    cells, positive
        Held-out cells of the part, and those with a find.
    predicted, observed
        Mean probability, and share found.
    low, high
        Interval of the share found, which counts blocks and not cells as independent.
    ratio
        Observed over predicted; None if nothing was predicted.
    """

    cells: int
    positive: int
    predicted: float
    observed: float
    low: float
    high: float
    ratio: float | None


@dataclass(frozen=True, kw_only=True)
class RegionReliability(PartReliability):
    """Predicted and found of one region."""

    region: int


@dataclass(frozen=True, kw_only=True)
class HazardReliability:
    """Predicted and found of one class of hazard, in one third of the land.

    Attributes
    ----------
    hazard
        Class, of `codes.HAZARD_BITS`.
    third
        Third of the land by probability, 1 lowest to 3 highest.
    finds
        Share of the class's finds that lie in it.
    land
        What was predicted and found; None if no land is in the third.
    """

    hazard: str
    third: int
    finds: float
    land: PartReliability | None


@dataclass(frozen=True)
class Importance:
    """What the model loses when a family of features is shuffled on held-out land.

    Attributes
    ----------
    family
        Of features.
    drop, low, high
        Mean over folds, and 2 standard errors to both sides.
    """

    family: str
    drop: float
    low: float
    high: float


@dataclass(frozen=True)
class PermutedSkill:
    """What a model predicts of labels permuted within blocks: nothing, unless something leaks.

    Attributes
    ----------
    roc_auc
        Within-block ROC-AUC of each permutation.
    within_blocks
        That of all together.
    moved
        Share of the scores of a fold that change when its own labels are turned around: 0, unless
        something leaks.
    passed
        Whether the interval holds 0.5, or the estimate is next to it, and no score is moved.
    """

    roc_auc: tuple[float, ...]
    within_blocks: Estimate
    moved: float
    passed: bool


class GateName(StrEnum):
    """Gates of a run.

    ``positive_cells``: enough of them. ``leakage``: distance from 0.5 of the within-block ROC-AUC
    of permuted labels. ``null_model``: low end of the difference from prevalence in average
    precision, on far land. ``calibration``: distance from 1 of the far calibration slope, also
    passed if its interval holds 1. ``applicability``: share of the study area inside the area of
    applicability. ``rule``: low end of the difference from the distance rule in finds in the first
    20 % of far land; there only where it was agreed.
    """

    POSITIVE_CELLS = "positive_cells"
    LEAKAGE = "leakage"
    NULL_MODEL = "null_model"
    CALIBRATION = "calibration"
    APPLICABILITY = "applicability"
    RULE = "rule"


@dataclass(frozen=True)
class Gate:
    """One gate: what was agreed, what was measured (None: no value), and whether it is passed."""

    name: GateName
    threshold: float
    value: float | None
    passed: bool


@dataclass(frozen=True, kw_only=True)
class Stratum:
    """How a model does on land of like values of one feature.

    Attributes
    ----------
    low, high
        Values from and below which; None: open. Both None: land without a value.
    cells, positive
        Held-out cells, and those with a find.
    land, found
        Its share of land and of positives.
    roc_auc
        Among its cells; None with one class.
    in_top_20
        Share of its positives in the 20 % of all land with the highest scores, with a 90 %
        interval; None without positives.
    """

    low: float | None
    high: float | None
    cells: int
    positive: int
    land: float
    found: float
    roc_auc: float | None
    in_top_20: Estimate | None
