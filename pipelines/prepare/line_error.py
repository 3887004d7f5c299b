"""How much features change where drawn lines are off by their stated positional error."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from minerisk.configs.schema import Config
from minerisk.features.cube.line_sensitivity import front_sensitivity
from minerisk.features.grid import cells_inside, study_grid
from minerisk.features.layers.sources import Layers
from minerisk.pipelines.records.manifest import LineError, MovedColumn
from minerisk.pipelines.run.layers import FeatureSpec

CELLS = 60_000
"""A coarser grid of about so many cells is enough: lines are displaced smoothly."""
DRAWS = 4


def line_error(
    config: Config, layers: Layers, features: Sequence[FeatureSpec], *, units: Mapping[str, str]
) -> LineError:
    """Displace every layer with a stated error by it, and measure how far the features move.

    Parameters
    ----------
    config
        The study area.
    layers, features
        What the cube is made of.
    units
        Column to its unit.

    Returns
    -------
    LineError
        Columns that are the same everywhere on the grid are left out.
    """
    area = config.study_area
    boundary = layers.vector(area.boundary, crs=area.crs)
    cell_m = max(area.resolution_m, _round_m(math.sqrt(boundary.area.sum() / CELLS)))
    geobox = study_grid(tuple(boundary.total_bounds), crs=area.crs, resolution_m=cell_m)
    found = front_sensitivity(
        layers,
        features,
        geobox=geobox,
        inside=cells_inside(geobox, boundary),
        draws=DRAWS,
        rng=np.random.default_rng([config.model.seed, 6]),
    )
    rows = [
        MovedColumn(
            column=name,
            unit=units[name],
            change=float(f"{moved.change:.4g}"),
            spread=float(f"{moved.spread:.4g}"),
            share=round(moved.share, 4),
        )
        for name, moved in sorted(found.items(), key=lambda item: (-item[1].share, item[0]))
        if moved.spread > 0
    ]
    return LineError(cell_m=cell_m, draws=DRAWS, rows=tuple(rows))


def _round_m(cell_m: float) -> float:
    return 50.0 * math.ceil(cell_m / 50.0)
