"""What a run predicted where something happened after it, and where its misses lie."""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

from minerisk.pipelines.records.evaluations import FindPlace
from minerisk.pipelines.records.record import Document, Record

UNSURVEYED = -1
"""Number of the land that nobody surveyed, beside those of the regions."""


class FamilyReason(Record):
    """What a family of features added to the score of a cell, log-odds."""

    family: str
    log_odds: float


class Grouping(StrEnum):
    """What events are counted by."""

    REGION = "region"
    KIND = "kind"
    LINE = "line"
    COVER = "cover"


class Event(Record):
    """An accident or a find, what was predicted there, and what the land is like.

    Attributes
    ----------
    region
        Number of the region; -1 for land that nobody surveyed.
    kind
        As the file has it.
    line, cover
        Distance from the front line, and land cover; None where the run knows neither.
    task, task_rank
        Survey task that it lies in; control tasks have no rank.
    reasons
        Greatest first; empty where the run cannot say.
    """

    place: FindPlace
    region: int | None = None
    kind: str | None = None
    line: str | None = None
    cover: str | None = None
    task: str | None = None
    task_rank: int | None = None
    reasons: tuple[FamilyReason, ...] = ()

    @property
    def missed(self) -> bool:
        """Whether the run called the land *lower*."""
        return self.place.risk_class == "lower"

    def group(self, by: Grouping) -> str | int | None:
        """Return the group that the event is counted in."""
        return {
            Grouping.REGION: self.region,
            Grouping.KIND: self.kind,
            Grouping.LINE: self.line,
            Grouping.COVER: self.cover,
        }[by]


class ClassCount(Record):
    """New events in a risk class, beside the share of the land that is of it."""

    risk_class: str
    land_share: float
    events: int


class GroupCount(Record):
    """New events and misses of one group.

    Attributes
    ----------
    land_share
        Share of the study area; None where it is not known.
    by_chance
        Chance of as many misses or more, were they placed at random among the new events
        (hypergeometric).
    """

    value: str | int
    events: int
    missed: int
    cannot_say: int
    land_share: float | None
    by_chance: float


class FamilyMeans(Record):
    """Mean log-odds that a family of features added at misses and at the other events."""

    family: str
    at_misses: float | None
    elsewhere: float | None


class Patterns(Record):
    """Where a run missed.

    Attributes
    ----------
    new, known_before
        Events that the run was not trained on as positive, and those that it was.
    missed, cannot_say, tasked
        New events in class *lower*, where the run cannot say, and in a survey task.
    groups
        Counts by group, most misses first.
    families
        What misled most first.
    """

    new: int
    known_before: int
    missed: int
    cannot_say: int
    tasked: int
    classes: tuple[ClassCount, ...]
    groups: Mapping[Grouping, tuple[GroupCount, ...]]
    families: tuple[FamilyMeans, ...]


class EventsFile(Record):
    """The file of events, by name and hash."""

    file: str
    sha256: str


class Lookback(Document):
    """What a run predicted where something happened after it."""

    version: ClassVar[int] = 1
    made_by: ClassVar[str] = "minerisk lookback"

    study_area: str
    simulated: bool
    events_file: EventsFile
    head: str
    outside_study_area: int
    events: tuple[Event, ...]
    patterns: Patterns
