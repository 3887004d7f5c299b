"""The manifest of a run: what went into each stage and what it wrote, entry chained to entry."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self, TypeVar

import pydantic

from minerisk.features.errors import FindingError, MakeAgainError
from minerisk.pipelines.records.notice import Notice
from minerisk.pipelines.records.record import Document, Record
from minerisk.pipelines.records.tasks import Lack
from minerisk.pipelines.records.validation import Problem


class Environment(Record):
    """What a stage was done with.

    Attributes
    ----------
    python, machine, packages
        Versions of Python and of every installed package; the kind of processor.
    minerisk, code_sha256
        Version and hash of this program's source.
    code_commit, code_dirty
        Git commit, and whether the code had changes that are in no commit; None where the code
        lies in no repository of its own.
    lock_sha256
        Hash of ``requirements.lock``; None where there is none.
    """

    model_config = pydantic.ConfigDict(strict=True)

    python: str
    machine: str
    packages: Mapping[str, str]
    minerisk: str
    code_sha256: str
    code_commit: str | None
    code_dirty: bool | None
    lock_sha256: str | None


T = TypeVar("T", bound=Record)


class Signature(Record):
    """An Ed25519 signature of the head of a trail: public key and signature in base64."""

    model_config = pydantic.ConfigDict(strict=True)

    key: str
    signature: str


class Stage(Record):
    """One step of a run.

    Attributes
    ----------
    name
        Such as ``build``.
    key
        SHA-256 of name, code, settings and inputs: the same key means the same outputs.
    settings
        SHA-256 of the part of the configuration that matters here.
    environment
        SHA-256 of the entry of `Manifest.environments` that it was done in.
    inputs, outputs
        Name to SHA-256. Inputs are layers (``layer:<name>``), ``config.yaml`` or outputs of earlier
        stages; outputs are paths relative to the run folder.
    seconds
        How long it took.
    facts
        What the stage reports, as JSON; read it with `Manifest.facts`.
    before
        SHA-256 of the entry before, or of the header.
    """

    model_config = pydantic.ConfigDict(strict=True)

    name: str
    key: str
    settings: str
    environment: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    seconds: float
    facts: Mapping[str, pydantic.JsonValue]
    before: str = ""


class Manifest(Document):
    """What a run was made of and what it wrote.

    Attributes
    ----------
    study_area, title, simulated
        As the configuration has them.
    config_file
        Where the configuration lies, relative to the run folder; it may move.
    trained_by
        Those who say that they made the run.
    maker_keys
        Public keys of those who made it with one; the head is then signed by one of them.
    stages
        In the order in which they are done.
    environments
        SHA-256 to what stages were done with.
    head
        SHA-256 of the last entry; it pins all before it.
    signed
        Signature of the head by whoever made the last entry; None where no key was given.
    repeats
        The day of the run that this one makes again; None where it makes none again.
    """

    model_config = pydantic.ConfigDict(strict=True)

    version: ClassVar[int] = 3
    damaged = FindingError

    study_area: str
    title: str
    simulated: bool
    config_file: str
    trained_by: tuple[str, ...] = ()
    maker_keys: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()
    environments: Mapping[str, Environment] = {}
    head: str = ""
    signed: Signature | None = None
    repeats: dt.date | None = None

    @classmethod
    def parse(cls, text: str | bytes, *, source: Path) -> Self:
        """Read a manifest, and name the program that wrote one of the format before."""
        try:
            older = _Older.model_validate_json(text)
        except ValueError:
            return super().parse(text, source=source)
        raise MakeAgainError(
            f"{source} is of format {older.format}, which minerisk 0.1 wrote without a "
            f"schema_version; this minerisk reads schema version {cls.version}. Its hashes and "
            "reviews are verified by minerisk 0.1; to use the run here, make it again "
            f"(`{cls.made_by}`)."
        )

    def stage(self, name: str) -> Stage | None:
        """Find a stage; None where it is not done."""
        return next((stage for stage in self.stages if stage.name == name), None)

    def done(self, name: str) -> Stage:
        """Find a stage that must be done.

        Raises
        ------
        MakeAgainError
            If it is not.
        """
        stage = self.stage(name)
        if stage is None:
            raise MakeAgainError(
                f"The run has no finished stage `{name}`. Run `minerisk run` to go on."
            )
        return stage

    def facts(self, stage: str, kind: type[T]) -> T:
        """Read what a stage reports, such as ``manifest.facts("build", BuildFacts)``.

        Raises
        ------
        MakeAgainError
            If the stage is not done, or reports something else.
        """
        try:
            return kind.model_validate(self.done(stage).facts)
        except pydantic.ValidationError as error:
            raise MakeAgainError(
                f"manifest.json: the facts of stage {stage} are not as minerisk writes them "
                f"({error.errors()[0]['msg']}). They were changed by hand; make the run again."
            ) from error

    def environment(self, stage: str) -> Environment | None:
        """Find what a stage was done with; None where it is not done or not on record."""
        known = self.stage(stage)
        return None if known is None else self.environments.get(known.environment)

    @property
    def outputs(self) -> dict[str, str]:
        """Outputs of all stages: path in the run folder to SHA-256."""
        return {name: digest for stage in self.stages for name, digest in stage.outputs.items()}

    @property
    def layers(self) -> dict[str, str]:
        """Layers that stages read: ``layer:<name>`` to SHA-256."""
        return {
            name: digest
            for stage in self.stages
            for name, digest in stage.inputs.items()
            if name.startswith("layer:")
        }


class _Older(pydantic.BaseModel):
    """A manifest from before records had a schema version."""

    format: int


class NoFacts(Record):
    """A stage that reports nothing but its outputs."""


class ValidateFacts(Record):
    """How many problems validation found that do not stop the run."""

    warnings: int
    notes: int


class MovedColumn(Record):
    """How far a feature moves where drawn lines are off by their stated positional error.

    Attributes
    ----------
    change
        Mean absolute change over cells and draws, in `unit`.
    spread
        Standard deviation over cells, in `unit`.
    share
        Change over spread.
    """

    column: str
    unit: str
    change: float
    spread: float
    share: float


class LineError(Record):
    """How sensitive the features are to the stated positional error of drawn lines.

    Attributes
    ----------
    cell_m
        Cell of the grid that it was measured on, metres.
    draws
        How often the lines were displaced at random.
    rows
        Greatest share first; empty where no layer states an error.
    """

    cell_m: float
    draws: int
    rows: tuple[MovedColumn, ...] = ()


class LayerCover(Record):
    """What a layer that states its coverage speaks for.

    Attributes
    ----------
    share
        Of the cells of the study area.
    findings, silent_findings
        Cells with a finding, and those of them for which the layer says nothing.
    """

    layer: str
    share: float
    findings: int
    silent_findings: int


class EvidenceDates(Record):
    """How old the records of a layer of evidence are.

    Attributes
    ----------
    records, undated
        Records that count, and those of them without a date.
    oldest, newest
        First and last day that a record may be of; None where none is dated.
    """

    layer: str
    records: int
    undated: int
    oldest: dt.date | None = None
    newest: dt.date | None = None


class BuildFacts(Record):
    """What the feature cube and the labels hold.

    Attributes
    ----------
    built
        Whether the cube was built now; False where one with the same key was there.
    cells
        Cells of the study area.
    shape
        Height and width of the grid.
    features
        Columns, in order.
    left_out
        Features whose optional layer has no file.
    regions
        Number of regions that the surveyed land is divided into.
    coverage
        Layers that speak for a part of the study area only.
    day
        When the layers were read: the day of the run.
    evidence
        How old the evidence is, layer by layer.
    """

    built: bool
    cells: int
    shape: tuple[int, int]
    features: tuple[str, ...]
    left_out: tuple[Problem, ...]
    line_error: LineError
    regions: int
    coverage: tuple[LayerCover, ...]
    day: dt.date | None = None
    evidence: tuple[EvidenceDates, ...] = ()


class TrainFacts(Record):
    """Whether all gates passed."""

    gates_passed: bool


class TrackFacts(Record):
    """Where MLflow has the run."""

    run_id: str
    registered_model: str
    model_version: str


class PrioritizeFacts(Record):
    """What the survey tasks had to do without."""

    missing: tuple[Notice[Lack], ...]
