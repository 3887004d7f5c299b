"""How good a run is near the line and far from it, high and low, and region by region.

`minerisk evaluate by` and `minerisk evaluate regions`.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from minerisk.features.coverage import EVERY_LINE, LINES_KNOWN
from minerisk.features.errors import InputError
from minerisk.models.evaluation.measures import ModelName
from minerisk.models.evaluation.results import Stratum
from minerisk.models.evaluation.strata import assess_strata
from minerisk.models.folds.blocks import assign_blocks
from minerisk.models.folds.protocol import ProtocolName
from minerisk.pipelines.language.numbers import with_interval
from minerisk.pipelines.records.by_land import ByFeature, ByRegion, RegionLeftOut
from minerisk.pipelines.report.quality import regions
from minerisk.pipelines.run.contents import read_cells
from minerisk.pipelines.run.folder import Run

FIFTHS = (0.2, 0.4, 0.6, 0.8)
RULE = f"{ProtocolName.FAR}_{ModelName.DISTANCE_RULE}"
FOLD = f"fold_{ProtocolName.FAR}"
SIMULATED = "SIMULATED findings: these numbers test the software and claim nothing of real land."


def evaluate_by(folder: Path, feature: str, edges: Sequence[float] = ()) -> ByFeature:
    """Measure the far scores of a run by the values of one feature of its cube.

    Parameters
    ----------
    folder
        A trained run.
    feature
        A column of the cube, such as ``front_distance_m``.
    edges
        Where strata meet, in the feature's unit; by default fifths of the land.

    Raises
    ------
    InputError
        If the cube has no such feature, or it has too few values to part the land.
    """
    run = Run.open(folder)
    cube, metrics = run.cube(), run.metrics()
    if feature not in cube.attrs["variables"]:
        raise InputError(
            f"The cube of {folder} has no feature {feature!r}; expected one of "
            f"{', '.join(cube.attrs['variables'])}."
        )
    far = f"{ProtocolName.FAR}_{ModelName.MODEL}"
    held_out = run.held_out(far)
    score = held_out[far].to_numpy()
    table = read_cells(run)
    scored = np.isfinite(score)
    value = table.cells[feature].to_numpy()[scored]
    rising = list(edges) or np.unique(np.nanquantile(value, FIFTHS)).tolist()
    strata = assess_strata(
        held_out["state"].to_numpy()[scored],
        score[scored],
        value,
        edges=rising,
        blocks=assign_blocks(table.coordinates[scored], block_m=metrics.block_m),
    )
    return ByFeature(
        feature=feature,
        unit=str(cube[feature].attrs["unit"]),
        description=str(cube[feature].attrs["words"]),
        simulated=metrics.simulated,
        block_m=metrics.block_m,
        strata=tuple(strata),
    )


def numbers_of(text: str) -> list[float]:
    """Read numbers with commas between them.

    Raises
    ------
    InputError
        If one is no number.
    """
    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise InputError(
            f"--edges is {text!r}; expected rising numbers with commas between them, such as "
            "2000,5000."
        ) from error


def strata_lines(found: ByFeature) -> Iterator[str]:
    """Write the scores by feature as a Markdown table."""
    if found.simulated:
        yield SIMULATED
    yield f"{found.feature}: {found.description}"
    yield (
        f"Left-out regions; 90 % intervals from resampled blocks of "
        f"{found.block_m / 1_000:.0f} km. The 20 % put first are of all the land."
    )
    yield ""
    yield (
        f"| {found.feature} ({found.unit}) | share of land | share of positives | positives "
        "| ROC-AUC among them | of its positives in the 20 % put first |"
    )
    yield "| --- | --- | --- | --- | --- | --- |"
    for row in found.strata:
        auc = "–" if row.roc_auc is None else f"{row.roc_auc:.2f}"
        top = "–" if row.in_top_20 is None else "{:.0%} ({:.0%} to {:.0%})".format(*row.in_top_20)
        yield (
            f"| {_span(row)} | {row.land:.0%} | {row.found:.0%} | {row.positive:,} | {auc} "
            f"| {top} |"
        )


def _span(row: Stratum) -> str:
    low, high = row.low, row.high
    if low is None and high is None:
        return "no value"
    if low is None:
        return f"under {high:,g}"
    return f"{low:,g} and over" if high is None else f"{low:,g} to {high:,g}"


def evaluate_regions(folder: Path) -> ByRegion:
    """Measure the far scores of a run and of its plain rule region by region.

    Parameters
    ----------
    folder
        A trained run.
    """
    run = Run.open(folder)
    metrics = run.metrics()
    held_out = run.held_out(RULE, FOLD)
    state = held_out["state"].to_numpy()
    fold, rule = held_out[FOLD].to_numpy(), held_out[RULE].to_numpy()
    cells = read_cells(run).cells
    known = cells[LINES_KNOWN].to_numpy() == EVERY_LINE if LINES_KNOWN in cells else None
    found = []
    for row in regions(metrics):
        own = (fold == row.region) & np.isfinite(rule)
        both = 0 < row.positive < row.cells
        found.append(
            RegionLeftOut(
                region=row.region,
                cells=row.cells,
                positive=row.positive,
                every_line_known=None if known is None else float(known[own].mean()),
                model=row.roc_auc,
                rule=float(roc_auc_score(state[own] == 1, rule[own])) if both else None,
            )
        )
    return ByRegion(simulated=metrics.simulated, block_m=metrics.block_m, regions=tuple(found))


def region_lines(found: ByRegion) -> Iterator[str]:
    """Write the regions left out as a Markdown table, the worst first."""
    if found.simulated:
        yield SIMULATED
    yield (
        f"Each region was left out whole; 90 % intervals from its blocks of "
        f"{found.block_m / 1_000:.0f} km. With few finds a region tells little."
    )
    yield ""
    yield (
        "| region | searched cells | positives | share where every line is known "
        "| ROC-AUC of the model | of the plain rule |"
    )
    yield "| --- | --- | --- | --- | --- | --- |"
    for row in sorted(found.regions, key=_rank_of):
        known = "–" if row.every_line_known is None else f"{row.every_line_known:.0%}"
        rule = "–" if row.rule is None else f"{row.rule:.3f}"
        yield (
            f"| {row.region} | {row.cells:,} | {row.positive:,} | {known} "
            f"| {with_interval(row.model)} | {rule} |"
        )


def _rank_of(row: RegionLeftOut) -> float:
    return math.inf if row.model.value is None else row.model.value
