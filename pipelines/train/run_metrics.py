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
from minerisk.models.evaluation.reliability import reliability_by_hazard, reliability_by_region
from minerisk.models.evaluation.results import (
    HazardReliability,
    Importance,
    PermutedSkill,
    RegionReliability,
    RegionScores,
    ReliabilityBin,
)
from minerisk.models.folds.protocol import ProtocolName
from minerisk.models.folds.splits import assign_blocks
from minerisk.models.risk_model import RiskModel
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
from minerisk.pipelines.train.held_out_scores import Test
from minerisk.pipelines.train.land_samples import applicable_share, run_cells, unsurveyed_sample

log = logging.getLogger(__name__)

FAR, NEAR = ProtocolName.FAR, ProtocolName.NEAR


def run_metrics(
    run: Run,
    test: Test,
    permuted: PermutedSkill,
    importance: Sequence[Importance],
    model: RiskModel,
    choices: Mapping[str, NestedChoice],
) -> Metrics:
    """Gather the scores of a run; those of hazard classes are added when they are trained."""
    area, table, agreed = run.config.study_area, test.table, run.config.gates
    positive, labelled = int((table.state == 1).sum()), len(table.state)
    protocols = {name: _protocol(test, name) for name in test.protocols}
    far = test.scores_of(FAR)
    comparison = compare_models(far, table, block_m=test.block_m)
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
        range_m=test.held.range_m,
        block_m=test.block_m,
        protocols=protocols,
        held_out=HeldOutFacts(match=test.held.match, folds=test.held.folds),
        cautions=(*test.held.cautions, *_lint(test)),
        unsurveyed=assess_unsurveyed(
            table,
            test.probability[FAR],
            unsurveyed_sample(run),
            model,
            block_m=test.block_m,
            seed=run.config.model.seed,
        ),
        calibrators=_calibrator_losses(test),
        calibrator=test.calibrator,
        interval=model.interval,
        interval_cover={
            name: _interval_cover(test, name, level=run.config.model.interval)
            for name in (FAR, NEAR)
        },
        expected_error=None if model.profile is None else _expected_error(model.profile),
        regions=_regions(test),
        reliability_by_region=_by_region(test),
        reliability_by_hazard=_by_hazard(test),
        hazard_classes=measure_hazards(
            far[ModelName.MODEL], table, test.protocols[FAR], block_m=test.block_m
        ),
        hazards={},
        comparison={FAR: comparison},
        curves=assess_curves(far[ModelName.MODEL], table, block_m=test.block_m),
        capture={FAR: capture_curves(far, table)},
        reliability=_reliability(test),
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


def _protocol(test: Test, name: ProtocolName) -> ProtocolScores:
    protocol = test.protocols[name]
    return ProtocolScores(
        splitter=protocol.splitter,
        until=protocol.until,
        folds=len(protocol.folds),
        models={
            known: assess(
                score,
                test.table,
                protocol,
                block_m=test.block_m,
                ranks=known is not ModelName.PREVALENCE,
                kind=test.calibrator if known is ModelName.MODEL else "shrunk",
            )
            for known, score in test.scores_of(name).items()
        },
    )


def _calibrator_losses(test: Test) -> dict[str, float]:
    """Measure the log loss on left-out regions of each kind of calibrator, for information."""
    y = (test.table.state == 1).astype(np.int8)
    fold = test.protocols[FAR].fold_of_row(len(y))
    return calibration_losses(test.scores[FAR, ModelName.MODEL].score, y, fold)


def _interval_cover(test: Test, name: ProtocolName, *, level: float) -> Cover | None:
    """Measure how often the interval holds what was found, each fold with the others' interval."""
    table, out = test.table, test.scores[name, ModelName.MODEL]
    y = (table.state == 1).astype(np.int8)
    try:
        return cover_across_folds(
            test.probability[name],
            out.spread,
            y,
            _blocks(test),
            fold_ids=test.protocols[name].fold_of_row(len(y)),
            level=level,
        )
    except InputError as error:
        log.warning("The cover of the interval on %s land cannot be measured: %s", name, error)
        return None


def _by_region(test: Test) -> tuple[RegionReliability, ...]:
    y = (test.table.state == 1).astype(np.int8)
    fold = test.protocols[FAR].fold_of_row(len(y))
    return tuple(reliability_by_region(y, test.probability[FAR], fold, blocks=_blocks(test)))


def _by_hazard(test: Test) -> tuple[HazardReliability, ...]:
    y = (test.table.state == 1).astype(np.int8)
    return tuple(
        reliability_by_hazard(y, test.probability[FAR], test.table.hazard, blocks=_blocks(test))
    )


def _regions(test: Test) -> tuple[RegionScores, ...]:
    return tuple(
        assess_regions(
            test.scores[FAR, ModelName.MODEL].score,
            test.table,
            test.protocols[FAR],
            block_m=test.block_m,
            kind=test.calibrator,
        )
    )


def _reliability(test: Test) -> dict[ProtocolName, tuple[ReliabilityBin, ...]]:
    return {
        name: tuple(
            reliability_bins(
                test.scores[name, ModelName.MODEL].score,
                test.table,
                protocol,
                block_m=test.block_m,
                kind=test.calibrator,
            )
        )
        for name, protocol in test.protocols.items()
        if name is not ProtocolName.RANDOM
    }


def _expected_error(profile: ErrorProfile) -> ExpectedError:
    return ExpectedError(
        dissimilarity=tuple(profile.dissimilarity.tolist()),
        by_dissimilarity=tuple(profile.by_dissimilarity.tolist()),
        density=tuple(profile.density.tolist()),
        by_density=tuple(profile.by_density.tolist()),
    )


def _blocks(test: Test) -> NDArray[np.int64]:
    return assign_blocks(test.table.coordinates, block_m=test.block_m)


def _lint(test: Test) -> tuple[Caution, ...]:
    """Find the features that can act as the name of a place."""
    table = test.table
    features = table.cells[table.features]
    return lint_features(
        features, table.coordinates, regions=table.region, block_m=test.block_m
    ).cautions
