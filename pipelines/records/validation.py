"""``validation.json``: the layers of a study area, and what is wrong with them."""

from collections.abc import Iterable
from enum import StrEnum
from typing import ClassVar

from minerisk.configs.problems import ConfigCode, ConfigProblem
from minerisk.features.layers.problems import LayerCode, LayerProblem, Level
from minerisk.pipelines.records.notice import Notice
from minerisk.pipelines.records.record import Document, Record

CONFIGURATION = "configuration"
"""In the place of a layer's name, where the configuration itself is meant."""


class Problem(Notice[ConfigCode | LayerCode]):
    """One thing to know before a run.

    Attributes
    ----------
    level
        Errors stop a run; warnings are for a person to judge; notes state what was done.
    layer
        Its name, or `CONFIGURATION`.
    """

    level: Level
    layer: str


def of_config(problem: ConfigProblem) -> Problem:
    """Record a problem of the configuration; its place is one of the values."""
    return Problem(
        level=Level(problem.level),
        layer=CONFIGURATION,
        code=problem.code,
        values={"place": problem.place, **problem.values},
    )


def of_layer(problem: LayerProblem) -> Problem:
    """Record a problem of a layer."""
    return Problem(
        level=problem.level, layer=problem.layer, code=problem.code, values=problem.values
    )


def count_level(problems: Iterable[Problem], level: Level) -> int:
    """Count the problems of a level."""
    return sum(problem.level == level for problem in problems)


class LayerKind(StrEnum):
    """How a layer is stored."""

    RASTER = "raster"
    VECTOR = "vector"


class LayerUse(StrEnum):
    """What a configuration uses a layer for."""

    BOUNDARY = "boundary"
    REGIONS = "regions"
    FEATURE = "feature"
    EVIDENCE = "evidence"
    SURVEYED_LAND = "surveyed_land"
    SEARCH_EFFORT = "search_effort"
    SIMULATION = "simulation"


class LayerContent(Record):
    """What a layer holds.

    Attributes
    ----------
    shape
        Rows and columns of a raster.
    features, geometry
        How many features of a vector layer, and the type of the first.
    """

    crs: str
    shape: tuple[int, int] | None = None
    features: int | None = None
    geometry: str | None = None


class LayerFacts(Record):
    """What a layer is, as far as it could be read.

    Attributes
    ----------
    path
        Relative to the data root; of a file elsewhere the name alone.
    sha256
        None where the file cannot be read.
    content
        None where it could not be read.
    """

    name: str
    kind: LayerKind
    path: str
    sha256: str | None
    content: LayerContent | None
    uses: tuple[LayerUse, ...]
    source: str
    licence: str


class Validation(Document):
    """What `minerisk validate` found.

    Attributes
    ----------
    problems
        Errors first, then warnings, then notes.
    """

    version: ClassVar[int] = 1
    made_by: ClassVar[str] = "minerisk validate"

    study_area: str
    title: str
    simulated: bool
    layers: tuple[LayerFacts, ...]
    problems: tuple[Problem, ...]

    @property
    def failed(self) -> bool:
        """Whether there is any error; a run stops then."""
        return self.count(Level.ERROR) > 0

    def count(self, level: Level) -> int:
        """Count the problems of a level."""
        return count_level(self.problems, level)
