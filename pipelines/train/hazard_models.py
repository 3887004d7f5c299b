"""A model for each hazard class asked for, beside that of any hazard."""

import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minerisk.configs.schema import Config
from minerisk.features.errors import InputError
from minerisk.features.evidence.labels import HAZARD_BITS
from minerisk.models.evaluation.assessment import assess_hazards
from minerisk.models.evaluation.out_of_fold import Protocol
from minerisk.models.table import CellTable, hazard_table
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.run.contents import MODEL
from minerisk.pipelines.run.hazards import hazard_folder

log = logging.getLogger(__name__)

TrainTable = Callable[[CellTable, Path], Mapping[str, Any]]

RANKS = ("roc_auc", "average_precision")


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
        As `assessment.assess_hazards`; empty where the findings tell no class.
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
        Called with the table of one class (`table.hazard_table`) and the folder to write
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
    shutil.rmtree(RunFolder(folder).hazards, ignore_errors=True)
    other = {row["hazard"]: row["intervals"] for row in by_any if row["intervals"]}
    facts: dict[str, dict[str, Any]] = {}
    for name in config.model.hazards:
        part, target = hazard_table(table, name), hazard_folder(folder, name)
        facts[name] = _train_one(part, config, target, train_table)
        if name in other:
            facts[name]["far_by_any"] = {measure: other[name][measure] for measure in RANKS}
    return facts


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
