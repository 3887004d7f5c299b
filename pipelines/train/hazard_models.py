"""A model for each layer asked for, beside that of any hazard: classes, and what was found."""

import logging
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from minerisk.configs.model import Found
from minerisk.features.errors import InputError
from minerisk.models.evaluation.measures import Measures
from minerisk.models.evaluation.results import HazardScores
from minerisk.models.table import CellTable, found_table, hazard_table, real_finds
from minerisk.pipelines.language.metric_words import hazard_words
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.metrics import HazardModel
from minerisk.pipelines.run.hazards import FOUND, hazard_folder

log = logging.getLogger(__name__)


class ClassResult(NamedTuple):
    """What training on one class came to: measures on far land, and whether all gates passed."""

    far: Measures
    gates_passed: bool


TrainClass = Callable[[str, CellTable, Path], ClassResult]


def train_hazards(
    table: CellTable,
    folder: Path,
    train_class: TrainClass,
    *,
    hazards: Sequence[str],
    found: Found,
    least: int,
    by_any: Sequence[HazardScores] = (),
) -> dict[str, HazardModel]:
    """Train a model for each layer that has finds enough.

    Parameters
    ----------
    table
        Labelled cells of the run, with what was found in them.
    folder
        The run folder; earlier classes in it are removed.
    train_class
        Called with the name of a layer, its table (`table.hazard_table`, `table.found_table`) and
        the folder to write to; trains, evaluates and writes as for any hazard.
    hazards
        The layers asked for (`hazards.LAYERS`).
    found
        How finds are raised in the layer of what was found.
    least
        Cells with finds, and cells without, that a layer needs.
    by_any
        From `held_out_measures.measure_hazards`: how the model of any hazard ranks each class.

    Returns
    -------
    dict
        Class to what is known of its model.

    Raises
    ------
    FindingError
        If permuted labels are still predicted for a class.
    """
    shutil.rmtree(RunFolder(folder).hazards, ignore_errors=True)
    other = {row.hazard: row.intervals for row in by_any}
    return {
        name: _train_one(
            name, _table_of(table, name, found), hazard_folder(folder, name), train_class, least
        ).model_copy(update={"far_by_any": other.get(name)})
        for name in hazards
    }


def _table_of(table: CellTable, name: str, found: Found) -> CellTable:
    return found_table(table, found.weight) if name == FOUND else hazard_table(table, name)


def _train_one(
    name: str, table: CellTable, folder: Path, train_class: TrainClass, least: int
) -> HazardModel:
    own = real_finds(table) if name == FOUND else table.state == 1
    positive, negative = int(own.sum()), int((table.state == 0).sum())
    if min(positive, negative) < least:
        return _not_trained(
            name,
            HazardModel(trained=False, positive=positive, negative=negative, least=least),
        )
    try:
        result = train_class(name, table, folder)
    except InputError as error:
        shutil.rmtree(folder, ignore_errors=True)
        return _not_trained(
            name,
            HazardModel(trained=False, positive=positive, negative=negative, error=str(error)),
        )
    return HazardModel(
        trained=True,
        positive=positive,
        negative=negative,
        gates_passed=result.gates_passed,
        far=result.far,
    )


def _not_trained(name: str, model: HazardModel) -> HazardModel:
    words = hazard_words(name, **model.model_dump(exclude={"trained", "far", "far_by_any"}))
    log.warning("%s", words)
    return model
