"""What there is to know of one kind of feature."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import xarray as xr

Reads = Mapping[str, Literal["raster", "vector"]]
Halo = Callable[[Mapping[str, Any]], float]
Role = Literal["feature", "effort", "cover"]


@dataclass(frozen=True)
class FeatureKind:
    """One kind of feature.

    Attributes
    ----------
    build
        ``build(layers, geobox, **params)`` returns a float32 Dataset ``(y, x)``. It is right where
        `geobox` reaches `halo_m`, and one cell where there is a halo or a stencil, beyond the area
        that is kept.
    reads
        The parameters that name a layer, or several, and what that layer is.
    halo_m
        How far the features look, metres, by their parameters.
    words
        What the kind describes, in plain words.
    units
        The units of its variables; empty where the layer's own unit is theirs.
    stencil
        Whether a cell depends on the eight around it even where `halo_m` is 0.
    by_layer
        Whether its features are told apart by their layer: near a road is not near a river. All
        others of a kind are one family, which is weighed and shown as one.
    first
        Whether a first configuration (`minerisk init`) holds it; all else is off until asked for.
    role
        ``effort`` for what describes the search and not the ground: for models of survey bias;
        ``cover`` for what describes where layers speak.
    each_covers
        Whether it reads several layers, each for the land that it speaks for, and leaves nodata
        itself; of all others, a cell is nodata where any of its layers says nothing.
    references
        DOIs of the methods it follows.
    """

    build: Callable[..., xr.Dataset]
    reads: Reads
    halo_m: Halo
    words: str
    units: tuple[str, ...] = ()
    stencil: bool = False
    by_layer: bool = False
    first: bool = False
    role: Role = "feature"
    each_covers: bool = False
    references: tuple[str, ...] = ()

    @property
    def of_any_layer(self) -> bool:
        """Whether its words mean nothing without the layer that it is made of."""
        return self.by_layer or not self.units
