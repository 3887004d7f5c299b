"""What each risk class holds: expected contaminated cells, rate, highest end, and held-out land."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.grid import resolution
from minerisk.models.calibration.conformal import IntervalScaler
from minerisk.models.calibration.logistic import expit
from minerisk.models.calibration.score_bins import logit
from minerisk.models.estimate import Estimate
from minerisk.models.folds.blocks import assign_blocks
from minerisk.pipelines.formats.palette import CLASS_NAMES, ELEVATED, HIGHER, LOWER, OUTSIDE
from minerisk.pipelines.records.rasters import ClassCuts, ClassRow, HeldOutClass
from minerisk.pipelines.run.row_blocks import row_blocks

Array = NDArray[np.float64]
Part = tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]
"""Classes of rows of cells, their probabilities, and the upper ends of these."""

CLASSES = "classes.json"
"""Beside the rasters: where classes are cut, and what each holds."""
SPEAKING = (HIGHER, ELEVATED, LOWER)
SAMPLE = 40_000
"""Cells, or a few more, of which intervals are drawn; sums are of all cells."""
DRAWS = 400
LEVEL = 0.9
"""Of what was found on held-out land."""


@dataclass(frozen=True)
class Spread:
    """How far cells lie off the model together.

    Attributes
    ----------
    scaler
        Of the interval of a cell.
    block_m
        Side of the blocks that lie off the model as one, metres; not finite is one block.
    seed
        Of the draws.
    """

    scaler: IntervalScaler
    block_m: float
    seed: int


@dataclass
class _Sums:
    """What is gathered of the parts, by code."""

    cells: NDArray[np.int64]
    expected: Array
    upper: Array


def class_rows(
    parts: Iterable[Part],
    geobox: GeoBox,
    spread: Spread,
    *,
    held_out: Mapping[str, HeldOutClass] | None = None,
    fine_cells: float = 1.0,
) -> tuple[ClassRow, ...]:
    """Sum up each class of some land: the highest first, cannot say last.

    What the members of the ensemble disagree on moves all cells alike, which is the widest it can
    be; blocks lie off the model as wholes. See `minerisk.models.calibration.joint_draws`.

    Parameters
    ----------
    parts
        Of the rows of `geobox`, block by block as `row_blocks` cuts them.
    held_out
        What held-out land showed of each class, by its name.
    fine_cells
        Cells of the run in a cell of the map.
    """
    sums = _Sums(np.zeros(256, dtype=np.int64), np.zeros(256), np.full(256, -np.inf))
    step = max(1, geobox.height * geobox.width // SAMPLE)
    drawn = [
        _gathered(sums, part, rows, geobox, step)
        for rows, part in zip(row_blocks(geobox.height), parts, strict=True)
    ]
    ratios = _ratios(pd.concat(drawn, ignore_index=True), spread)
    land = max(int(sums.cells[:OUTSIDE].sum()), 1)
    total = float(sums.expected[list(SPEAKING)].sum())
    return tuple(
        _row(code, sums, ratios.get(code, (1.0, 1.0)), land, total, geobox, fine_cells).model_copy(
            update={"held_out": (held_out or {}).get(CLASS_NAMES[code])}
        )
        for code in sorted(CLASS_NAMES, reverse=True)
    )


def _row(
    code: int,
    sums: _Sums,
    ratio: tuple[float, float],
    land: int,
    total: float,
    geobox: GeoBox,
    fine_cells: float,
) -> ClassRow:
    cells = int(sums.cells[code])
    row = ClassRow(risk_class=CLASS_NAMES[code], cells=cells, land_share=cells / land)
    if code not in SPEAKING or not cells:
        return row
    expected = float(sums.expected[code]) * fine_cells
    km2 = cells * (resolution(geobox) / 1_000) ** 2
    return row.model_copy(
        update={
            "expected": Estimate(expected, expected * ratio[0], expected * ratio[1]),
            "share_of_expected": float(sums.expected[code]) / total if total else None,
            "per_km2": expected / km2,
            "highest_upper": float(sums.upper[code]),
        }
    )


def _gathered(sums: _Sums, part: Part, rows: slice, geobox: GeoBox, step: int) -> pd.DataFrame:
    """Add a part to the sums; return every `step`-th of its cells that the model can speak for."""
    classes, probability, upper = part
    sums.cells += np.bincount(classes.ravel(), minlength=256)
    row, column = np.nonzero(np.isin(classes, SPEAKING) & np.isfinite(probability))
    code, values = classes[row, column], probability[row, column].astype(np.float64)
    ends = upper[row, column].astype(np.float64)
    sums.expected += np.bincount(code, weights=values, minlength=256)
    np.maximum.at(sums.upper, code, ends)
    transform = geobox.transform
    some = slice(None, None, step)
    return pd.DataFrame(
        {
            "code": code[some],
            "probability": values[some],
            "upper": ends[some],
            "easting": transform.c + (column[some] + 0.5) * transform.a,
            "northing": transform.f + (rows.start + row[some] + 0.5) * transform.e,
        }
    )


def _ratios(cells: pd.DataFrame, spread: Spread) -> dict[int, tuple[float, float]]:
    """Find by code how far the sum of a class may lie from what is expected, as ratios to it."""
    if cells.empty:
        return {}
    scaler = spread.scaler
    centre = logit(cells["probability"].to_numpy())
    z = NormalDist().inv_cdf(0.5 + scaler.level / 2)
    whole = np.maximum(logit(cells["upper"].to_numpy()) - centre, 0.0) / z
    apart = scaler.stretch * scaler.block_sd
    own = np.sqrt(np.maximum(whole**2 - apart**2, 0.0))
    block = _blocks(cells, spread.block_m)
    rng = np.random.default_rng([spread.seed, 11])
    code = cells["code"].to_numpy()
    sums = np.empty((DRAWS, 256))
    for draw in range(DRAWS):
        off = rng.normal(size=int(block.max()) + 1)[block]
        moved = expit(centre + own * rng.normal() + np.minimum(apart, whole) * off)
        sums[draw] = np.bincount(code, weights=moved, minlength=256)
    expected = np.bincount(code, weights=cells["probability"], minlength=256)
    ends = np.quantile(sums, [0.5 - scaler.level / 2, 0.5 + scaler.level / 2], axis=0)
    return {
        int(one): (
            float(min(ends[0, one] / expected[one], 1.0)),
            float(max(ends[1, one] / expected[one], 1.0)),
        )
        for one in np.unique(code)
        if expected[one] > 0
    }


def _blocks(cells: pd.DataFrame, block_m: float) -> NDArray[np.int64]:
    if not np.isfinite(block_m):
        return np.zeros(len(cells), dtype=np.int64)
    places = cells[["easting", "northing"]].to_numpy(dtype=np.float64)
    return np.unique(assign_blocks(places, block_m=block_m), return_inverse=True)[1]


def held_out_classes(
    cells: pd.DataFrame, cuts: ClassCuts, *, block_m: float
) -> dict[str, HeldOutClass]:
    """Cut land that was held out where the map is cut, and count what was found in each class.

    Parameters
    ----------
    cells
        Columns ``easting``, ``northing``, ``state`` and ``far_probability``: calibrated without
        the region that a cell lies in.
    block_m
        Side of the blocks by which the intervals of shares are found, metres.

    Returns
    -------
    dict
        Class to what was found; empty where nothing was, or nothing can be told apart.
    """
    found = cells["state"].to_numpy() == 1
    if cuts.higher is None or cuts.elevated is None or not found.any():
        return {}
    values = cells["far_probability"].to_numpy(dtype=np.float64)
    code = np.select([values >= cuts.higher, values >= cuts.elevated], [HIGHER, ELEVATED], LOWER)
    blocks = _blocks(cells[found], block_m)
    return {CLASS_NAMES[one]: _held_out(code == one, values, found, blocks) for one in SPEAKING}


def _held_out(
    mine: NDArray[np.bool_], values: Array, found: NDArray[np.bool_], blocks: NDArray[np.int64]
) -> HeldOutClass:
    from minerisk.models.evaluation.intervals import effective_rows, wilson  # of SciPy: slow

    hit = mine[found].astype(np.float64)
    share = float(hit.mean())
    low, high = wilson(share, effective_rows(hit, np.ones(len(hit)), blocks), level=LEVEL)
    return HeldOutClass(
        cells=int(mine.sum()),
        positive=int(hit.sum()),
        expected=float(values[mine].sum()),
        found_share=Estimate(share, low, high),
        expected_share=float(values[mine].sum() / values.sum()),
    )
