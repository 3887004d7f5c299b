"""Write a SIMULATED laying and its survey: what the model may see, and the truth apart from it."""

import logging
from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.errors import RasterioError

from minerisk.configs.schema import Config, Simulation
from minerisk.features.errors import InputError
from minerisk.features.layers.sources import Layers, VectorSource
from minerisk.features.simulator.imagery import positions_seen
from minerisk.features.simulator.land import describe_land
from minerisk.features.simulator.laying import HAZARDS, Laying, simulate_laying
from minerisk.features.simulator.survey import Survey, simulate_survey
from minerisk.pipelines.formats.geopackage import PackageLayer, write_geopackage
from minerisk.pipelines.provenance.files import replacing, write_whole
from minerisk.pipelines.run.folder import SIMULATED_PREFIX

logger = logging.getLogger(__name__)

DESCRIPTION = (
    "SIMULATED by minerisk: made up, not evidence of anything real, not for use in the field"
)
GEOMETRY = {
    "simulated_finds": "Point",
    "simulated_accidents": "Point",
    "simulated_suspect_areas": "MultiPolygon",
    "simulated_cleared": "MultiPolygon",
    "simulated_surveyed": "MultiPolygon",
    "simulated_positions_seen": "Point",
    "simulated_positions": "Point",
    "simulated_mines": "Point",
}
README = """SIMULATED
=========
Everything in this folder is made up by a computer program from the seed in config.yaml.
It is not evidence of anything real. Nobody may use it in the field.

findings.gpkg      what the model may see: SIMULATED finds, accidents, suspect areas, surveyed land
positions.gpkg     what the model may see: SIMULATED positions as mapped from imagery, with errors
truth/truth.tif    what lies where in the made-up world; no part of the model reads it
truth/truth.gpkg   positions and single items of the made-up world; no part of the model reads it
"""


def run_simulation(
    config: Config,
    layers: Layers,
    geobox: GeoBox,
    inside: NDArray[np.bool_],
    out_dir: Path,
) -> dict[str, Path]:
    """Simulate a laying and a survey, and write them.

    Parameters
    ----------
    config
        With a `simulation` section.
    layers
        The layers it names.
    geobox
        The study grid.
    inside
        Cells of the study area, shape ``(height, width)``.
    out_dir
        The folder ``simulated`` of the run; it gets ``findings.gpkg``,
        ``positions.gpkg``, ``truth/`` and ``README.txt``. Each file is written whole or not at
        all; the same seed and layers give the same bytes.

    Returns
    -------
    dict
        Layer name to file, for each layer of the configuration whose path starts with
        ``@simulated/``.

    Raises
    ------
    InputError
        If the configuration has no simulation, or its laying does not fit the study area.
    """
    if config.simulation is None:
        raise InputError("The configuration has no simulation section; there is nothing to make.")
    laying, survey = simulate_world(config.simulation, layers, geobox, inside)
    seen = simulate_imagery(config.simulation, laying)
    write_whole(out_dir / "README.txt", README)
    _write_package(out_dir / "findings.gpkg", _findings(survey))
    _write_package(out_dir / "positions.gpkg", {"simulated_positions_seen": seen})
    _write_package(out_dir / "truth" / "truth.gpkg", _truth(laying))
    _write_truth_raster(out_dir / "truth" / "truth.tif", laying, survey)
    logger.info("SIMULATED: %d cells hold something", int(laying.contaminated.sum()))
    return {
        name: out_dir / layer.path.removeprefix(SIMULATED_PREFIX)
        for name, layer in config.layers.items()
        if layer.path.startswith(SIMULATED_PREFIX)
    }


def simulate_world(
    settings: Simulation, layers: Layers, geobox: GeoBox, inside: NDArray[np.bool_]
) -> tuple[Laying, Survey]:
    """Simulate a laying and a survey over the layers, from the seed of the settings.

    The front of the made-up world is moved off the mapped line by the line's stated error.
    """
    crs = str(geobox.crs)
    named = {
        "front_line": settings.front_line,
        "held_area": settings.held_area,
        "settlements": settings.settlements,
        "rivers": settings.rivers,
        "roads": settings.roads,
    }
    vectors = {use: layers.vector(name, crs=crs) for use, name in named.items() if name}
    elevation = layers.raster(settings.elevation, geobox, unit="m")
    land = describe_land(geobox, inside, elevation, vectors=vectors)
    line = layers.source(settings.front_line)
    for_laying, for_survey, _ = _chance(settings)
    laying = simulate_laying(
        land,
        rng=for_laying,
        prevalence=settings.prevalence,
        away_share=settings.away_share,
        line_error_m=line.position_error_m if isinstance(line, VectorSource) else 0.0,
    )
    survey = simulate_survey(
        laying,
        rng=for_survey,
        surveyed_share=settings.surveyed_share,
        detection=settings.detection,
        false_suspicion=settings.false_suspicion,
    )
    return laying, survey


def simulate_imagery(settings: Simulation, laying: Laying) -> gpd.GeoDataFrame:
    """Map the positions of a simulated world from imagery, by draws of their own."""
    return positions_seen(
        laying,
        rng=_chance(settings)[2],
        missed=settings.positions_missed,
        false=settings.positions_false,
        error_m=settings.positions_error_m,
    )


def _chance(settings: Simulation) -> list[np.random.Generator]:
    """Return the sources of draws of laying, survey and imagery, apart from each other."""
    return np.random.default_rng(settings.seed).spawn(3)


def _findings(survey: Survey) -> dict[str, gpd.GeoDataFrame]:
    return {
        "simulated_finds": survey.finds,
        "simulated_accidents": survey.accidents,
        "simulated_suspect_areas": survey.suspect_areas,
        "simulated_cleared": survey.cleared,
        "simulated_surveyed": survey.surveyed_areas,
    }


def _truth(laying: Laying) -> dict[str, gpd.GeoDataFrame]:
    crs = str(laying.land.geobox.crs)
    tables = {"simulated_positions": laying.positions, "simulated_mines": laying.mines}
    return {
        name: gpd.GeoDataFrame(
            table.drop(columns=["easting", "northing"]),
            geometry=gpd.points_from_xy(table["easting"], table["northing"]),
            crs=crs,
        )
        for name, table in tables.items()
    }


def _write_package(path: Path, tables: Mapping[str, gpd.GeoDataFrame]) -> None:
    """Write the tables to one GeoPackage, each marked as simulated."""
    write_geopackage(
        path,
        {
            name: PackageLayer(
                table.assign(simulated=np.int32(1)), name, DESCRIPTION, geometry=GEOMETRY[name]
            )
            for name, table in tables.items()
        },
    )


def _write_truth_raster(path: Path, laying: Laying, survey: Survey) -> None:
    land = laying.land
    inside = land.inside
    bands = {f"simulated_{name}_count": laying.counts[i] for i, name in enumerate(HAZARDS)}
    bands["simulated_contaminated"] = laying.contaminated
    bands["simulated_propensity"] = survey.propensity
    bands["simulated_surveyed"] = survey.surveyed
    bands["simulated_front_m"] = land.front_m
    profile = {
        "driver": "GTiff",
        "dtype": "float32",
        "count": len(bands),
        "height": inside.shape[0],
        "width": inside.shape[1],
        "crs": str(land.geobox.crs),
        "transform": land.geobox.transform,
        "nodata": np.nan,
        "compress": "deflate",
        "tiled": True,
    }
    try:
        with replacing(path) as partial, rasterio.open(partial, "w", **profile) as file:
            file.update_tags(SIMULATED="yes", TIFFTAG_IMAGEDESCRIPTION=DESCRIPTION)
            for number, (name, values) in enumerate(bands.items(), start=1):
                file.write(np.where(inside, values, np.nan).astype(np.float32), number)
                file.set_band_description(number, name)
    except RasterioError as failure:
        raise InputError(
            f"{path} could not be written ({failure}). Check that the disk has room and that the "
            "folder may be written to."
        ) from failure
