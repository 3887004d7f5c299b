"""The record of a model: what it is for, what it was made of, how good it is, who reviewed it.

It follows ODMAP (Overview, Data, Model, Assessment, Prediction; Zurell et al. 2020,
doi:10.1111/ecog.04960), with what a reviewer of mine action needs besides.
"""

import datetime as dt
from collections.abc import Mapping
from typing import ClassVar

from minerisk.configs.schema import VectorLayer
from minerisk.models.calibration.conformal import Cover
from minerisk.models.cautions import Caution
from minerisk.models.elsewhere.statement import LikeLand
from minerisk.models.evaluation.results import Gate, Importance, PermutedSkill
from minerisk.models.folds.protocol import ProtocolName
from minerisk.models.risk_model import members_made_by
from minerisk.pipelines.provenance.run_folder import MODEL_CARD_READS, RunFolder
from minerisk.pipelines.records.manifest import BuildFacts, EvidenceDates, LayerCover
from minerisk.pipelines.records.metrics import CellCounts, ProtocolScores
from minerisk.pipelines.records.record import Document, Record
from minerisk.pipelines.records.review import FourEyes, Review, State, TrailNotice
from minerisk.pipelines.report.facts import Assessment
from minerisk.pipelines.report.inputs import Inputs
from minerisk.pipelines.report.quality import HazardModelRow, HazardThirds, NoveltyStep, RegionRow
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.hazards import ANY, model_home


class Overview(Record):
    """Which model it is, and which layer of its run survey tasks go by.

    `head` is the end of the trail of the run, `day` when layers were read.
    """

    title: str
    titles: Mapping[str, str] = {}
    study_area: str
    simulated: bool
    hazard: str
    tasks_by: str
    head: str
    as_of: dt.date | None
    crs: str
    resolution_m: float
    day: dt.date | None
    trained_by: tuple[str, ...]
    code_sha256: str | None

    def title_in(self, language: str) -> str:
        """Return the title in a language, the English one where there is no other."""
        return self.titles.get(language, self.title)


class LayerRow(Record):
    """A layer, as the configuration states it; no hash where the run made it."""

    name: str
    source: str
    licence: str
    position_error_m: float | None
    sha256: str | None


class EvidenceRow(Record):
    """A layer of evidence."""

    layer: str
    evidence: str
    weight: float
    hazard: str


class DataPart(Record):
    """What the model was made of; `dates` say how old the evidence is."""

    layers: tuple[LayerRow, ...]
    coverage: tuple[LayerCover, ...]
    evidence: tuple[EvidenceRow, ...]
    dates: tuple[EvidenceDates, ...]
    search_weight: float
    cells: CellCounts
    prevalence: float


class ModelPart(Record):
    """What kind of model it is.

    Attributes
    ----------
    kind
        Of its members, as the model states it: ``trees``, ``linear`` and so on, or the name of an
        estimator that a package adds.
    package
        That package and its version; empty where minerisk has the estimator itself.
    """

    kind: str
    package: str
    members: int
    calibrator: str
    features: tuple[str, ...]
    seed: int
    importance: tuple[Importance, ...]


class AssessmentPart(Record):
    """How good it is on land held out."""

    protocols: Mapping[ProtocolName, ProtocolScores]
    like_this: LikeLand
    gates: tuple[Gate, ...]
    permuted: PermutedSkill
    regions: tuple[RegionRow, ...]
    hazard_thirds: tuple[HazardThirds, ...]
    hazard_models: tuple[HazardModelRow, ...]
    interval_cover: Mapping[ProtocolName, Cover | None]
    cautions: tuple[Caution, ...]


class PredictionPart(Record):
    """Where it can be applied."""

    applicable_share: float
    novelty: tuple[NoveltyStep, ...]


class ReviewPart(Record):
    """Who reviewed it, how it stands, and by what maker and reviewer are told apart."""

    state: State
    reviews: tuple[Review, ...]
    problems: tuple[TrailNotice, ...]
    four_eyes: FourEyes | None


class ModelRecord(Document):
    """``model_record.json``, which the model card is written from."""

    version: ClassVar[int] = 4
    made_by: ClassVar[str] = "minerisk pack"

    overview: Overview
    data: DataPart
    model: ModelPart
    assessment: AssessmentPart
    prediction: PredictionPart
    reviews: ReviewPart


def model_record(run: Run, found: Assessment, *, hazard: str = ANY) -> ModelRecord:
    """Gather the record of a model from the files of its run.

    Parameters
    ----------
    run
        The run.
    found
        How good the model is.
    hazard
        Class of hazard that the model is of.
    """
    metrics, home = found.metrics, RunFolder(model_home(run.folder, hazard))
    files = {name: (home.model / name).read_bytes() for name in ("members.json", "model.json")}
    kind, added = members_made_by(files)
    return ModelRecord.of(
        overview=_overview(run, found, hazard),
        data=_data(run, found),
        model=ModelPart(
            kind=kind,
            package="" if added is None else f"{added.package} {added.version}",
            members=run.config.model.members,
            calibrator=metrics.calibrator,
            features=tuple(item.kind for item in run.config.features),
            seed=run.config.model.seed,
            importance=metrics.importance,
        ),
        assessment=AssessmentPart(
            protocols=metrics.protocols,
            like_this=metrics.like_this,
            gates=metrics.gates,
            permuted=metrics.permuted,
            regions=found.regions,
            hazard_thirds=found.hazard_thirds,
            hazard_models=found.hazard_models,
            interval_cover=metrics.interval_cover,
            cautions=metrics.cautions,
        ),
        prediction=PredictionPart(applicable_share=metrics.applicable_share, novelty=found.novelty),
        reviews=_reviews(run),
    )


def _overview(run: Run, found: Assessment, hazard: str) -> Overview:
    manifest, metrics = run.manifest(), found.metrics
    used = manifest.environment("train")
    return Overview(
        title=run.config.study_area.title,
        titles={str(code): title for code, title in run.config.study_area.titles.items()},
        study_area=run.config.study_area.name,
        simulated=run.simulated,
        hazard=hazard,
        tasks_by=run.config.tasks.hazard,
        head=manifest.head,
        as_of=metrics.as_of,
        crs=metrics.crs,
        resolution_m=metrics.resolution_m,
        day=run.day,
        trained_by=manifest.trained_by,
        code_sha256=None if used is None else used.code_sha256,
    )


def _data(run: Run, found: Assessment) -> DataPart:
    hashes, labels = run.manifest().layers, run.config.labels
    return DataPart(
        layers=tuple(
            LayerRow(
                name=name,
                source=layer.source,
                licence=layer.licence,
                position_error_m=(
                    layer.position_error_m if isinstance(layer, VectorLayer) else None
                ),
                sha256=hashes.get(f"layer:{name}"),
            )
            for name, layer in sorted(run.config.layers.items())
        ),
        coverage=run.manifest().facts("build", BuildFacts).coverage,
        evidence=tuple(
            EvidenceRow(
                layer=item.layer, evidence=item.evidence, weight=item.weight, hazard=item.hazard
            )
            for item in labels.positive
        ),
        dates=Inputs.of(run.config, run.manifest()).evidence,
        search_weight=labels.search_weight,
        cells=found.metrics.cells,
        prevalence=found.metrics.prevalence,
    )


def _reviews(run: Run) -> ReviewPart:
    found = run.standing(MODEL_CARD_READS)
    return ReviewPart(
        state=found.state,
        reviews=run.reviews().entries,
        problems=found.reasons,
        four_eyes=found.four_eyes,
    )
