"""The model that answers: fitted on all labelled land, calibrated by what was held out."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from minerisk.features.coverage import EDGE_M
from minerisk.models.applicability.area_of_applicability import Applicability
from minerisk.models.applicability.error_profiles import ErrorProfile, log_loss_above_prevalence
from minerisk.models.calibration.calibrator import Calibrator
from minerisk.models.calibration.conformal import LEAST_BLOCKS, IntervalScaler
from minerisk.models.calibration.cross_calibration import fit_kind
from minerisk.models.elsewhere.like_land import LEAST_FINDS
from minerisk.models.evaluation.measures import ModelName
from minerisk.models.evaluation.out_of_fold_scores import Drawing, fit_pipeline
from minerisk.models.folds.blocks import assign_blocks
from minerisk.models.folds.protocol import ProtocolName
from minerisk.models.risk_model import RiskModel, SilentLand, assemble
from minerisk.models.selection.candidates import Maker
from minerisk.models.selection.held_out_scores import HeldOutScores

FAR = ProtocolName.FAR


def fit_final_model(
    scores: HeldOutScores,
    make: Maker,
    *,
    drawing: Drawing,
    interval: float,
    covered: Sequence[str] = (),
) -> RiskModel:
    """Fit the model on all labelled cells, and say what its scores mean by land held out.

    Parameters
    ----------
    scores
        Of the same model on land held out.
    make
        Makes the unfitted pipeline.
    drawing
        How training rows are drawn.
    interval
        Level of the interval.
    covered
        Columns of layers that state their coverage: that they say nothing is known land too.
    """
    table = scores.table
    with ThreadPoolExecutor(max_workers=1) as pool:
        # What scores mean needs no model of all land: it is learned beside it.
        calibration = pool.submit(calibrate, scores, interval=interval)
        silent = pool.submit(interval_of_silent_land, scores, covered, interval=interval)
        pipeline = fit_pipeline(make(table), table, drawing=drawing)
        columns = pipeline.named_steps["columns"].transform(table.cells)
        shares = pipeline.named_steps["classifier"].members_.importance()
        fold = scores.held.blocks.fold_of_row(len(table.state))
        weights = dict(zip(columns.columns, shares, strict=True))
        applicability = Applicability.fit(columns, weights, fold, may_lack=covered)
        profile = _error_profile(scores, columns, applicability)
        calibrator, scaler = calibration.result()
        return assemble(
            pipeline,
            features=[*table.features, *(name for name in columns if name == EDGE_M)],
            calibrator=calibrator,
            applicability=applicability,
            interval=scaler,
            profile=profile,
            silent=silent.result(),
        )


def calibrate(scores: HeldOutScores, *, interval: float) -> tuple[Calibrator, IntervalScaler]:
    """Learn, on land held out as regions, what a score means and how far off it may be.

    The kind of calibrator is that of the scores, which was chosen on left-out regions.
    """
    table, far = scores.table, scores.scores[FAR, ModelName.MODEL]
    y = (table.state == 1).astype(np.int8)
    fold = scores.protocols[FAR].fold_of_row(len(y))
    calibrator = fit_kind(far.score, y, fold, kind=scores.calibrator)
    probability = scores.probability[FAR]
    blocks = assign_blocks(table.coordinates, block_m=scores.block_m)
    scaler = IntervalScaler.fit(probability, far.spread, y, blocks, level=interval)
    return calibrator, scaler


def interval_of_silent_land(
    scores: HeldOutScores, covered: Sequence[str], *, interval: float
) -> SilentLand | None:
    """Learn the interval where a layer says nothing, on held-out land where one does not.

    None where too little such land was held out: fewer blocks than an interval takes, or hardly a
    find. The interval of all land holds there, too.
    """
    table, far = scores.table, scores.scores[FAR, ModelName.MODEL]
    names = tuple(name for name in covered if name in table.features)
    if not names:
        return None
    silent = table.cells[list(names)].isna().any(axis=1).to_numpy()
    y = (table.state[silent] == 1).astype(np.int8)
    blocks = assign_blocks(table.coordinates[silent], block_m=scores.block_m)
    if y.sum() < LEAST_FINDS or np.unique(blocks).size < LEAST_BLOCKS:
        return None
    probability, spread = scores.probability[FAR][silent], far.spread[silent]
    return SilentLand(names, IntervalScaler.fit(probability, spread, y, blocks, level=interval))


def _error_profile(
    scores: HeldOutScores, columns: pd.DataFrame, applicability: Applicability
) -> ErrorProfile:
    """Learn on left-out regions how the error grows where land is less like the others."""
    y = (scores.table.state == 1).astype(np.int8)
    fold = scores.protocols[FAR].fold_of_row(len(y))
    # The same training points, known by region instead of block.
    novelty = applicability.known_by(fold).held_out_novelty(columns, fold)
    return ErrorProfile.fit(novelty, log_loss_above_prevalence(y, scores.probability[FAR]))
