"""What values of a configuration may be: bounds, names and words that many settings share."""

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


class Frozen(BaseModel):
    """Settings that are read once and never changed; a field that is not known is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
