"""What is trained: columns of past findings, trees, search of settings, the layer of finds."""

from typing import Literal

from pydantic import Field

from minerisk.configs.bounds import EvidenceKind, Frozen, HazardClass, Metres, Name, Share


class FindingsEncoder(Frozen):
    """Distance to and number of known findings, fitted inside each fold."""

    use: bool = Field(True, description="whether the model sees past findings at all")
    members: Literal["all", "half"] = Field(
        "all", description="which members of the ensemble see past findings"
    )
    block_m: Metres = Field(40_000, description="blocks of the cross-fitting, metres")
    neighbours: tuple[int, ...] = Field((1, 10), description="distance to the k-th finding")
    radii_m: tuple[Metres, ...] = Field((10_000.0,), description="findings within each radius")
    cap_m: Metres = Field(60_000, description="distances beyond this read as this, metres")
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
    trees: int = Field(300, ge=10, le=5_000, description="boosted trees of each member")
    learning_rate: float = Field(
        0.04, gt=0, le=1, description="how far each boosted tree corrects those before it"
    )
    leaves: int = Field(15, ge=2, le=255, description="leaves of a boosted tree, at most")
    min_cells_in_leaf: int = Field(200, ge=1, description="least cells in a leaf of a boosted tree")
    feature_share: Share = Field(0.5, description="share of the columns that each tree may read")
    row_share: Share = Field(0.7, description="share of the cells that each tree is grown on")
    l2: float = Field(10.0, ge=0, description="L2 penalty on the values of leaves")
    forest_trees: int = Field(60, ge=10, le=5_000, description="trees of each forest member")
    forest_leaves: int = Field(
        64, ge=2, le=1_000, description="leaves of a tree of a forest member, at most"
    )
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
    forward_fits: int = Field(
        0,
        ge=0,
        le=100_000,
        description="families of features are added one by one while they gain more than a "
        "standard error on regions left out inside the training land; so many models are fitted "
        "for it at most. 0: every column is read",
    )
    kind: tuple[Literal["boosted", "forest", "both", "logistic", "distance_rule"], ...] = Field(
        ("boosted", "forest", "both", "logistic", "distance_rule"),
        description="models that compete; each is tried at least once",
    )
    added: tuple[Name, ...] = Field(
        (),
        description="estimators that installed packages add (entry point `minerisk.estimators`), "
        "by name: they compete too; with `kind: []` they alone do",
    )
    leaves: tuple[int, ...] = Field(
        (4, 7, 15), description="offered values of `model.lightgbm.leaves`"
    )
    min_cells_in_leaf: tuple[int, ...] = Field(
        (200, 500, 1_000), description="offered values of `model.lightgbm.min_cells_in_leaf`"
    )
    feature_share: tuple[Share, ...] = Field(
        (0.3, 0.5), description="offered values of `model.lightgbm.feature_share`"
    )
    trees: tuple[int, ...] = Field(
        (150, 300), description="offered values of `model.lightgbm.trees`"
    )
    findings: tuple[Literal["all", "half", "none"], ...] = Field(
        ("all", "half", "none"),
        description="which members of the ensemble see past findings",
    )
    beyond_cover: tuple[BeyondCover, ...] = Field(
        ("nodata", "twice", "blend"),
        description="what is learned of land that layers with a coverage say nothing of",
    )


class Found(Frozen):
    """The layer of what was found: the same land and labels, ranked for finds and accidents."""

    weight: float = Field(
        20.0,
        ge=1,
        le=1_000,
        description="a cell with a find, an accident or a confirmed area counts so many times",
    )
    rule_power: float = Field(
        4.0,
        ge=0,
        le=20,
        description="the plain rule beside the trees: twice as far from the nearest known line or "
        "position, 1 km added to both, divides the odds by 2 to this power; 0: trees alone",
    )


class Model(Frozen):
    """What is trained."""

    findings: FindingsEncoder = Field(
        FindingsEncoder(), description="columns made of past findings, fitted inside each fold"
    )
    hazards: tuple[Literal["ap", "at", "uxo", "found"], ...] = Field(
        (),
        description="layers with a model and rasters of their own, beside that of any hazard: "
        "classes, and `found`, which is ranked for what was found and not for what was suspected",
    )
    found: Found = Field(Found(), description="how that layer ranks for what was found")
    lightgbm: LightGBM = Field(LightGBM(), description="settings of the trees")
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
    choice: Choice = Field(Choice(), description="search for settings inside each training set")
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
    seed: int = Field(
        7, ge=0, lt=2**31, description="of every draw; the same seed gives the same bytes"
    )
    threads: int = Field(
        2, ge=1, le=256, description="threads of training and prediction; they change no number"
    )
