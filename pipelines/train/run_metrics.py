"""The scores of a trained run, gathered for `metrics.json`."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from minerisk.models.applicability.error_profiles import ErrorProfile
from minerisk.models.calibration.conformal import Cover
from minerisk.models.cautions import Caution
from minerisk.models.evaluation.assessment import assess_curves, capture_curves
from minerisk.models.evaluation.comparison import assess_finds, compare_models
from minerisk.models.evaluation.feature_lint import lint_features
from minerisk.models.evaluation.gates import calibration_cautions, hold_to_gates, over_rule
from minerisk.models.evaluation.measures import ModelName, RankMeasures
from minerisk.models.evaluation.results import Curves, RegionScores
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
from minerisk.pipelines.train.shared_land import SharedLand

FAR, NEAR = ProtocolName.FAR, ProtocolName.NEAR


def run_metrics(run: Run, trained: Trained, land: SharedLand) -> Metrics:
    """Gather the scores of a run; those of hazard classes are added when they are trained.

    Parameters
    ----------
    land
        What the layers of a run share.
    """
    scores, level = trained.scores, run.config.model.interval
    # Two at a time, the longest first; none of them reads the run folder.
    with ThreadPoolExecutor(max_workers=2) as pool:
        return _gathered(
            run,
            trained,
            _Begun(
                unsurveyed=pool.submit(
                    assess_unsurveyed,
                    scores.table,
                    scores.probability[FAR],
                    unsurveyed_sample(run),
                    trained.model,
                    block_m=scores.block_m,
                    seed=run.config.model.seed,
                    chances=land.chances,
                ),
                protocols={
                    name: pool.submit(_measure_protocol, scores, name) for name in scores.protocols
                },
                interval_cover={
                    name: pool.submit(measure_interval, scores, name, level=level)
                    for name in (FAR, NEAR)
                },
                curves=pool.submit(
                    assess_curves,
                    scores.scores[FAR, ModelName.MODEL].score,
                    scores.table,
                    block_m=scores.block_m,
                ),
                calibrators=pool.submit(measure_calibrators, scores),
                regions=pool.submit(measure_regions, scores),
                lint=pool.submit(_lint, scores, land),
            ),
        )


class _Begun(NamedTuple):
    """What is measured beside all else; names as in `Metrics`."""

    unsurveyed: Future[Unsurveyed | None]
    protocols: dict[ProtocolName, Future[tuple[ProtocolScores, dict[ModelName, RankMeasures]]]]
    interval_cover: dict[ProtocolName, Future[Cover | None]]
    curves: Future[Curves]
    calibrators: Future[dict[str, float]]
    regions: Future[tuple[RegionScores, ...]]
    lint: Future[tuple[Caution, ...]]


def _measure_protocol(
    scores: HeldOutScores, name: ProtocolName
) -> tuple[ProtocolScores, dict[ModelName, RankMeasures]]:
    """Measure every model on one protocol, and compare that of the run with each other."""
    ranked = rank_protocol(scores, name)
    measures = measure_models(scores, name, ranked)
    finds = tuple(assess_finds(ranked))
    return ProtocolScores.of(scores.protocols[name], measures, finds), compare_models(ranked)


def _gathered(run: Run, trained: Trained, begun: _Begun) -> Metrics:
    scores, model = trained.scores, trained.model
    area, table, agreed = run.config.study_area, scores.table, run.config.gates
    positive, labelled = int((table.state == 1).sum()), len(table.state)
    far, like_this = scores.scores_of(FAR), like_unsurveyed(run, scores)
    share = applicable_share(run, model)
    measured = {name: one.result() for name, one in begun.protocols.items()}
    protocols = {name: own for name, (own, _) in measured.items()}
    comparison = {name: measured[name][1] for name in (FAR, NEAR)}
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
            *begun.lint.result(),
        ),
        calibrators=begun.calibrators.result(),
        calibrator=scores.calibrator,
        interval=model.interval,
        interval_cover={name: one.result() for name, one in begun.interval_cover.items()},
        expected_error=None if model.profile is None else _expected_error(model.profile),
        regions=begun.regions.result(),
        reliability_by_region=measure_region_reliability(scores),
        reliability_by_hazard=measure_hazard_reliability(scores),
        hazard_classes=measure_hazards(scores),
        hazards={},
        comparison=comparison,
        curves=begun.curves.result(),
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
        unsurveyed=begun.unsurveyed.result(),
        like_this=like_this,
    )


def _expected_error(profile: ErrorProfile) -> ExpectedError:
    return ExpectedError(
        dissimilarity=tuple(profile.dissimilarity.tolist()),
        by_dissimilarity=tuple(profile.by_dissimilarity.tolist()),
        density=tuple(profile.density.tolist()),
        by_density=tuple(profile.by_density.tolist()),
    )


def _lint(scores: HeldOutScores, land: SharedLand) -> tuple[Caution, ...]:
    """Find the features that can act as the name of a place."""
    table = scores.table

    def find() -> tuple[Caution, ...]:
        return lint_features(
            table.cells[table.features],
            table.coordinates,
            regions=table.region,
            cover=table.cover,
            block_m=scores.block_m,
        ).cautions

    return land.cautions(table, scores.block_m, find)
