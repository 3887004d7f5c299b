"""What is asked of a run, and the record of the request with its maps."""

import datetime as dt
import re
from pathlib import Path
from typing import ClassVar

from pydantic import Field, field_serializer

from minerisk.pipelines.records.choices import Hazard
from minerisk.pipelines.records.rasters import HazardComparison
from minerisk.pipelines.records.record import Document, Record


class Filters(Record):
    """Which land, hazard and day a request asks for; land must pass every filter that is given."""

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
    aoi: Path | None = Field(None, description="file of polygons; recorded by its own name")
    layer: str | None = Field(None, description="layer of that file")
    clip: bool = Field(
        False, description="leave out what of those polygons lies outside the study area"
    )

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
        """A name for people; other requests may have the same."""
        parts = [self.aoi.stem] if self.aoi is not None else []
        parts += [f"near_{name}_{self.within_m:g}m" for name in self.near]
        parts += [f"district_{name}" for name in self.districts]
        parts += [f"hazard_{self.hazard}"] if self.hazard is not None else []
        parts += [f"as_of_{self.as_of}"] if self.as_of is not None else []
        # No name that a folder cannot have: a file called "...gpkg" has the stem "..".
        return re.sub(r"[^\w.-]+", "_", "__".join(parts))[:120].strip(".") or "all"


class RequestRecord(Document):
    """``request.json``: what was asked of which run, and the maps that answer it."""

    version: ClassVar[int] = 1
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
    simulated: bool
    maps: dict[str, str] = Field(
        default_factory=dict, description="files beside this one, name to SHA-256"
    )
