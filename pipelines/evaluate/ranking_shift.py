"""By how much land moved in the ranking from one run to another."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from scipy.stats import rankdata

from minerisk.pipelines.evaluate.districts import Districts
from minerisk.pipelines.formats.cog import write_raster
from minerisk.pipelines.formats.palette import CLASS_NAMES, OUTSIDE, Ramp
from minerisk.pipelines.plotting.figures import figure_bytes
from minerisk.pipelines.plotting.map_figure import simulated_banner
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


@dataclass(frozen=True)
class Side:
    """What one run predicts of the land; arrays of shape ``(height, width)``."""

    probability: NDArray[np.float32]
    classes: NDArray[np.uint8]


def rank_shift(one: NDArray[np.float32], two: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute by how many percentile points each cell moved up from `one` to `two`.

    Returns
    -------
    ndarray of float32
        -100 to 100, above 0 where `two` would have the cell surveyed earlier; ranked among the
        cells that both speak of, NaN elsewhere. Equal values share the middle rank.
    """
    known = np.isfinite(one) & np.isfinite(two)
    shift = np.full(one.shape, np.nan, dtype=np.float32)
    count = int(known.sum())
    if count:
        shift[known] = 100.0 * (rankdata(two[known]) - rankdata(one[known])) / count
    return shift


def by_region(
    one: Side, two: Side, shift: NDArray[np.float32], region: NDArray[np.int32], *, cell_ha: float
) -> list[Moves]:
    """Measure for all land, then for each region, how much moved and changed class."""
    asked = (one.classes != OUTSIDE) & (two.classes != OUTSIDE)
    whole = _moves(one, two, shift, asked, cell_ha=cell_ha)
    return [
        whole,
        *(
            _moves(one, two, shift, asked & (region == number), cell_ha=cell_ha, region=number)
            for number in np.unique(region[asked]).tolist()
        ),
    ]


def by_district(
    one: Side, two: Side, shift: NDArray[np.float32], districts: Districts, *, cell_ha: float
) -> list[Moves]:
    """Measure the same for each district; those where most land changed class come first."""
    asked = (one.classes != OUTSIDE) & (two.classes != OUTSIDE)
    rows = [
        _moves(one, two, shift, asked & (districts.codes == number), cell_ha=cell_ha, district=name)
        for number, name in enumerate(districts.names)
    ]
    inside = [row for row in rows if row.hectares]
    return sorted(inside, key=lambda row: (-row.changed_ha, row.district or ""))


def _moves(
    one: Side,
    two: Side,
    shift: NDArray[np.float32],
    chosen: NDArray[np.bool_],
    *,
    cell_ha: float,
    region: int | None = None,
    district: str | None = None,
) -> Moves:
    moved = shift[chosen & np.isfinite(shift)]
    found = _class_changes(one.classes[chosen], two.classes[chosen], cell_ha)
    changes = sorted(found, key=lambda change: -change.hectares)
    return Moves(
        region=region,
        district=district,
        hectares=float(chosen.sum() * cell_ha),
        mean_shift=float(moved.mean(dtype=np.float64)) if moved.size else None,
        moved_share=float((np.abs(moved) >= MOVED).mean()) if moved.size else None,
        changed_ha=sum((change.hectares for change in changes), 0.0),
        changes=tuple(changes),
    )


def _class_changes(
    one: NDArray[np.uint8], two: NDArray[np.uint8], cell_ha: float
) -> Iterator[ClassChange]:
    for before, name in CLASS_NAMES.items():
        for after, other in CLASS_NAMES.items():
            cells = int(((one == before) & (two == after)).sum())
            if before != after and cells:
                yield ClassChange(before=name, after=other, hectares=cells * cell_ha)


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
    shift: NDArray[np.float32],
    geobox: GeoBox,
    *,
    title: str,
    simulated: bool,
    tags: Mapping[str, str],
) -> list[Path]:
    """Write ``rank_shift.tif`` (styled) and ``rank_shift.png``."""
    folder.mkdir(parents=True, exist_ok=True)
    raster = write_raster(
        folder / "rank_shift.tif",
        shift,
        geobox,
        description="percentile points by which a cell moved up in the ranking",
        unit="percentile points",
        tags=tags,
        style=SHIFT_RAMP,
    )
    figure = _figure(shift, geobox, title, simulated)
    return [raster, write_whole(folder / "rank_shift.png", figure_bytes(figure))]


def _figure(shift: NDArray[np.float32], geobox: GeoBox, title: str, simulated: bool) -> Figure:
    step = max(1, max(shift.shape) // 1_400)
    height = min(max(8.0 * shift.shape[0] / shift.shape[1], 4.0), 10.5)
    figure = Figure(figsize=(10.5, height), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    left, bottom, right, top = (edge / 1_000 for edge in geobox.extent.boundingbox)
    edges = [-100.0, *(min(upper, 100.0) for upper, _, _ in SHIFT_RAMP)]
    axes.imshow(
        np.ma.masked_invalid(shift[::step, ::step]),
        cmap=ListedColormap([colour for _, colour, _ in SHIFT_RAMP]),
        norm=BoundaryNorm(edges, len(SHIFT_RAMP)),
        extent=(left, right, bottom, top),
        interpolation="nearest",
    )
    axes.set_title(title, loc="left", fontsize=12, fontweight="bold", pad=26 if simulated else 8)
    axes.set_xlabel(f"easting, km ({geobox.crs}), north is up", fontsize=8)
    axes.set_ylabel("northing, km", fontsize=8)
    axes.set_facecolor("#ffffff")
    if simulated:
        simulated_banner(axes)
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
