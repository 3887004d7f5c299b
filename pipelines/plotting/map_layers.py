"""What is drawn over a risk map so that people find their way: line, places, registered areas."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import geopandas as gpd
import pandas as pd
from odc.geo.geobox import GeoBox
from shapely.geometry import box as rectangle

from minerisk.configs.bounds import names_in
from minerisk.configs.layer_names import RAILWAYS, RIVERS, ROADS, is_called
from minerisk.configs.schema import VectorLayer
from minerisk.features.errors import InputError
from minerisk.features.layers.sources import Layers
from minerisk.features.layers.vectors import layer_names, read_frame
from minerisk.pipelines.formats.imsma import land_fields
from minerisk.pipelines.language.notice_words import MapGap
from minerisk.pipelines.records.notice import Notice
from minerisk.pipelines.run.folder import Run

log = logging.getLogger(__name__)

Bounds = tuple[float, float, float, float]
POINTS = {"find", "accident"}
MOST_PLACES = 200
WAYS = (("water", RIVERS), ("way", (*ROADS, *RAILWAYS)))
"""Names of layers that lead people; other lines of a configuration may be military."""
LINES = frozenset({"LineString", "MultiLineString"})
MOST_WAYS = 5_000
"""Lines of a layer on a map, the longest first."""


@dataclass(frozen=True)
class MapLayers:
    """Layers of a run cut to a window; None where there is none.

    Attributes
    ----------
    line
        The front line, of every epoch.
    places
        Points with ``name``, the most peopled first where that is known, no more
        than 200.
    registered
        Hazardous areas and cleared land as registered, with IMSMA fields.
    findings
        Finds and accidents, with IMSMA fields. Never for the public.
    ways
        Roads, railways, rivers and canals: ``layer``, and ``kind``, ``way`` or ``water``.
    districts
        With ``name``, where the configuration has them.
    missing
        Layers that could not be read, and why.
    """

    line: gpd.GeoDataFrame | None = None
    places: gpd.GeoDataFrame | None = None
    registered: gpd.GeoDataFrame | None = None
    findings: gpd.GeoDataFrame | None = None
    ways: gpd.GeoDataFrame | None = None
    districts: gpd.GeoDataFrame | None = None
    missing: Sequence[Notice[MapGap]] = field(default_factory=tuple)


def map_layers(run: Run, geobox: GeoBox, *, public: bool = False) -> MapLayers:
    """Read what a map of a run shows besides the rasters.

    Parameters
    ----------
    geobox
        The land on the map, in the run's CRS.
    public
        Leave registered areas and findings out.
    """
    missing: list[Notice[MapGap]] = []
    box = geobox.boundingbox
    bounds = (box.left, box.bottom, box.right, box.top)
    try:
        layers = run.layers()
    except InputError as error:
        log.warning("The layers of the run are not on the map: %s", error)  # it may name folders
        gap = Notice[MapGap](code=MapGap.NO_LAYERS)
        return MapLayers(missing=(gap,))
    lines = [_read(layers, name, run, bounds, missing) for name in front_names(run)]
    registered: list[gpd.GeoDataFrame] = []
    findings: list[gpd.GeoDataFrame] = []
    for item in () if public else run.config.labels.positive:
        frame = _read(layers, item.layer, run, bounds, missing)
        if frame is not None:
            described = land_fields(frame, layer=item.layer, evidence=item.evidence)
            (findings if item.evidence in POINTS else registered).append(described)
    return MapLayers(
        line=_joined([line[["geometry"]] for line in lines if line is not None]),
        places=_places(layers, run, bounds, missing),
        registered=_joined(registered),
        findings=_joined(findings),
        ways=_ways(layers, run, bounds, missing),
        districts=_districts(layers, run, bounds, missing),
        missing=tuple(missing),
    )


def with_standing(layers: MapLayers, tasks: Path, geobox: GeoBox) -> MapLayers:
    """Add what survey tasks keep off (layer ``standing`` of their GeoPackage), if it is there."""
    if "standing" not in layer_names(tasks):
        return layers
    standing = read_frame(tasks, layer="standing").to_crs(str(geobox.crs))
    drawn = set() if layers.registered is None else set(layers.registered["layer"])
    new = ~standing["layer"].isin(drawn)
    part = standing[new & standing.intersects(rectangle(*geobox.boundingbox))]
    known = [frame for frame in (layers.registered, part) if frame is not None and len(frame)]
    return replace(layers, registered=_joined(known))


def _read(
    layers: Layers, name: str, run: Run, bounds: Bounds, missing: list[Notice[MapGap]]
) -> gpd.GeoDataFrame | None:
    if name not in layers.names():
        return None
    try:
        frame = layers.vector(name, crs=run.config.study_area.crs)
    except (InputError, OSError) as error:
        gap = Notice[MapGap](code=MapGap.NOT_READ, values={"layer": name})
        if gap not in missing:
            log.warning("The layer %s is not on the map: %s", name, error)
            missing.append(gap)
        return None
    part = frame[frame.intersects(rectangle(*bounds))]
    return None if part.empty else part


def front_names(run: Run) -> list[str]:
    """List the layers of front lines that the features of a run are made of."""
    lines = [item for item in run.config.features if item.kind in ("front_line", "front_epochs")]
    names = [name for item in lines for name in names_in(item.layer)]
    names += [str(getattr(item, "front_line", "")) for item in run.config.features]
    return [name for name in dict.fromkeys(names) if name]


def _places(
    layers: Layers, run: Run, bounds: Bounds, missing: list[Notice[MapGap]]
) -> gpd.GeoDataFrame | None:
    asked = {name for item in run.config.features for name in names_in(item.layer)}
    findings = {item.layer for item in run.config.labels.positive}
    for name, layer in run.config.layers.items():
        if name not in asked - findings or not isinstance(layer, VectorLayer):
            continue
        frame = _read(layers, name, run, bounds, missing)
        if frame is None or "name" not in frame or set(frame.geom_type) != {"Point"}:
            continue
        if "population" in frame:
            order = pd.to_numeric(frame["population"], errors="coerce").fillna(-1)
            frame = frame.loc[order.sort_values(ascending=False, kind="stable").index]
        return frame[["name", "geometry"]].dropna().head(MOST_PLACES).reset_index(drop=True)
    return None


def _ways(
    layers: Layers, run: Run, bounds: Bounds, missing: list[Notice[MapGap]]
) -> gpd.GeoDataFrame | None:
    """Read the lines by which people find their way: those of layers that are called so."""
    closed = {item.layer for item in run.config.labels.positive} | set(front_names(run))
    found: list[gpd.GeoDataFrame] = []
    for name, layer in run.config.layers.items():
        kind = next((kind for kind, parts in WAYS if is_called(name, parts)), None)
        if kind is None or name in closed or not isinstance(layer, VectorLayer):
            continue
        frame = _read(layers, name, run, bounds, missing)
        if frame is None or not set(frame.geom_type) <= LINES:
            continue
        longest = frame.geometry.length.sort_values(ascending=False, kind="stable").index
        shapes = frame.geometry.loc[longest[:MOST_WAYS]].clip_by_rect(*bounds)
        found.append(
            gpd.GeoDataFrame(geometry=shapes.reset_index(drop=True)).assign(layer=name, kind=kind)
        )
    return _joined(found)


def _districts(
    layers: Layers, run: Run, bounds: Bounds, missing: list[Notice[MapGap]]
) -> gpd.GeoDataFrame | None:
    asked = run.config.study_area.districts
    if asked is None:
        return None
    frame = _read(layers, asked.layer, run, bounds, missing)
    if frame is None or asked.name_column not in frame:
        return None
    named = frame[[asked.name_column, "geometry"]].rename(columns={asked.name_column: "name"})
    return named.reset_index(drop=True)


def _joined(frames: Sequence[gpd.GeoDataFrame]) -> gpd.GeoDataFrame | None:
    return pd.concat(frames, ignore_index=True) if frames else None
