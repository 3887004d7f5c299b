"""``manifest.json`` of a pack: what it holds, and what it was made of."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from minerisk.pipelines.records.record import Document, Record
from minerisk.pipelines.records.request import LikeThis
from minerisk.pipelines.records.review import State

Edition = Literal["restricted", "public"]


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
