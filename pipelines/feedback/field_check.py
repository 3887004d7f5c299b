"""What a run had said where teams searched later: predicted against found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError

from minerisk.features.errors import InputError
from minerisk.features.raster.rasterise import burn_greatest, burn_mask
from minerisk.models.evaluation.intervals import effective_rows, exact_binomial
from minerisk.models.evaluation.metrics import block_bootstrap
from minerisk.models.tasks.survey_tasks import Arm
from minerisk.pipelines.evaluate.predicted_land import Land, find_places, read_land
from minerisk.pipelines.feedback.survey_results import FIND, NO_FIND
from minerisk.pipelines.formats.palette import CLASS_NAMES
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
        As the run had said; NaN where it gave none.
    code
        Risk class.
    effort
        Share of the land that was searched, by its stated effort; NaN where only a find tells.
    arm
        ``control``, ``ranked`` or ``elsewhere``: in which tasks of the run the cell lies.
    cluster
        Cells of one cluster count together: a control task, or a block of land.
    """

    found: NDArray[np.int8]
    probability: NDArray[np.float64]
    code: NDArray[np.uint8]
    effort: NDArray[np.float64]
    arm: NDArray[np.str_]
    cluster: NDArray[np.int64]


def check_in_field(run: Run, results: gpd.GeoDataFrame) -> dict[str, Any]:
    """Hold what a run had said against what teams found later.

    A find counts where a search made it: it has an effort of its own, or lies in land that was
    searched. Finds met by chance say where, not how often, and are counted apart. Land that the
    run had learned from tests nothing and is left out. The random arm was drawn blind; the other
    cells were searched because somebody, or the run, thought them worth it.

    Parameters
    ----------
    run
        A finished run.
    results
        As `survey_results.read_results` gives them, in the CRS of the study area.

    Returns
    -------
    dict
        ``cells`` (searched, known to the run before, tested), ``finds``, ``classes``, ``bins`` and
        ``arms``: rows with ``cells``, ``find_cells``, ``predicted`` (mean), ``found`` (share, low,
        high: exact binomial at the effective number of rows, 90 %), ``effort`` (mean share
        searched); ``measures`` with intervals, None if too little; ``contradicted``: cells with
        evidence in the run in which a search found nothing.
    """
    land = read_land(run)
    finds, searches = (results[results["outcome"] == name] for name in (FIND, NO_FIND))
    found = burn_mask(land.geobox, finds, all_touched=True)
    effort = burn_greatest(land.geobox, searches, searches["effort"].to_numpy(float), False)
    tried = burn_mask(land.geobox, finds[finds["effort"].notna()], all_touched=True)
    searched = (np.isfinite(effort) | tried) & land.answered
    fresh = searched & (land.trained == -1)
    part = _searched(land, fresh, found, effort, _tasks(run, land))
    chance = finds[finds["effort"].isna()]
    return {
        "cells": {
            "searched": int(searched.sum()),
            "known_before": int((searched & ~fresh).sum()),
            "tested": int(fresh.sum()),
        },
        "finds": _finds(land, finds) | {"by_chance": len(chance)},
        "contradicted": int((np.isfinite(effort) & ~found & (land.trained == 1)).sum()),
        "classes": [
            {"class": name, **_row(part, part.code == code)}
            for code, name in sorted(CLASS_NAMES.items(), reverse=True)
        ],
        "bins": [
            {"from": low, "to": high, **_row(part, _between(part.probability, low, high))}
            for low, high in pairwise(EDGES)
        ],
        "arms": [{"arm": name, **_row(part, part.arm == name)} for name in ARMS],
        "measures": _measures(land, fresh, part),
        "block_m": land.block_m,
    }


def field_words(check: Mapping[str, Any]) -> list[str]:
    """Say what a check in the field found, a line each."""
    cells, finds = check["cells"], check["finds"]
    lines = [
        f"Searched: {cells['searched']:,} cells the run speaks of; it had learned from "
        f"{cells['known_before']:,} of them, so {cells['tested']:,} test it.",
        f"Finds: {finds['total']}, of them {finds['by_chance']} by chance (no effort given: they "
        f"say where, not how often) and {finds['known']} in cells the run knew as positive.",
    ]
    if finds["land_above"] is not None:
        lines.append(
            f"The run ranks {finds['land_above']:.0%} of the land above the new finds (median; "
            "50 % is what chance gives)."
        )
    if check["contradicted"]:
        lines.append(
            f"In {check['contradicted']:,} cells with earlier evidence a search found nothing. "
            "They stay positive: a search does not undo evidence."
        )
    lines.append("Random arm (drawn blind, the only unbiased check):")
    lines += [f"  {_row_words(row['arm'], row)}" for row in check["arms"][:1]]
    lines.append("Chosen land (searched because somebody thought it worth it; not unbiased):")
    lines += [f"  {_row_words(row['arm'], row)}" for row in check["arms"][1:]]
    lines.append("By class:")
    lines += [f"  {_row_words(row['class'], row)}" for row in check["classes"]]
    lines.append("By probability:")
    lines += [
        f"  {_row_words('{:.0%} – {:.0%}'.format(row['from'], row['to']), row)}"
        for row in check["bins"]
    ]
    return lines + _measure_words(check["measures"])


def _searched(
    land: Land,
    fresh: NDArray[np.bool_],
    found: NDArray[np.bool_],
    effort: NDArray[np.float64],
    tasks: tuple[NDArray[np.str_], NDArray[np.int64]],
) -> Searched:
    arm, task = tasks[0][fresh], tasks[1][fresh]
    blocks = land.blocks(fresh)
    # Control tasks were drawn one by one: each is a draw, wherever the blocks' edges lie.
    cluster = np.where(arm == Arm.CONTROL, -1 - task, np.unique(blocks, return_inverse=True)[1])
    return Searched(
        found=found[fresh].astype(np.int8),
        probability=land.probability[fresh].astype(np.float64),
        code=land.classes[fresh],
        effort=effort[fresh],
        arm=arm,
        cluster=cluster.astype(np.int64),
    )


def _tasks(run: Run, land: Land) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
    """Give each cell the arm and the number of the task it lies in."""
    path: Path = run.files.tasks_gpkg
    try:
        tasks = gpd.read_file(path, layer="tasks").to_crs(str(land.geobox.crs))
    except (DataSourceError, DataLayerError) as error:
        raise InputError(f"{path} cannot be read ({error}). Run `minerisk prioritize`.") from error
    number = burn_greatest(land.geobox, tasks, np.arange(len(tasks), dtype=np.float64), False)
    arms = np.array([*(arm if arm in ARMS else ELSEWHERE for arm in tasks["arm"]), ELSEWHERE])
    index = np.where(np.isfinite(number), number, len(tasks)).astype(np.int64)
    return arms[index], index


def _finds(land: Land, finds: gpd.GeoDataFrame) -> dict[str, Any]:
    places = [place for place in find_places(land, finds) if place.inside] if len(finds) else []
    new = [place for place in places if place.new]
    above = [place.land_above for place in new if place.land_above is not None]
    return {
        "total": len(finds),
        "known": len(places) - len(new),
        "land_above": float(np.median(above)) if above else None,
    }


def _between(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.bool_]:
    return (values >= low) & ((values < high) | (high == EDGES[-1]))


def _row(part: Searched, chosen: NDArray[np.bool_]) -> dict[str, Any]:
    y = part.found[chosen].astype(np.float64)
    row: dict[str, Any] = {"cells": int(y.size), "find_cells": int(y.sum()), "found": None}
    if not y.size:
        return row | {"predicted": None, "effort": None, "effective": None}
    rows = effective_rows(y, np.ones(y.size), part.cluster[chosen])
    effort = part.effort[chosen]
    known = effort[np.isfinite(effort)]
    return row | {
        "predicted": float(part.probability[chosen].mean()),
        "found": [float(y.mean()), *exact_binomial(float(y.mean()), rows, level=LEVEL)],
        "effective": float(rows),
        "effort": float(known.mean()) if known.size else None,
    }


def _measures(
    land: Land, fresh: NDArray[np.bool_], part: Searched
) -> dict[str, list[float | None]] | None:
    """Score searched cells as `evaluate later` does; None if they hold one kind only."""
    blocks = land.blocks(fresh)
    if not 0 < part.found.sum() < part.found.size or len(np.unique(blocks)) < 2:
        return None
    measured = block_bootstrap(
        part.found, part.probability, blocks, cell_ha=land.cell_ha, level=LEVEL
    )
    return {
        name: [float(value) if np.isfinite(value) else None for value in values]
        for name, values in measured.items()
    }


def _row_words(name: str, row: Mapping[str, Any]) -> str:
    if row["found"] is None:
        return f"{name}: no land searched that tests it."
    share, low, high = row["found"]
    words = (
        f"{name}: {row['cells']:,} cells, predicted {row['predicted']:.1%}, found {share:.1%} "
        f"({low:.1%} to {high:.1%}; worth {row['effective']:.0f} independent cells): "
    )
    verdict = "as predicted"
    if row["predicted"] > high:
        verdict = "less found than predicted"
    elif row["predicted"] < low:
        verdict = "more found than predicted"
    if row["effort"] is not None and row["effort"] < ENOUGH:
        verdict += f", with {row['effort']:.0%} of the land searched: what is there can be more"
    return f"{words}{verdict}."


def _measure_words(measures: Mapping[str, Sequence[float | None]] | None) -> list[str]:
    if measures is None:
        return ["Too little searched to score the ranking (finds, none and two blocks needed)."]
    value, low, high = measures["roc_auc"]
    if value is None or low is None or high is None:
        return []
    return [f"ROC-AUC on searched land: {value:.2f} ({low:.2f} to {high:.2f})."]
