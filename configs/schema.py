"""The typed configuration of one study area. Every default is written here or in its parts.

The parts are `configs.layers`, `configs.feature_kinds`, `configs.model`, `configs.simulation`,
`configs.tasks` and `configs.bounds`.
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
    Title,
)
from minerisk.configs.feature_kinds import Feature, SearchEffort
from minerisk.configs.languages import OtherLanguage
from minerisk.configs.layers import Districts, Layer, RasterLayer, VectorLayer
from minerisk.configs.model import Choice, FindingsEncoder, LightGBM, Model
from minerisk.configs.simulation import Simulation
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

    name: Name = Field(description="short name: folders, files and records carry it")
    title: Title = Field(description="what people call the land; heads the report")
    titles: dict[OtherLanguage, Title] = Field(
        default_factory=dict, description="the same in other languages (az, ru), in pages and packs"
    )
    boundary: Name = Field(description="polygon layer of the land the map is for")
    crs: str = Field(description="projected CRS in metres")
    resolution_m: float = Field(ge=5, le=10_000, description="cell size, metres")
    regions: Regions = Field(
        Regions(), description="land units that are left out whole, to score how the model travels"
    )
    districts: Districts | None = Field(
        None, description="named land for requests by district; apart from the regions"
    )
    as_of: Day | None = Field(None, description="evidence dated later is left out")

    @property
    def cell_ha(self) -> float:
        """Area of a cell, hectares."""
        return self.resolution_m**2 / 10_000

    def title_in(self, language: str) -> str:
        """Return the title in a language, the English one where there is no other."""
        return {str(code): title for code, title in self.titles.items()}.get(language, self.title)


class Evidence(Frozen):
    """A layer that says: contamination was found, or suspected, here."""

    layer: Name = Field(description="vector layer with the records")
    evidence: EvidenceKind = Field(description="what kind of word this layer gives")
    weight: Share = Field(description="how far it is believed, 0 to 1")
    weight_column: str | None = Field(
        None, description="column with each record's own weight, above 0 to 1; times `weight`"
    )
    hazard: HazardClass = Field("any", description="class of its records, where no column says it")
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

    layer: Name = Field(description="polygons of searched land")
    weight: Share = Field(1.0, description="how far a search without finds is believed")
    weight_column: str | None = Field(
        None, description="column with each record's own weight, above 0 to 1; times `weight`"
    )


class Labels(Frozen):
    """Positive by evidence, negative by search, unlabelled elsewhere."""

    positive: tuple[Evidence, ...] = Field(
        min_length=1, description="layers whose records make a cell positive"
    )
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


class Gates(Frozen):
    """Agreed before training. A run that fails one is kept, marked, and never approved."""

    min_positive_cells: int = Field(
        50, ge=1, description="positive cells among the labels, at least"
    )
    permuted_auc_margin: float = Field(
        0.05, gt=0, lt=0.5, description="greatest distance of permuted-label ROC-AUC from 0.5"
    )
    permutations: int = Field(
        3, ge=1, le=100, description="how often labels are permuted for that check"
    )
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
    min_applicable_share: float = Field(
        0.3, ge=0, le=1, description="share of the land that the model can speak for, at least"
    )


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


class Tracking(Frozen):
    """Where MLflow writes. MLFLOW_TRACKING_URI in the environment comes first.

    An address counts where this file is given to a command; one in a run folder is never called.
    """

    uri: str | None = Field(None, description="none: mlflow.db in the run folder")
    experiment: str = Field("minerisk", min_length=1, description="name of the MLflow experiment")


class Config(Frozen):
    """One study area: its layers, features, labels, model and what is made of it."""

    study_area: StudyArea = Field(description="the land and its grid")
    data_root: str = Field(
        ".", description="folder of the layers, relative to this file; ${MINERISK_DATA} is read"
    )
    layers: dict[Name, Layer] = Field(
        min_length=1, description="every layer by the name that other sections call it"
    )
    features: tuple[Feature, ...] = Field(
        min_length=1, description="what is computed of the layers for each cell"
    )
    effort: tuple[SearchEffort, ...] = Field(
        (), description="search effort, for models of survey bias; the model does not read it"
    )
    labels: Labels = Field(description="what makes a cell positive, negative or unlabelled")
    folds: Folds = Field(Folds(), description="how land is held out to score the model")
    model: Model = Field(Model(), description="what is trained")
    gates: Gates = Field(Gates(), description="what a run must reach before it can be approved")
    classes: RiskClasses = Field(RiskClasses(), description="where the classes of the map are cut")
    tasks: Tasks = Field(Tasks(), description="how survey tasks are cut and ranked")
    simulation: Simulation | None = Field(
        None, description="given: findings are SIMULATED, and every output says so"
    )
    tracking: Tracking = Field(Tracking(), description="where MLflow records the run")

    @property
    def simulated(self) -> bool:
        """Whether findings are simulated: here, or by another run, whose layers say so."""
        return self.simulation is not None or any(
            "simulated" in f"{getattr(layer, 'layer', '')} {layer.source} {layer.path}".casefold()
            for layer in self.layers.values()
        )
