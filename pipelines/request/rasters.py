"""The rasters of a request: cut from those of the run, or coarsened for the public."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.cube.store import cube_geobox, families_of
from minerisk.features.grid import strips
from minerisk.pipelines.formats.cog import Values, read_raster_like, write_raster
from minerisk.pipelines.formats.palette import CANNOT_SAY, OUTSIDE, Legend, Ramp
from minerisk.pipelines.language.marks import Marks
from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.plotting.grids import HEIGHT, Grids
from minerisk.pipelines.predict.bands import (
    AREA,
    DERIVED,
    DISSIMILARITY,
    LOWER_END,
    PREDICTED,
    PROBABILITY,
    REASONS,
    RISK_CLASS,
    UNMASKED,
    UNMASKED_BAND,
    UPPER_END,
    Band,
)
from minerisk.pipelines.predict.class_draws import class_draws, unsearched
from minerisk.pipelines.predict.class_table import CLASSES, class_rows
from minerisk.pipelines.predict.predict import held_out_of
from minerisk.pipelines.predict.reasons import REASON_BANDS, write_reason_raster
from minerisk.pipelines.predict.risk_classes import area_of_applicability, class_legend, rule_tag
from minerisk.pipelines.predict.window import CubeWindow
from minerisk.pipelines.records.rasters import ClassRule, RiskClasses
from minerisk.pipelines.request.contents import PackContents
from minerisk.pipelines.request.public_copy import (
    coarse_geobox,
    coarsen_any,
    coarsen_classes,
    coarsen_highest,
    coarsen_mean,
)
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.hazards import ANY, model_home

WRITTEN: Mapping[str, Band] = {
    name: {**PREDICTED, **DERIVED, UNMASKED: UNMASKED_BAND}[name]
    for name in (PROBABILITY, LOWER_END, UPPER_END, DISSIMILARITY, AREA, RISK_CLASS, UNMASKED)
}
"""The rasters of a request, in order."""
ELEVATION = "elevation"
HEIGHT_RAMP: Ramp = (
    (200.0, "#f7f7f7", "< 200 m"),
    (500.0, "#e0e0e0", "200 – 500 m"),
    (1_000.0, "#c8c8c8", "500 – 1,000 m"),
    (2_000.0, "#b0b0b0", "1,000 – 2,000 m"),
    (float("inf"), "#989898", "> 2,000 m"),
)
Bands = Mapping[str, Values]
"""Name to cells: floats, and codes as uint8; NaN, or 255 for codes, outside what was asked for."""


@dataclass(frozen=True)
class RequestRasters:
    """The rasters of a request on one grid, with what maps are drawn of.

    Attributes
    ----------
    unsearched
        Share of each cell that nobody has searched.
    """

    bands: Bands
    grids: Grids
    unsearched: NDArray[np.float32]


def cut_rasters(folder: Path, run: Run, window: CubeWindow) -> RequestRasters:
    """Cut the rasters of a run to a window: every cell keeps its value.

    Parameters
    ----------
    folder
        With the rasters of the run's whole land.
    run, window
        The run, and the cells asked for in its cube.
    """
    bands = {name: read_raster_like(folder / f"{name}.tif", window.geobox) for name in WRITTEN}
    return _request_rasters(
        bands,
        window.asked[:],
        window.geobox,
        _height(run.cube(), window),
        unsearched(run.labels(), *_place(window)),
    )


def coarse_rasters(folder: Path, run: Run, window: CubeWindow) -> RequestRasters:
    """Coarsen the rasters of a run where a window touches a large cell.

    A large cell is made of all its cells, asked for or not, so that two requests agree.
    Probabilities are means of the cells that the model can speak for, and nothing where the large
    cell is cannot say; heights are means; dissimilarity is the highest, and a large cell is in the
    area of applicability if all its cells are; for classes see
    `minerisk.pipelines.request.public_copy.coarsen_classes`. The raster that is not for ranking is
    left out.
    """
    cube = run.cube()
    wide = _widened(cube, window)
    read = partial(_read_coarse, folder, wide.geobox)
    dissimilarity = read(DISSIMILARITY, coarsen_highest)
    classes = read(RISK_CLASS, coarsen_classes)
    bands = {
        name: np.where(classes == CANNOT_SAY, np.float32(np.nan), read(name, coarsen_mean))
        for name in (PROBABILITY, LOWER_END, UPPER_END)
    }
    bands |= {
        DISSIMILARITY: dissimilarity,
        AREA: area_of_applicability(dissimilarity),
        RISK_CLASS: classes,
    }
    height = _height(cube, wide)
    return _request_rasters(
        bands,
        coarsen_any(wide.asked[:], wide.geobox),
        coarse_geobox(wide.geobox),
        None if height is None else coarsen_mean(height, wide.geobox),
        coarsen_mean(unsearched(run.labels(), *_place(wide)), wide.geobox),
    )


def _read_coarse(
    folder: Path,
    geobox: GeoBox,
    name: str,
    coarsen: Callable[[Values, GeoBox], Values],
) -> Values:
    return coarsen(read_raster_like(folder / f"{name}.tif", geobox), geobox)


def _request_rasters(
    bands: Bands,
    asked: NDArray[np.bool_],
    geobox: GeoBox,
    height: NDArray[np.float32] | None,
    open_share: NDArray[np.float32],
) -> RequestRasters:
    kept = {name: _masked(values, asked) for name, values in bands.items()}
    grids = Grids(kept[RISK_CLASS], geobox, kept[PROBABILITY], height)
    return RequestRasters(kept, grids, open_share)


def classes_of(request: PackContents, rasters: RequestRasters, hazard: str) -> RiskClasses:
    """Sum up what each class of the maps of a request holds; they are cut as those of its run."""
    run = request.run
    known = RiskClasses.read(request.rasters(hazard) / CLASSES)
    block_m = run.metrics(None if hazard == ANY else hazard).block_m
    home = model_home(run.folder, hazard)
    open_land = rasters.unsearched
    bands = rasters.bands
    rows = class_rows(
        (
            (
                bands[RISK_CLASS][part],
                bands[PROBABILITY][part],
                bands[UPPER_END][part],
                open_land[part],
            )
            for part in strips(rasters.grids.geobox.shape)
        ),
        rasters.grids.geobox,
        class_draws(home, run.cube(), known.regions, block_m=block_m, seed=run.config.model.seed),
        level=known.level,
        held_out=held_out_of(known),
        fine_cells=(request.cell_m / run.config.study_area.resolution_m) ** 2,
    )
    return known.model_copy(update={"rows": rows, **request.stated.columns})


def write_rasters(
    rasters: RequestRasters,
    folder: Path,
    *,
    tags: Mapping[str, str],
    marks: Marks,
    rule: ClassRule,
    texts: Texts = ENGLISH,
) -> list[Path]:
    """Write the rasters of a request as COGs with statistics, styled in the words of `texts`."""
    classes = {"CLASSES": rule_tag(rule)}
    return [
        write_raster(
            folder / f"{name}.tif",
            values,
            rasters.grids.geobox,
            description=WRITTEN[name].description,
            style=class_legend(rule, texts)
            if name == RISK_CLASS
            else _worded(WRITTEN[name].style, texts),
            unit=WRITTEN[name].unit,
            tags={**tags, **WRITTEN[name].tags, **(classes if name == RISK_CLASS else {})},
            marks=marks,
            texts=texts,
        )
        for name, values in rasters.bands.items()
    ]


def write_heights(
    rasters: RequestRasters,
    folder: Path,
    *,
    tags: Mapping[str, str],
    marks: Marks,
    texts: Texts = ENGLISH,
) -> None:
    """Write the heights of a request, for the shade of hills, where the run knows heights."""
    if rasters.grids.elevation is None:
        return
    write_raster(
        folder / f"{ELEVATION}.tif",
        _masked(rasters.grids.elevation, rasters.grids.risk_class != OUTSIDE),
        rasters.grids.geobox,
        description="height, for the shade of hills",
        style=HEIGHT_RAMP,
        unit="m",
        tags=tags,
        marks=marks,
        texts=texts,
    )


def _worded(style: Ramp | Legend, texts: Texts) -> Ramp | Legend:
    """Translate the words of a style."""
    if isinstance(style, Legend):
        return Legend(style.colours, texts.words(style.words))
    return texts.ramp(style)


def cut_reasons(
    folder: Path,
    cube: xr.Dataset,
    window: CubeWindow,
    out: Path,
    *,
    tags: Mapping[str, str],
    marks: Marks,
) -> list[Path]:
    """Cut ``reasons.tif`` of a run to a window, if the run has one.

    Parameters
    ----------
    folder
        With the rasters of the run's whole land.
    cube, window
        The run's cube, and the cells asked for in it.
    out
        Folder of the pack; the style and the names of the codes go with it.
    """
    source = folder / f"{REASONS}.tif"
    if not source.is_file():
        return []
    codes = np.stack(
        [
            _masked(read_raster_like(source, window.geobox, band=band), window.asked[:])
            for band in range(1, len(REASON_BANDS) + 1)
        ]
    )
    target, families = out / source.name, list(families_of(cube))
    return write_reason_raster(target, window.geobox, [(0, codes)], families, tags, marks=marks)


def _masked(values: Values, asked: NDArray[np.bool_]) -> Values:
    nothing = OUTSIDE if values.dtype == np.uint8 else np.nan
    return np.where(asked, values, np.asarray(nothing, dtype=values.dtype))


def _height(cube: xr.Dataset, window: CubeWindow) -> NDArray[np.float32] | None:
    if HEIGHT not in cube:
        return None
    rows, columns = _place(window)
    found: NDArray[np.float32] = cube[HEIGHT][rows, columns].to_numpy()
    return found


def _place(window: CubeWindow) -> tuple[slice, slice]:
    """Return the rows and columns of a window in the cube."""
    height, width = window.geobox.shape
    return (
        slice(window.row, window.row + height),
        slice(window.column, window.column + width),
    )


def _widened(cube: xr.Dataset, window: CubeWindow) -> CubeWindow:
    """Widen a window to whole large cells, as far as the cube goes."""
    whole, large = cube_geobox(cube), coarse_geobox(window.geobox)
    per = round(large.transform.a / whole.transform.a)
    first_row = round((whole.transform.f - large.transform.f) / -whole.transform.e)
    first_column = round((large.transform.c - whole.transform.c) / whole.transform.a)
    top, left = max(first_row, 0), max(first_column, 0)
    bottom = min(first_row + large.height * per, whole.height)
    right = min(first_column + large.width * per, whole.width)
    asked = np.zeros((bottom - top, right - left), dtype=bool)
    row, column = window.row - top, window.column - left
    height, width = window.asked.shape
    asked[row : row + height, column : column + width] = window.asked[:]
    return CubeWindow(whole[top:bottom, left:right], asked, top, left)
