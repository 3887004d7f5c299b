"""The training set: one row per cell, whatever it came from."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from minerisk.features.coverage import EDGE_M, LINES_KNOWN
from minerisk.features.errors import InputError
from minerisk.features.evidence.codes import EVIDENCE_BITS, HAZARD_BITS, REAL_FINDS
from minerisk.models.folds.regions import join_thin_regions
from minerisk.models.inputs import COORDINATES

MARKS = ("finding_hazard", "finding_evidence", "finding_day")
"""Columns that say what was found in a cell: never features, read of training cells only."""
KINDS = "finding_kinds"
"""Column with the kinds of evidence that hold a cell, bits of `codes.EVIDENCE_BITS`: no feature."""


COVERS = (EDGE_M, LINES_KNOWN)
"""Columns that say where layers speak, as `minerisk.features.coverage.cover` gives them."""
SPEAKS = 10
"""Least code of `CellTable.cover` where any layer that states its coverage speaks."""


@dataclass(frozen=True)
class CellTable:
    """Cells with their features and what is known of them.

    Attributes
    ----------
    cells
        Columns ``easting`` and ``northing`` (metres, one projected CRS), then one float column per
        feature; NaN where a feature has no value. Shape ``(n, 2 + p)``. It may also hold `MARKS`,
        which are no features: ``finding_hazard`` (bits of `codes.HAZARD_BITS`),
        ``finding_evidence`` (code of `codes.EVIDENCE`), both 0 where nothing was found,
        and ``finding_day`` (days since 1970-01-01, NaN where not known); `KINDS`; and `COVERS`.
    state
        1 positive by evidence, 0 negative by search, -1 unlabelled; int8, shape ``(n,)``.
    weight
        How far the label is believed, 0 to 1; float32, shape ``(n,)``.
    region
        Number of the land unit a cell belongs to, -1 for none; int32, shape ``(n,)``.
    cell_ha
        Hectares that a cell stands for: its area, or more if cells are drawn from many.
    """

    cells: pd.DataFrame
    state: NDArray[np.int8]
    weight: NDArray[np.float32]
    region: NDArray[np.int32]
    cell_ha: float

    def __post_init__(self) -> None:
        missing = [name for name in COORDINATES if name not in self.cells]
        if missing:
            raise InputError(f"The table has no column {missing}; expected {COORDINATES}.")
        lengths = {len(self.cells), len(self.state), len(self.weight), len(self.region)}
        if len(lengths) != 1:
            raise InputError(f"Columns of a table differ in length: {sorted(lengths)}.")

    @property
    def features(self) -> list[str]:
        """Names of the feature columns."""
        known = {*COORDINATES, *MARKS, KINDS, *COVERS}
        return [str(name) for name in self.cells.columns if name not in known]

    @property
    def coordinates(self) -> NDArray[np.float64]:
        """Cell centres, metres, shape ``(n, 2)``."""
        return self.cells[list(COORDINATES)].to_numpy(dtype=np.float64)

    @property
    def hazard(self) -> NDArray[np.uint8]:
        """Hazard class of what was found, bits of `codes.HAZARD_BITS`, shape ``(n,)``.

        Raises
        ------
        InputError
            If the table does not tell them.
        """
        if MARKS[0] not in self.cells:
            raise InputError(
                f"The table does not tell hazard classes; expected a column {MARKS[0]} with bits "
                f"{HAZARD_BITS}. Read it with contents.read_cells, or add the column."
            )
        return self.cells[MARKS[0]].to_numpy(dtype=np.uint8)

    def holds(self, evidence: str) -> NDArray[np.bool_]:
        """Tell which cells hold evidence of a kind, of `codes.EVIDENCE`, shape ``(n,)``.

        None do where the table does not tell kinds.
        """
        if KINDS not in self.cells:
            return np.zeros(len(self.state), dtype=bool)
        kinds = self.cells[KINDS].to_numpy(dtype=np.uint8)
        return (self.state == 1) & ((kinds & EVIDENCE_BITS[evidence]) > 0)

    @property
    def cover(self) -> NDArray[np.int64] | None:
        """What layers speak for each cell, as a code, shape ``(n,)``; None where all do.

        `SPEAKS` where any layer that states its coverage speaks, and `LINES_KNOWN` added.
        """
        if EDGE_M not in self.cells:
            return None
        code = SPEAKS * (self.cells[EDGE_M].to_numpy() > 0).astype(np.int64)
        if LINES_KNOWN in self.cells:
            code += self.cells[LINES_KNOWN].to_numpy(np.int64)
        return code

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Cells that are positive or negative by search."""
        return self.state >= 0

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "CellTable":
        """Return the table of some rows."""
        return CellTable(
            cells=self.cells.loc[rows] if rows.dtype == bool else self.cells.iloc[rows],
            state=self.state[rows],
            weight=self.weight[rows],
            region=self.region[rows],
            cell_ha=self.cell_ha,
        )


def permute_labels(table: CellTable, order: NDArray[np.int64]) -> CellTable:
    """Move label, weight and marks from row ``order[i]`` to row ``i``; the land stays.

    Examples
    --------
    >>> table = CellTable(
    ...     cells=pd.DataFrame({"easting": [0.0, 1.0], "northing": [0.0, 0.0]}),
    ...     state=np.array([1, 0], dtype=np.int8), weight=np.ones(2, dtype=np.float32),
    ...     region=np.zeros(2, dtype=np.int32), cell_ha=1.0,
    ... )
    >>> permute_labels(table, np.array([1, 0])).state
    array([0, 1], dtype=int8)
    """
    cells, marks = table.cells, [name for name in (*MARKS, KINDS) if name in table.cells]
    if marks:
        cells = cells.assign(**{name: cells[name].to_numpy()[order] for name in marks})
    return replace(table, cells=cells, state=table.state[order], weight=table.weight[order])


def hazard_table(table: CellTable, hazard: str) -> CellTable:
    """Make the table for one hazard class.

    Positive is a cell where that class was found, negative one that was searched without a find
    of any class. A cell where only other classes were found, or something whose class is not
    known, is left out: nobody says that it was searched for this class (a mine found by accident
    or a suspicion is no search), and where one kind was laid the other often lies beside it. To
    call it negative would teach that anti-tank mines protect from anti-personnel mines. Regions
    without a find of the class are joined to the nearest that has one, so that each can be left
    out.

    Parameters
    ----------
    table
        Cells with hazard classes, `CellTable.hazard`.
    hazard
        A key of `codes.HAZARD_BITS`; ``any`` takes every positive cell, whatever was
        found there.

    Raises
    ------
    InputError
        If the class is not one of them, or the table does not tell classes.
    """
    if hazard not in HAZARD_BITS:
        raise InputError(f"The hazard class is {hazard!r}; expected one of {list(HAZARD_BITS)}.")
    if hazard == "any":
        return table
    other = (table.state == 1) & ((table.hazard & HAZARD_BITS[hazard]) == 0)
    part = table.take(~other)
    known, region = part.labelled, part.region.copy()
    positive = part.state[known] == 1
    region[known] = join_thin_regions(region[known], positive, part.coordinates[known])
    return replace(part, region=region)


def found_table(table: CellTable, weight: float) -> CellTable:
    """Make the table for what was found: every cell as it is, real finds believed the more.

    Suspected and cleared areas stay positive: left out, too few finds are left to rank all land by.

    Parameters
    ----------
    table
        Cells with the kinds of evidence that hold them.
    weight
        What the weight of a cell with a find, an accident or a confirmed area is multiplied by.
    """
    raised = np.where(real_finds(table), np.float32(weight), np.float32(1.0))
    return replace(table, weight=table.weight * raised)


def real_finds(table: CellTable) -> NDArray[np.bool_]:
    """Tell which cells hold something that was found, and not suspected alone, shape ``(n,)``."""
    return np.logical_or.reduce([table.holds(evidence) for evidence in REAL_FINDS])


def draw_training_rows(
    state: NDArray[np.int8],
    weight: NDArray[np.float32],
    *,
    negatives_per_positive: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Draw every positive and some of the negatives, with the weights that undo the drawing.

    Parameters
    ----------
    state, weight
        As in `CellTable`; unlabelled rows are never drawn.
    negatives_per_positive
        How many negatives to draw per positive.
    rng
        Source of randomness.

    Returns
    -------
    rows, row_weight
        Ascending row numbers, and their weights: the label's weight, times the inverse of the
        chance of being drawn.
    """
    positive = np.flatnonzero(state == 1)
    negative = np.flatnonzero(state == 0)
    wanted = min(len(negative), max(1, round(negatives_per_positive * len(positive))))
    drawn = rng.choice(negative, size=wanted, replace=False)
    rows = np.sort(np.concatenate([positive, drawn]))
    row_weight = weight[rows].astype(np.float64)
    row_weight[state[rows] == 0] *= len(negative) / wanted
    return rows, row_weight
