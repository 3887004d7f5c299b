"""The kinds of features that describe a front: its lines, its sides and its positions."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, Strict

from minerisk.configs.bounds import (
    Area,
    Day,
    Edges,
    Epoch,
    Front,
    Frozen,
    KeepValue,
    Metres,
    Name,
    Positions,
    Radii,
    Vector,
)


class _Front(Frozen):
    layer: Front = Field(description="the line")
    held_area: Area | None = Field(
        None, description="polygons of the side that laid the belts; distance is negative inside"
    )
    side_column: str | None = Field(
        None,
        description="instead of held_area: column of the line with left or right, the side, seen "
        "along the line as it was drawn, on which they held the land",
    )
    epoch: Epoch | None = Field(
        None, description="is part of the feature names, so that lines of two epochs do not collide"
    )


class FrontLine(_Front):
    """Distance to the front line, and signed by the side that held the land."""

    kind: Literal["front_line"] = Field("front_line", description="kind of feature")
    along: bool = Field(
        False,
        description="also the distance along the line to its nearer end; close to naming the "
        "place, which a model may learn by heart",
    )
    cap_m: Metres = Field(40_000, description="distances beyond this read as this, metres")


class FrontZones(_Front):
    """Expected share of each cell in depth zones along the front line, on each side."""

    kind: Literal["front_zones"] = Field("front_zones", description="kind of feature")
    edges_m: Edges = Field(
        (0.0, 50.0, 150.0, 300.0, 600.0, 2_000.0, 7_000.0),
        description="edges of the zones, ascending, metres from the line",
    )


class FrontShape(_Front):
    """Salients and re-entrants of the front line, and which way it faces."""

    kind: Literal["front_shape"] = Field("front_shape", description="kind of feature")
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


class FrontEpochs(Frozen):
    """Distance to each of several lines and to the nearest that is known; who held the land when.

    The kind for a front of several years, or of sheets by several hands: each line speaks for the
    land that its layer covers, with the error that its layer states.
    """

    kind: Literal["front_epochs"] = Field("front_epochs", description="kind of feature")
    layer: Annotated[dict[Epoch, Front], Field(min_length=1)] = Field(
        description="epoch: its line; epochs follow each other in the order of their names"
    )
    held_area: dict[Epoch, Area] = Field(
        default_factory=dict,
        description="epoch: polygons that the same side held in each",
    )
    near_m: tuple[Metres, ...] = Field(
        (2_000.0, 5_000.0),
        description="distances within which the epochs with a line are counted, metres",
    )
    cap_m: Metres = Field(40_000, description="distances beyond this read as this, metres")


class OwnSideShare(Frozen):
    """Share of the land around each cell that its own side held: salients, pockets, depth."""

    kind: Literal["own_side_share"] = Field("own_side_share", description="kind of feature")
    layer: Area = Field(description="polygons of one side; other land is the other side's")
    land: Area = Field(description="polygons of the land that counts, such as the study area")
    radii_m: Radii = Field(
        (5_000.0, 15_000.0), description="share of the land within each of these, metres"
    )


class NoMansLand(Frozen):
    """Width of the land between the lines of the two sides."""

    kind: Literal["no_mans_land"] = Field("no_mans_land", description="kind of feature")
    layer: Front = Field(description="the line of one side")
    opposing_line: Front = Field(description="the line of the other side")
    epoch: Epoch | None = Field(
        None, description="is part of the feature names, so that lines of two epochs do not collide"
    )
    cap_m: Metres = Field(10_000, description="widths beyond this read as this, metres")


class _Positions(Frozen):
    layer: Positions = Field(description="the positions: points, lines or polygons")
    type_column: str | None = Field(None, description="column that tells the types apart")
    types: dict[Name, tuple[KeepValue, ...]] = Field(
        default_factory=dict,
        description="type, such as trench, outpost, anti_tank_ditch, strongpoint, artillery: its "
        "values in type_column; features of each type beside those of the whole layer",
    )


class Fortifications(_Positions):
    """Distance to fortifications, how many lie within each radius, and metres of trench."""

    kind: Literal["fortifications"] = Field("fortifications", description="kind of feature")
    radii_m: tuple[Metres, ...] = Field(
        (250.0, 500.0, 1_000.0), description="how many lie within each of these, metres"
    )
    cap_m: Metres = Field(20_000, description="distances beyond this read as this, metres")


class FrontOfPositions(_Positions):
    """Ground in front of positions, towards the enemy, and ground behind them."""

    kind: Literal["front_of_positions"] = Field("front_of_positions", description="kind of feature")
    front_line: Front = Field(description="the line; a position faces the nearest point of it")
    held_area: Area | None = Field(
        None, description="polygons of the side that laid the belts: only its positions count"
    )
    edges_m: Edges = Field(
        (40.0, 100.0, 300.0, 600.0),
        description="edges of the depth zones in front of a position, ascending, metres",
    )
    cap_m: Metres = Field(20_000, description="distances beyond this read as this, metres")


Reach = Annotated[float, Field(ge=0, le=500_000)]


def _first_to_last(period: tuple[dt.date, dt.date]) -> tuple[dt.date, dt.date]:
    if period[0] > period[1]:
        raise ValueError(f"a period of {period[0]} to {period[1]}; expected the first day first")
    return period


class ConflictEvents(Frozen):
    """Density of events of war by kind and period, spread as far as their places are known.

    For UCDP GED, ACLED or any table of points with date, precision and deaths.
    """

    kind: Literal["conflict_events"] = Field("conflict_events", description="kind of feature")
    layer: Vector = Field(description="the events; its date_column is read for periods")
    decay_m: Radii = Field(
        (3_000.0, 8_000.0, 20_000.0),
        description="how fast an event fades with the distance, metres (sd of a Gaussian)",
    )
    precision_column: str | None = Field(
        None, description="column with how well a place is known, such as where_prec"
    )
    precision_m: dict[Annotated[int, Strict()] | str, Annotated[float, Field(ge=0, le=500_000)]] = (
        Field(
            default_factory=dict,
            description="value of that column: radius in which the event was, metres; events of "
            "other values are left out. None: the layer's position_error_m",
        )
    )
    type_column: str | None = Field(None, description="column that tells the types apart")
    types: dict[Name, tuple[KeepValue, ...]] = Field(
        default_factory=dict, description="type: its values in type_column"
    )
    periods: dict[Epoch, Annotated[tuple[Day, Day], AfterValidator(_first_to_last)]] = Field(
        default_factory=dict, description="period: its first and last day"
    )
    deaths_column: str | None = Field(None, description="column with the deaths, summed as well")
