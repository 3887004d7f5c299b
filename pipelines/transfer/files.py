"""The files that a transfer writes: rasters of ranks, shift of features, picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.models.calibration.logistic import expit
from minerisk.models.calibration.score_bins import logit
from minerisk.pipelines.formats.cog import raster_files, write_raster
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
from minerisk.pipelines.predict.risk_classes import area_of_applicability, classify
from minerisk.pipelines.provenance.files import write_whole
from minerisk.pipelines.run.row_blocks import thinned, thinned_grid
from minerisk.pipelines.transfer.measure import NewLand
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
    sheet: Sheet,
    land: NewLand,
    rank: NDArray[np.float32],
    *,
    shares: tuple[float, float],
    intercept: float | None,
) -> list[Path]:
    """Write ranks, classes, dissimilarity and area of applicability, and a picture.

    Parameters
    ----------
    shares
        Of the land that the model can speak for: put first, and next.
    intercept
        What is added to every log-odds, for a raster of probabilities; None writes none.
    """
    classes, _ = classify(
        rank, land.applicable, land.inside, higher_share=shares[0], elevated_share=shares[1]
    )
    area = area_of_applicability(land.dissimilarity)
    area = np.where(land.inside & (area == OUTSIDE), np.uint8(0), area)  # a feature is missing
    words = "rank, 100 is put first, among the land that the model can speak for"
    paths = _raster(sheet, "rank", rank, words, RANK_RAMP, unit="%")
    paths += _raster(sheet, "risk_class", classes, f"risk class; {RANKS}", CLASS_LEGEND)
    paths += _raster(sheet, AREA, area, DERIVED[AREA].description, DERIVED[AREA].style)
    unlike = PREDICTED[DISSIMILARITY]
    paths += _raster(
        sheet, DISSIMILARITY, land.dissimilarity, unlike.description, unlike.style, unit=unlike.unit
    )
    if intercept is not None:
        shifted = expit(logit(np.nan_to_num(land.probability, nan=0.5)) + intercept)
        values = np.where(land.applicable, shifted, np.nan).astype(np.float32)
        words = "probability, its intercept set by finds there; nodata where the model cannot say"
        paths += _raster(sheet, PROBABILITY, values, words, PREDICTED[PROBABILITY].style)
    picture = preview_png(
        sheet.folder / "preview.png",
        thinned(lambda rows: classes[rows], classes.shape),
        thinned_grid(sheet.geobox),
        title=sheet.title,
        marks=sheet.marks.words(),
    )
    return [*paths, picture]


def _raster(
    sheet: Sheet,
    name: str,
    values: NDArray[np.float32] | NDArray[np.uint8],
    description: str,
    style: Ramp | Legend,
    *,
    unit: str = "1",
) -> list[Path]:
    path = sheet.folder / f"{name}.tif"
    write_raster(
        path,
        values,
        sheet.geobox,
        description=description,
        style=style,
        unit="class" if isinstance(style, Legend) else unit,
        tags=sheet.tags,
        marks=sheet.marks,
    )
    return raster_files(path)
