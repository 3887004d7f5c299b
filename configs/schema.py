"""The typed configuration of one study area. Every default is written here or in its parts.

The parts are `configs.layers`, `configs.feature_kinds` and `configs.bounds`.
"""

from typing import Literal

from pydantic import Field

from minerisk.configs.bounds import (
    Day,
    EvidenceKind,
    Frozen,
    HazardClass,
    KeepValue,
    Metres,
    Name,
    Share,
)
from minerisk.configs.feature_kinds import Feature, SearchEffort
from minerisk.configs.layers import Districts, Layer, RasterLayer, VectorLayer
from minerisk.configs.tasks import Criterion, Tasks

__all__ = [
    "Choice",
    "Config",
    "Criterion",
    "Districts",
    "Evidence",
    "Feature",
    "FindingsEncoder",
    "Folds",
    "Gates",
    "Labels",
    "Layer",
    "LightGBM",
    "Model",
    "RasterLayer",
    "Regions",
    "RiskClasses",
    "Search",
    "SearchEffort",
    "Simulation",
    "StudyArea",
    "Tasks",
    "Tracking",
    "VectorLayer",
]


class Regions(Frozen):
    """Land units that are left out whole, to measure how the model travels (*far*)."""

    layer: Name | None = Field(
        None, description="polygons grouped into regions; without it, cells are grouped"
    )
    count: int = Field(10, ge=2, le=100, description="how many regions")


class StudyArea(Frozen):
    """What land, on which grid."""

    name: Name
    title: str = Field(min_length=1, max_length=120)
    boundary: Name = Field(description="polygon layer of the land the map is for")
    crs: str = Field(description="projected CRS in metres")
    resolution_m: float = Field(ge=5, le=10_000, description="cell size, metres")
    regions: Regions = Regions()
    districts: Districts | None = Field(
        None, description="named land for requests by district; apart from the regions"
    )
    as_of: Day | None = Field(None, description="evidence dated later is left out")

    @property
    def cell_ha(self) -> float:
        """Area of a cell, hectares."""
        return self.resolution_m**2 / 10_000


class Evidence(Frozen):
    """A layer that says: contamination was found, or suspected, here."""

    layer: Name
    evidence: EvidenceKind = Field(description="what kind of word this layer gives")
    weight: Share = Field(description="how far it is believed, 0 to 1")
    weight_column: str | None = Field(
        None, description="column with each record's own weight, above 0 to 1; times `weight`"
    )
    hazard: HazardClass = "any"
    hazard_column: str | None = Field(None, description="column with ap, at, uxo or any")
    hazard_values: dict[HazardClass, tuple[KeepValue, ...]] = Field(
        default_factory=dict,
        description="class: other values of hazard_column that mean it; a record without a value "
        "is of the class `hazard`",
    )
    cells: Literal["centre", "touch", "cover"] = Field(
        "centre",
        description="which cells polygons mark: whose centre they hold, that they touch, or that "
        "they cover by min_coverage (others they touch are then unlabelled)",
    )
    min_coverage: float = Field(
        0.3, gt=0, lt=1, description="share of a cell that polygons must cover, for `cover`"
    )


class Search(Frozen):
    """Land that was searched without a find, record by record, such as survey results."""

    layer: Name
    weight: Share = Field(1.0, description="how far a search without finds is believed")
    weight_column: str | None = Field(
        None, description="column with each record's own weight, above 0 to 1; times `weight`"
    )


class Labels(Frozen):
    """Positive by evidence, negative by search, unlabelled elsewhere."""

    positive: tuple[Evidence, ...] = Field(min_length=1)
    surveyed: Name | None = Field(None, description="polygons where survey results are at hand")
    search_weight: Share = Field(1.0, description="how far a search without finds is believed")
    searches: tuple[Search, ...] = Field(
        (), description="more searched land, each record believed by its own effort"
    )


class Folds(Frozen):
    """How land is held out to score the model."""

    block_m: Metres | None = Field(
        None, description="block size; none: the measured autocorrelation range decides"
    )
    count: int = Field(5, ge=2, le=50, description="folds of blocks")
    shape: Literal["square", "hexagon", "regions"] = Field(
        "square",
        description="blocks: squares or hexagons of block_m, or the regions of the study area "
        "(its municipalities) dealt whole to the folds",
    )
    buffer_m: float = Field(
        0.0,
        ge=0,
        le=100_000,
        description="buffer of far folds and blocks: training cells within so many metres of a "
        "test cell are dropped",
    )
    train_until: Day | None = Field(
        None,
        description="given: one more protocol, `later`, trained on finds up to this day and "
        "scored on finds after it, on blocks left out; finds need dates",
    )


class FindingsEncoder(Frozen):
    """Distance to and number of known findings, fitted inside each fold."""

    use: bool = True
    members: Literal["all", "half"] = Field(
        "all", description="which members of the ensemble see past findings"
    )
    block_m: Metres = Field(40_000, description="blocks of the cross-fitting, metres")
    neighbours: tuple[int, ...] = Field((1, 10), description="distance to the k-th finding")
    radii_m: tuple[Metres, ...] = Field((10_000.0,), description="findings within each radius")
    cap_m: Metres = 60_000
    hazards: tuple[HazardClass, ...] = Field(
        (), description="classes with a distance and densities of their own; any: class not known"
    )
    evidence: tuple[EvidenceKind, ...] = Field(
        (), description="kinds of evidence with a distance and densities of their own"
    )
    half_life_years: float | None = Field(
        None, gt=0, description="a finding this old counts half; needs study_area.as_of"
    )
    belts: bool = Field(
        False, description="direction and spacing of finds, distance along and across belts"
    )
    belt_radius_m: Metres = Field(5_000, description="finds around a place that show direction")
    belt_link_m: Metres = Field(2_000, description="greatest gap inside a belt")


class LightGBM(Frozen):
    """Small, regularised, deterministic trees."""

    kind: Literal["boosted", "forest", "both"] = Field(
        "boosted",
        description="trees that build on each other, trees that do not, or members of both by "
        "turns (stacking with equal weights)",
    )
    trees: int = Field(300, ge=10, le=5_000)
    learning_rate: float = Field(0.04, gt=0, le=1)
    leaves: int = Field(15, ge=2, le=255)
    min_cells_in_leaf: int = Field(200, ge=1)
    feature_share: Share = 0.5
    row_share: Share = 0.7
    l2: float = Field(10.0, ge=0)
    forest_trees: int = Field(60, ge=10, le=5_000, description="trees of each forest member")
    forest_leaves: int = Field(64, ge=2, le=1_000)
    forest_min_cells: int = Field(100, ge=1, description="least cells in a leaf of a forest")


BeyondCover = Literal["nodata", "twice", "blend"]


class Choice(Frozen):
    """Search of a small space of settings on folds inside the training land."""

    trials: int = Field(
        5,
        ge=0,
        le=200,
        description="settings tried for each training set, at least each kind once; 0 takes those "
        "given",
    )
    inner_folds: int = Field(3, ge=2, le=10, description="groups of regions inside it")
    kind: tuple[Literal["boosted", "forest", "both", "logistic", "distance_rule"], ...] = Field(
        ("boosted", "forest", "both", "logistic", "distance_rule"),
        description="models that compete; each is tried at least once",
    )
    leaves: tuple[int, ...] = (4, 7, 15)
    min_cells_in_leaf: tuple[int, ...] = (200, 500, 1_000)
    feature_share: tuple[Share, ...] = (0.3, 0.5)
    trees: tuple[int, ...] = (150, 300)
    findings: tuple[Literal["all", "half", "none"], ...] = Field(
        ("all", "half", "none"),
        description="which members of the ensemble see past findings",
    )
    beyond_cover: tuple[BeyondCover, ...] = Field(
        ("nodata", "twice", "blend"),
        description="what is learned of land that layers with a coverage say nothing of",
    )


class Model(Frozen):
    """What is trained."""

    findings: FindingsEncoder = FindingsEncoder()
    hazards: tuple[Literal["ap", "at", "uxo"], ...] = Field(
        (), description="classes with a model and rasters of their own, beside those of any hazard"
    )
    lightgbm: LightGBM = LightGBM()
    monotone: dict[str, Literal[-1, 1]] = Field(
        default_factory=dict,
        description="column: 1 where doctrine says that the probability may only rise with it, -1 "
        "where it may only fall",
    )
    beyond_cover: BeyondCover = Field(
        "twice",
        description="land that layers with a coverage say nothing of. nodata: their features are "
        "missing there, no more. twice: every row is taught with them and without. blend: one "
        "model with them, one without, blended over the edge of the cover",
    )
    blend_m: Metres = Field(
        3_000, description="from the edge of the cover, the weight of the one is 73 % this far in"
    )
    choice: Choice = Choice()
    members: int = Field(8, ge=2, le=100, description="models on resampled blocks; their mean")
    negatives_per_positive: float = Field(
        8.0, gt=0, description="negatives drawn per positive; corrected for by weights"
    )
    most_cells: int = Field(
        1_000_000,
        ge=1_000,
        description="labelled cells that the model is trained and scored on, at most; past that an "
        "even draw of them, whatever their label. All of them are held in memory",
    )
    interval: float = Field(0.9, gt=0.5, lt=1, description="stated cover of the interval")
    seed: int = Field(7, ge=0, lt=2**31)
    threads: int = Field(2, ge=1, le=256)


class Gates(Frozen):
    """Agreed before training. A run that fails one is kept, marked, and never approved."""

    min_positive_cells: int = Field(50, ge=1)
    permuted_auc_margin: float = Field(
        0.05, gt=0, lt=0.5, description="greatest distance of permuted-label ROC-AUC from 0.5"
    )
    permutations: int = Field(3, ge=1, le=100)
    calibration_slope_margin: float = Field(
        0.25, gt=0, le=1, description="greatest distance of the far calibration slope from 1"
    )
    min_skill: float = Field(
        0.0, ge=0, lt=1, description="far average precision above that of prevalence, at least"
    )
    min_over_rule: float | None = Field(
        None,
        gt=-1,
        lt=1,
        description="the model's share of the finds in the first 20 % of far land minus that of "
        "the distance rule: the low end of the difference, at least. 0: it beats the rule beyond "
        "the interval; -0.05: it is at most 5 points worse; none: not asked",
    )
    min_applicable_share: float = Field(0.3, ge=0, le=1)


class RiskClasses(Frozen):
    """Where the classes are cut: by share of the applicable land, or by agreed rates."""

    by: Literal["share", "rate"] = Field(
        "share",
        description="`share`: the highest shares of the land, whatever they hold; `rate`: land "
        "that is expected to hold as much as was agreed, however much land that is",
    )
    higher_share: Share = Field(0.05, description="for `share`: land with the highest probability")
    elevated_share: Share = Field(0.15, description="for `share`: the land after that")
    cuts: tuple[float, float] | None = Field(
        None,
        description="for `rate`: expected contaminated cells a km² from which land is elevated, "
        "and from which it is higher",
    )


class Simulation(Frozen):
    """A made-up laying and a biased survey of it. Never evidence of anything real."""

    elevation: Name
    front_line: Name
    held_area: Name
    settlements: Name
    rivers: Name | None = None
    roads: Name | None = None
    seed: int = Field(2020, ge=0, lt=2**31)
    prevalence: Share = Field(0.02, description="share of cells with contamination")
    away_share: Share = Field(0.4, description="share of contaminated cells away from the line")
    surveyed_share: Share = Field(0.35, description="share of land that was surveyed")
    detection: Share = Field(0.85, description="chance that a survey finds what is there")
    false_suspicion: float = Field(0.5, ge=0, description="false suspect areas for every true one")
    positions_missed: float = Field(
        0.25, ge=0, lt=1, description="share of the positions that imagery does not show"
    )
    positions_false: float = Field(
        0.2, ge=0, lt=1, description="share of the positions mapped from imagery that are none"
    )
    positions_error_m: float = Field(
        150.0, ge=0, le=10_000, description="median error of a position mapped from imagery, metres"
    )


class Tracking(Frozen):
    """Where MLflow writes. MLFLOW_TRACKING_URI in the environment comes first.

    An address counts where this file is given to a command; one in a run folder is never called.
    """

    uri: str | None = Field(None, description="none: mlflow.db in the run folder")
    experiment: str = Field("minerisk", min_length=1)


class Config(Frozen):
    """One study area: its layers, features, labels, model and what is made of it."""

    study_area: StudyArea
    data_root: str = Field(
        ".", description="folder of the layers, relative to this file; ${MINERISK_DATA} is read"
    )
    layers: dict[Name, Layer] = Field(min_length=1)
    features: tuple[Feature, ...] = Field(min_length=1)
    effort: tuple[SearchEffort, ...] = Field(
        (), description="search effort, for models of survey bias; the model does not read it"
    )
    labels: Labels
    folds: Folds = Folds()
    model: Model = Model()
    gates: Gates = Gates()
    classes: RiskClasses = RiskClasses()
    tasks: Tasks = Tasks()
    simulation: Simulation | None = Field(
        None, description="given: findings are SIMULATED, and every output says so"
    )
    tracking: Tracking = Tracking()

    @property
    def simulated(self) -> bool:
        """Whether findings are simulated: here, or by another run, whose layers say so."""
        return self.simulation is not None or any(
            "simulated" in f"{getattr(layer, 'layer', '')} {layer.source} {layer.path}".casefold()
            for layer in self.layers.values()
        )
