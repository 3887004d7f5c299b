"""What a transferred model makes of new land: shift of features, ranks of finds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minerisk.features.cube.store import cube_geobox, line_columns
from minerisk.features.grid import cell_centres, count_marked, mask_strips
from minerisk.models.elsewhere import FeatureShift, intercept_there
from minerisk.models.estimators.members import FAR_M
from minerisk.models.evaluation.comparison import compare_each
from minerisk.models.evaluation.measures import RankMeasures
from minerisk.models.evaluation.metrics import block_bootstrap
from minerisk.models.folds.blocks import assign_blocks
from minerisk.pipelines.predict.bands import PROBABILITY
from minerisk.pipelines.predict.window import whole_window
from minerisk.pipelines.run.contents import labelled_cells, read_cells
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.row_blocks import cells_of_rows, values_at
from minerisk.pipelines.transfer.land import APPLICABLE, LOG_ODDS, NewLand
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
class Searched:
    """Cells of the new land that were searched; arrays of shape ``(n,)``.

    Attributes
    ----------
    found
        1 found, 0 not.
    log_odds, probability, applicable
        As in `TransferredScore`.
    rule_m
        Distance to the nearest known line, metres; NaN where the cube has none.
    blocks, block_m
        Block of each, and the side of a block, metres.
    cell_ha
        Hectares of land that each stands for.
    """

    found: NDArray[np.int8]
    log_odds: NDArray[np.float64]
    probability: NDArray[np.float64]
    applicable: NDArray[np.bool_]
    rule_m: NDArray[np.float32]
    blocks: NDArray[np.int64]
    block_m: float
    cell_ha: float


def with_shifts(columns: Sequence[ColumnThere], run: Run, made: Run) -> tuple[ColumnThere, ...]:
    """Add how far the values of each column that can be had differ from those in training."""
    trained, cube = read_cells(run).cells, made.cube()
    every = -(-len(trained) // MOST_COMPARED)
    inside = whole_window(cube).asked
    step = -(-count_marked(inside) // MOST_COMPARED)

    def shifted(column: ColumnThere) -> ColumnThere:
        if column.had is not Had.BUILT or column.name not in trained:
            return column

        def parts() -> Iterator[NDArray[np.float32]]:
            for rows, asked in mask_strips(inside):
                yield cube[column.name][rows].to_numpy()[asked]

        known = trained[column.name].to_numpy()
        least, most = np.nanmin(known), np.nanmax(known)
        some, seen, told, beyond = [], 0, 0, 0
        for part in parts():
            some.append(part[-seen % step :: step].copy())  # a view would hold its part
            seen += part.size
            told += int(np.isfinite(part).sum())
            beyond += int(((part < least) | (part > most)).sum())
        shift = FeatureShift.of(known[::every], np.concatenate(some))
        if shift.outside is not None:  # of all cells: the least and greatest are rare
            shift = shift._replace(outside=beyond / max(told, 1))
        return column.model_copy(update={"shift": shift})

    return tuple(shifted(column) for column in columns)


def searched_cells(land: NewLand, made: Run, *, block_m: float) -> Searched:
    """Read what the model makes of the cells that were searched.

    Past `model.most_cells` of them a sample is read.
    """
    rows, columns, cell_ha = labelled_cells(made)
    cube = made.cube()
    easting, northing = cell_centres(cube_geobox(cube))

    def read(name: str) -> NDArray[np.float64]:
        return cells_of_rows(lambda part: land.read(name, part), land.inside.shape, rows, columns)

    lines = [values_at(cube[name], rows, columns) for name in line_columns(cube)]
    return Searched(
        found=values_at(made.labels()["state"], rows, columns),
        log_odds=read(LOG_ODDS),
        probability=read(PROBABILITY),
        applicable=read(APPLICABLE).astype(bool),
        rule_m=np.fmin.reduce([np.full(len(rows), np.nan, dtype=np.float32), *lines]),
        blocks=assign_blocks(np.column_stack([easting[columns], northing[rows]]), block_m=block_m),
        block_m=block_m,
        cell_ha=cell_ha,
    )


def finds_there(cells: Searched) -> FindsThere:
    """Look at what finds say of the probabilities where the model can speak."""
    chosen = cells.applicable
    found = intercept_there(cells.found[chosen], cells.probability[chosen], cells.blocks[chosen])
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


def ranks_there(cells: Searched) -> RanksThere | None:
    """Hold the ranks against finds, beside the nearest known line.

    None without both classes, or where no line is known.
    """
    chosen = np.isfinite(cells.log_odds)
    found, rule_m = cells.found[chosen] == 1, cells.rule_m[chosen]
    if not found.any() or found.all() or not np.isfinite(rule_m).any():
        return None
    blocks = cells.blocks[chosen]
    score = _from_0_to_1(cells.log_odds[chosen])
    rule = _from_0_to_1(-np.where(np.isfinite(rule_m), rule_m, FAR_M))
    measured = [
        block_bootstrap(found, each, blocks, cell_ha=cells.cell_ha, part="ranks")
        for each in (score, rule)
    ]
    measured += compare_each(
        found, score, {"rule": rule}, blocks, cell_ha=cells.cell_ha, part="ranks"
    ).values()
    model, other, difference = (Ranked.of(RankMeasures.of(each)) for each in measured)
    return RanksThere(
        cells=int(chosen.sum()),
        positive=int(found.sum()),
        block_m=cells.block_m,
        model=model,
        rule=other,
        difference=difference,
    )


def _from_0_to_1(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Put scores between 0 and 1 in the same order, as measures of probabilities expect."""
    from scipy.stats import rankdata

    return np.asarray((rankdata(values) - 0.5) / values.size)
