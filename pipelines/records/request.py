"""What is asked of a run, and the records of the request with its maps and of its pack."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, field_serializer, field_validator

from minerisk.models.elsewhere.statement import LikeLand
from minerisk.pipelines.records.choices import Hazard
from minerisk.pipelines.records.rasters import HazardComparison
from minerisk.pipelines.records.record import Document, Record
from minerisk.pipelines.records.review import State

Edition = Literal["restricted", "public"]


class Filters(Record):
    """Which land, hazard, day and tasks a request asks for; land must pass every filter given."""

    near: tuple[str, ...] = Field((), description="vector layers of the configuration")
    within_m: float | None = Field(
        None, description="greatest distance to each of those layers, metres"
    )
    districts: tuple[str, ...] = Field(
        (), description="names in the layer of study_area.districts; land in any of them"
    )
    hazard: Hazard | None = Field(
        None, description="hazard class; none is any hazard, and every class that has a model"
    )
    as_of: dt.date | None = Field(
        None, description="day up to which evidence counts; none is that of the run"
    )
    budget_ha: float | None = Field(
        None, description="land to be tasked, hectares; none is that of the configuration"
    )
    weights: dict[str, float] = Field(
        default_factory=dict,
        description="of the hazard and of criteria of impact; what is not named keeps its own",
    )
    aoi: Path | None = Field(None, description="file of polygons; recorded by its own name")
    layer: str | None = Field(None, description="layer of that file")
    clip: bool = Field(
        False, description="leave out what of those polygons lies outside the study area"
    )

    @field_validator("weights")
    @classmethod
    def _by_name(cls, weights: dict[str, float]) -> dict[str, float]:
        return dict(sorted(weights.items()))  # the same bytes in whatever order they were given

    @field_serializer("aoi")
    def _own_name(self, aoi: Path | None) -> str | None:
        return None if aoi is None else aoi.name

    @property
    def limits_land(self) -> bool:
        """Whether only part of the study area is asked for."""
        return bool(self.near or self.districts) or self.aoi is not None

    @property
    def needs_own_tasks(self) -> bool:
        """Whether the tasks of the run do not answer it: it asks for more than polygons."""
        return self.model_copy(update={"aoi": None, "layer": None, "clip": False}) != Filters()

    @property
    def title(self) -> str:
        """A name for files; other requests may have the same."""
        parts = [self.aoi.stem] if self.aoi is not None else []
        parts += [f"near_{name}_{self.within_m:g}m" for name in self.near]
        parts += [f"district_{name}" for name in self.districts]
        parts += [f"hazard_{self.hazard}"] if self.hazard is not None else []
        parts += [f"as_of_{self.as_of}"] if self.as_of is not None else []
        parts += [f"budget_{self.budget_ha:g}ha"] if self.budget_ha is not None else []
        parts += [f"weigh_{name}_{weight:g}" for name, weight in self.weights.items()]
        # No name that a folder cannot have: a file called "...gpkg" has the stem "..".
        return re.sub(r"[^\w.-]+", "_", "__".join(parts))[:120].strip(".") or "all"


class LikeThis(Record):
    """How good the map is on land like that asked for; see `LikeLand`."""

    land: LikeLand

    @classmethod
    def of(cls, land: LikeLand) -> Self:
        """Make a record of what was measured."""
        return cls(land=land)


class RequestRecord(Document):
    """``request.json``: what was asked of which run, and the maps that answer it."""

    version: ClassVar[int] = 2
    made_by: ClassVar[str] = "minerisk request"

    id: str = Field(description="name of the request's folder: a hash of run, filters and area")
    run_head: str = Field(description="end of the trail of the run that was asked")
    filters: Filters
    area_sha256: str | None = Field(description="hash of the file of polygons")
    cells: int = Field(description="cells of the land asked for")
    hectares: float
    hazards: dict[str, HazardComparison] = Field(
        default_factory=dict, description="each class against any hazard, on that land"
    )
    run_state: str = Field(description="how the run stood when it was asked")
    like_this: LikeThis | None = Field(
        None, description="how good the map is on land like this; none where a day is asked for"
    )
    simulated: bool
    maps: dict[str, str] = Field(
        default_factory=dict, description="files beside this one, name to SHA-256"
    )


class PackSource(Record):
    """The run that a pack was cut from, and the code that cut it."""

    head: str
    code_sha256: str


class PackManifest(Document):
    """The files of a pack and where they come from.

    Attributes
    ----------
    edition
        Whether it was coarsened for the public.
    state
        How the run stood when the pack was made.
    request
        Name of its folder in the run: a hash of run, filters and area.
    area
        Name of the request, as in names of files.
    hazards
        The class of the maps in the folder itself, then those in folders of their own.
    made_from
        SHA-256 of the files of the run that were used.
    like_this
        How good the map is on land like this; None where another day is asked for.
    files
        SHA-256 of every file but this one.
    """

    version: ClassVar[int] = 1
    made_by: ClassVar[str] = "minerisk request RUN --out FOLDER"

    kind: Literal["pack"] = "pack"
    edition: Edition
    state: State
    simulated: bool
    request: str
    area: str
    study_area: str
    hazards: Sequence[str]
    run: PackSource
    made_from: Mapping[str, str]
    like_this: LikeThis | None = None
    files: Mapping[str, str]
