"""Deliveries of survey results to a run."""

from typing import ClassVar

import pydantic

from minerisk.pipelines.records.record import Record


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
    head: str
    before: str | None
    sha256: str = ""
