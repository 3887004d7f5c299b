"""Why here, and how sure: what moves the score of a task, and the evidence nearest to it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from minerisk.configs.schema import Config
from minerisk.features.layers.sources import Layers
from minerisk.models.attribution import attribute_to_families
from minerisk.models.risk_model import RiskModel
from minerisk.models.tasks.survey_tasks import Arm, Firmness, SurveyTasks
from minerisk.pipelines.records.notice import Notice
from minerisk.pipelines.records.tasks import (
    EvidenceRecord,
    FamilyReason,
    NearestEvidence,
    Sureness,
    TaskReasons,
)

TOP = 3
KINDS: Mapping[str, NearestEvidence] = {
    "find": NearestEvidence.FIND,
    "accident": NearestEvidence.ACCIDENT,
    "confirmed": NearestEvidence.CONFIRMED,
    "suspicion": NearestEvidence.SUSPICION,
    "cleared": NearestEvidence.CLEARED,
}
IDS = ("imsma_id", "id", "ID", "globalid", "name")
GAP_SHARE = 0.05
Cells = Callable[[NDArray[np.int64], NDArray[np.int64]], pd.DataFrame]


class ScoreReasons(NamedTuple):
    """What moves the score of one task; see `TaskReasons`."""

    strongest: tuple[str, ...]
    raised_by: tuple[FamilyReason, ...]
    lowered_by: tuple[FamilyReason, ...]
    gaps: tuple[str, ...]


def task_reasons(
    frame: gpd.GeoDataFrame, scores: Sequence[ScoreReasons], evidence: Sequence[EvidenceRecord]
) -> tuple[TaskReasons, ...]:
    """Put the reasons of each task together.

    Parameters
    ----------
    frame
        The tasks, from `minerisk.pipelines.prioritize.prioritize.task_frame`.
    scores, evidence
        One for each, in its order.
    """
    return tuple(
        TaskReasons(
            task=task, sureness=sureness, evidence=near, speaks=bool(share > 0), **score._asdict()
        )
        for task, sureness, near, share, score in zip(
            frame["task"],
            _sureness(frame),
            evidence,
            frame["applicable_share"],
            scores,
            strict=True,
        )
    )


def score_reasons(
    tasks: SurveyTasks,
    model: RiskModel,
    cells: Cells,
    families: Mapping[str, Sequence[str]],
    kinds: Mapping[str, str],
) -> list[ScoreReasons]:
    """Find what moves the score of each task, by family, strongest first.

    Parameters
    ----------
    cells
        Reads coordinates and features of cells by row and column of the grid.
    families
        Family to its columns.
    kinds
        Family to the kind of its features; a family that is not in it is a kind itself.

    Returns
    -------
    list of ScoreReasons
        ``gaps`` are columns that miss a value in more than 5 % of the cells.
    """
    rows, columns = np.nonzero(tasks.owner)
    owner = tasks.owner[rows, columns]
    values_of = cells(rows, columns)
    names, values = attribute_to_families(model, model.columns(values_of), families)
    size = np.bincount(owner, minlength=len(tasks.table) + 1)[1:]
    mean = np.stack([_mean(owner, values[:, k], size) for k in range(len(names))], axis=1)
    order = np.argsort(-np.abs(mean), axis=1, kind="stable")[:, :TOP]
    blank = np.stack(
        [_mean(owner, values_of[name].isna().to_numpy(), size) for name in model.features], axis=1
    )
    known = [FamilyReason(family=name, kind=kinds.get(name, name)) for name in names]
    return [
        ScoreReasons(
            strongest=tuple(names[k] for k in top),
            raised_by=tuple(known[k] for k in top if moved[k] > 0),
            lowered_by=tuple(known[k] for k in top if moved[k] < 0),
            gaps=tuple(
                name for name, share in zip(model.features, gap, strict=True) if share > GAP_SHARE
            ),
        )
        for top, moved, gap in zip(order, mean, blank, strict=True)
    ]


def _mean(
    owner: NDArray[np.int32], values: NDArray[np.generic], size: NDArray[np.int64]
) -> NDArray[np.float64]:
    sums = np.bincount(owner, weights=values.astype(np.float64), minlength=len(size) + 1)[1:]
    return np.asarray(sums / np.maximum(size, 1), dtype=np.float64)


def nearest_evidence(
    frame: gpd.GeoDataFrame, config: Config, layers: Layers
) -> list[EvidenceRecord]:
    """Find the record of evidence nearest to each task."""
    crs = str(frame.crs)
    parts = [layers.vector(item.layer, crs=crs) for item in config.labels.positive]
    records = [
        record
        for item, part in zip(config.labels.positive, parts, strict=True)
        for record in _records(item.layer, KINDS[item.evidence], layers, part, crs)
    ]
    tree = shapely.STRtree(np.concatenate([part.geometry.to_numpy() for part in parts]))
    near, metres = tree.query_nearest(
        frame.geometry.to_numpy(), return_distance=True, all_matches=False
    )
    return [
        records[place].model_copy(update={"metres": float(distance)})
        for place, distance in zip(near[1], np.round(metres, 0), strict=True)
    ]


def _records(
    layer: str, code: NearestEvidence, layers: Layers, frame: gpd.GeoDataFrame, crs: str
) -> Iterable[EvidenceRecord]:
    identity = next((column for column in IDS if column in frame.columns), None)
    ids = [None] * len(frame) if identity is None else frame[identity].astype(str)
    days = layers.days(layer, frame)
    dates = [None] * len(frame) if days is None else days.words()
    rows = layers.row_numbers(layer, crs=crs)
    for row, name, date in zip(rows, ids, dates, strict=True):
        yield EvidenceRecord(code=code, layer=layer, identity=name, row=row, date=date, metres=0.0)


def _sureness(frame: gpd.GeoDataFrame) -> Iterable[tuple[Notice[Sureness], ...]]:
    for row in frame.itertuples():
        share = {"share": float(row.applicable_share)}
        if row.arm == Arm.LEARN:
            novelty = {"value": float(row.dissimilarity)}
            yield (Notice[Sureness](code=Sureness.TO_LEARN, values=novelty),)
        elif row.arm == Arm.CONTROL:
            blind = Notice[Sureness](code=Sureness.DRAWN_BLIND)
            yield blind, Notice[Sureness](code=Sureness.SPEAKS_FOR, values=share)
        else:
            interval = {"low": float(row.lower), "high": float(row.upper)}
            values = {"mean": float(row.probability), **interval, **share}
            firm = row.place == Firmness.HOLDS
            rank = Sureness.RANK_FIRM if firm else Sureness.RANK_UNDECIDED
            ranks = {"low": int(row.rank_low), "high": int(row.rank_high)}
            probability = Notice[Sureness](code=Sureness.PROBABILITY, values=values)
            band = Notice[Sureness](code=Sureness.BAND, values={"band": int(row.band)})
            yield probability, band, Notice[Sureness](code=rank, values=ranks)
