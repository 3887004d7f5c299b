"""What each risk class holds: expected contaminated cells, rate, highest end, and held-out land."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.grid import resolution, strips
from minerisk.models.estimate import Estimate
from minerisk.pipelines.formats.palette import CLASS_NAMES, ELEVATED, HIGHER, LOWER, OUTSIDE
from minerisk.pipelines.prioritize.joint_draws import number_blocks
from minerisk.pipelines.records.rasters import ClassCuts, ClassRow, HeldOutClass

Array = NDArray[np.float64]
Part = tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
"""Of rows of cells: classes, probabilities, the upper ends of these, and the share of each cell
that nobody has searched."""
Draw = Callable[[pd.DataFrame], Array]
"""From cells with ``easting``, ``northing`` and ``probability`` to draws, shape (draws, n)."""

CLASSES = "classes.json"
"""Beside the rasters: where classes are cut, and what each holds."""
SPEAKING = (HIGHER, ELEVATED, LOWER)
SAMPLE = 20_000
"""Cells, or a few more, of which intervals are drawn; sums are of all cells."""
LEVEL = 0.9
"""Of what was found on held-out land."""


@dataclass
class _Sums:
    """What is gathered of the parts, by code."""

    cells: NDArray[np.int64]
    unsearched: Array
    expected: Array
    upper: Array


def class_rows(
    parts: Iterable[Part],
    geobox: GeoBox,
    draw: Draw,
    *,
    level: float,
    held_out: Mapping[str, HeldOutClass] | None = None,
    fine_cells: float = 1.0,
) -> tuple[ClassRow, ...]:
    """Sum up each class of some land: the highest first, cannot say last.

    What is expected is counted on land that nobody has searched. Of searched land it is known what
    was found, and the model, which learned from it, says more there than held-out land bears out.

    Parameters
    ----------
    parts
        Of the rows of `geobox`, strip by strip as `strips` cuts them.
    draw
        Draws probabilities of cells jointly, as `minerisk.pipelines.predict.class_draws` makes it.
    level
        Of the interval of what is expected.
    held_out
        What held-out land showed of each class, by its name.
    fine_cells
        Cells of the run in a cell of the map.
    """
    sums = _Sums(np.zeros(256, dtype=np.int64), np.zeros(256), np.zeros(256), np.full(256, -np.inf))
    step = max(1, geobox.height * geobox.width // SAMPLE)
    drawn = [
        _gathered(sums, part, rows, geobox, step)
        for rows, part in zip(strips(geobox.shape), parts, strict=True)
    ]
    ratios = _ratios(pd.concat(drawn, ignore_index=True), draw, level)
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
    row = row.model_copy(update={"highest_upper": float(sums.upper[code])})
    unsearched = float(sums.unsearched[code])
    if not unsearched:
        return row
    expected = float(sums.expected[code]) * fine_cells
    return row.model_copy(
        update={
            "unsearched_share": unsearched / cells,
            "expected": Estimate(expected, expected * ratio[0], expected * ratio[1]),
            "share_of_expected": float(sums.expected[code]) / total if total else None,
            "per_km2": expected / (unsearched * (resolution(geobox) / 1_000) ** 2),
        }
    )


def _gathered(sums: _Sums, part: Part, rows: slice, geobox: GeoBox, step: int) -> pd.DataFrame:
    """Add a part to the sums; return every `step`-th unsearched cell of each class."""
    classes, probability, upper, unsearched = part
    sums.cells += np.bincount(classes.ravel(), minlength=256)
    row, column = np.nonzero(np.isin(classes, SPEAKING) & np.isfinite(probability))
    code, values = classes[row, column], probability[row, column].astype(np.float64)
    share = unsearched[row, column].astype(np.float64)
    sums.unsearched += np.bincount(code, weights=share, minlength=256)
    sums.expected += np.bincount(code, weights=values * share, minlength=256)
    np.maximum.at(sums.upper, code, upper[row, column].astype(np.float64))
    some = np.sort(
        np.concatenate([np.flatnonzero((code == one) & (share > 0))[::step] for one in SPEAKING])
    )
    transform = geobox.transform
    return pd.DataFrame(
        {
            "code": code[some],
            "probability": values[some],
            "share": share[some],
            "easting": transform.c + (column[some] + 0.5) * transform.a,
            "northing": transform.f + (rows.start + row[some] + 0.5) * transform.e,
        }
    )


def _ratios(cells: pd.DataFrame, draw: Draw, level: float) -> dict[int, tuple[float, float]]:
    """Find by code how far the sum of a class may lie from what is expected, as ratios to it."""
    if cells.empty:
        return {}
    code, drawn = cells["code"].to_numpy(), draw(cells) * cells["share"].to_numpy()
    said = (cells["probability"] * cells["share"]).to_numpy()
    found: dict[int, tuple[float, float]] = {}
    for one in np.unique(code):
        mine = code == one
        expected = float(said[mine].sum())
        if expected > 0:
            sums = drawn[:, mine].sum(axis=1)
            low, high = np.quantile(sums, [0.5 - level / 2, 0.5 + level / 2]) / expected
            found[int(one)] = (float(min(low, 1.0)), float(max(high, 1.0)))
    return found


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
    if cuts.higher is None or not found.any():
        return {}
    values = cells["far_probability"].to_numpy(dtype=np.float64)
    code = codes_of(values, cuts)
    blocks = number_blocks(cells[found], block_m)
    return {CLASS_NAMES[one]: _held_out(code == one, values, found, blocks) for one in SPEAKING}


def codes_of(values: Array, cuts: ClassCuts) -> NDArray[np.int64]:
    """Cut probabilities into the codes of classes; all are lower where nothing is told apart."""
    if cuts.higher is None or cuts.elevated is None:
        return np.full(values.shape, LOWER)
    return np.select([values >= cuts.higher, values >= cuts.elevated], [HIGHER, ELEVATED], LOWER)


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
