"""A model and rasters for each hazard class asked for, beside those of any hazard."""

import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.schema import Config
from features.errors import InputError
from features.labels import HAZARD_BITS
from models.assessment import assess_hazards
from models.evaluation import Protocol
from models.table import CellTable, hazard_table
from pipelines.candidates import MODEL
from pipelines.rasters import raster_grid, read_raster_like
from pipelines.rounding import interval
from pipelines.strips import strips
from pipelines.texts import ENGLISH, Texts, marked

log = logging.getLogger(__name__)

TrainTable = Callable[[CellTable, Path], Mapping[str, Any]]
Pair = tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]
"""Probabilities of a class and of any hazard, of the same cells."""
PredictOne = Callable[[str | None], tuple[Sequence[Path], dict[str, Any]]]

ANY = "any"
RANKS = ("roc_auc", "average_precision")
HAZARD_TITLES: Mapping[str, str] = {
    ANY: marked("Any hazard"),
    "ap": marked("Anti-personnel mines"),
    "at": marked("Anti-tank mines"),
    "uxo": marked("Unexploded ordnance"),
}
"""What the hazard classes are called on maps and in reports."""


def hazard_folder(folder: Path, hazard: str) -> Path:
    """Say where the model and the metrics of a hazard class are: laid out as a run's own."""
    return folder / "hazards" / hazard


def hazard_rasters(folder: Path, hazard: str) -> Path:
    """Say where the rasters of a hazard class, or of any, are in a run folder."""
    return folder / "rasters" / ("" if hazard == ANY else hazard)


def trained_hazards(folder: Path) -> list[str]:
    """Name the hazard classes that have a model in a run folder."""
    return [name for name in HAZARD_BITS if (hazard_folder(folder, name) / "model").is_dir()]


def measure_hazards(
    score: NDArray[np.float64], table: CellTable, protocol: Protocol, *, block_m: float
) -> list[dict[str, Any]]:
    """Measure how the model of any hazard ranks the land for each class.

    Parameters
    ----------
    score, protocol
        Held-out scores of that model, NaN where none, shape ``(n,)``, and the folds they are of.
    table
        The labelled cells, with what was found in them.
    block_m
        Side of the resampled blocks, metres.

    Returns
    -------
    list of dict
        As `models.assessment.assess_hazards`; empty where the findings tell no class.
    """
    known = HAZARD_BITS["ap"] | HAZARD_BITS["at"] | HAZARD_BITS["uxo"]
    if not (table.hazard[table.state == 1] & known).any():
        return []
    return assess_hazards(score, table, protocol, table.hazard, block_m=block_m)


def train_hazards(
    table: CellTable,
    config: Config,
    folder: Path,
    train_table: TrainTable,
    *,
    by_any: Sequence[Mapping[str, Any]] = (),
) -> dict[str, dict[str, Any]]:
    """Train a model for each class of ``model.hazards`` that was found often enough.

    Parameters
    ----------
    table
        Labelled cells of the run, with what was found in them.
    folder
        The run folder; what there was of earlier classes is taken away.
    train_table
        Called with the table of one class (`models.table.hazard_table`) and the folder to write
        to; trains, tests and writes as for any hazard, and gives its metrics.
    by_any
        As `measure_hazards` gives it: what the model of any hazard does for each class.

    Returns
    -------
    dict
        For each class: ``trained``, ``positive`` and ``negative`` cells, ``words``; of those
        trained ``gates_passed`` and ``far``, the measures on far land with their intervals; and
        ``far_by_any``, how the model of any hazard ranks the same class, which a model of its own
        has to beat to be worth having.

    Raises
    ------
    FindingError
        If labels dealt out anew are still predicted for a class.
    """
    shutil.rmtree(folder / "hazards", ignore_errors=True)
    other = {row["hazard"]: row["intervals"] for row in by_any if row["intervals"]}
    facts: dict[str, dict[str, Any]] = {}
    for name in config.model.hazards:
        part, target = hazard_table(table, name), hazard_folder(folder, name)
        facts[name] = _train_one(part, config, target, train_table)
        if name in other:
            facts[name]["far_by_any"] = {measure: other[name][measure] for measure in RANKS}
    return facts


def predict_classes(
    folder: Path, rasters: Path, predict_one: PredictOne
) -> tuple[Sequence[Path], dict[str, Any]]:
    """Write the rasters of any hazard, and those of every class that has a model.

    Parameters
    ----------
    folder
        The run folder.
    rasters
        Folder of the rasters of any hazard; those of a class go into a folder of its name in it.
        Folders of classes that have no model are taken away.
    predict_one
        Called with none (any hazard), then with the name of each class; writes its rasters and
        gives their paths and facts.

    Returns
    -------
    paths, facts
        Of all; the facts are those of any hazard, and ``hazards`` as `compare_with_any` gives it.
    """
    trained = trained_hazards(folder)
    for name in set(HAZARD_BITS) - set(trained):
        shutil.rmtree(rasters / name, ignore_errors=True)
    paths, facts = predict_one(None)
    made = [*paths, *(path for name in trained for path in predict_one(name)[0])]
    return made, facts | {"hazards": compare_with_any(rasters, trained)}


def compare_with_any(rasters: Path, hazards: Sequence[str]) -> dict[str, dict[str, float]]:
    """Compare the probability of each class with that of any hazard, from rasters on disk.

    Returns
    -------
    dict
        For each class as `above_any`; no entry where no cell is known to both.
    """
    if not hazards:
        return {}
    whole = rasters / "probability.tif"
    geobox = raster_grid(whole)

    def both(name: str) -> Iterator[Pair]:
        for rows in strips(geobox.height):
            part, all_ = (
                read_raster_like(path, geobox[rows, :])
                for path in (rasters / name / "probability.tif", whole)
            )
            yield part, all_

    found = {name: above_any(both(name)) for name in hazards}
    return {name: facts for name, facts in found.items() if facts}


def above_any(pairs: Iterable[Pair]) -> dict[str, float]:
    """Compare the probability of a class with that of any hazard, on parts of the same land.

    A class is a part of any hazard, so its probability should not be above; but each model is
    calibrated by itself, on its own positives. Nothing is changed by this: it is said.

    Returns
    -------
    dict
        ``mean`` probability, ``mean_any``, and ``above_any``, the share of cells where the class's
        is above that of any hazard by more than a tenth of it; empty if no cell is known to both.
    """
    cells, sums = 0, np.zeros(3)
    for part, whole in pairs:
        both = np.isfinite(part) & np.isfinite(whole)
        one, all_ = part[both].astype(np.float64), whole[both].astype(np.float64)
        cells += one.size
        sums += (one.sum(), all_.sum(), np.count_nonzero(one > 1.1 * all_))
    if not cells:
        return {}
    return dict(zip(("mean", "mean_any", "above_any"), (sums / cells).tolist(), strict=True))


def above_words(name: str, compared: Mapping[str, float], texts: Texts = ENGLISH) -> str:
    """Say where the probability of a class is above that of any hazard, and what to do there."""
    if not compared or not compared["above_any"]:
        return ""
    return texts.say(
        "{hazard}: in {share} % of the cells the probability is above that of any hazard by more "
        "than a tenth of it. The models are calibrated apart and neither is changed to fit: go by "
        "the higher of the two.",
        hazard=texts.say(HAZARD_TITLES[name]),
        share=f"{100 * compared['above_any']:.1f}",
    )


def hazard_rows(metrics: Mapping[str, Any], texts: Texts = ENGLISH) -> list[dict[str, Any]]:
    """Word how good the model of each class is on far land, beside that of any hazard.

    Parameters
    ----------
    metrics
        Of a run; without ``hazards`` there are no rows.

    Returns
    -------
    list of dict
        ``hazard``, ``positive`` cells, ``own`` and ``any`` (ROC-AUC on far land with its interval)
        and ``words``: gates passed or not, or why there is no model.
    """
    rows = []
    for name, found in metrics.get("hazards", {}).items():
        own, other = found.get("far", {}), found.get("far_by_any", {})
        passed = texts.say("gates passed"), texts.say("does not pass every gate")
        words = passed[not found["gates_passed"]] if found["trained"] else found["words"]
        rows.append(
            {
                "hazard": texts.say(HAZARD_TITLES[name]),
                "positive": f"{found['positive']:,}",
                "own": interval(own.get("roc_auc"), to=texts.say("to")),
                "any": interval(other.get("roc_auc"), to=texts.say("to")),
                "words": texts.told(words),
            }
        )
    return rows


def _train_one(
    table: CellTable, config: Config, folder: Path, train_table: TrainTable
) -> dict[str, Any]:
    name = folder.name
    counts = {"positive": int((table.state == 1).sum()), "negative": int((table.state == 0).sum())}
    least = config.gates.min_positive_cells
    if min(counts.values()) < least:
        words = (
            f"no model for {name}: {counts['positive']:,} positive and {counts['negative']:,} "
            f"negative cells, expected at least {least} of each (gates.min_positive_cells). Where "
            "the class of findings is not known they count for any hazard only; a hazard_column "
            "in labels.positive tells it."
        )
        return _not_trained(counts, words)
    try:
        metrics = train_table(table, folder)
    except InputError as error:
        shutil.rmtree(folder, ignore_errors=True)
        return _not_trained(counts, f"no model for {name}: {error}")
    far = metrics["protocols"]["far"]["models"][MODEL]
    passed = all(gate["passed"] for gate in metrics["gates"])
    words = f"a model for {name} from {counts['positive']:,} positive cells"
    words += "" if passed else "; it does not pass every gate that was agreed"
    measures = {measure: far[measure] for measure in (*RANKS, "calibration_slope")}
    return {"trained": True, **counts, "gates_passed": passed, "far": measures, "words": words}


def _not_trained(counts: Mapping[str, int], words: str) -> dict[str, Any]:
    log.warning("%s", words)
    return {"trained": False, **counts, "words": words}
