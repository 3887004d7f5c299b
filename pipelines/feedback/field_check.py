"""What a run predicted where teams searched later, beside what they found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.errors import InputError
from minerisk.features.layers.vectors import read_frame
from minerisk.features.raster.rasterise import burn_greatest, burn_mask
from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.intervals import effective_rows, exact_binomial
from minerisk.models.evaluation.measures import Measure
from minerisk.models.evaluation.metrics import block_bootstrap
from minerisk.models.tasks.survey_tasks import Arm
from minerisk.pipelines.evaluate.predicted_land import (
    LandStrip,
    PredictedLand,
    find_places,
    read_land,
)
from minerisk.pipelines.feedback.survey_results import FIND, NO_FIND
from minerisk.pipelines.formats.palette import CLASS_NAMES
from minerisk.pipelines.records.feedback import (
    ArmPart,
    BinPart,
    ClassPart,
    FieldCheck,
    ReturnedFinds,
    SearchedCells,
    SearchedPart,
)
from minerisk.pipelines.run.folder import Run

LEVEL = 0.9
EDGES = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0)
"""Edges of the bins of probability, the same for every run, so that deliveries compare."""

ELSEWHERE = "elsewhere"
ARMS = (Arm.CONTROL, Arm.RANKED, ELSEWHERE)
ENOUGH = 0.9


@dataclass(frozen=True)
class Searched:
    """Cells that teams searched and that the run had no label for; arrays of shape ``(n,)``.

    Attributes
    ----------
    found
        1 where something was found.
    probability
        As the run predicted; NaN where it cannot say.
    code
        Risk class.
    effort
        Share of the land that was searched, by its stated effort; NaN where only a find tells.
    arm, task
        ``control``, ``ranked`` or ``elsewhere``: in which tasks of the run the cell lies; and the
        number of the task.
    block
        Block of land.
    """

    found: NDArray[np.int8]
    probability: NDArray[np.float64]
    code: NDArray[np.uint8]
    effort: NDArray[np.float64]
    arm: NDArray[np.str_]
    task: NDArray[np.int64]
    block: NDArray[np.int64]

    @property
    def cluster(self) -> NDArray[np.int64]:
        """Cells of one cluster count together: a control task, or a block of land."""
        # Control tasks were drawn one by one: each is a draw, wherever the blocks' edges lie.
        blocks = np.unique(self.block, return_inverse=True)[1]
        return np.where(self.arm == Arm.CONTROL, -1 - self.task, blocks).astype(np.int64)


def check_in_field(run: Run, results: gpd.GeoDataFrame) -> FieldCheck:
    """Compare what a run predicted with what teams found later.

    A find counts where a search made it: it has an effort of its own, or lies in land that was
    searched. Finds met by chance say where, not how often, and are counted apart. Land that the
    run was trained on tests nothing and is left out. The random arm was drawn blind; the other
    cells were searched because somebody, or the run, thought them worth it.

    Parameters
    ----------
    run
        A finished run.
    results
        As `survey_results.read_results` returns them, in the CRS of the study area.
    """
    land = read_land(run)
    finds, searches = (results[results["outcome"] == name] for name in (FIND, NO_FIND))
    tasks = _read_tasks(run, land)
    looked_at = [_looked_at(strip, finds, searches, tasks) for strip in land.strips()]
    part = _joined([parts for parts, *_ in looked_at])
    searched, contradicted = (
        sum(counts) for counts in zip(*(c for _, *c in looked_at), strict=True)
    )
    return FieldCheck(
        cells=SearchedCells(
            searched=searched,
            known_before=searched - len(part.found),
            tested=len(part.found),
        ),
        finds=_finds(land, finds),
        contradicted=contradicted,
        classes=tuple(
            ClassPart(risk_class=name, **dict(_part(part, part.code == code)))
            for code, name in sorted(CLASS_NAMES.items(), reverse=True)
        ),
        bins=tuple(
            BinPart(low=low, high=high, **dict(_part(part, _between(part.probability, low, high))))
            for low, high in pairwise(EDGES)
        ),
        arms=tuple(ArmPart(arm=name, **dict(_part(part, part.arm == name))) for name in ARMS),
        measures=_measures(land, part),
        block_m=land.block_m,
    )


def field_lines(check: FieldCheck) -> Iterator[str]:
    """Word a check in the field."""
    cells, finds = check.cells, check.finds
    yield (
        f"Searched: {cells.searched:,} cells the run speaks of; it was trained on "
        f"{cells.known_before:,} of them, so {cells.tested:,} test it."
    )
    yield (
        f"Finds: {finds.total}, of them {finds.by_chance} by chance (no effort given: they show "
        f"where, not how often) and {finds.known} in cells the run knew as positive."
    )
    if finds.land_above is not None:
        yield (
            f"The run ranks {finds.land_above:.0%} of the land above the new finds (median; 50 % "
            "is what chance gives)."
        )
    if check.contradicted:
        yield (
            f"In {check.contradicted:,} cells with earlier evidence a search found nothing. They "
            "stay positive: a search does not undo evidence."
        )
    control, *chosen = check.arms
    yield "Random arm (drawn blind, the only unbiased check):"
    yield f"  {_part_words(control.arm, control)}"
    yield "Chosen land (searched because somebody thought it worth it; not unbiased):"
    yield from (f"  {_part_words(part.arm, part)}" for part in chosen)
    yield "By class:"
    yield from (f"  {_part_words(part.risk_class, part)}" for part in check.classes)
    yield "By probability:"
    yield from (
        f"  {_part_words(f'{part.low:.0%} – {part.high:.0%}', part)}" for part in check.bins
    )
    yield from _measure_lines(check)


def _looked_at(
    strip: LandStrip, finds: gpd.GeoDataFrame, searches: gpd.GeoDataFrame, tasks: gpd.GeoDataFrame
) -> tuple[Searched, int, int]:
    """Gather the cells of a strip that test the run.

    Returns
    -------
    part, searched, contradicted
        And how many cells were searched, and in how many that a search found nothing in there is
        earlier evidence.
    """
    found = burn_mask(strip.geobox, finds, all_touched=True)
    effort = burn_greatest(strip.geobox, searches, searches["effort"].to_numpy(float), False)
    tried = burn_mask(strip.geobox, finds[finds["effort"].notna()], all_touched=True)
    searched = (np.isfinite(effort) | tried) & strip.answered
    fresh = searched & (strip.trained == -1)
    arm, task = (of[fresh] for of in _tasks(strip.geobox, tasks))
    part = Searched(
        found=found[fresh].astype(np.int8),
        probability=strip.probability[fresh].astype(np.float64),
        code=strip.classes[fresh],
        effort=effort[fresh],
        arm=arm,
        task=task,
        block=strip.blocks(fresh),
    )
    contradicted = np.isfinite(effort) & ~found & (strip.trained == 1)
    return part, int(np.count_nonzero(searched)), int(np.count_nonzero(contradicted))


def _joined(parts: Sequence[Searched]) -> Searched:
    return Searched(
        found=np.concatenate([part.found for part in parts]),
        probability=np.concatenate([part.probability for part in parts]),
        code=np.concatenate([part.code for part in parts]),
        effort=np.concatenate([part.effort for part in parts]),
        arm=np.concatenate([part.arm for part in parts]),
        task=np.concatenate([part.task for part in parts]),
        block=np.concatenate([part.block for part in parts]),
    )


def _read_tasks(run: Run, land: PredictedLand) -> gpd.GeoDataFrame:
    try:
        return read_frame(run.files.tasks_gpkg, layer="tasks").to_crs(str(land.geobox.crs))
    except InputError as error:
        raise InputError(f"{error} Run `minerisk prioritize`.") from error


def _tasks(geobox: GeoBox, tasks: gpd.GeoDataFrame) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
    """Find the arm and the number of the task that each cell lies in."""
    number = burn_greatest(geobox, tasks, np.arange(len(tasks), dtype=np.float64), False)
    arms = np.array([*(arm if arm in ARMS else ELSEWHERE for arm in tasks["arm"]), ELSEWHERE])
    index = np.where(np.isfinite(number), number, len(tasks)).astype(np.int64)
    return arms[index], index


def _finds(land: PredictedLand, finds: gpd.GeoDataFrame) -> ReturnedFinds:
    places = [place for place in find_places(land, finds) if place.inside] if len(finds) else []
    new = [place for place in places if place.new]
    above = [place.land_above for place in new if place.land_above is not None]
    return ReturnedFinds(
        total=len(finds),
        known=len(places) - len(new),
        by_chance=int(finds["effort"].isna().sum()),
        land_above=float(np.median(above)) if above else None,
    )


def _between(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.bool_]:
    return (values >= low) & ((values < high) | (high == EDGES[-1]))


def _part(part: Searched, chosen: NDArray[np.bool_]) -> SearchedPart:
    y = part.found[chosen].astype(np.float64)
    if not y.size:
        return SearchedPart(cells=0, find_cells=0)
    rows = effective_rows(y, np.ones(y.size), part.cluster[chosen])
    effort = part.effort[chosen]
    known = effort[np.isfinite(effort)]
    share = float(y.mean())
    return SearchedPart(
        cells=int(y.size),
        find_cells=int(y.sum()),
        predicted=float(part.probability[chosen].mean()),
        found=Estimate.of([share, *exact_binomial(share, rows, level=LEVEL)]),
        effective=float(rows),
        effort=float(known.mean()) if known.size else None,
    )


def _measures(land: PredictedLand, part: Searched) -> dict[str, Estimate] | None:
    """Score searched cells as `evaluate later` does; None if they hold one kind only."""
    if not 0 < part.found.sum() < part.found.size or len(np.unique(part.block)) < 2:
        return None
    measured = block_bootstrap(
        part.found, part.probability, part.block, cell_ha=land.cell_ha, level=LEVEL
    )
    return {name: Estimate.of(values) for name, values in measured.items()}


def _part_words(name: str, part: SearchedPart) -> str:
    if part.found is None or part.predicted is None:
        return f"{name}: no land searched that tests it."
    share, low, high = part.found
    verdict = "as predicted"
    if high is not None and part.predicted > high:
        verdict = "less found than predicted"
    elif low is not None and part.predicted < low:
        verdict = "more found than predicted"
    if part.effort is not None and part.effort < ENOUGH:
        verdict += f", with {part.effort:.0%} of the land searched: what is there can be more"
    return (
        f"{name}: {part.cells:,} cells, predicted {part.predicted:.1%}, found {share:.1%} "
        f"({low:.1%} to {high:.1%}; worth {part.effective:.0f} independent cells): {verdict}."
    )


def _measure_lines(check: FieldCheck) -> Iterator[str]:
    if check.measures is None:
        yield "Too little searched to score the ranking (finds, none and two blocks needed)."
        return
    found = check.measures[Measure.ROC_AUC]
    if None not in found:
        yield f"ROC-AUC on searched land: {found.value:.2f} ({found.low:.2f} to {found.high:.2f})."
