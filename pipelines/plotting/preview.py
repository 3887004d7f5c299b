"""The preview of a request: a picture of its risk classes."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.pipelines.formats.cog import Values
from minerisk.pipelines.provenance.files import write_whole
from minerisk.pipelines.run.processes import apart


def preview_png(
    path: Path,
    values: Values,
    geobox: GeoBox,
    *,
    title: str,
    marks: Sequence[str],
    cannot_say: NDArray[np.bool_] | None = None,
    elevation: NDArray[np.floating] | None = None,
) -> Path:
    """Draw a raster as a map: classes if uint8, otherwise probabilities.

    Parameters
    ----------
    values
        Class codes (uint8) or probabilities (float, NaN nodata), shape ``(height, width)``.
    marks
        Lines above the map that say what it is not.
    cannot_say
        Cells to hatch over probabilities; classes bring their own.
    elevation
        Metres, same shape: shaded beneath the map.
    """
    draw = partial(
        _drawn,
        geobox=geobox,
        title=title,
        marks=marks,
        cannot_say=cannot_say,
        elevation=elevation,
    )
    return write_whole(path, apart(draw, values))


def _drawn(
    values: Values,
    *,
    geobox: GeoBox,
    title: str,
    marks: Sequence[str],
    cannot_say: NDArray[np.bool_] | None,
    elevation: NDArray[np.floating] | None,
) -> bytes:
    from minerisk.pipelines.plotting.figures import figure_bytes
    from minerisk.pipelines.plotting.map_figure import map_figure

    return figure_bytes(
        map_figure(
            values,
            geobox,
            title=title,
            marks=marks,
            cannot_say=cannot_say,
            elevation=elevation,
        )
    )
