"""The hazard classes of a run and where each keeps its files."""

from collections.abc import Mapping
from pathlib import Path

from minerisk.features.evidence.codes import HAZARD_BITS
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.provenance.run_folder import RunFolder

ANY = "any"
FOUND = "found"
"""The layer of what was found: not a class of hazard, but kept and shown as one."""
LAYERS = (*HAZARD_BITS, FOUND)
"""What can have a model, metrics and rasters of its own in a run."""


HAZARD_TITLES: Mapping[str, str] = {
    ANY: marked("Any hazard"),
    "ap": marked("Anti-personnel mines"),
    "at": marked("Anti-tank mines"),
    "uxo": marked("Unexploded ordnance"),
    FOUND: marked("Any hazard, ranked for what was found"),
}


def model_home(folder: Path, hazard: str | None) -> Path:
    """Return where the model of a layer is; that of any hazard, or of none named, is the run's."""
    return folder if hazard in {None, ANY} else hazard_folder(folder, str(hazard))


def hazard_folder(folder: Path, hazard: str) -> Path:
    """Return where the model and the metrics of a hazard class are: laid out as a run's own."""
    return RunFolder(folder).hazard(hazard).path


def hazard_rasters(folder: Path, hazard: str) -> Path:
    """Return where the rasters of a hazard class, or of any, are in a run folder."""
    return RunFolder(folder).rasters / ("" if hazard == ANY else hazard)


def trained_hazards(folder: Path) -> list[str]:
    """Name the hazard classes that have a model in a run folder."""
    return [name for name in LAYERS if RunFolder(folder).hazard(name).model.is_dir()]
