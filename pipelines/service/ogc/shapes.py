"""Layers of vectors as features in longitude and latitude, with what finds some of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from pydantic import BaseModel, JsonValue, TypeAdapter
from shapely.geometry.base import BaseGeometry

from minerisk.features.layers.vectors import read_frame
from minerisk.pipelines.records.record import Record


class Shape(Record):
    """A feature of GeoJSON."""

    type: str = "Feature"
    id: str
    geometry: dict[str, JsonValue] | None
    properties: dict[str, JsonValue]


@dataclass(frozen=True)
class Shapes:
    """Features, and their outlines in CRS84 as shapely has them."""

    features: tuple[Shape, ...]
    outlines: NDArray[np.object_]

    @property
    def bounds(self) -> tuple[float, float, float, float] | None:
        """Return west, south, east, north; None where there is nothing."""
        if not len(self.outlines):
            return None
        west, south, east, north = map(float, shapely.total_bounds(self.outlines))
        return west, south, east, north

    def within(self, box: BaseGeometry | None) -> Sequence[Shape]:
        """Return the features that a box meets; all without one."""
        if box is None:
            return self.features
        met = shapely.intersects(self.outlines, box)
        return [self.features[place] for place in np.flatnonzero(met)]


class _Row(BaseModel, extra="ignore"):
    geometry: dict[str, JsonValue] | None = None
    properties: dict[str, JsonValue] | None = None


class _Collection(BaseModel, extra="ignore"):
    features: tuple[_Row, ...]


_ANY = TypeAdapter(dict[str, JsonValue])


def shapes_of(text: str | bytes, *, key: str | None) -> Shapes:
    """Read features of GeoJSON in longitude and latitude.

    Parameters
    ----------
    key
        The property that names a feature; without one its place in the layer does.
    """
    rows = _Collection.model_validate_json(text).features
    features = tuple(_shape(row, place, key) for place, row in enumerate(rows, 1))
    outlines = [shapely.from_geojson(_ANY.dump_json(each.geometry or {})) if each.geometry
                else None for each in features]  # fmt: skip
    return Shapes(features, np.array(outlines, dtype=np.object_))


@lru_cache(maxsize=32)
def shapes_in(path: Path, sha256: str, key: str | None) -> Shapes:
    """Read a file of features once for each of its hashes."""
    return shapes_of(path.read_bytes(), key=key)


@lru_cache(maxsize=64)
def layer_shapes(path: Path, sha256: str, layer: str) -> Shapes:
    """Read a layer of a GeoPackage once for each hash of the file."""
    frame = read_frame(path, layer=layer).to_crs("EPSG:4326")
    return shapes_of(str(frame.to_json(drop_id=True)), key=None)


def _shape(row: _Row, place: int, key: str | None) -> Shape:
    known = row.properties or {}
    name = known.get(key) if key is not None else None
    return Shape(id=str(place if name is None else name), geometry=row.geometry, properties=known)
