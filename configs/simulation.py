"""A simulated laying of mines and its survey, in place of findings."""

from pydantic import Field

from minerisk.configs.bounds import Frozen, Name, Share


class Simulation(Frozen):
    """A made-up laying and a biased survey of it. Never evidence of anything real."""

    elevation: Name = Field(description="raster layer of heights")
    front_line: Name = Field(description="line layer of the front")
    held_area: Name = Field(description="polygons of the side that laid the belts")
    settlements: Name = Field(description="vector layer of settlements")
    rivers: Name | None = Field(
        None, description="line layer of rivers; none: no mines on river banks"
    )
    roads: Name | None = Field(
        None,
        description="line layer of roads and tracks; none: "
        "straight ones are made up between the settlements",
    )
    seed: int = Field(2020, ge=0, lt=2**31, description="of the made-up laying and its survey")
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
