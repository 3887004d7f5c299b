"""What `minerisk doctor` finds: one check a line, and what to do."""

from enum import StrEnum

from minerisk.pipelines.records.record import Record


class Verdict(StrEnum):
    """How a check ended: all is well, worth knowing, or it will fail."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


class Subject(StrEnum):
    """What was looked at."""

    MINERISK = "minerisk"
    PACKAGES = "packages"
    EXTRAS = "extras"
    RASTER_DRIVERS = "raster drivers"
    VECTOR_DRIVERS = "vector drivers"
    COORDINATES = "coordinates"
    CORES = "cores"
    MEMORY = "memory"
    DISK = "disk"
    STORE = "tracking store"
    FONTS = "fonts"


class Check(Record):
    """One check.

    Attributes
    ----------
    found
        What is there.
    advice
        What to do; empty where all is well.
    """

    subject: Subject
    verdict: Verdict
    found: str
    advice: str = ""


class Diagnosis(Record):
    """All checks."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing that was looked at will fail."""
        return all(check.verdict is not Verdict.PROBLEM for check in self.checks)
