"""The shade of hills below a map, made once of the heights of a run and kept."""

import threading
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.cube.store import cube_geobox, open_cube
from minerisk.pipelines.plotting.grids import HEIGHT
from minerisk.pipelines.provenance.files import FOLDER, replacing
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.row_blocks import thinned, thinned_grid

NORTH_WEST, STEEP, LEVEL = 315.0, 3.0, 128
"""Where the light comes from, how much heights are stretched, and the shade of level ground."""


def has_heights(run: Run) -> bool:
    """Tell whether a run knows heights."""
    with open_cube(run.files.cube) as cube:
        return HEIGHT in cube


def shade_file(run: Run, home: Path) -> Path | None:
    """Return the raster of the shade of a run's hills; none where it knows no heights.

    Parameters
    ----------
    run
        The run.
    home
        Folder of the desk, where it is kept by the end of the run's trail.
    """
    path = home / "shade" / f"{run.manifest().head[:32]}.tif"
    with _making:  # many tiles of a map are asked for at once
        return path if path.is_file() else _made(run, path)


_making = threading.Lock()


def _made(run: Run, path: Path) -> Path | None:
    with open_cube(run.files.cube) as cube:
        if HEIGHT not in cube:
            return None
        geobox, height = thinned_grid(cube_geobox(cube)), cube[HEIGHT]
        shade = hill_shade(thinned(lambda rows: height[rows].to_numpy(), height.shape), geobox)
    path.parent.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    with replacing(path) as partial:
        _write(partial, shade, geobox)
    return path


def hill_shade(height: NDArray[np.float32], geobox: GeoBox) -> NDArray[np.uint8]:
    """Compute the light on slopes: 128 on level ground, less away from the light, 255 nodata.

    The cosine of the angle between light and slope (Horn 1981, doi:10.1109/PROC.1981.11918).
    """
    cell = abs(geobox.transform.a)
    known = np.isfinite(height)
    filled = np.where(known, height, np.nanmean(height) if known.any() else 0.0)
    down, right = np.gradient(STEEP * filled, cell)
    azimuth = np.radians(NORTH_WEST)
    towards = right * np.sin(azimuth) - down * np.cos(azimuth)
    light = (1 - towards) / np.sqrt(2 * (1 + down**2 + right**2))
    level = 1 / np.sqrt(2)
    return np.where(known, np.clip(LEVEL * light / level, 0, 254), 255).astype(np.uint8)


def _write(path: Path, shade: NDArray[np.uint8], geobox: GeoBox) -> None:
    with rasterio.open(
        path, "w", driver="GTiff", height=shade.shape[0], width=shade.shape[1], count=1,
        dtype="uint8", nodata=255, crs=str(geobox.crs), transform=geobox.transform,
        tiled=True, blockxsize=256, blockysize=256, compress="deflate",
    ) as raster:  # fmt: skip
        raster.write(shade, 1)
