"""Survey results of a run: their deliveries, and what the run predicted there."""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

import pydantic

from minerisk.models.estimate import Estimate
from minerisk.pipelines.records.choices import Export
from minerisk.pipelines.records.notice import Notice
from minerisk.pipelines.records.record import Document, Record


class ResultCode(StrEnum):
    """Why a row of survey results cannot be taken."""

    DATE = "result_date"
    DATE_LOOK = "result_date_look"
    OUTCOME = "result_outcome"
    METHOD = "result_method"
    RELIABILITY = "result_reliability"
    HAZARD = "result_hazard"
    EFFORT = "result_effort"
    NO_GEOMETRY = "result_no_geometry"
    NO_LAND = "result_no_land"
    NO_EFFORT = "result_no_effort"
    HOURS_ALONE = "result_hours_alone"
    OUTSIDE = "result_outside"


class RowProblem(Record):
    """What is wrong with a row, counted from 1."""

    row: int
    why: Notice[ResultCode]


class DeliveryEntry(Record):
    """A line of the log of deliveries.

    Attributes
    ----------
    number
        Counted from 1.
    at
        Date and time, UTC, ISO 8601.
    by
        Who delivered, in their own words; may be empty.
    file, received_sha256
        Name and hash of the file as it was received.
    stored, stored_sha256
        Name and hash of the file that is kept in the run folder.
    records, finds, land_ha
        Results, finds among them, and hectares searched without a find.
    hours_per_ha
        Team-hours that search a hectare once, where that was needed.
    export
        Program that wrote the file, where the days were to be read as that program keeps them.
    head
        Head of the run's trail when they were delivered.
    before
        SHA-256 of the line before; None in the first.
    sha256
        Of everything else in the line.
    """

    model_config = pydantic.ConfigDict(strict=True)

    version: ClassVar[int] = 1

    schema_version: int
    number: int
    at: str
    by: str
    file: str
    received_sha256: str
    stored: str
    stored_sha256: str
    records: int
    finds: int
    land_ha: float
    hours_per_ha: float | None
    export: Export | None
    head: str
    before: str | None
    sha256: str = ""


class SearchedCells(Record):
    """Cells that teams searched: those the run was trained on, and those that test it."""

    searched: int
    known_before: int
    tested: int


class ReturnedFinds(Record):
    """Finds that came back.

    Attributes
    ----------
    known
        In cells that the run knew as positive.
    by_chance
        Without an effort of their own: they show where, not how often.
    land_above
        Share of the land ranked above the new finds, median; None without any.
    """

    total: int
    known: int
    by_chance: int
    land_above: float | None


class SearchedPart(Record):
    """A part of the searched land, predicted beside found.

    Attributes
    ----------
    predicted
        Mean probability; None without cells.
    found
        Share of cells with a find, exact binomial interval at the effective number of cells.
    effective
        How many independent cells it is worth.
    effort
        Mean share of the land searched; None where no effort was stated.
    """

    cells: int
    find_cells: int
    predicted: float | None = None
    found: Estimate | None = None
    effective: float | None = None
    effort: float | None = None


class ClassPart(SearchedPart):
    """The searched land of a risk class."""

    risk_class: str


class BinPart(SearchedPart):
    """The searched land with a probability from `low` to below `high`."""

    low: float
    high: float


class ArmPart(SearchedPart):
    """The searched land of an arm: ``control``, ``ranked`` or ``elsewhere``."""

    arm: str


class FieldCheck(Record):
    """What a run predicted beside what teams found later.

    Attributes
    ----------
    contradicted
        Cells with evidence in the run where a search found nothing.
    measures
        None where too little was searched to score.
    block_m
        Side of the blocks that intervals rest on.
    """

    cells: SearchedCells
    finds: ReturnedFinds
    contradicted: int
    classes: tuple[ClassPart, ...]
    bins: tuple[BinPart, ...]
    arms: tuple[ArmPart, ...]
    measures: Mapping[str, Estimate] | None
    block_m: float


class Feedback(Document):
    """The survey results of a run, and how it fared there."""

    version: ClassVar[int] = 1
    made_by: ClassVar[str] = "minerisk feedback"

    simulated: bool
    deliveries: tuple[DeliveryEntry, ...]
    check: FieldCheck
