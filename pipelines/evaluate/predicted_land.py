"""The land of a run as it was predicted, and the places of later finds on it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.errors import InputError
from minerisk.features.grid import cell_centres, cell_hectares, cell_of, strips
from minerisk.models.estimate import finite
from minerisk.models.folds.blocks import assign_blocks
from minerisk.models.order_statistics import middle_ranks
from minerisk.pipelines.formats.cog import raster_grid, read_raster_like
from minerisk.pipelines.formats.palette import CLASS_NAMES, OUTSIDE
from minerisk.pipelines.predict.bands import UNMASKED
from minerisk.pipelines.predict.risk_classes import class_shares, count_classes
from minerisk.pipelines.provenance.files import sha256_path
from minerisk.pipelines.records.evaluations import FindPlace, TrainedAs
from minerisk.pipelines.run.folder import Run

PROBABILITY = f"{UNMASKED}.tif"
"""Scores count every cell, those too of which the model cannot say anything."""
DISSIMILARITY, CLASSES = "dissimilarity.tif", "risk_class.tif"
RASTERS = (PROBABILITY, DISSIMILARITY, CLASSES)


TRAINED_AS = {1: TrainedAs.POSITIVE, 0: TrainedAs.NEGATIVE, -1: TrainedAs.UNLABELLED}


@dataclass(frozen=True)
class LandStrip:
    """What a run predicted for a strip of its land; arrays of shape (rows, width)."""

    rows: slice
    geobox: GeoBox
    probability: NDArray[np.float32]
    applicable: NDArray[np.bool_]
    classes: NDArray[np.uint8]
    trained: NDArray[np.int8]
    block_m: float

    @property
    def asked(self) -> NDArray[np.bool_]:
        """Cells of the study area."""
        return self.classes != OUTSIDE

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Cells of the study area with a probability."""
        return self.asked & np.isfinite(self.probability)

    def blocks(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the block of each chosen cell."""
        easting, northing = cell_centres(self.geobox)
        rows, columns = np.nonzero(chosen)
        centres = np.column_stack([easting[columns], northing[rows]])
        return assign_blocks(centres, block_m=self.block_m)


@dataclass(frozen=True)
class PredictedLand:
    """What a run predicted for its land, read strip by strip."""

    run: Run
    geobox: GeoBox
    block_m: float

    def strips(self) -> Iterator[LandStrip]:
        """Read the land from north to south."""
        yield from map(self.strip, strips(self.geobox.shape))

    def strip(self, rows: slice) -> LandStrip:
        """Read rows of the land."""
        part, folder = self.geobox[rows, :], self.run.files.rasters
        probability, ratio, classes = (read_raster_like(folder / name, part) for name in RASTERS)
        return LandStrip(
            rows=rows,
            geobox=part,
            probability=probability,
            applicable=ratio <= 1,
            classes=classes,
            trained=self.run.labels()["state"][rows].to_numpy(),
            block_m=self.block_m,
        )

    def answers(self) -> Iterator[NDArray[np.float32]]:
        """Read the probabilities of the answered cells."""
        for strip in self.strips():
            yield strip.probability[strip.answered]

    def class_shares(self) -> dict[str, float]:
        """Compute the share of the study area that each class has."""
        counts = np.zeros(256, dtype=np.int64)
        for strip in self.strips():
            counts += count_classes(strip.classes)
        return class_shares(counts)

    @property
    def cell_ha(self) -> float:
        """Area of a cell, hectares."""
        return cell_hectares(self.geobox)


def read_land(run: Run) -> PredictedLand:
    """Open what a run predicted, its rasters checked against their hashes.

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
    return PredictedLand(
        run=run,
        geobox=raster_grid(run.files.rasters / PROBABILITY),
        block_m=run.metrics().block_m,
    )


def find_places(land: PredictedLand, finds: gpd.GeoDataFrame) -> list[FindPlace]:
    """Look up what a run predicted for the cell of each find (of a polygon: of a point in it)."""
    rows, columns = cells_of(land.geobox, finds)
    places = [
        FindPlace(find=number, easting=point.x, northing=point.y)
        for number, point in enumerate(shapely.point_on_surface(finds.geometry.array))
    ]
    for strip in land.strips():
        for number, row, column in _inside(strip, rows, columns):
            places[number] = _predicted(places[number], strip, row, column)
    known = {place.probability for place in places if place.probability is not None}
    above, hectares = land_above(land, known)
    return [
        place
        if place.probability is None
        else place.model_copy(
            update={
                "land_above": above[place.probability],
                "hectares_above": above[place.probability] * hectares,
            }
        )
        for place in places
    ]


def land_above(land: PredictedLand, values: Iterable[float]) -> tuple[dict[float, float], float]:
    """Compute the share of the answered land above each probability, half of its own counted.

    Returns
    -------
    above, hectares
        Probability to share; and how much land was answered.
    """
    asked = np.array(sorted(set(values)), dtype=np.float64)
    if not asked.size:
        return {}, 0.0
    ranks, cells = middle_ranks(land.answers(), asked)
    above = 1.0 - (ranks - 0.5) / cells
    return dict(zip(asked.tolist(), above.tolist(), strict=True)), float(cells * land.cell_ha)


def _inside(
    strip: LandStrip, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> Iterator[tuple[int, int, int]]:
    """Yield the number of each cell that lies in the study area of a strip, and its place there."""
    first, last = strip.rows.start, strip.rows.stop
    here = (rows >= first) & (rows < last) & (columns >= 0) & (columns < strip.classes.shape[1])
    for number in np.flatnonzero(here).tolist():
        row, column = int(rows[number]) - first, int(columns[number])
        if strip.asked[row, column]:
            yield number, row, column


def _predicted(place: FindPlace, strip: LandStrip, row: int, column: int) -> FindPlace:
    cell = row, column
    return place.model_copy(
        update={
            "risk_class": CLASS_NAMES[int(strip.classes[cell])],
            "probability": finite(strip.probability[cell]),
            "applicable": bool(strip.applicable[cell]),
            "trained_as": TRAINED_AS[int(strip.trained[cell])],
        }
    )


def cells_of(
    geobox: GeoBox, frame: gpd.GeoDataFrame
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the row and column of the cell of each feature (of a polygon: of a point in it)."""
    points = shapely.point_on_surface(frame.geometry.array)
    return cell_of(geobox, shapely.get_x(points), shapely.get_y(points))


def cells_at(
    geobox: GeoBox, places: Sequence[FindPlace]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the row and column of the cell of each place."""
    easting = np.array([place.easting for place in places])
    return cell_of(geobox, easting, np.array([place.northing for place in places]))
