"""The scores of a trained run, gathered for `metrics.json`."""

from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from minerisk.models.applicability.error_profiles import ErrorProfile
from minerisk.models.cautions import Caution
from minerisk.models.evaluation.assessment import assess_curves, capture_curves
from minerisk.models.evaluation.feature_lint import lint_features
from minerisk.models.evaluation.gates import calibration_cautions, hold_to_gates, over_rule
from minerisk.models.evaluation.measures import ModelName
from minerisk.models.evaluation.ranked_models import assess_finds, compare_models
from minerisk.models.fitting.training import Trained
from minerisk.models.folds.protocol import ProtocolName
from minerisk.models.selection.held_out_measures import (
    measure_calibrators,
    measure_hazard_reliability,
    measure_hazards,
    measure_interval,
    measure_models,
    measure_region_reliability,
    measure_regions,
    measure_reliability,
    rank_protocol,
)
from minerisk.models.selection.held_out_scores import HeldOutScores
from minerisk.models.survey_bias.facts import Unsurveyed
from minerisk.models.survey_bias.propensity import KnownChances
from minerisk.models.survey_bias.unsurveyed import assess_unsurveyed
from minerisk.pipelines.records.metrics import (
    CellCounts,
    ExpectedError,
    HeldOutFacts,
    Metrics,
    ProtocolScores,
)
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.train.land_samples import applicable_share, run_cells, unsurveyed_sample
from minerisk.pipelines.train.like_unsurveyed import like_unsurveyed

FAR, NEAR = ProtocolName.FAR, ProtocolName.NEAR


def run_metrics(run: Run, trained: Trained, *, chances: KnownChances | None = None) -> Metrics:
    """Gather the scores of a run; those of hazard classes are added when they are trained.

    Parameters
    ----------
    chances
        What is known of where land was surveyed, from other layers of the run.
    """
    # What surveyed land shows of other land takes as long as all else: they go side by side.
    unsurveyed = partial(
        assess_unsurveyed,
        trained.scores.table,
        trained.scores.probability[FAR],
        unsurveyed_sample(run),
        trained.model,
        block_m=trained.scores.block_m,
        seed=run.config.model.seed,
        chances=chances,
    )
    with ThreadPoolExecutor(max_workers=1) as pool:
        return _gathered(run, trained, pool.submit(unsurveyed))


def _gathered(run: Run, trained: Trained, unsurveyed: Future[Unsurveyed | None]) -> Metrics:
    scores, model = trained.scores, trained.model
    area, table, agreed = run.config.study_area, scores.table, run.config.gates
    positive, labelled = int((table.state == 1).sum()), len(table.state)
    ranked = {name: rank_protocol(scores, name) for name in scores.protocols}
    protocols = {
        name: ProtocolScores.of(
            protocol,
            measure_models(scores, name, ranked[name]),
            tuple(assess_finds(ranked[name])),
        )
        for name, protocol in scores.protocols.items()
    }
    far = scores.scores_of(FAR)
    comparison = {name: compare_models(ranked[name]) for name in (FAR, NEAR)}
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
        cautions=(
            *calibration_cautions(
                protocols[FAR].model.calibration_slope, margin=agreed.calibration_slope_margin
            ),
            *scores.held.cautions,
            *_lint(scores),
        ),
        calibrators=measure_calibrators(scores),
        calibrator=scores.calibrator,
        interval=model.interval,
        interval_cover={
            name: measure_interval(scores, name, level=run.config.model.interval)
            for name in (FAR, NEAR)
        },
        expected_error=None if model.profile is None else _expected_error(model.profile),
        regions=measure_regions(scores),
        reliability_by_region=measure_region_reliability(scores),
        reliability_by_hazard=measure_hazard_reliability(scores),
        hazard_classes=measure_hazards(scores),
        hazards={},
        comparison=comparison,
        curves=assess_curves(far[ModelName.MODEL], table, block_m=scores.block_m),
        capture={FAR: capture_curves(far, table)},
        reliability=measure_reliability(scores),
        importance=trained.importance,
        permuted=trained.permuted,
        applicable_share=share,
        gates=hold_to_gates(
            positive_cells=positive,
            permuted=trained.permuted,
            skill=comparison[FAR][ModelName.PREVALENCE].average_precision,
            over_rule=over_rule(comparison[FAR]),
            slope=protocols[FAR].model.calibration_slope,
            applicable_share=share,
            **agreed.model_dump(exclude={"permutations"}),
        ),
        settings={name: tuple(choice.chosen) for name, choice in trained.choices.items()},
        unsurveyed=unsurveyed.result(),
        like_this=like_unsurveyed(run, scores),
    )


def _expected_error(profile: ErrorProfile) -> ExpectedError:
    return ExpectedError(
        dissimilarity=tuple(profile.dissimilarity.tolist()),
        by_dissimilarity=tuple(profile.by_dissimilarity.tolist()),
        density=tuple(profile.density.tolist()),
        by_density=tuple(profile.by_density.tolist()),
    )


def _lint(scores: HeldOutScores) -> tuple[Caution, ...]:
    """Find the features that can act as the name of a place."""
    table = scores.table
    features = table.cells[table.features]
    return lint_features(
        features,
        table.coordinates,
        regions=table.region,
        cover=table.cover,
        block_m=scores.block_m,
    ).cautions
