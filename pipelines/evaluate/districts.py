"""The districts of a run: the named polygons that requests, comparisons and dossiers speak of."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.errors import InputError
from minerisk.features.layers.vectors import areas
from minerisk.pipelines.prepare.label_store import polygon_numbers
from minerisk.pipelines.run.folder import Run


@dataclass(frozen=True)
class Districts:
    """Which district each cell lies in.

    Attributes
    ----------
    names
        In the order of the alphabet; polygons of one name are one district.
    codes
        Gives for the cells of a grid, shape ``(height, width)``, the place in `names` of the
        district that holds the cell's centre; -1 where none does.
    """

    names: tuple[str, ...]
    codes: Callable[[GeoBox], NDArray[np.int32]]


def read_districts(run: Run) -> Districts:
    """Read the districts of ``study_area.districts`` (its ``layer`` and ``name_column``).

    Raises
    ------
    InputError
        If the configuration names none, or the layer is not at hand or has no such column.
    """
    asked = run.config.study_area.districts
    if asked is None:
        raise InputError(
            "The configuration names no districts; expected study_area.districts with a layer and "
            "its name_column."
        )
    frame = areas(run.layers().vector(asked.layer, crs=run.config.study_area.crs), name=asked.layer)
    if asked.name_column not in frame:
        raise InputError(
            f"Layer {asked.layer} has no column {asked.name_column!r}; it has "
            f"{[str(name) for name in frame.columns]}. Set study_area.districts.name_column."
        )
    names, place = np.unique(frame[asked.name_column].astype(str), return_inverse=True)

    def codes(geobox: GeoBox) -> NDArray[np.int32]:
        number = polygon_numbers(geobox, frame)
        return np.where(number >= 0, place[number], -1).astype(np.int32)

    return Districts(tuple(map(str, names)), codes)
