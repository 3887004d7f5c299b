"""`minerisk build`: from layers to the feature cube and the labels."""

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.configs.schema import Config, Evidence, Search
from minerisk.features.cube.build import Tiling, build_cube
from minerisk.features.cube.store import open_cube, open_store
from minerisk.features.cube.zarr_files import remove_store
from minerisk.features.errors import InputError
from minerisk.features.evidence.labels import EvidenceLayer, label_cells
from minerisk.features.grid import count_marked
from minerisk.features.layers.problems import Level
from minerisk.features.layers.sources import Layers
from minerisk.features.layers.vector_quality import kept_problems
from minerisk.features.layers.vectors import areas
from minerisk.features.vector_files.dates import day_number
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.prepare.cover import cover_feature, covered_layers, layer_covers
from minerisk.pipelines.prepare.evidence_dates import evidence_dates
from minerisk.pipelines.prepare.label_store import write_labels
from minerisk.pipelines.prepare.line_error import line_error
from minerisk.pipelines.provenance.clock import now
from minerisk.pipelines.provenance.files import sha256_path
from minerisk.pipelines.records.manifest import BuildFacts
from minerisk.pipelines.records.validation import of_layer
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.layers import effort_features, evidence_columns, present_features
from minerisk.pipelines.run.progress import Progress

log = logging.getLogger(__name__)


def build(run: Run, *, progress: Progress) -> tuple[Sequence[Path], BuildFacts]:
    """Write ``cube.zarr``, ``labels.zarr`` and, if asked for, ``effort.zarr`` of search effort."""
    config, layers = run.config, run.layers()
    geobox, inside = run.grid(layers)
    cube = run.files.cube
    features, left_out = present_features(config, layers)
    for problem in left_out:
        log.warning("%s", ENGLISH.say(problem))
    tiling = Tiling(run=run.workers.run)
    for name in ("cube.zarr", "effort.zarr"):
        _remove_damaged(run, name)
    built = build_cube(
        layers,
        [*features, *cover_feature(config, layers, features)],
        geobox=geobox,
        inside=inside,
        path=cube,
        progress=progress.step,
        tiling=tiling,
    )
    made = [cube]
    if effort := effort_features(config, layers):
        # A store of its own: whatever reads the cube cannot take it for a feature.
        made.append(run.files.effort)
        build_cube(layers, effort, geobox=geobox, inside=inside, path=made[-1], tiling=tiling)
    asked = config.study_area.regions
    path = run.files.labels
    regions = write_labels(
        path,
        geobox,
        inside,
        label=findings_of(config, layers).label,
        grouping=None
        if asked.layer is None
        else areas(layers.vector(asked.layer, crs=config.study_area.crs), name=asked.layer),
        count=asked.count,
        seed=config.model.seed,
    )
    _warn_of_unmatched(layers)
    opened = open_cube(cube)
    units = {name: str(opened[name].attrs["unit"]) for name in opened.attrs["variables"]}
    facts = BuildFacts(
        built=built,
        cells=count_marked(inside),
        shape=geobox.shape.yx,
        features=tuple(units),
        left_out=tuple(of_layer(problem) for problem in left_out),
        line_error=line_error(config, layers, features, units=units),
        regions=regions,
        coverage=layer_covers(
            layers,
            covered_layers(layers, features),
            geobox=geobox,
            inside=inside,
            state=open_store(path)["state"],
        ),
        day=run.manifest().repeats or now().date(),
        evidence=evidence_dates(config, layers),
    )
    return [*made, path], facts


def _warn_of_unmatched(layers: Layers) -> None:
    """Say which values to keep no row has, as `validate` does."""
    for name in layers.names():
        try:
            problems = list(kept_problems(layers, name))
        except InputError:  # of a layer that nothing here has read
            continue
        for problem in problems:
            if problem.level == Level.WARNING:
                log.warning("%s: %s", name, ENGLISH.say(problem))


def _remove_damaged(run: Run, name: str) -> None:
    """Remove a store whose bytes are not those on record: its key alone would have it kept."""
    stage, store = run.manifest().stage("build"), run.files.output(name)
    known = None if stage is None else stage.outputs.get(name)
    if known is None or not store.is_dir() or sha256_path(store) == known:
        return
    log.warning("%s is not as it was built; it is built again.", store)
    remove_store(store)


@dataclass(frozen=True)
class Findings:
    """What cells are labelled by; see `minerisk.features.evidence.labels.label_cells`.

    Attributes
    ----------
    evidence
        Layers of finds, accidents, hazardous and suspect areas, by weight.
    surveyed
        Land that was surveyed; None where it is not known.
    search_weight
        Weight of a cell that was surveyed without a find.
    searches
        Land that was searched otherwise, with its weight.
    """

    evidence: list[EvidenceLayer]
    surveyed: gpd.GeoDataFrame | None
    search_weight: float
    searches: list[tuple[float, gpd.GeoDataFrame]]

    def label(self, geobox: GeoBox) -> xr.Dataset:
        """Label the cells of a grid."""
        return label_cells(
            geobox,
            evidence=self.evidence,
            surveyed=self.surveyed,
            search_weight=self.search_weight,
            searches=self.searches,
        )


def findings_of(config: Config, layers: Layers) -> Findings:
    """Gather what cells are labelled by from the layers, as they are now."""
    crs = config.study_area.crs
    as_of = config.study_area.as_of
    evidence = [
        EvidenceLayer(
            frame=frame,
            evidence=item.evidence,
            weight=weight,
            hazard=item.hazard,
            cells=item.cells,
            min_coverage=item.min_coverage,
        )
        for item in config.labels.positive
        for weight, frame in _by_weight(_dated(_record_frame(layers, item, crs), as_of), item)
    ]
    surveyed = None
    if config.labels.surveyed is not None:
        whole = Search(layer=config.labels.surveyed)
        surveyed = areas(_dated(_record_frame(layers, whole, crs), as_of), name=whole.layer)
    searches = [
        frame
        for item in config.labels.searches
        for frame in _by_weight(
            areas(_dated(_record_frame(layers, item, crs), as_of), name=item.layer), item
        )
    ]
    return Findings(evidence, surveyed, config.labels.search_weight, searches)


def _by_weight(
    frame: gpd.GeoDataFrame, item: Evidence | Search
) -> list[tuple[float, gpd.GeoDataFrame]]:
    """Separate records of different weight."""
    if "weight" not in frame:
        return [(item.weight, frame)]
    return [(item.weight * float(value), part) for value, part in frame.groupby("weight")]


def _record_frame(layers: Layers, item: Evidence | Search, crs: str) -> gpd.GeoDataFrame:
    """Read records with their geometry and, where columns are named, weight, class and day."""
    frame = layers.vector(item.layer, crs=crs)
    columns: dict[str, NDArray[np.generic]] = {}
    for name, column in evidence_columns(item).items():
        columns[name] = column.read(frame, item.layer)
    days = layers.days(item.layer, frame)
    if days is not None:
        columns["day"] = days.last
    return gpd.GeoDataFrame(columns, geometry=frame.geometry.to_numpy(), crs=frame.crs)


def _dated(frame: gpd.GeoDataFrame, as_of: dt.date | None) -> gpd.GeoDataFrame:
    """Keep the records up to a day; one without a date is kept."""
    if as_of is None or "day" not in frame:
        return frame
    return frame[~(frame["day"] > day_number(as_of))]
