"""What report, model card, dossier and summary show of a model: the same facts, gathered once."""

from dataclasses import dataclass
from typing import Self

from minerisk.features.errors import InputError
from minerisk.models.evaluation.measures import Measures, ModelName
from minerisk.models.folds.protocol import ProtocolName
from minerisk.pipelines.predict.class_table import CLASSES
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.metrics import Metrics
from minerisk.pipelines.records.rasters import RiskClasses
from minerisk.pipelines.report.quality import (
    HazardModelRow,
    HazardThirds,
    NoveltyStep,
    OverRule,
    RegionRow,
    hazard_model_rows,
    hazard_thirds,
    novelty,
    over_rule_rows,
    regions,
)


@dataclass(frozen=True)
class Assessment:
    """How good a model is: its scores, and the tables made of them.

    Attributes
    ----------
    metrics
        Scores of the model of a run, or of one of its hazard classes.
    model, rule
        Measures of the model and of the distance rule on regions left out; of the rule, None where
        it has none.
    over_rule
        How much more the model finds than the plain rule, on all positives and each kind of find.
    regions
        Regions left out, one by one.
    hazard_thirds
        Where the finds of each hazard class lie.
    hazard_models
        Models of hazard classes.
    novelty
        How like the surveyed land the land is; empty before the rasters are written.
    classes
        How classes are cut and what each holds; None before the rasters are written.
    """

    metrics: Metrics
    model: Measures
    rule: Measures | None
    over_rule: tuple[OverRule, ...]
    regions: tuple[RegionRow, ...]
    hazard_thirds: tuple[HazardThirds, ...]
    hazard_models: tuple[HazardModelRow, ...]
    novelty: tuple[NoveltyStep, ...]
    classes: RiskClasses | None = None

    @classmethod
    def of(cls, home: RunFolder, *, mapped: bool = True) -> Self:
        """Read the scores of a model.

        Parameters
        ----------
        home
            The folder of its run, or of its hazard class in the run.
        mapped
            Whether to read the rasters too, which a run that is trained again has of its last time.

        Raises
        ------
        InputError
            If the model is not trained, or was not tested on far land.
        """
        metrics, table = Metrics.read(home.metrics), home.rasters / CLASSES
        far = metrics.protocols.get(ProtocolName.FAR)
        model = None if far is None else far.models.get(ModelName.MODEL)
        if far is None or model is None:
            raise InputError(
                f"{home.metrics} has no scores of the model on far land. Train the run again."
            )
        return cls(
            metrics=metrics,
            model=model,
            rule=far.models.get(ModelName.DISTANCE_RULE),
            over_rule=over_rule_rows(metrics),
            regions=regions(metrics),
            hazard_thirds=hazard_thirds(metrics),
            hazard_models=hazard_model_rows(metrics.hazards),
            novelty=novelty(home) if mapped else (),
            classes=RiskClasses.read(table) if mapped and table.is_file() else None,
        )
