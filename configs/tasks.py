"""Survey tasks: how much, of what size, and what makes a find matter more."""

from typing import Literal

from pydantic import Field

from minerisk.configs.bounds import Frozen, Metres, Name

CriterionName = Literal[
    "casualties", "socio_economic", "resettlement", "reconstruction", "food_security", "other"
]


class Criterion(Frozen):
    """What makes a find matter more in one place than in another."""

    layer: Name | tuple[Name, ...] = Field(
        description="vector layer, or raster layer with classes; of several the greatest value"
    )
    weight: float = Field(1.0, ge=0, le=100, description="beside hazard_weight")
    reach_m: Metres = Field(
        3_000, description="vector: 1 where the layer lies, falling to 0 so many metres away"
    )
    classes: tuple[int, ...] = Field((), description="raster: codes that count 1; others count 0")

    @property
    def layers(self) -> list[str]:
        """The names of its layers."""
        return [self.layer] if isinstance(self.layer, str) else list(self.layer)


class Tasks(Frozen):
    """Contiguous survey tasks: hazard times impact, for the effort that there is."""

    budget_ha: float = Field(50_000, gt=0, description="land to be tasked, hectares")
    min_ha: float = Field(100, gt=0, description="smallest task, hectares")
    max_ha: float = Field(2_500, gt=0, description="largest task, hectares")
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
    hours_per_day: float = Field(
        8.0, gt=0, le=24, description="working hours of a team a day, travel included"
    )
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
    hazard: Literal["any", "ap", "at", "uxo", "found"] = Field(
        "any",
        description="the layer that tasks go by: any hazard, or one whose model is in "
        "model.hazards",
    )
