"""What a job is asked to do, and what came of it: records in the database."""

import datetime as dt
from enum import StrEnum
from pathlib import PurePosixPath

from pydantic import Field

from minerisk.pipelines.provenance.files import canonical, sha256_text
from minerisk.pipelines.records.choices import DecisionName, Language
from minerisk.pipelines.records.record import Record
from minerisk.pipelines.records.request import Filters
from minerisk.pipelines.records.review import Audit, State


class JobKind(StrEnum):
    """What is done."""

    REQUEST = "request"
    AUDIT = "audit"
    REVIEW = "review"
    FOLLOW = "follow"
    RETRAIN = "retrain"


class JobState(StrEnum):
    """How far it is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


OVER = (JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED)


DIFFERENCE = "_difference"
"""After the name of a run that was made anew: the folder of what moved."""


class Deciding(Record):
    """A decision of a reviewer, and the signature that was made where their key is."""

    decision: DecisionName
    by: str
    note: str
    champion: bool = False
    at: str | None = None
    key: str | None = None
    signature: str | None = None


class Order(Record):
    """What a job is asked to do.

    Attributes
    ----------
    run
        Name of the run folder below the folder of runs.
    head
        End of the trail when it was asked.
    filters
        As the house has them, without the file of polygons.
    area, layer
        That file, below the folder of areas, and its layer.
    makes
        Folder of the request that the desk makes in the run and deletes when it is old; none where
        it was there before.
    target, by
        Folder of a run to be made anew, and who asked for it.
    """

    kind: JobKind
    run: str
    head: str = ""
    filters: Filters = Filters()
    area: PurePosixPath | None = None
    makes: str = ""
    public: bool = False
    language: Language = "en"
    deciding: Deciding | None = None
    target: str = ""
    by: str = ""

    @property
    def asked(self) -> Filters:
        """What is asked for, with the file of polygons."""
        return self.filters.model_copy(update={"aoi": self.area})


class Outcome(Record):
    """What came of a job.

    Attributes
    ----------
    home
        Folder of the request, below the folder of its run.
    maps
        Files of maps in it, and their SHA-256: they are looked at while packs are being written.
    pack, public
        Folders to hand out, in it; SHA-256 of their manifests.
    answered_by
        Folder of the run that answered, in that of the run that was asked.
    """

    request: str = ""
    home: PurePosixPath = PurePosixPath()
    answered_by: PurePosixPath = PurePosixPath()
    maps: dict[str, str] = Field(default_factory=dict)
    packs: dict[str, str] = Field(default_factory=dict)
    cells: int = 0
    hectares: float = 0.0
    simulated: bool = False
    state: State = State.DRAFT
    evidence_day: dt.date | None = None
    audit: Audit | None = None
    dossier: bool = False


def job_key(order: Order, request: str) -> str:
    """Name what is asked for: two orders with one key are done once."""
    return sha256_text(
        canonical([order.kind, order.run, order.head, request, order.public, order.language])
    )
