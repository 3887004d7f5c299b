"""What a transferred model makes of new land: scores, shift of features, ranks of finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from minerisk.features.coverage import EDGE_M
from minerisk.features.cube.store import cube_geobox, line_columns
from minerisk.features.grid import cell_centres, strips
from minerisk.models.elsewhere import FeatureShift, TransferredModel, intercept_there
from minerisk.models.estimators.members import FAR_M
from minerisk.models.evaluation.comparison import compare_each
from minerisk.models.evaluation.measures import RankMeasures
from minerisk.models.evaluation.metrics import block_bootstrap
from minerisk.models.folds.blocks import assign_blocks
from minerisk.pipelines.prepare.cover import EDGE_CAP_M
from minerisk.pipelines.run.contents import read_cells
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.transfer.record import (
    ColumnThere,
    FindsThere,
    Had,
    Ranked,
    RanksOnly,
    RanksThere,
)

MOST_COMPARED = 200_000
"""Cells that the shift of a feature is measured on, at most, of either side."""


@dataclass(frozen=True)
class NewLand:
    """The new land, cell by cell; arrays of shape ``(height, width)``.

    Attributes
    ----------
    inside
        True in the study area.
    log_odds, probability, dissimilarity
        As in `TransferredScore`; NaN outside.
    applicable
        Whether the model can speak for a cell.
    state
        1 found, 0 searched, -1 not searched.
    rule_m
        Distance to the nearest known line, metres; NaN where the cube has none.
    """

    inside: NDArray[np.bool_]
    log_odds: NDArray[np.float64]
    probability: NDArray[np.float64]
    dissimilarity: NDArray[np.float32]
    applicable: NDArray[np.bool_]
    state: NDArray[np.int8]
    rule_m: NDArray[np.float32]


def score_land(
    made: Run, model: TransferredModel, had: Mapping[str, Had], *, edge_m: float | None
) -> NewLand:
    """Score every cell of a new study area, block of rows by block of rows.

    Parameters
    ----------
    made
        Its cube and labels.
    model
        The model of the other run.
    had
        Column to whether it can be had: one that is silent is missing throughout.
    edge_m
        Distance to the edge of the cover, where the cube has none; None where it has, or the model
        reads none.
    """
    cube, state = made.cube(), made.labels()["state"].to_numpy()
    inside = cube["inside"].to_numpy().astype(bool)
    land = NewLand(
        inside=inside,
        log_odds=np.full(inside.shape, np.nan),
        probability=np.full(inside.shape, np.nan),
        dissimilarity=np.full(inside.shape, np.nan, dtype=np.float32),
        applicable=np.zeros(inside.shape, dtype=bool),
        state=np.where(inside, state, np.int8(-1)),
        rule_m=np.full(inside.shape, np.nan, dtype=np.float32),
    )
    for rows in strips(inside.shape):
        asked = inside[rows]
        if not asked.any():
            continue
        part = cube.isel(y=rows)
        cells: dict[str, NDArray[np.floating]] = {}
        for name in model.model.features:
            if name == EDGE_M and edge_m is not None:
                cells[name] = np.full(int(asked.sum()), edge_m, dtype=np.float32)
            elif had.get(name) is Had.SILENT:
                cells[name] = np.full(int(asked.sum()), np.nan, dtype=np.float32)
            elif name not in model.lacking:
                cells[name] = part[name].to_numpy()[asked]
        found = model.score(pd.DataFrame(cells))
        land.log_odds[rows][asked] = found.log_odds
        land.probability[rows][asked] = found.probability
        land.dissimilarity[rows][asked] = found.dissimilarity
        land.applicable[rows][asked] = found.applicable
        lines = [part[name].to_numpy()[asked] for name in line_columns(cube)]
        if lines:
            land.rule_m[rows][asked] = np.fmin.reduce(lines)
    return land


def edge_of_cover(run: Run, made: Run, layers: Sequence[str]) -> float | None:
    """Return the distance to the edge of the cover, where the model reads it and no cube has it.

    Parameters
    ----------
    layers
        The layers of the run that can be had.
    """
    if EDGE_M not in run.cube().attrs["covers"] or EDGE_M in made.cube().attrs["covers"]:
        return None
    stated = [name for name, layer in run.config.layers.items() if layer.coverage is not None]
    return EDGE_CAP_M if set(stated) & set(layers) else -EDGE_CAP_M


def with_shifts(columns: Sequence[ColumnThere], run: Run, made: Run) -> tuple[ColumnThere, ...]:
    """Add how far the values of each column that can be had differ from those in training."""
    trained = read_cells(run).cells
    every = -(-len(trained) // MOST_COMPARED)
    inside, cube = made.cube()["inside"].to_numpy().astype(bool), made.cube()
    step = -(-int(inside.sum()) // MOST_COMPARED)

    def shifted(column: ColumnThere) -> ColumnThere:
        if column.had is not Had.BUILT or column.name not in trained:
            return column
        there = cube[column.name].to_numpy()[inside]
        known = trained[column.name].to_numpy()
        shift = FeatureShift.of(known[::every], there[::step])
        outside = float(
            ((there < np.nanmin(known)) | (there > np.nanmax(known))).sum()
            / max(int(np.isfinite(there).sum()), 1)
        )
        if shift.outside is not None:
            shift = shift._replace(outside=outside)  # of all cells: the least and greatest are rare
        return column.model_copy(update={"shift": shift})

    return tuple(shifted(column) for column in columns)


def finds_there(land: NewLand, made: Run, *, block_m: float) -> FindsThere:
    """Look at what finds say of the probabilities where the model can speak."""
    chosen = land.applicable & (land.state >= 0)
    found = intercept_there(
        land.state[chosen], land.probability[chosen], _blocks(made, chosen, block_m)
    )
    reason = None
    if found.finds == 0:
        reason = RanksOnly.NO_FINDS
    elif not found.enough:
        reason = RanksOnly.FEW_FINDS
    elif not found.narrow:
        reason = RanksOnly.WIDE
    elif not found.steep_as_there:
        reason = RanksOnly.OTHER_SLOPE
    return FindsThere(
        finds=found.finds,
        searched=found.searched,
        blocks=found.blocks,
        intercept=found.intercept,
        slope=found.slope,
        ranks_only=reason,
    )


def ranks_there(land: NewLand, made: Run, *, block_m: float, cell_ha: float) -> RanksThere | None:
    """Hold the ranks against finds, beside the nearest known line; None without both classes."""
    chosen = (land.state >= 0) & np.isfinite(land.log_odds)
    found = land.state[chosen] == 1
    if not found.any() or found.all() or not np.isfinite(land.rule_m).any():
        return None
    blocks = _blocks(made, chosen, block_m)
    score = _from_0_to_1(land.log_odds[chosen])
    rule = _from_0_to_1(-np.where(np.isfinite(land.rule_m), land.rule_m, FAR_M)[chosen])
    measured = [
        block_bootstrap(found, each, blocks, cell_ha=cell_ha, part="ranks")
        for each in (score, rule)
    ]
    measured += compare_each(
        found, score, {"rule": rule}, blocks, cell_ha=cell_ha, part="ranks"
    ).values()
    model, other, difference = (Ranked.of(RankMeasures.of(each)) for each in measured)
    return RanksThere(
        cells=int(chosen.sum()),
        positive=int(found.sum()),
        block_m=block_m,
        model=model,
        rule=other,
        difference=difference,
    )


def ranked(land: NewLand) -> NDArray[np.float32]:
    """Rank the land that the model can speak for: 100 is put first; NaN elsewhere.

    Equal scores share the middle of their ranks.
    """
    from scipy.stats import rankdata

    spoken = land.applicable & np.isfinite(land.log_odds)
    out = np.full(land.inside.shape, np.nan, dtype=np.float32)
    if spoken.any():
        values = land.log_odds[spoken]
        out[spoken] = 100.0 * (rankdata(values) - 0.5) / values.size
    return out


def _from_0_to_1(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Put scores between 0 and 1 in the same order, as measures of probabilities expect."""
    from scipy.stats import rankdata

    return np.asarray((rankdata(values) - 0.5) / values.size)


def _blocks(made: Run, chosen: NDArray[np.bool_], block_m: float) -> NDArray[np.int64]:
    easting, northing = cell_centres(cube_geobox(made.cube()))
    rows, columns = np.nonzero(chosen)
    return assign_blocks(np.column_stack([easting[columns], northing[rows]]), block_m=block_m)
