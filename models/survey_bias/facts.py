"""What surveyed land shows of land that nobody surveyed, as records."""

from dataclasses import dataclass
from enum import StrEnum

from minerisk.models.estimate import Estimate


@dataclass(frozen=True)
class Prevalence:
    """Share of unsurveyed land that holds something.

    Attributes
    ----------
    estimate, lower, upper
        Share of unsurveyed cells and its interval.
    level
        Stated cover of the interval.
    known
        Share of unsurveyed cells where something is known to lie: the interval is never below.
    by_model
        What the model alone says of unsurveyed land, missed ones added.
    by_weights
        What weighted surveyed land alone says, missed ones added.
    surveyed
        Share found in surveyed land, missed ones added.
    blocks
        Blocks of surveyed land that were drawn from.
    """

    estimate: float
    lower: float
    upper: float
    level: float
    known: float
    by_model: float
    by_weights: float
    surveyed: float
    blocks: int


class ReadingKind(StrEnum):
    """What a cell without a finding is taken to mean.

    ``run_map``: the map of a run, beside which the others are set. ``search``: negative where it
    was searched; ``search_weighted``: so, weighted to stand for unsurveyed land.
    ``unsurveyed_negative``: negative wherever nothing was found. ``positive_unlabelled``: not
    known, with a stated prior.
    """

    RUN_MAP = "run_map"
    SEARCH = "search"
    SEARCH_WEIGHTED = "search_weighted"
    UNSURVEYED_NEGATIVE = "unsurveyed_negative"
    POSITIVE_UNLABELLED = "positive_unlabelled"


class PriorEnd(StrEnum):
    """The prevalence of unsurveyed land that a reading takes as prior: which end of it."""

    ESTIMATE = "estimate"
    LOWER = "lower"
    UPPER = "upper"


@dataclass(frozen=True, kw_only=True)
class OverlapFacts:
    """How far surveyed land can stand for unsurveyed land; see `propensity.Overlap`."""

    effective_rows: float
    surveyed_rows: int
    beyond_share: float
    trimmed_share: float
    unbalanced: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ReadingScores:
    """One reading of the labels beside the others.

    Attributes
    ----------
    kind
        What a cell without a finding is taken to mean.
    end, prior
        Of a positive-unlabelled reading: the prior, and which end of the prevalence it is.
    roc_auc, average_precision, expected_over_found
        On far folds of surveyed land; the last is 1 where as much is found as was expected.
    prevalence, same_top
        On unsurveyed land: mean probability, and the share of the run's top fifth that this
        reading has in its own.
    roc_auc_difference, average_precision_difference
        From negative by search, with a 90 % interval; None for that reading and the run's map.
    """

    kind: ReadingKind
    end: PriorEnd | None
    prior: float | None
    roc_auc: float | None
    average_precision: float | None
    expected_over_found: float | None
    prevalence: float | None
    same_top: float | None
    roc_auc_difference: Estimate | None
    average_precision_difference: Estimate | None


@dataclass(frozen=True)
class Unsurveyed:
    """What surveyed land shows of unsurveyed land.

    Attributes
    ----------
    prevalence
        Share of unsurveyed cells in which a survey like those made would find something.
    overlap
        How far surveyed land can stand for unsurveyed land.
    readings
        Readings of the labels side by side; empty where they cannot be compared.
    """

    prevalence: Prevalence
    overlap: OverlapFacts
    readings: tuple[ReadingScores, ...]
