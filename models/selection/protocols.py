"""How land is held out: far, near, and at random for reference."""

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold

from minerisk.features.errors import InputError
from minerisk.features.grid import M2_PER_HA
from minerisk.models.cautions import Caution, CautionCode
from minerisk.models.folds.autocorrelation import Range, autocorrelation_range
from minerisk.models.folds.facts import Fold, FoldFacts, MatchFacts
from minerisk.models.folds.knndm import KNNDM
from minerisk.models.folds.protocol import Protocol, ProtocolName, Splitter
from minerisk.models.folds.splits import BlockKFold, LeaveRegionOut, with_buffer
from minerisk.models.folds.summary import fold_facts, fold_summary
from minerisk.models.folds.time_folds import split_by_date
from minerisk.models.table import CellTable


@dataclass(frozen=True)
class HeldOut:
    """The ways in which land is held out, and what is known of them.

    Attributes
    ----------
    protocols
        ``far``, ``near`` and ``random`` by name, and ``later`` where a date is given. ``near`` is
        kNNDM where there is land to be predicted, and blocks where there is none.
    blocks
        Folds of blocks, for checks inside the surveyed land.
    range_m, block_m
        Autocorrelation range of the labels, and side of the blocks, metres.
    match
        What kNNDM found; None where there is no land to be predicted.
    folds
        The folds of far and near, one by one.
    cautions
        What a reader has to know.
    """

    protocols: Mapping[ProtocolName, Protocol]
    blocks: Protocol
    range_m: float
    block_m: float
    match: MatchFacts | None
    folds: Mapping[ProtocolName, tuple[FoldFacts, ...]]
    cautions: tuple[Caution, ...]


def hold_out(
    table: CellTable,
    *,
    target: NDArray[np.float64] | None = None,
    seed: int,
    count: int = 5,
    block_m: float | None = None,
    shape: Literal["square", "hexagon", "regions"] = "square",
    buffer_m: float = 0.0,
    train_until: dt.date | None = None,
) -> HeldOut:
    """Make the folds of every protocol.

    Parameters
    ----------
    table
        Labelled cells.
    target
        Easting and northing of the land to be predicted, shape ``(m, 2)``; none where there is
        no such land.
    seed, count
        Of the folds of near, blocks and random.
    block_m, shape
        Side of the blocks, metres, by default wider than the autocorrelation range of the labels;
        and what a block is.
    buffer_m
        Training cells within so many metres of a test cell are dropped, in far and blocks.
    train_until
        Adds the protocol later: trained on finds up to that day, tested on finds after it.
    """
    y, rows = (table.state == 1).astype(np.int8), np.arange(len(table.state))
    measured = label_range(table)
    side_m, cautions = choose_block(table, measured, block_m=block_m, count=count)
    by_block = _block_folds(table, y, side_m, count=count, seed=seed, shape=shape)
    blocks = Protocol(
        ProtocolName.BLOCKS, Splitter.BLOCKS, _apart(by_block, table, y, buffer_m=buffer_m)
    )
    regions = LeaveRegionOut().split(rows, y, groups=table.region)
    far = Protocol(ProtocolName.FAR, Splitter.REGIONS, _apart(regions, table, y, buffer_m=buffer_m))
    shuffled = KFold(count, shuffle=True, random_state=seed)
    random = Protocol(ProtocolName.RANDOM, Splitter.RANDOM, list(shuffled.split(rows)))
    near, match = _near(table, y, target, blocks, count=count, seed=seed)
    protocols = {ProtocolName.FAR: far, ProtocolName.NEAR: near}
    if train_until is not None:
        protocols[ProtocolName.LATER] = _later(table, y, blocks, train_until)
    return HeldOut(
        protocols | {ProtocolName.RANDOM: random},
        blocks,
        float(measured.range_m),
        side_m,
        match,
        {
            one.name: _fold_facts(one, y, table, target, range_m=measured.range_m)
            for one in (far, near)
        },
        tuple(cautions),
    )


def _block_folds(
    table: CellTable,
    y: NDArray[np.int8],
    block_m: float,
    *,
    count: int,
    seed: int,
    shape: Literal["square", "hexagon", "regions"],
) -> Iterator[Fold]:
    """Make folds of blocks of the shape asked for."""
    if shape == "regions":
        splitter = BlockKFold(count, shape="polygons", seed=seed)
        return splitter.split(y, y, groups=table.region)
    splitter = BlockKFold(count, block_m=block_m, shape=shape, seed=seed)
    return splitter.split(y, y, coordinates=table.coordinates)


def _apart(
    folds: Iterable[Fold], table: CellTable, y: NDArray[np.int8], *, buffer_m: float
) -> list[Fold]:
    """Drop the training rows in the buffer."""
    if buffer_m == 0:
        return list(folds)
    return list(with_buffer(folds, table.coordinates, y, buffer_m=buffer_m))


def _later(table: CellTable, y: NDArray[np.int8], blocks: Protocol, until: dt.date) -> Protocol:
    if "finding_day" not in table.cells:
        raise InputError(
            "folds.train_until is given and the cells carry no dates; expected a column "
            "finding_day. Give the finding layers a date_column, or leave train_until out."
        )
    days = table.cells["finding_day"].to_numpy(dtype=np.float64)
    folds = list(split_by_date(blocks.folds, y, days, until=until))
    return Protocol(ProtocolName.LATER, Splitter.DATES, folds, until)


def label_range(table: CellTable) -> Range:
    """Measure how far labels are alike."""
    coordinates = table.coordinates
    extent = float(np.ptp(coordinates, axis=0).max())
    y = (table.state == 1).astype(float)
    return autocorrelation_range(y, coordinates, max_m=min(60_000.0, extent / 3), seed=0)


def choose_block(
    table: CellTable, measured: Range, *, block_m: float | None = None, count: int = 5
) -> tuple[float, list[Caution]]:
    """Choose blocks wider than the range of the labels, or caution that they are not.

    Parameters
    ----------
    table, measured
        Labelled cells, and the autocorrelation range of their labels.
    block_m
        Side asked for, metres; by default 1.2 times the range.
    count
        Folds; each needs room for several blocks.

    Returns
    -------
    block_m, cautions
    """
    cell = math.sqrt(table.cell_ha * M2_PER_HA)
    extent = float(np.ptp(table.coordinates, axis=0).max())
    by_range = max(1_000.0 * math.ceil(1.2 * measured.range_m / 1_000.0), 10 * cell)
    wanted = block_m or by_range
    widest = extent / (2 * math.sqrt(count))
    side_m = max(min(wanted, widest), 2 * cell)
    cautions = [] if measured.caution is None else [measured.caution]
    if side_m < measured.range_m:
        small = wanted <= widest
        code = CautionCode.BLOCKS_TOO_SMALL if small else CautionCode.AREA_TOO_SMALL
        cautions.append(Caution(code=code, block_m=side_m, range_m=float(measured.range_m)))
    return side_m, cautions


def _near(
    table: CellTable,
    y: NDArray[np.int8],
    target: NDArray[np.float64] | None,
    blocks: Protocol,
    *,
    count: int,
    seed: int,
) -> tuple[Protocol, MatchFacts | None]:
    if target is None or len(target) == 0:
        return Protocol(ProtocolName.NEAR, blocks.splitter, blocks.folds), None
    found = KNNDM(count, target=target, seed=seed).match(None, y, coordinates=table.coordinates)
    folds = [
        (np.flatnonzero(found.fold != one), np.flatnonzero(found.fold == one))
        for one in range(count)
    ]
    return Protocol(ProtocolName.NEAR, Splitter.KNNDM, folds), found.facts


def _fold_facts(
    protocol: Protocol,
    y: NDArray[np.int8],
    table: CellTable,
    target: NDArray[np.float64] | None,
    *,
    range_m: float,
) -> tuple[FoldFacts, ...]:
    known = target if target is not None and len(target) else None
    return fold_facts(
        fold_summary(protocol.folds, y, table.coordinates, target=known, range_m=range_m)
    )
