"""The files that a transfer writes: rasters of ranks, shift of features, picture."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.grid import strips
from minerisk.models.calibration.logistic import expit
from minerisk.models.calibration.score_bins import logit
from minerisk.pipelines.formats.cog import RasterWriter, Values, raster_files
from minerisk.pipelines.formats.csv_table import csv_text
from minerisk.pipelines.formats.palette import (
    CANNOT_SAY,
    CLASS_COLOURS,
    CLASS_LEGEND,
    ELEVATED,
    HIGHER,
    LOWER,
    NO_VALUE,
    OUTSIDE,
    Legend,
    Ramp,
)
from minerisk.pipelines.language.marks import Marks
from minerisk.pipelines.plotting.preview import preview_png
from minerisk.pipelines.predict.bands import AREA, DERIVED, DISSIMILARITY, PREDICTED, PROBABILITY
from minerisk.pipelines.predict.risk_classes import (
    area_of_applicability,
    class_cuts,
    classify_with,
    known_values,
)
from minerisk.pipelines.provenance.files import write_whole
from minerisk.pipelines.run.row_blocks import thinned, thinned_grid
from minerisk.pipelines.transfer.land import RANK, NewLand
from minerisk.pipelines.transfer.record import ColumnThere

RANK_RAMP: Ramp = (
    (NO_VALUE, CLASS_COLOURS[CANNOT_SAY], "nothing is said: cannot say, or outside the study area"),
    (50.0, "#dfe5ef", "the half put last: surveyed later"),
    (80.0, CLASS_COLOURS[LOWER], "50 – 80"),
    (95.0, CLASS_COLOURS[ELEVATED], "80 – 95: survey next"),
    (float("inf"), CLASS_COLOURS[HIGHER], "95 – 100: survey first"),
)
RANKS = "no probabilities: ranks of a model that was trained on other land"


@dataclass(frozen=True)
class Sheet:
    """Where the files go, and what each says of itself.

    Attributes
    ----------
    folder, geobox, title
        Of the files, of the cells, and across the picture.
    marks, tags
        Of tables and pictures, and of rasters.
    """

    folder: Path
    geobox: GeoBox
    title: str
    marks: Marks
    tags: Mapping[str, str]


def write_shift(path: Path, columns: Sequence[ColumnThere], marks: Marks) -> Path:
    """Write the shift of every feature as CSV, the weightiest first."""
    rows = []
    for column in columns:
        shift = {} if column.shift is None else column.shift._asdict()
        facts = column.model_dump(mode="json", exclude={"shift"})
        rows.append({**facts, **shift, **marks.columns})
    return write_whole(path, csv_text(pd.DataFrame(rows)))


def write_rasters(
    sheet: Sheet, land: NewLand, *, shares: tuple[float, float], intercept: float | None
) -> list[Path]:
    """Write ranks, classes, dissimilarity and area of applicability, and a picture.

    Parameters
    ----------
    shares
        Of the land that the model can speak for: put first, and next.
    intercept
        What is added to every log-odds, for a raster of probabilities; None writes none.
    """
    shape = land.inside.shape

    def ranks(rows: slice) -> Values:
        return land.read(RANK, rows)

    def told() -> Iterator[Values]:
        for rows in strips(shape):
            yield known_values(ranks(rows), land.applicable(rows), land.inside[rows])

    cuts = class_cuts(told, higher_share=shares[0], elevated_share=shares[1])

    def classes(rows: slice) -> NDArray[np.uint8]:
        return classify_with(ranks(rows), land.applicable(rows), land.inside[rows], cuts=cuts)

    def unlike(rows: slice) -> Values:
        return land.read(DISSIMILARITY, rows)

    def area(rows: slice) -> NDArray[np.uint8]:
        found = area_of_applicability(unlike(rows))
        missing = land.inside[rows] & (found == OUTSIDE)  # a feature is
        return np.where(missing, np.uint8(0), found)

    def probability(rows: slice) -> NDArray[np.float32]:
        known = np.nan_to_num(land.read(PROBABILITY, rows), nan=0.5)
        shifted = expit(logit(known) + (intercept or 0.0))
        return np.where(land.applicable(rows), shifted, np.nan).astype(np.float32)

    words = "rank, 100 is put first, among the land that the model can speak for"
    paths = _raster(sheet, RANK, ranks, words, RANK_RAMP, unit="%")
    paths += _raster(sheet, "risk_class", classes, f"risk class; {RANKS}", CLASS_LEGEND)
    paths += _raster(sheet, AREA, area, DERIVED[AREA].description, DERIVED[AREA].style)
    band = PREDICTED[DISSIMILARITY]
    paths += _raster(sheet, DISSIMILARITY, unlike, band.description, band.style, unit=band.unit)
    if intercept is not None:
        words = "probability, its intercept set by finds there; nodata where the model cannot say"
        paths += _raster(sheet, PROBABILITY, probability, words, PREDICTED[PROBABILITY].style)
    picture = preview_png(
        sheet.folder / "preview.png",
        thinned(classes, shape),
        thinned_grid(sheet.geobox),
        title=sheet.title,
        marks=sheet.marks.words(),
    )
    return [*paths, picture]


def _raster(
    sheet: Sheet,
    name: str,
    read: Callable[[slice], Values],
    description: str,
    style: Ramp | Legend,
    *,
    unit: str = "1",
) -> list[Path]:
    path = sheet.folder / f"{name}.tif"
    with RasterWriter(
        path,
        sheet.geobox,
        description=description,
        style=style,
        unit="class" if isinstance(style, Legend) else unit,
        tags=sheet.tags,
        marks=sheet.marks,
    ) as raster:
        for rows in strips(sheet.geobox.shape):
            raster.write(read(rows), row=rows.start)
    return raster_files(path)
