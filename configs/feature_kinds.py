"""The kinds of features that a configuration can ask for, each with its settings.

What else there is to know of a kind is in `minerisk.features.kinds`. A setting that names a layer
states in its type what it reads: `Raster`, `Vector`, a `Front` line, or a layer `Beside` the other
that tells two features apart.
"""

from typing import Annotated, Literal

from pydantic import Field

from minerisk.configs.bounds import (
    Area,
    Beside,
    Day,
    Elevation,
    Front,
    Frozen,
    Height,
    Metres,
    Name,
    Radii,
    Raster,
    Share,
    Vector,
)
from minerisk.configs.front_kinds import (
    ConflictEvents,
    Fortifications,
    FrontEpochs,
    FrontLine,
    FrontOfPositions,
    FrontShape,
    FrontZones,
    NoMansLand,
    OwnSideShare,
)


class Terrain(Frozen):
    """Elevation, slope, aspect, curvature; TPI and roughness at several radii."""

    kind: Literal["terrain"] = Field("terrain", description="kind of feature")
    layer: Elevation = Field(description="elevation")
    radii_m: tuple[Metres, ...] = Field(
        (500.0, 2_000.0, 5_000.0), description="TPI and roughness within each of these, metres"
    )


class Landform(Frozen):
    """Ridge, spur, valley floor, pass and other forms; openness; ruggedness."""

    kind: Literal["landform"] = Field("landform", description="kind of feature")
    layer: Elevation = Field(description="elevation")
    radii_m: Radii = Field((2_000.0,), description="how far is looked in eight directions, metres")
    flat_deg: float = Field(
        1.0, ge=0, le=20, description="sights up and down that differ by less are level, degrees"
    )


class FrontFacing(Frozen):
    """Whether slopes face the front line or turn away, and the height above it."""

    kind: Literal["front_facing"] = Field("front_facing", description="kind of feature")
    layer: Elevation = Field(description="elevation")
    front_line: Front = Field(description="the line that slopes face")
    cap_m: Metres = Field(20_000, description="farther from the line than this, all are 0, metres")


class Wetness(Frozen):
    """Topographic wetness index with its catchment cut at each radius."""

    kind: Literal["wetness"] = Field("wetness", description="kind of feature")
    layer: Elevation = Field(description="elevation")
    radii_m: Radii = Field((5_000.0,), description="how far water is followed, metres")


class Trafficability(Frozen):
    """Speed on foot and on wheels off the roads, and the ground that wheels can use."""

    kind: Literal["trafficability"] = Field("trafficability", description="kind of feature")
    layer: Elevation = Field(description="elevation")
    radii_m: Radii = Field(
        (2_000.0,), description="share of ground that wheels can use within each of these, metres"
    )
    wheeled_limit: float = Field(
        0.3, gt=0, le=2, description="steepest gradient for wheels, metres up for a metre on"
    )
    land_cover: Raster | None = Field(None, description="raster of land-cover classes")
    cover_speed: dict[int, Annotated[float, Field(ge=0, le=1)]] = Field(
        default_factory=dict,
        description="class code: share of speed left on it, 0 where nobody gets through",
    )


class Visibility(Frozen):
    """How many positions see each cell, and dead ground."""

    kind: Literal["visibility"] = Field("visibility", description="kind of feature")
    layer: Elevation = Field(description="elevation")
    observers: Beside = Field(description="positions: every cell they touch watches once")
    radii_m: Radii = Field((500.0, 1_500.0, 5_000.0), description="ranges of sight and fire")
    eye_m: Height = Field(2.0, description="height of the eye above the ground, metres")
    target_m: Height = Field(1.0, description="height of what is looked for, metres")


class CommandingView(Frozen):
    """How many heights near the front line see each cell, where no positions are known."""

    kind: Literal["commanding_view"] = Field("commanding_view", description="kind of feature")
    layer: Elevation = Field(description="elevation")
    front_line: Front = Field(description="the line from which is looked")
    held_area: Area | None = Field(
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


class Distance(Frozen):
    """Distance to the nearest geometry of a layer: roads, rivers, settlements."""

    kind: Literal["distance"] = Field("distance", description="kind of feature")
    layer: Vector = Field(description="the geometries")
    cap_m: Metres = Field(20_000, description="distances beyond this read as this, metres")


class Density(Frozen):
    """Points or metres of line per square kilometre within each radius."""

    kind: Literal["density"] = Field("density", description="kind of feature")
    layer: Vector = Field(description="points or lines")
    radii_m: tuple[Metres, ...] = Field(
        (2_000.0, 10_000.0), description="density within each of these, metres"
    )
    weight_column: str | None = Field(None, description="sum this column instead of counting")


class LandCover(Frozen):
    """One indicator per named group of land-cover classes."""

    kind: Literal["land_cover"] = Field("land_cover", description="kind of feature")
    layer: Raster = Field(description="raster of land-cover classes")
    groups: dict[Name, tuple[int, ...]] = Field(description="group name: class codes", min_length=1)


class Value(Frozen):
    """The value of a raster as it is."""

    kind: Literal["value"] = Field("value", description="kind of feature")
    layer: Raster = Field(description="the raster")


class LandCoverEdge(Frozen):
    """Distance to the edge of each named group of land-cover classes, negative inside it."""

    kind: Literal["land_cover_edge"] = Field("land_cover_edge", description="kind of feature")
    layer: Raster = Field(description="raster of land-cover classes")
    groups: dict[Name, tuple[int, ...]] = Field(description="group name: class codes", min_length=1)
    cap_m: Metres = Field(5_000, description="distances beyond this read as this, metres")


class Change(Frozen):
    """Change between two rasters of the same thing: people, night lights, greenness of fields."""

    kind: Literal["change"] = Field("change", description="kind of feature")
    layer: Raster = Field(description="the later raster")
    before: Raster = Field(
        description="the earlier raster, in a unit that becomes that of the later"
    )


class Margin(Frozen):
    """Share of each cell in the verge of a road, or on the bank of a river or canal."""

    kind: Literal["margin"] = Field("margin", description="kind of feature")
    layer: Vector = Field(description="lines or polygons of roads, rivers or canals")
    widths_m: tuple[Metres, ...] = Field(
        (15.0,), min_length=1, description="the margin reaches this far on either side, metres"
    )
    beyond_m: float = Field(0.0, ge=0, description="what lies nearer than this does not count")


class MinefieldRecords(Frozen):
    """Handed-over minefield records, weighted by how often such records proved right."""

    kind: Literal["minefield_records"] = Field("minefield_records", description="kind of feature")
    layer: Vector = Field(description="recorded minefields; never a layer of the labels")
    accuracy: Share = Field(
        0.25, description="share of such records that proved right (0.25: ANAMA 2024)"
    )
    accuracy_column: str | None = Field(None, description="column with each record's own")
    cap_m: Metres = Field(20_000, description="distances beyond this read as this, metres")


class PopulationChange(Frozen):
    """Distance to abandoned settlements, and the change of the people within each radius."""

    kind: Literal["population_change"] = Field("population_change", description="kind of feature")
    layer: Vector = Field(description="settlements")
    before_column: str = Field(description="column with the people before the war")
    after_column: str = Field(description="column with the people after it")
    radii_m: tuple[Metres, ...] = Field(
        (5_000.0,), description="change of the people within each of these, metres"
    )
    abandoned_share: float = Field(
        0.1, ge=0, lt=1, description="at most this share of the people is left: abandoned"
    )
    cap_m: Metres = Field(20_000, description="distances beyond this read as this, metres")


class Approach(Frozen):
    """Cheapest routes across the front, on foot and on wheels, and the detour through each cell."""

    kind: Literal["approach"] = Field("approach", description="kind of feature")
    layer: Vector = Field(description="where routes begin and end: settlements or road heads")
    held_area: Area = Field(description="polygons of one side; the other side is all other land")
    elevation: Elevation = Field(description="elevation raster")
    front_line: Front | None = Field(
        None, description="routes cross from side to side only near it; none: anywhere"
    )
    rivers: Beside | None = Field(None, description="rivers, dear to cross away from a road")
    roads: Vector | None = Field(
        None, description="roads, which bridge rivers; without them no routes on wheels"
    )
    cap_m: Metres = Field(15_000, description="greatest cost on either side of the cell, metres")
    beside_m: Metres = Field(5_000, description="compared with the cheapest route within this")
    crossing_m: Metres = Field(
        3_000, description="how near to the front line a crossing may be, at least its error"
    )


class Crossings(Frozen):
    """Distance to where a road, track or railway crosses a river or canal."""

    kind: Literal["crossings"] = Field("crossings", description="kind of feature")
    layer: Vector = Field(description="roads, tracks or railways")
    rivers: Beside = Field(description="rivers or canals")
    cap_m: Metres = Field(20_000, description="distances beyond this read as this, metres")


class Passes(Frozen):
    """Distance to the nearest pass, a saddle of the ground."""

    kind: Literal["passes"] = Field("passes", description="kind of feature")
    layer: Elevation = Field(description="elevation raster")
    radius_m: Metres = Field(1_000, description="how far off the ground rises and falls, metres")
    rise_m: Metres = Field(20, description="by how much at least, metres")
    cap_m: Metres = Field(20_000, description="distances beyond this read as this, metres")


class SearchEffort(Frozen):
    """Where, how long ago and by what means the ground was searched."""

    kind: Literal["search_effort"] = Field("search_effort", description="kind of feature")
    layer: Area = Field(description="polygons of searched land")
    as_of: Day | None = Field(
        None, description="day from which years are counted back; none: study_area.as_of"
    )
    means_column: str | None = Field(None, description="column with the means of search")
    means: dict[Name, tuple[str, ...]] = Field(
        default_factory=dict, description="name of a means: values of that column"
    )
    cap_m: Metres = Field(20_000, description="distances beyond this read as this, metres")
    cap_years: float = Field(50, gt=0, le=200, description="longer ago, or never, reads as this")


class Added(Frozen):
    """A feature that an installed package adds; see docs/extend.md."""

    kind: Literal["added"] = Field("added", description="kind of feature")
    name: Name = Field(description="name under which the package adds it (minerisk.features)")
    layer: Vector | None = Field(None, description="vector layer that it reads")
    raster: Raster | None = Field(None, description="raster layer that it reads")
    settings: dict[Name, float | str | bool] = Field(
        default_factory=dict, description="its own settings, as its package describes them"
    )


Feature = Annotated[
    FrontLine
    | FrontZones
    | FrontShape
    | FrontEpochs
    | OwnSideShare
    | NoMansLand
    | Fortifications
    | FrontOfPositions
    | ConflictEvents
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
    | SearchEffort
    | Added,
    Field(discriminator="kind"),
]
