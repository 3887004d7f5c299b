"""The rasters of a request: cut from those of the run, or coarsened for the public."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
import xarray as xr
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.windows import Window as Slice

from minerisk.features.cube.store import cube_geobox
from minerisk.features.errors import InputError
from minerisk.pipelines.formats.cog import read_raster_like, write_raster
from minerisk.pipelines.formats.palette import OUTSIDE, PROBABILITY_RAMP
from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.plotting.grids import HEIGHT, Grids
from minerisk.pipelines.predict.predict import AREA, BANDS, CODE_BANDS, LEGENDS, RAMPS
from minerisk.pipelines.predict.risk_classes import area_of_applicability
from minerisk.pipelines.predict.window import Window
from minerisk.pipelines.provenance.files import write_whole
from minerisk.pipelines.request.public_copy import (
    coarse_geobox,
    coarsen_any,
    coarsen_classes,
    coarsen_highest,
    coarsen_mean,
)

NEEDED = (
    *("probability", "probability_lower", "probability_upper"),
    *("dissimilarity", AREA, "risk_class"),
)
REASONS = "reasons.tif"


def cut_rasters(folder: Path, cube: xr.Dataset, window: Window) -> Grids:
    """Cut the rasters of a run to a window: every cell keeps its value.

    Parameters
    ----------
    folder
        With the rasters of the run's whole land.
    cube, window
        The run's cube, and the cells asked for in it.
    """
    bands = {name: read_raster_like(folder / f"{name}.tif", window.geobox) for name in NEEDED}
    return Grids(
        {name: _masked(values, window.asked) for name, values in bands.items()},
        window.geobox,
        _height(cube, window),
    )


def coarse_rasters(folder: Path, cube: xr.Dataset, window: Window) -> Grids:
    """Coarsen the rasters of a run where a window touches a large cell.

    A large cell is made of all its cells, asked for or not, so that two requests give the same.
    Probabilities and heights are means; dissimilarity is the highest, and a large cell is in the
    area of applicability if all its cells are; for classes see
    `minerisk.pipelines.request.public_copy.coarsen_classes`.
    """
    wide = _widened(cube, window)
    bands = {name: read_raster_like(folder / f"{name}.tif", wide.geobox) for name in NEEDED}
    found: dict[str, NDArray[Any]] = {
        name: coarsen_mean(bands[name], wide.geobox) for name in NEEDED[:3]
    }
    found["dissimilarity"] = coarsen_highest(bands["dissimilarity"], wide.geobox)
    found[AREA] = area_of_applicability(found["dissimilarity"])
    found["risk_class"] = coarsen_classes(bands["risk_class"], wide.geobox)
    asked = coarsen_any(wide.asked, wide.geobox)
    height = _height(cube, wide)
    return Grids(
        {name: _masked(values, asked) for name, values in found.items()},
        coarse_geobox(wide.geobox),
        None if height is None else coarsen_mean(height, wide.geobox),
    )


def write_rasters(
    grids: Grids, folder: Path, *, tags: Mapping[str, str], texts: Texts = ENGLISH
) -> list[Path]:
    """Write the rasters of a request as COGs with statistics, styled in the words of `texts`."""
    paths = []
    for name, values in grids.bands.items():
        classes = LEGENDS.get(name)
        ramp = texts.ramp(RAMPS.get(name, PROBABILITY_RAMP))
        words, unit = CODE_BANDS[name] if classes else BANDS[name]
        paths.append(
            write_raster(
                folder / f"{name}.tif",
                values,
                grids.geobox,
                description=words,
                unit=unit,
                tags=tags,
                colormap=classes[0] if classes else ramp,
                categories=texts.words(classes[1]) if classes else None,
            )
        )
    return paths


def cut_reasons(folder: Path, window: Window, out: Path, *, tags: Mapping[str, str]) -> list[Path]:
    """Cut ``reasons.tif`` of a run, all its bands, to a window, if the run has one.

    Parameters
    ----------
    folder
        With the rasters of the run's whole land.
    out
        Folder of the pack; the style and the names of the codes go with it.
    """
    source, target = folder / REASONS, out / REASONS
    if not source.is_file():
        return []
    draft, partial = (target.with_name(f".{REASONS}.{part}.tif") for part in ("draft", "partial"))
    place = Slice(window.column, window.row, window.geobox.width, window.geobox.height)
    try:
        with rasterio.open(source, driver="GTiff") as whole:
            codes = np.where(window.asked, whole.read(window=place), np.uint8(OUTSIDE))
            profile = whole.profile | {
                "driver": "GTiff",
                "height": window.geobox.height,
                "width": window.geobox.width,
                "transform": window.geobox.transform,
            }
            with rasterio.open(draft, "w", **profile) as part:
                part.write(codes)
                part.descriptions = whole.descriptions
                part.update_tags(**whole.tags() | dict(tags))
        cog = {"COMPRESS": "DEFLATE", "OVERVIEW_RESAMPLING": "MODE", "NUM_THREADS": "1"}
        rasterio.shutil.copy(draft, partial, driver="COG", **cog)
        partial.replace(target)
    except RasterioError as failure:
        raise InputError(f"{target} could not be made of {source} ({failure}).") from failure
    finally:
        for leftover in (draft, partial):
            leftover.unlink(missing_ok=True)
    sidecars = [target.with_suffix(".qml").name, f"{REASONS}.aux.xml"]
    copied = [write_whole(out / name, (folder / name).read_bytes()) for name in sidecars]
    return [target, *copied]


def _masked(values: NDArray[Any], asked: NDArray[np.bool_]) -> NDArray[Any]:
    nothing = OUTSIDE if values.dtype == np.uint8 else np.nan
    return np.where(asked, values, np.asarray(nothing, dtype=values.dtype))


def _height(cube: xr.Dataset, window: Window) -> NDArray[np.float32] | None:
    if HEIGHT not in cube:
        return None
    height, width = window.geobox.shape
    rows = slice(window.row, window.row + height)
    columns = slice(window.column, window.column + width)
    found: NDArray[np.float32] = cube[HEIGHT][rows, columns].to_numpy()
    return found


def _widened(cube: xr.Dataset, window: Window) -> Window:
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
    asked[row : row + height, column : column + width] = window.asked
    return Window(whole[top:bottom, left:right], asked, top, left)
