"""The scores of a trained run, gathered for `metrics.json`."""

import logging
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.models.applicability.error_profiles import ErrorProfile
from minerisk.models.calibration.conformal import Cover, cover_across_folds
from minerisk.models.calibration.cross_calibration import calibration_losses
from minerisk.models.cautions import Caution
from minerisk.models.evaluation.assessment import (
    assess,
    assess_curves,
    assess_regions,
    capture_curves,
    compare_models,
    reliability_bins,
)
from minerisk.models.evaluation.feature_lint import lint_features
from minerisk.models.evaluation.gates import hold_to_gates
from minerisk.models.evaluation.measures import ModelName
from minerisk.models.evaluation.reliability_by_part import (
    reliability_by_hazard,
    reliability_by_region,
)
from minerisk.models.evaluation.results import (
    HazardReliability,
    Importance,
    PermutedSkill,
    RegionReliability,
    RegionScores,
    ReliabilityBin,
)
from minerisk.models.folds.blocks import assign_blocks
from minerisk.models.folds.protocol import ProtocolName
from minerisk.models.risk_model import RiskModel
from minerisk.models.selection.held_out_scores import HeldOutScores
from minerisk.models.selection.nested_search import NestedChoice
from minerisk.models.survey_bias.unsurveyed import assess_unsurveyed
from minerisk.pipelines.records.metrics import (
    CellCounts,
    ExpectedError,
    HeldOutFacts,
    Metrics,
    ProtocolScores,
)
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.train.hazard_models import measure_hazards
from minerisk.pipelines.train.land_samples import applicable_share, run_cells, unsurveyed_sample

log = logging.getLogger(__name__)

FAR, NEAR = ProtocolName.FAR, ProtocolName.NEAR


def run_metrics(
    run: Run,
    scores: HeldOutScores,
    permuted: PermutedSkill,
    importance: Sequence[Importance],
    model: RiskModel,
    choices: Mapping[str, NestedChoice],
) -> Metrics:
    """Gather the scores of a run; those of hazard classes are added when they are trained."""
    area, table, agreed = run.config.study_area, scores.table, run.config.gates
    positive, labelled = int((table.state == 1).sum()), len(table.state)
    protocols = {name: _protocol(scores, name) for name in scores.protocols}
    far = scores.scores_of(FAR)
    comparison = compare_models(far, table, block_m=scores.block_m)
    share = applicable_share(run, model)
    return Metrics(
        schema_version=Metrics.version,
        study_area=area.name,
        title=area.title,
        simulated=run.simulated,
        as_of=area.as_of,
        crs=area.crs,
        resolution_m=area.resolution_m,
        cells=CellCounts(
            total=run_cells(run),
            positive=positive,
            negative=labelled - positive,
            unlabelled=run_cells(run) - labelled,
        ),
        prevalence=positive / labelled,
        range_m=scores.held.range_m,
        block_m=scores.block_m,
        protocols=protocols,
        held_out=HeldOutFacts(match=scores.held.match, folds=scores.held.folds),
        cautions=(*scores.held.cautions, *_lint(scores)),
        unsurveyed=assess_unsurveyed(
            table,
            scores.probability[FAR],
            unsurveyed_sample(run),
            model,
            block_m=scores.block_m,
            seed=run.config.model.seed,
        ),
        calibrators=_calibrator_losses(scores),
        calibrator=scores.calibrator,
        interval=model.interval,
        interval_cover={
            name: _interval_cover(scores, name, level=run.config.model.interval)
            for name in (FAR, NEAR)
        },
        expected_error=None if model.profile is None else _expected_error(model.profile),
        regions=_regions(scores),
        reliability_by_region=_by_region(scores),
        reliability_by_hazard=_by_hazard(scores),
        hazard_classes=measure_hazards(
            far[ModelName.MODEL], table, scores.protocols[FAR], block_m=scores.block_m
        ),
        hazards={},
        comparison={FAR: comparison},
        curves=assess_curves(far[ModelName.MODEL], table, block_m=scores.block_m),
        capture={FAR: capture_curves(far, table)},
        reliability=_reliability(scores),
        importance=tuple(importance),
        permuted=permuted,
        applicable_share=share,
        gates=hold_to_gates(
            positive_cells=positive,
            permuted=permuted,
            skill=comparison[ModelName.PREVALENCE].average_precision,
            slope=protocols[FAR].model.calibration_slope,
            applicable_share=share,
            **agreed.model_dump(exclude={"permutations"}),
        ),
        settings={name: tuple(choice.chosen) for name, choice in choices.items()},
    )


def _protocol(scores: HeldOutScores, name: ProtocolName) -> ProtocolScores:
    protocol = scores.protocols[name]
    return ProtocolScores(
        splitter=protocol.splitter,
        until=protocol.until,
        folds=len(protocol.folds),
        models={
            known: assess(
                score,
                scores.table,
                protocol,
                block_m=scores.block_m,
                ranks=known is not ModelName.PREVALENCE,
                kind=scores.calibrator if known is ModelName.MODEL else "shrunk",
            )
            for known, score in scores.scores_of(name).items()
        },
    )


def _calibrator_losses(scores: HeldOutScores) -> dict[str, float]:
    """Measure the log loss on left-out regions of each kind of calibrator, for information."""
    y = (scores.table.state == 1).astype(np.int8)
    fold = scores.protocols[FAR].fold_of_row(len(y))
    return calibration_losses(scores.scores[FAR, ModelName.MODEL].score, y, fold)


def _interval_cover(scores: HeldOutScores, name: ProtocolName, *, level: float) -> Cover | None:
    """Measure how often the interval holds what was found, each fold with the others' interval."""
    table, out = scores.table, scores.scores[name, ModelName.MODEL]
    y = (table.state == 1).astype(np.int8)
    try:
        return cover_across_folds(
            scores.probability[name],
            out.spread,
            y,
            _blocks(scores),
            fold_ids=scores.protocols[name].fold_of_row(len(y)),
            level=level,
        )
    except InputError as error:
        log.warning("The cover of the interval on %s land cannot be measured: %s", name, error)
        return None


def _by_region(scores: HeldOutScores) -> tuple[RegionReliability, ...]:
    y = (scores.table.state == 1).astype(np.int8)
    fold = scores.protocols[FAR].fold_of_row(len(y))
    return tuple(reliability_by_region(y, scores.probability[FAR], fold, blocks=_blocks(scores)))


def _by_hazard(scores: HeldOutScores) -> tuple[HazardReliability, ...]:
    y = (scores.table.state == 1).astype(np.int8)
    return tuple(
        reliability_by_hazard(
            y, scores.probability[FAR], scores.table.hazard, blocks=_blocks(scores)
        )
    )


def _regions(scores: HeldOutScores) -> tuple[RegionScores, ...]:
    return tuple(
        assess_regions(
            scores.scores[FAR, ModelName.MODEL].score,
            scores.table,
            scores.protocols[FAR],
            block_m=scores.block_m,
            kind=scores.calibrator,
        )
    )


def _reliability(scores: HeldOutScores) -> dict[ProtocolName, tuple[ReliabilityBin, ...]]:
    return {
        name: tuple(
            reliability_bins(
                scores.scores[name, ModelName.MODEL].score,
                scores.table,
                protocol,
                block_m=scores.block_m,
                kind=scores.calibrator,
            )
        )
        for name, protocol in scores.protocols.items()
        if name is not ProtocolName.RANDOM
    }


def _expected_error(profile: ErrorProfile) -> ExpectedError:
    return ExpectedError(
        dissimilarity=tuple(profile.dissimilarity.tolist()),
        by_dissimilarity=tuple(profile.by_dissimilarity.tolist()),
        density=tuple(profile.density.tolist()),
        by_density=tuple(profile.by_density.tolist()),
    )


def _blocks(scores: HeldOutScores) -> NDArray[np.int64]:
    return assign_blocks(scores.table.coordinates, block_m=scores.block_m)


def _lint(scores: HeldOutScores) -> tuple[Caution, ...]:
    """Find the features that can act as the name of a place."""
    table = scores.table
    features = table.cells[table.features]
    return lint_features(
        features, table.coordinates, regions=table.region, block_m=scores.block_m
    ).cautions
