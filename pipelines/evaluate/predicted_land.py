"""The land of a run as it was predicted, and the places of later finds on it."""

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from scipy.stats import rankdata

from minerisk.features.errors import InputError
from minerisk.features.grid import cell_centres, resolution
from minerisk.models.estimate import finite
from minerisk.models.folds.blocks import assign_blocks
from minerisk.pipelines.formats.cog import read_raster
from minerisk.pipelines.formats.palette import CLASS_NAMES, OUTSIDE
from minerisk.pipelines.predict.bands import UNMASKED
from minerisk.pipelines.provenance.files import sha256_path
from minerisk.pipelines.records.evaluations import FindPlace, TrainedAs
from minerisk.pipelines.run.folder import Run

PROBABILITY = f"{UNMASKED}.tif"
"""Scores count every cell, those too of which the model cannot say anything."""
RASTERS = (PROBABILITY, "dissimilarity.tif", "risk_class.tif")


TRAINED_AS = {1: TrainedAs.POSITIVE, 0: TrainedAs.NEGATIVE, -1: TrainedAs.UNLABELLED}


@dataclass(frozen=True)
class PredictedLand:
    """What a run predicted for its land; arrays of shape (height, width)."""

    geobox: GeoBox
    probability: NDArray[np.float32]
    applicable: NDArray[np.bool_]
    classes: NDArray[np.uint8]
    trained: NDArray[np.int8]
    block_m: float

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Cells of the study area with a probability."""
        return (self.classes != OUTSIDE) & np.isfinite(self.probability)

    @property
    def cell_ha(self) -> float:
        """Area of a cell, hectares."""
        return resolution(self.geobox) ** 2 / 10_000

    def blocks(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the block of each chosen cell."""
        easting, northing = cell_centres(self.geobox)
        rows, columns = np.nonzero(chosen)
        centres = np.column_stack([easting[columns], northing[rows]])
        return assign_blocks(centres, block_m=self.block_m)


def read_land(run: Run) -> PredictedLand:
    """Read what a run predicted, its rasters checked against their hashes.

    Raises
    ------
    InputError
        If a raster is missing or changed.
    """
    recorded = run.manifest().outputs
    for name in RASTERS:
        path = run.files.rasters / name
        if not path.is_file():
            raise InputError(f"{run.folder} has no rasters/{name}; run `minerisk predict` first.")
        if recorded.get(f"rasters/{name}") != sha256_path(path):
            raise InputError(
                f"rasters/{name} is not as the run wrote it (manifest.json). "
                "Run `minerisk audit verify`."
            )
    probability, geobox = read_raster(run.files.rasters / PROBABILITY)
    ratio, _ = read_raster(run.files.rasters / "dissimilarity.tif")
    classes, _ = read_raster(run.files.rasters / "risk_class.tif")
    labels = run.labels()
    return PredictedLand(
        geobox=geobox,
        probability=probability,
        applicable=ratio <= 1,
        classes=classes,
        trained=labels["state"].to_numpy(),
        block_m=run.metrics().block_m,
    )


def find_places(land: PredictedLand, finds: gpd.GeoDataFrame) -> list[FindPlace]:
    """Look up what a run predicted for the cell of each find (of a polygon: of a point in it)."""
    rows, columns = cells_of(land.geobox, finds)
    values = land.probability[land.answered]
    above = 1.0 - (rankdata(values) - 0.5) / values.size
    share = np.full(land.classes.shape, np.nan)
    share[land.answered] = above
    hectares = float(values.size * land.cell_ha)
    points = shapely.point_on_surface(finds.geometry.array)
    height, width = land.classes.shape
    places = []
    for number, (row, column, point) in enumerate(zip(rows, columns, points, strict=True)):
        place = FindPlace(find=number, easting=point.x, northing=point.y)
        inside = 0 <= row < height and 0 <= column < width and land.classes[row, column] != OUTSIDE
        if inside:
            above_here = finite(share[row, column])
            place = FindPlace(
                find=number,
                easting=point.x,
                northing=point.y,
                risk_class=CLASS_NAMES[int(land.classes[row, column])],
                probability=finite(land.probability[row, column]),
                applicable=bool(land.applicable[row, column]),
                trained_as=TRAINED_AS[int(land.trained[row, column])],
                land_above=above_here,
                hectares_above=None if above_here is None else above_here * hectares,
            )
        places.append(place)
    return places


def cells_of(
    geobox: GeoBox, frame: gpd.GeoDataFrame
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the row and column of the cell of each feature (of a polygon: of a point in it)."""
    points = shapely.point_on_surface(frame.geometry.array)
    return _cells(geobox, shapely.get_x(points), shapely.get_y(points))


def cells_at(
    geobox: GeoBox, places: Sequence[FindPlace]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the row and column of the cell of each place."""
    easting = np.array([place.easting for place in places])
    return _cells(geobox, easting, np.array([place.northing for place in places]))


def _cells(
    geobox: GeoBox, easting: NDArray[np.float64], northing: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    columns = np.floor((easting - geobox.transform.c) / geobox.transform.a)
    rows = np.floor((northing - geobox.transform.f) / geobox.transform.e)
    return rows.astype(np.int64), columns.astype(np.int64)
