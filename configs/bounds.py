"""What values of a configuration may be: bounds, names and words that many settings share."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict


def _written_day(value: object) -> object:
    """Refuse what pydantic would take for a day: numbers, and times of midnight."""
    is_day = isinstance(value, dt.date) and not isinstance(value, dt.datetime)
    if not is_day and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(value), re.ASCII):
        raise ValueError("expected a day as YYYY-MM-DD")
    return value


Day = Annotated[dt.date, BeforeValidator(_written_day)]
Metres = Annotated[float, Field(gt=0, le=1_000_000, description="metres")]
Radii = Annotated[tuple[Metres, ...], Field(min_length=1)]
Height = Annotated[float, Field(ge=0, le=100)]
Share = Annotated[float, Field(gt=0, le=1)]
Title = Annotated[str, Field(min_length=1, max_length=120)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")]


def _told_in_quotes(value: object) -> object:
    if isinstance(value, (bool, int, float, str)):
        return value
    raise ValueError(
        "expected text, a number, or true or false; write it in quotes if it is text: YAML reads "
        "null, ~ and dates without quotes as something else"
    )


def _listed_by_column(value: object) -> object:
    for column, values in value.items() if isinstance(value, dict) else ():
        if not isinstance(column, str):
            raise ValueError(f"the column {column!r} is not text; write its name in quotes")
        if not isinstance(values, (list, tuple)):
            raise ValueError(f"the values of {column} are no list; write [{values}]")
    return value


KeepValue = Annotated[
    Annotated[bool, Strict()] | Annotated[int, Strict()] | Annotated[float, Strict()] | str,
    BeforeValidator(_told_in_quotes),
]
Keep = Annotated[dict[str, tuple[KeepValue, ...]], BeforeValidator(_listed_by_column)]
Epoch = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]{0,23}$")]
HazardClass = Literal["ap", "at", "uxo", "any"]
HAZARD_CLASSES: tuple[HazardClass, ...] = get_args(HazardClass)
EvidenceKind = Literal["find", "accident", "confirmed", "suspicion", "cleared"]


@dataclass(frozen=True)
class Reads:
    """What a setting that names a layer reads; it is part of the type of the setting.

    Attributes
    ----------
    kind
        What the layer has to be.
    front
        Whether it is a front line as somebody drew it, whose error is to be stated.
    positions
        Whether it is of positions: bunkers, trenches and the like.
    told_apart
        Whether its name is part of the names of the columns, besides that of ``layer``.
    areas
        Whether land is meant, so that it must be polygons.
    unit
        The unit in which a raster is read; none is its own.
    """

    kind: Literal["raster", "vector"]
    front: bool = False
    positions: bool = False
    told_apart: bool = False
    areas: bool = False
    unit: str | None = None


Raster = Annotated[Name, Reads("raster")]
Elevation = Annotated[Name, Reads("raster", unit="m")]
Vector = Annotated[Name, Reads("vector")]
Area = Annotated[Name, Reads("vector", areas=True)]
Front = Annotated[Name, Reads("vector", front=True)]
Positions = Annotated[Name, Reads("vector", positions=True)]
Beside = Annotated[Name, Reads("vector", told_apart=True)]


def _ascending(edges: tuple[float, ...]) -> tuple[float, ...]:
    if any(low >= high for low, high in pairwise(edges)):
        raise ValueError(f"the edges are {edges}; expected each greater than the one before")
    return edges


Edges = Annotated[
    tuple[Annotated[float, Field(ge=0, le=100_000)], ...],
    Field(min_length=2),
    AfterValidator(_ascending),
]


class Frozen(BaseModel):
    """Settings that are read once and never changed; a field that is not known is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


@lru_cache
def layer_settings(settings: type[Frozen]) -> dict[str, Reads]:
    """Return the settings of a class that name a layer, by the types of its fields."""
    found: dict[str, Reads] = {}
    for name, field in settings.model_fields.items():
        marks = [*field.metadata]
        for part in get_args(field.annotation):  # of a layer that may be left out: X | None
            marks += getattr(part, "__metadata__", ())
        found.update((name, mark) for mark in marks if isinstance(mark, Reads))
    return found


def names_in(value: str | Mapping[str, str] | None) -> list[str]:
    """List the layers that a setting names: one, none, or one for each epoch."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value.values())
