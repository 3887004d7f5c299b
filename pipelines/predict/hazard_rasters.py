"""Rasters of each hazard class, beside those of any hazard."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minerisk.features.grid import strips
from minerisk.pipelines.formats.cog import raster_grid, read_raster_like
from minerisk.pipelines.records.rasters import HazardComparison, RasterFacts
from minerisk.pipelines.run.hazards import FOUND, LAYERS, trained_hazards

Pair = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Probabilities of a class and of any hazard, of the same cells."""
PredictOne = Callable[[str | None], tuple[Sequence[Path], RasterFacts]]


def predict_classes(
    folder: Path, rasters: Path, predict_one: PredictOne
) -> tuple[Sequence[Path], RasterFacts]:
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
        returns their paths and facts.

    Returns
    -------
    paths, facts
        Of all; the facts are those of any hazard, and ``hazards`` as `compare_with_any` finds it.
    """
    trained = trained_hazards(folder)
    for name in set(LAYERS) - set(trained):
        shutil.rmtree(rasters / name, ignore_errors=True)
    classes = [name for name in trained if name != FOUND]
    paths, facts = predict_one(None)
    made = [*paths, *(path for name in trained for path in predict_one(name)[0])]
    return made, facts.model_copy(update={"hazards": compare_with_any(rasters, classes)})


def compare_with_any(rasters: Path, hazards: Sequence[str]) -> dict[str, HazardComparison]:
    """Compare the probability of each class with that of any hazard, from rasters on disk.

    There is no entry where no cell is known to both.
    """
    if not hazards:
        return {}
    whole = rasters / "probability.tif"
    geobox = raster_grid(whole)

    def both(name: str) -> Iterator[Pair]:
        for rows in strips(geobox.shape):
            part, all_ = (
                read_raster_like(path, geobox[rows, :])
                for path in (rasters / name / "probability.tif", whole)
            )
            yield part, all_

    found = {name: above_any(both(name)) for name in hazards}
    return {name: compared for name, compared in found.items() if compared is not None}


def above_any(pairs: Iterable[Pair]) -> HazardComparison | None:
    """Compare the probability of a class with that of any hazard, on parts of the same land.

    A class is a part of any hazard, so its probability should not be above; but each model is
    calibrated by itself, on its own positives. Nothing is changed by this: it is reported.

    Returns
    -------
    HazardComparison
        None if no cell is known to both.
    """
    cells, sums = 0, np.zeros(3)
    for part, whole in pairs:
        both = np.isfinite(part) & np.isfinite(whole)
        one, all_ = part[both].astype(np.float64), whole[both].astype(np.float64)
        cells += one.size
        sums += (one.sum(), all_.sum(), np.count_nonzero(one > 1.1 * all_))
    if not cells:
        return None
    mean, mean_any, above = (sums / cells).tolist()
    return HazardComparison(mean=mean, mean_any=mean_any, above_any=above)
