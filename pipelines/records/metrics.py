"""``metrics.json`` and ``trials.json``: every score of a trained run, and every setting tried."""

import datetime as dt
from collections.abc import Mapping
from typing import ClassVar

from minerisk.models.calibration.conformal import Cover, IntervalScaler
from minerisk.models.cautions import Caution, CautionCode
from minerisk.models.elsewhere.statement import LikeLand
from minerisk.models.evaluation.measures import Measures, ModelName, RankMeasures
from minerisk.models.evaluation.results import (
    CapturePoint,
    Curves,
    FindScores,
    Gate,
    HazardReliability,
    HazardScores,
    Importance,
    PermutedSkill,
    RegionReliability,
    RegionScores,
    ReliabilityBin,
)
from minerisk.models.folds.facts import FoldFacts, MatchFacts
from minerisk.models.folds.protocol import Protocol, ProtocolName, Splitter
from minerisk.models.selection.trials import Search, Setting
from minerisk.models.survey_bias.facts import Unsurveyed
from minerisk.pipelines.records.record import Document, Record


class ProtocolScores(Record):
    """The scores of every model on one way to hold land out.

    Attributes
    ----------
    splitter
        What makes the folds.
    until
        Last date of training finds, where folds are split by dates.
    folds
        How many.
    models
        Measures of the model and of each rule of thumb.
    finds
        The same by kind of find: what lies in the first 20 % of land.
    """

    splitter: Splitter
    until: dt.date | None = None
    folds: int
    models: Mapping[ModelName, Measures]
    finds: tuple[FindScores, ...] = ()

    @classmethod
    def of(
        cls,
        protocol: Protocol,
        models: Mapping[ModelName, Measures],
        finds: tuple[FindScores, ...] = (),
    ) -> "ProtocolScores":
        """Return what was measured on one protocol."""
        return cls(
            splitter=protocol.splitter,
            until=protocol.until,
            folds=len(protocol.folds),
            models=models,
            finds=finds,
        )

    @property
    def model(self) -> Measures:
        """Measures of the model of the run."""
        return self.models[ModelName.MODEL]

    @property
    def prevalence(self) -> Measures:
        """Measures of the prevalence alone."""
        return self.models[ModelName.PREVALENCE]


class CellCounts(Record):
    """How many cells of each label.

    Attributes
    ----------
    total, positive, negative, unlabelled
        Of the study area.
    drawn, drawn_positive
        Trained on, where those are fewer than all that are labelled.
    """

    total: int
    positive: int
    negative: int
    unlabelled: int
    drawn: int | None = None
    drawn_positive: int | None = None


class HeldOutFacts(Record):
    """What is known of the folds.

    Attributes
    ----------
    match
        How well kNNDM folds match the land to be predicted; None where there is none.
    folds
        The folds of a protocol, one by one.
    """

    match: MatchFacts | None
    folds: Mapping[ProtocolName, tuple[FoldFacts, ...]]


class ExpectedError(Record):
    """Expected error of held-out land by dissimilarity and by density; see `ErrorProfile`."""

    dissimilarity: tuple[float, ...]
    by_dissimilarity: tuple[float, ...]
    density: tuple[float, ...]
    by_density: tuple[float, ...]


class HazardModel(Record):
    """The model of one hazard class.

    Attributes
    ----------
    trained
        Whether there is one.
    positive, negative
        Cells of the class.
    least
        Cells of each kind that were agreed, where there are too few for a model.
    error
        Why training stopped, where it did.
    gates_passed
        Whether every gate is; None without a model.
    far
        Measures on far land; None without a model.
    far_by_any
        How the model of any hazard ranks the same class, which a model of its own has to beat to
        be worth having.
    """

    trained: bool
    positive: int
    negative: int
    least: int | None = None
    error: str | None = None
    gates_passed: bool | None = None
    far: Measures | None = None
    far_by_any: RankMeasures | None = None


class Metrics(Document):
    """Every score of a trained run.

    Attributes
    ----------
    study_area, title, simulated, as_of, crs, resolution_m
        Of the run.
    cells, prevalence
        Labels, and the share of labelled cells that are positive.
    range_m, block_m
        Autocorrelation range of the labels, and side of the blocks, metres.
    protocols
        Scores by protocol.
    held_out, cautions
        What is known of the folds, and what a reader has to know.
    unsurveyed
        What surveyed land shows of unsurveyed land; None where nothing can be shown.
    like_this
        How good the map is on land like what nobody surveyed, or why nothing is said of that.
    calibrators, calibrator
        Log loss of each kind on left-out regions, and the kind chosen.
    interval, interval_cover
        The interval's scaler, and its cover by protocol; None where it cannot be measured.
    regions, reliability_by_region, reliability_by_hazard
        Left-out regions one by one, and predicted against found.
    hazard_classes, hazards
        How the model of any hazard ranks each class, and the models of classes.
    comparison
        By protocol: measures of the model minus those of each other.
    curves, capture, reliability
        Of pooled held-out scores; by protocol.
    importance, permuted, applicable_share, gates
        By family; of permuted labels; share of the study area inside the area of applicability;
        what was agreed.
    settings
        Chosen in each training set: by protocol, and ``final``.
    """

    version: ClassVar[int] = 1

    study_area: str
    title: str
    simulated: bool
    as_of: dt.date | None
    crs: str
    resolution_m: float
    cells: CellCounts
    prevalence: float
    range_m: float
    block_m: float
    protocols: Mapping[ProtocolName, ProtocolScores]
    held_out: HeldOutFacts
    cautions: tuple[Caution, ...]
    unsurveyed: Unsurveyed | None
    like_this: LikeLand
    calibrators: Mapping[str, float]
    calibrator: str
    interval: IntervalScaler
    interval_cover: Mapping[ProtocolName, Cover | None]
    expected_error: ExpectedError | None
    regions: tuple[RegionScores, ...]
    reliability_by_region: tuple[RegionReliability, ...]
    reliability_by_hazard: tuple[HazardReliability, ...]
    hazard_classes: tuple[HazardScores, ...]
    hazards: Mapping[str, HazardModel]
    comparison: Mapping[ProtocolName, Mapping[ModelName, RankMeasures]]
    curves: Curves
    capture: Mapping[ProtocolName, Mapping[ModelName, tuple[CapturePoint, ...]]]
    reliability: Mapping[ProtocolName, tuple[ReliabilityBin, ...]]
    importance: tuple[Importance, ...]
    permuted: PermutedSkill
    applicable_share: float
    gates: tuple[Gate, ...]
    settings: Mapping[str, tuple[Mapping[str, Setting], ...]]

    @property
    def far(self) -> ProtocolScores:
        """Scores on regions left out."""
        return self.protocols[ProtocolName.FAR]

    @property
    def near(self) -> ProtocolScores:
        """Scores on land as far from training as unsurveyed land is."""
        return self.protocols[ProtocolName.NEAR]

    @property
    def calibration_cautions(self) -> tuple[Caution, ...]:
        """What is to be said of probabilities before any is shown; empty where they hold."""
        code = CautionCode.CALIBRATION_NOT_KNOWN
        return tuple(caution for caution in self.cautions if caution.code is code)

    @property
    def gates_passed(self) -> bool:
        """Whether the run keeps everything that was agreed."""
        return all(gate.passed for gate in self.gates)

    @property
    def failed_gates(self) -> tuple[Gate, ...]:
        """The gates that are not passed."""
        return tuple(gate for gate in self.gates if not gate.passed)


class Trials(Document):
    """``trials.json``: every setting that was tried, by protocol, and ``final``."""

    version: ClassVar[int] = 1

    searches: Mapping[str, Search]
