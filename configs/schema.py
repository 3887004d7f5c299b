"""The typed configuration of one study area. Every default is written here and nowhere else."""

import datetime as dt
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Metres = Annotated[float, Field(gt=0, le=1_000_000, description="metres")]
Radii = Annotated[tuple[Metres, ...], Field(min_length=1)]
Height = Annotated[float, Field(ge=0, le=100)]
Share = Annotated[float, Field(gt=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
Epoch = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]{0,23}$")]
HazardClass = Literal["ap", "at", "uxo", "any"]
EvidenceKind = Literal["find", "accident", "confirmed", "suspicion", "cleared"]


def _ascending(edges: tuple[float, ...]) -> tuple[float, ...]:
    if any(low >= high for low, high in pairwise(edges)):
        raise ValueError(f"the edges are {edges}; expected each greater than the one before")
    return edges


Edges = Annotated[
    tuple[Annotated[float, Field(ge=0, le=100_000)], ...],
    Field(min_length=2),
    AfterValidator(_ascending),
]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class RasterLayer(_Frozen):
    """One band of a GeoTIFF, COG or Zarr array."""

    kind: Literal["raster"] = "raster"
    path: str = Field(description="file, relative to data_root")
    band: int = Field(1, ge=1, description="band number, from 1")
    variable: str | None = Field(None, description="array name, Zarr only")
    resampling: Literal["bilinear", "nearest", "mode", "average"] = Field(
        "bilinear", description="bilinear for surfaces, nearest or mode for classes"
    )
    unit: str = Field("1", description="unit of the values")
    valid_range: tuple[float, float] | None = Field(
        None, description="least and greatest value that make sense; others are errors"
    )
    optional: bool = Field(
        False,
        description="the file may be absent: features that read it are left out, and it is said so",
    )
    source: str = Field("", description="who made it, and when")
    licence: str = Field("", description="licence and attribution")


class VectorLayer(_Frozen):
    """One layer of a GeoPackage, GeoJSON, Shapefile, FlatGeobuf, GeoParquet or CSV file."""

    kind: Literal["vector"] = "vector"
    path: str = Field(description="file, relative to data_root")
    layer: str | None = Field(None, description="layer name, where the file has more than one")
    crs: str | None = Field(None, description="CRS of a CSV file's coordinates")
    easting: str | None = Field(None, description="CSV column of easting or longitude")
    northing: str | None = Field(None, description="CSV column of northing or latitude")
    keep: dict[str, tuple[str | int | float, ...]] = Field(
        default_factory=dict, description="column: values to keep; other rows are left out"
    )
    date_column: str | None = Field(None, description="column with the date of each record")
    position_error_m: float = Field(
        0.0, ge=0, le=50_000, description="stated positional error of the geometry, metres"
    )
    optional: bool = Field(
        False,
        description="the file may be absent: features that read it are left out, and it is said so",
    )
    source: str = Field("", description="who made it, and when")
    licence: str = Field("", description="licence and attribution")


Layer = Annotated[RasterLayer | VectorLayer, Field(discriminator="kind")]


class _Front(_Frozen):
    layer: Name = Field(description="the line")
    held_area: Name | None = Field(
        None, description="polygons of the side that laid the belts; distance is negative inside"
    )
    side_column: str | None = Field(
        None,
        description="instead of held_area: column of the line with left or right, the side, seen "
        "along the line as it was drawn, on which they held the land",
    )
    epoch: Epoch | None = Field(
        None, description="stands in the feature names, so that lines of two epochs do not collide"
    )


class FrontLine(_Front):
    """Distance to the front line, and signed by the side that held the land."""

    kind: Literal["front_line"] = "front_line"
    along: bool = Field(
        False,
        description="also the distance along the line to its nearer end; close to naming the "
        "place, which a model may learn by heart",
    )
    cap_m: Metres = Field(40_000, description="distances beyond this read as this, metres")


class FrontZones(_Front):
    """Expected share of each cell in depth zones along the front line, on each side."""

    kind: Literal["front_zones"] = "front_zones"
    edges_m: Edges = Field(
        (0.0, 50.0, 150.0, 300.0, 600.0, 2_000.0, 7_000.0),
        description="edges of the zones, ascending, metres from the line",
    )


class FrontShape(_Front):
    """Salients and re-entrants of the front line, and which way it faces."""

    kind: Literal["front_shape"] = "front_shape"
    scale_m: Metres = Field(
        5_000,
        description="length of line on either side that the bend is taken over, metres; no less "
        "than the line's position_error_m",
    )
    reach_m: Metres = Field(
        10_000,
        description="the values fade to 0 at this distance from the line, metres; far from it its "
        "shape says nothing but where a place is",
    )


class OwnSideShare(_Frozen):
    """Share of the land around each cell that its own side held: salients, pockets, depth."""

    kind: Literal["own_side_share"] = "own_side_share"
    layer: Name = Field(description="polygons of one side; other land is the other side's")
    land: Name = Field(description="polygons of the land that counts, such as the study area")
    radii_m: Radii = (5_000.0, 15_000.0)


class NoMansLand(_Frozen):
    """Width of the land between the lines of the two sides."""

    kind: Literal["no_mans_land"] = "no_mans_land"
    layer: Name = Field(description="the line of one side")
    opposing_line: Name = Field(description="the line of the other side")
    epoch: Epoch | None = Field(
        None, description="stands in the feature names, so that lines of two epochs do not collide"
    )
    cap_m: Metres = Field(10_000, description="widths beyond this read as this, metres")


class _Positions(_Frozen):
    layer: Name = Field(description="the positions: points, lines or polygons")
    type_column: str | None = Field(None, description="column that tells the types apart")
    types: dict[Name, tuple[str | int, ...]] = Field(
        default_factory=dict,
        description="type, such as trench, outpost, anti_tank_ditch, strongpoint, artillery: its "
        "values in type_column; features of each type beside those of the whole layer",
    )


class Fortifications(_Positions):
    """Distance to fortifications, how many lie within each radius, and metres of trench."""

    kind: Literal["fortifications"] = "fortifications"
    radii_m: tuple[Metres, ...] = (250.0, 500.0, 1_000.0)
    cap_m: Metres = 20_000


class FrontOfPositions(_Positions):
    """Ground in front of positions, towards the enemy, and ground behind them."""

    kind: Literal["front_of_positions"] = "front_of_positions"
    front_line: Name = Field(description="the line; a position faces the nearest point of it")
    held_area: Name | None = Field(
        None, description="polygons of the side that laid the belts: only its positions count"
    )
    edges_m: Edges = Field(
        (40.0, 100.0, 300.0, 600.0),
        description="edges of the depth zones in front of a position, ascending, metres",
    )
    cap_m: Metres = Field(20_000, description="distances beyond this read as this, metres")


class Terrain(_Frozen):
    """Elevation, slope, aspect, curvature; TPI and roughness at several radii."""

    kind: Literal["terrain"] = "terrain"
    layer: Name
    radii_m: tuple[Metres, ...] = (500.0, 2_000.0, 5_000.0)


class Landform(_Frozen):
    """Ridge, spur, valley floor, pass and other forms; openness; ruggedness."""

    kind: Literal["landform"] = "landform"
    layer: Name = Field(description="elevation")
    radii_m: Radii = Field((2_000.0,), description="how far is looked in eight directions, metres")
    flat_deg: float = Field(
        1.0, ge=0, le=20, description="sights up and down that differ by less are level, degrees"
    )


class FrontFacing(_Frozen):
    """Whether slopes face the front line or turn away, and the height above it."""

    kind: Literal["front_facing"] = "front_facing"
    layer: Name = Field(description="elevation")
    front_line: Name
    cap_m: Metres = Field(20_000, description="farther from the line than this, all are 0, metres")


class Wetness(_Frozen):
    """Topographic wetness index with its catchment cut at each radius."""

    kind: Literal["wetness"] = "wetness"
    layer: Name = Field(description="elevation")
    radii_m: Radii = Field((5_000.0,), description="how far water is followed, metres")


class Trafficability(_Frozen):
    """Speed on foot and on wheels off the roads, and the ground that wheels can use."""

    kind: Literal["trafficability"] = "trafficability"
    layer: Name = Field(description="elevation")
    radii_m: Radii = (2_000.0,)
    wheeled_limit: float = Field(
        0.3, gt=0, le=2, description="steepest gradient for wheels, metres up for a metre on"
    )
    land_cover: Name | None = Field(None, description="raster of land-cover classes")
    cover_speed: dict[int, Annotated[float, Field(ge=0, le=1)]] = Field(
        default_factory=dict,
        description="class code: share of speed left on it, 0 where nobody gets through",
    )


class Visibility(_Frozen):
    """How many positions see each cell, and dead ground."""

    kind: Literal["visibility"] = "visibility"
    layer: Name = Field(description="elevation")
    observers: Name = Field(description="positions: every cell they touch watches once")
    radii_m: Radii = Field((500.0, 1_500.0, 5_000.0), description="ranges of sight and fire")
    eye_m: Height = Field(2.0, description="height of the eye above the ground, metres")
    target_m: Height = Field(1.0, description="height of what is looked for, metres")


class CommandingView(_Frozen):
    """How many heights near the front line see each cell, where no positions are known."""

    kind: Literal["commanding_view"] = "commanding_view"
    layer: Name = Field(description="elevation")
    front_line: Name
    held_area: Name | None = Field(
        None, description="only heights inside these polygons, of the side that laid the belts"
    )
    near_m: Metres = Field(
        3_000,
        description="greatest distance of a height from the line, metres; no less than the line's "
        "position_error_m",
    )
    rise_m: Metres = Field(1_500, description="a height is the highest above its ground within")
    radii_m: Radii = Field((1_500.0, 5_000.0), description="ranges of sight and fire")
    eye_m: Height = Field(2.0, description="height of the eye above the ground, metres")
    target_m: Height = Field(1.0, description="height of what is looked for, metres")


class Distance(_Frozen):
    """Distance to the nearest geometry of a layer: roads, rivers, settlements."""

    kind: Literal["distance"] = "distance"
    layer: Name
    cap_m: Metres = 20_000


class Density(_Frozen):
    """Points or metres of line per square kilometre within each radius."""

    kind: Literal["density"] = "density"
    layer: Name
    radii_m: tuple[Metres, ...] = (2_000.0, 10_000.0)
    weight_column: str | None = Field(None, description="sum this column instead of counting")


class LandCover(_Frozen):
    """One indicator per named group of land-cover classes."""

    kind: Literal["land_cover"] = "land_cover"
    layer: Name
    groups: dict[Name, tuple[int, ...]] = Field(description="group name: class codes", min_length=1)


class Value(_Frozen):
    """The value of a raster as it is."""

    kind: Literal["value"] = "value"
    layer: Name


class LandCoverEdge(_Frozen):
    """Distance to the edge of each named group of land-cover classes, negative inside it."""

    kind: Literal["land_cover_edge"] = "land_cover_edge"
    layer: Name
    groups: dict[Name, tuple[int, ...]] = Field(description="group name: class codes", min_length=1)
    cap_m: Metres = 5_000


class Change(_Frozen):
    """Change between two rasters of the same thing: people, night lights, greenness of fields."""

    kind: Literal["change"] = "change"
    layer: Name = Field(description="the later raster")
    before: Name = Field(description="the earlier raster, in the same unit")


class Margin(_Frozen):
    """Share of each cell in the verge of a road, or on the bank of a river or canal."""

    kind: Literal["margin"] = "margin"
    layer: Name
    widths_m: tuple[Metres, ...] = Field(
        (15.0,), min_length=1, description="the margin reaches this far on either side, metres"
    )
    beyond_m: float = Field(0.0, ge=0, description="what lies nearer than this does not count")


class MinefieldRecords(_Frozen):
    """What handed-over minefield records say, weighted by how often such records proved right."""

    kind: Literal["minefield_records"] = "minefield_records"
    layer: Name = Field(description="recorded minefields; never a layer of the labels")
    accuracy: Share = Field(
        0.25, description="share of such records that proved right (0.25: ANAMA 2024)"
    )
    accuracy_column: str | None = Field(None, description="column with each record's own")
    cap_m: Metres = 20_000


class PopulationChange(_Frozen):
    """Distance to abandoned settlements, and the change of the people within each radius."""

    kind: Literal["population_change"] = "population_change"
    layer: Name = Field(description="settlements")
    before_column: str = Field(description="column with the people before the war")
    after_column: str = Field(description="column with the people after it")
    radii_m: tuple[Metres, ...] = (5_000.0,)
    abandoned_share: float = Field(
        0.1, ge=0, lt=1, description="at most this share of the people is left: abandoned"
    )
    cap_m: Metres = 20_000


class Approach(_Frozen):
    """Cheapest routes across the front, on foot and on wheels, and the detour through each cell."""

    kind: Literal["approach"] = "approach"
    layer: Name = Field(description="where routes begin and end: settlements or road heads")
    held_area: Name = Field(description="polygons of one side; the other side is all other land")
    elevation: Name = Field(description="elevation raster, metres")
    front_line: Name | None = Field(
        None, description="routes cross from side to side only near it; none: anywhere"
    )
    rivers: Name | None = Field(None, description="rivers, dear to cross away from a road")
    roads: Name | None = Field(
        None, description="roads, which bridge rivers; without them no routes on wheels"
    )
    cap_m: Metres = Field(15_000, description="greatest cost on either side of the cell, metres")
    beside_m: Metres = Field(5_000, description="compared with the cheapest route within this")
    crossing_m: Metres = Field(
        3_000, description="how near to the front line a crossing may be, at least its error"
    )


class Crossings(_Frozen):
    """Distance to where a road, track or railway crosses a river or canal."""

    kind: Literal["crossings"] = "crossings"
    layer: Name = Field(description="roads, tracks or railways")
    rivers: Name = Field(description="rivers or canals")
    cap_m: Metres = 20_000


class Passes(_Frozen):
    """Distance to the nearest pass, a saddle of the ground."""

    kind: Literal["passes"] = "passes"
    layer: Name = Field(description="elevation raster, metres")
    radius_m: Metres = Field(1_000, description="how far off the ground rises and falls, metres")
    rise_m: Metres = Field(20, description="by how much at least, metres")
    cap_m: Metres = 20_000


class SearchEffort(_Frozen):
    """Where, how long ago and by what means the ground was searched."""

    kind: Literal["search_effort"] = "search_effort"
    layer: Name = Field(description="polygons of searched land")
    as_of: dt.date | None = Field(
        None, description="day from which years are counted back; none: study_area.as_of"
    )
    means_column: str | None = Field(None, description="column with the means of search")
    means: dict[Name, tuple[str, ...]] = Field(
        default_factory=dict, description="name of a means: values of that column"
    )
    cap_m: Metres = 20_000
    cap_years: float = Field(50, gt=0, le=200, description="longer ago, or never, reads as this")


Feature = Annotated[
    FrontLine
    | FrontZones
    | FrontShape
    | OwnSideShare
    | NoMansLand
    | Fortifications
    | FrontOfPositions
    | Terrain
    | Landform
    | FrontFacing
    | Wetness
    | Trafficability
    | Visibility
    | CommandingView
    | Distance
    | Density
    | LandCover
    | LandCoverEdge
    | Value
    | Change
    | Margin
    | MinefieldRecords
    | PopulationChange
    | Approach
    | Crossings
    | Passes
    | SearchEffort,
    Field(discriminator="kind"),
]


class Regions(_Frozen):
    """Land units that are left out whole, to measure how the model travels (*far*)."""

    layer: Name | None = Field(
        None, description="polygons grouped into regions; without it, cells are grouped"
    )
    count: int = Field(10, ge=2, le=100, description="how many regions")
    name_column: str | None = Field(
        None, description="column of that layer with their names, for requests by district"
    )


class StudyArea(_Frozen):
    """What land, on which grid."""

    name: Name
    title: str = Field(min_length=1, max_length=120)
    boundary: Name = Field(description="polygon layer of the land the map is for")
    crs: str = Field(description="projected CRS in metres")
    resolution_m: float = Field(ge=5, le=10_000, description="cell size, metres")
    regions: Regions = Regions()
    as_of: dt.date | None = Field(None, description="evidence dated later is left out")


class Evidence(_Frozen):
    """A layer that says: contamination was found, or suspected, here."""

    layer: Name
    evidence: EvidenceKind = Field(description="what kind of word this layer gives")
    weight: Share = Field(description="how far it is believed, 0 to 1")
    weight_column: str | None = Field(
        None, description="column with each record's own weight, above 0 to 1; times `weight`"
    )
    hazard: HazardClass = "any"
    hazard_column: str | None = Field(None, description="column with ap, at or uxo")
    cells: Literal["centre", "touch", "cover"] = Field(
        "centre",
        description="which cells polygons mark: whose centre they hold, that they touch, or that "
        "they cover by min_coverage (others they touch are then unlabelled)",
    )
    min_coverage: float = Field(
        0.3, gt=0, lt=1, description="share of a cell that polygons must cover, for `cover`"
    )


class Search(_Frozen):
    """Land that was searched without a find, record by record, such as survey results."""

    layer: Name
    weight: Share = Field(1.0, description="how far a search without finds is believed")
    weight_column: str | None = Field(
        None, description="column with each record's own weight, above 0 to 1; times `weight`"
    )


class Labels(_Frozen):
    """Positive by evidence, negative by search, unlabelled elsewhere."""

    positive: tuple[Evidence, ...] = Field(min_length=1)
    surveyed: Name | None = Field(None, description="polygons where survey results are at hand")
    search_weight: Share = Field(1.0, description="how far a search without finds is believed")
    searches: tuple[Search, ...] = Field(
        (), description="more searched land, each record believed by its own effort"
    )


class Folds(_Frozen):
    """How the model is put to the test."""

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
        description="dead zone of far folds and blocks: training cells within so many metres of a "
        "test cell are dropped",
    )
    train_until: dt.date | None = Field(
        None,
        description="given: one more test, `later`, taught on finds up to this day and tested on "
        "finds after it, on blocks left out; finds need dates",
    )


class FindingsEncoder(_Frozen):
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


class LightGBM(_Frozen):
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


class Choice(_Frozen):
    """Search of a small space of settings on folds inside the training land."""

    trials: int = Field(
        0, ge=0, le=200, description="settings tried for each training set; 0 takes those given"
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


class Model(_Frozen):
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
    choice: Choice = Choice()
    members: int = Field(8, ge=2, le=100, description="models on resampled blocks; their mean")
    negatives_per_positive: float = Field(
        8.0, gt=0, description="negatives drawn per positive; corrected for by weights"
    )
    interval: float = Field(0.9, gt=0.5, lt=1, description="stated cover of the interval")
    seed: int = Field(7, ge=0, lt=2**31)
    threads: int = Field(2, ge=1, le=256)


class Gates(_Frozen):
    """Agreed before training. A run that fails one is kept, marked, and never approved."""

    min_positive_cells: int = Field(50, ge=1)
    permuted_auc_margin: float = Field(
        0.05, gt=0, lt=0.5, description="greatest distance of permuted-label ROC-AUC from 0.5"
    )
    permutations: int = Field(3, ge=1, le=100)
    min_applicable_share: float = Field(0.3, ge=0, le=1)


class RiskClasses(_Frozen):
    """Where the classes are cut, by share of the applicable land."""

    higher_share: Share = Field(0.05, description="land with the highest probability")
    elevated_share: Share = Field(0.15, description="the land after that")


CriterionName = Literal[
    "casualties", "socio_economic", "resettlement", "reconstruction", "food_security", "other"
]


class Criterion(_Frozen):
    """What makes a find matter more in one place than in another."""

    layer: Name = Field(description="vector layer, or raster layer with classes")
    weight: float = Field(1.0, ge=0, le=100, description="beside hazard_weight")
    reach_m: Metres = Field(
        3_000, description="vector: 1 where the layer lies, falling to 0 so many metres away"
    )
    classes: tuple[int, ...] = Field((), description="raster: codes that count 1; others count 0")


class Tasks(_Frozen):
    """Contiguous survey tasks: hazard times impact, for the effort that there is."""

    budget_ha: float = Field(50_000, gt=0, description="land to be tasked, hectares")
    min_ha: float = Field(100, gt=0)
    max_ha: float = Field(2_500, gt=0)
    random_share: float = Field(0.05, ge=0, le=0.5, description="share of the budget drawn blind")
    learn_share: float = Field(
        0.05, ge=0, le=0.5, description="share of the budget for cannot-say land, to learn from"
    )
    preset: Literal["most_finds", "anama"] = Field(
        "most_finds",
        description="every find counts alike, or by ANAMA's criteria as far as layers allow",
    )
    hazard_weight: float = Field(
        1.0, ge=0, le=100, description="weight of the hazard itself, beside those of the criteria"
    )
    criteria: dict[CriterionName, Criterion] = Field(
        default_factory=dict,
        description="impact; with anama, in place of what the preset takes for that criterion",
    )
    searched_land: bool = Field(
        False, description="whether tasks may lie on land where survey results are at hand"
    )
    registered: tuple[Name, ...] | None = Field(
        None,
        description="layers of registered hazardous areas: shown, and no task laid over them; none "
        "given: those of labels.positive with evidence suspicion or confirmed",
    )
    open_tasks: Name | None = Field(None, description="polygons that teams work on already")
    cut_by: tuple[Name, ...] | None = Field(
        None,
        description="layers that no task crosses; none given: those named rivers, roads, railways",
    )
    accident_buffer_m: Metres = Field(
        500, description="land around accidents that is shown and kept as it is, metres"
    )
    team_days: float | None = Field(None, gt=0, description="of all tasks together; none: no limit")
    bases: Name | None = Field(
        None, description="where teams set out from; none: no travel counted"
    )
    ha_per_team_day: float = Field(
        50.0, gt=0, description="level ground without travel; an assumption: put in your own"
    )
    hours_per_day: float = Field(8.0, gt=0, le=24)
    travel_kmh: float = Field(30.0, gt=0, le=200, description="along the way to the task")
    detour: float = Field(1.4, ge=1, le=5, description="way to the task over the straight line")
    near: dict[Name, Metres] = Field(
        default_factory=dict,
        description="tasks only within so many metres of these layers, such as schools: 1000",
    )
    districts: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="tasks only in these districts: layer.column, and the names",
    )
    hazard: Literal["any", "ap", "at", "uxo"] = Field(
        "any", description="rasters of which class; its model must be in model.hazards"
    )


class Simulation(_Frozen):
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


class Tracking(_Frozen):
    """Where MLflow writes. MLFLOW_TRACKING_URI in the environment comes first."""

    uri: str | None = Field(None, description="none: mlflow.db in the run folder")
    experiment: str = Field("minerisk", min_length=1)


class Config(_Frozen):
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
