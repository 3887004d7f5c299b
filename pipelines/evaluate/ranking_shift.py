"""By how much land moved in the ranking from one run to another."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self

import geopandas as gpd
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.models.order_statistics import ValueCounts, no_values
from minerisk.pipelines.formats.cog import RasterWriter
from minerisk.pipelines.formats.palette import CANNOT_SAY, CLASS_NAMES, OUTSIDE, Ramp
from minerisk.pipelines.language.marks import Marks
from minerisk.pipelines.plotting.figures import figure_bytes
from minerisk.pipelines.plotting.map_figure import mark_figure, mark_height
from minerisk.pipelines.provenance.files import write_whole
from minerisk.pipelines.records.comparison import ClassChange, Moves, TaskMove, TaskMoves

SHIFT_RAMP: Ramp = (
    (-25.0, "#2c5f9e", "over 25 points later"),
    (-10.0, "#6f9fd0", "10 – 25 points later"),
    (-3.0, "#bcd3ea", "3 – 10 points later"),
    (3.0, "#f2f2f2", "within 3 points"),
    (10.0, "#d9bfe6", "3 – 10 points earlier"),
    (25.0, "#a06bbd", "10 – 25 points earlier"),
    (float("inf"), "#5b1a7a", "over 25 points earlier"),
)
MOVED = 10.0
OVERLAP = 0.5
MOST_DRAWN = 1_400
AT_ONCE = 8_192
"""Cells that are summed together, as NumPy does: sums are those of all cells at once."""


@dataclass(frozen=True)
class Rankings:
    """How two runs rank the cells that both speak of."""

    one: ValueCounts
    two: ValueCounts

    def shift(self, one: NDArray[np.float32], two: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute by how many percentile points each cell moved up from `one` to `two`.

        Returns
        -------
        ndarray of float32
            -100 to 100, above 0 where `two` would have the cell surveyed earlier; ranked among the
            cells that both speak of, NaN elsewhere. Equal values share the middle rank.
        """
        known, count = _known(one, two), int(self.one.counts.sum())
        before, after = (
            of.ranks[of.places(values[known])] for of, values in ((self.one, one), (self.two, two))
        )
        shift = np.full(one.shape, np.nan, dtype=np.float32)
        if count:
            shift[known] = 100.0 * (after - before) / count
        return shift


def rank_both(
    parts: Iterable[tuple[NDArray[np.float32], NDArray[np.float32]]],
) -> Rankings:
    """Rank the cells of some land by the probabilities of two runs, which come part by part."""
    first, second = no_values(), no_values()
    for one, two in parts:
        known = _known(one, two)
        first, second = first.with_values(one[known]), second.with_values(two[known])
    return Rankings(first, second)


def _known(one: NDArray[np.float32], two: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.isfinite(one) & np.isfinite(two)


@dataclass(frozen=True)
class MovedStrip:
    """What moved in a strip of land; arrays of shape ``(rows, width)``.

    Attributes
    ----------
    rows, geobox
        Where the strip lies.
    shift
        As `Rankings.shift` gives it.
    one, two
        Classes by either run.
    """

    rows: slice
    geobox: GeoBox
    shift: NDArray[np.float32]
    one: NDArray[np.uint8]
    two: NDArray[np.uint8]

    @property
    def asked(self) -> NDArray[np.bool_]:
        """Cells of the study areas of both runs."""
        return (self.one != OUTSIDE) & (self.two != OUTSIDE)


Codes = Callable[[MovedStrip], NDArray[np.integer]]
"""Gives the place of each cell of a strip in a list of parts of the land; -1 in none."""


class Part(NamedTuple):
    """A part of the land by what it is called; by nothing, all of it."""

    region: int | None = None
    district: str | None = None


Division = tuple[Codes, Sequence[Part]]
"""Which part of the land each cell belongs to, and what the parts are."""


def measure_moves(
    moved: Iterable[MovedStrip],
    divided: Sequence[Division],
    *,
    cell_ha: float,
) -> list[list[Moves]]:
    """Measure how much moved and changed class in each part of the land.

    Parameters
    ----------
    divided
        How the land is divided; each cell is in at most one part of a division.

    Returns
    -------
    list of list of Moves
        For each division the parts in which both runs speak of land, in their order; all of the
        land in any case.
    """
    counts = [_Counts.none(len(parts)) for _, parts in divided]
    for strip in moved:
        for count, (codes, _) in zip(counts, divided, strict=True):
            count.add(strip, np.where(strip.asked, codes(strip), -1))
    return [
        [
            count.moves(number, part, cell_ha)
            for number, part in enumerate(parts)
            if part == Part() or count.changes[number].any()
        ]
        for count, (_, parts) in zip(counts, divided, strict=True)
    ]


@dataclass(frozen=True)
class _Sum:
    """A sum in the order of the cells, so many at a time: strips make no odds to its last digit."""

    whole: float = 0.0
    rest: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def with_values(self, values: NDArray[np.float32]) -> Self:
        cells = np.concatenate([self.rest, values.astype(np.float64)])
        even = len(cells) - len(cells) % AT_ONCE
        sums = cells[:even].reshape(-1, AT_ONCE).sum(axis=1)
        return type(self)(sum(sums.tolist(), self.whole), cells[even:])

    @property
    def value(self) -> float:
        return self.whole + float(self.rest.sum())


@dataclass(frozen=True)
class _Counts:
    """What is counted of each part, strip by strip.

    Attributes
    ----------
    changes
        Cells by part, class before and class after.
    ranked, far
        Cells that both rank, and those of them that moved by `MOVED` or more.
    shifts
        Sums of the shifts, by part.
    """

    changes: NDArray[np.int64]
    ranked: NDArray[np.int64]
    far: NDArray[np.int64]
    shifts: list[_Sum]

    @classmethod
    def none(cls, parts: int) -> Self:
        size = max(CLASS_NAMES) + 1
        ranked, far = np.zeros((2, parts), dtype=np.int64)
        return cls(np.zeros((parts, size, size), dtype=np.int64), ranked, far, [_Sum()] * parts)

    def add(self, strip: MovedStrip, codes: NDArray[np.integer]) -> None:
        chosen = codes >= 0
        np.add.at(self.changes, (codes[chosen], strip.one[chosen], strip.two[chosen]), 1)
        known = chosen & np.isfinite(strip.shift)
        own, shift = codes[known], strip.shift[known]
        self.ranked[:] += np.bincount(own, minlength=len(self.ranked))
        self.far[:] += np.bincount(own[np.abs(shift) >= MOVED], minlength=len(self.far))
        order = np.argsort(own, kind="stable")
        parts, first = np.unique(own[order], return_index=True)
        for part, values in zip(parts, np.split(shift[order], first[1:]), strict=True):
            self.shifts[part] = self.shifts[part].with_values(values)

    def moves(self, number: int, part: Part, cell_ha: float) -> Moves:
        found = list(_class_changes(self.changes[number], cell_ha))
        changes = sorted(found, key=lambda change: -change.hectares)
        ranked = int(self.ranked[number])
        return Moves(
            region=part.region,
            district=part.district,
            hectares=float(self.changes[number].sum() * cell_ha),
            mean_shift=self.shifts[number].value / ranked if ranked else None,
            moved_share=int(self.far[number]) / ranked if ranked else None,
            changed_ha=sum((change.hectares for change in changes), 0.0),
            changes=tuple(changes),
        )


def _class_changes(cells: NDArray[np.int64], cell_ha: float) -> Iterator[ClassChange]:
    for before, name in CLASS_NAMES.items():
        for after, other in CLASS_NAMES.items():
            if before != after and (count := int(cells[before, after])):
                yield ClassChange(before=name, after=other, hectares=count * cell_ha)


def task_moves(one: gpd.GeoDataFrame, two: gpd.GeoDataFrame) -> TaskMoves:
    """Find the ranked tasks of `one` that are gone in `two`, and those that are new in `two`.

    A task is kept if half of its land or more lies in ranked tasks of the other run.
    """
    first, second = (frame[frame["arm"] == "ranked"] for frame in (one, two))
    return TaskMoves(gone=_uncovered(first, second), new=_uncovered(second, first))


def _uncovered(these: gpd.GeoDataFrame, others: gpd.GeoDataFrame) -> tuple[TaskMove, ...]:
    if these.empty:
        return ()
    covered = these.geometry.intersection(others.geometry.union_all()).area / these.geometry.area
    gone = these.assign(covered=covered)[covered < OVERLAP]
    return tuple(
        TaskMove(
            task=str(task.task),
            rank=int(task.rank),
            hectares=float(task.hectares),
            latitude=float(task.latitude),
            longitude=float(task.longitude),
            covered=float(task.covered),
        )
        for task in gone.itertuples()
    )


def write_map(
    folder: Path,
    moved: Iterable[MovedStrip],
    geobox: GeoBox,
    *,
    title: str,
    marks: Marks,
) -> list[Path]:
    """Write ``rank_shift.tif`` (styled) and ``rank_shift.png``, where both runs can speak."""
    folder.mkdir(parents=True, exist_ok=True)
    path, drawn = folder / "rank_shift.tif", []
    step = max(1, max(geobox.shape) // MOST_DRAWN)
    with RasterWriter(
        path,
        geobox,
        description="percentile points by which a cell moved up in the ranking",
        unit="percentile points",
        marks=marks,
        style=SHIFT_RAMP,
    ) as raster:
        for strip in moved:
            silent = (strip.one == CANNOT_SAY) | (strip.two == CANNOT_SAY)
            shown = np.where(silent, np.float32(np.nan), strip.shift)
            raster.write(shown, row=strip.rows.start)
            drawn.append(shown[-strip.rows.start % step :: step, ::step].copy())
    figure = _figure(np.concatenate(drawn), geobox, title, marks.words())
    return [path, write_whole(folder / "rank_shift.png", figure_bytes(figure))]


def _figure(shift: NDArray[np.float32], geobox: GeoBox, title: str, marks: Sequence[str]) -> Figure:
    height = min(max(8.0 * geobox.height / geobox.width, 4.0), 10.5)
    figure = Figure(figsize=(10.5, height), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    left, bottom, right, top = (edge / 1_000 for edge in geobox.extent.boundingbox)
    edges = [-100.0, *(min(upper, 100.0) for upper, _, _ in SHIFT_RAMP)]
    axes.imshow(
        np.ma.masked_invalid(shift),
        cmap=ListedColormap([colour for _, colour, _ in SHIFT_RAMP]),
        norm=BoundaryNorm(edges, len(SHIFT_RAMP)),
        extent=(left, right, bottom, top),
        interpolation="nearest",
    )
    axes.set_title(title, loc="left", fontsize=12, fontweight="bold", pad=8 + mark_height(marks))
    axes.set_xlabel(f"easting, km ({geobox.crs}), north is up", fontsize=8)
    axes.set_ylabel("northing, km", fontsize=8)
    axes.set_facecolor("#ffffff")
    mark_figure(axes, marks)
    patches = [
        Patch(facecolor=c, edgecolor="#999999", label=words) for _, c, words in SHIFT_RAMP[::-1]
    ]
    axes.legend(
        handles=patches,
        title="Moved in the ranking\n(percentile points)",
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        frameon=False,
        fontsize=9,
        alignment="left",
    )
    return figure
