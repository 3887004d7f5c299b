"""What an answer would be about, before it is asked for: land, shares, what is wrong."""

from dataclasses import dataclass
from pathlib import Path
from statistics import median

import geopandas as gpd
import numpy as np
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from minerisk.features.cube.store import open_cube
from minerisk.features.errors import CoverError, MineriskError
from minerisk.features.grid import count_marked, mask_strips
from minerisk.pipelines.evaluate.like_land import like_this
from minerisk.pipelines.formats.cog import read_raster_like
from minerisk.pipelines.formats.palette import CANNOT_SAY, CLASS_NAMES
from minerisk.pipelines.language.desk_codes import DeskCode, DeskNotice, desk_notice
from minerisk.pipelines.language.messages import Texts
from minerisk.pipelines.predict.bands import RISK_CLASS
from minerisk.pipelines.predict.risk_classes import class_shares, count_classes
from minerisk.pipelines.predict.window import LEAST_SHARE, CubeWindow, measure_area, whole_window
from minerisk.pipelines.provenance.clock import now
from minerisk.pipelines.records.record import Record
from minerisk.pipelines.records.request import Filters, LikeThis
from minerisk.pipelines.request.filters import check_filters, is_other_day, request_area
from minerisk.pipelines.request.opening import request_id
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.hazards import ANY, hazard_rasters, trained_hazards
from minerisk.pipelines.service.desk.runs import Strip, district_names, vector_layers
from minerisk.pipelines.service.errors import RefusedError, Said, notice_of, said
from minerisk.pipelines.service.jobs.orders import JobKind, JobState, Order
from minerisk.pipelines.service.settings import Limits
from minerisk.pipelines.service.store.models import Job

SAMPLE = 50
"""Jobs back that the time is estimated by."""


@dataclass(frozen=True)
class Given:
    """The file of polygons of a request, if it has one."""

    path: Path
    layer: str | None
    sha256: str
    name: str


class Check(Record):
    """What an answer would be about."""

    strip: Strip
    cells: int
    hectares: float = Field(description="of cells in the study area")
    outside_share: float = Field(description="of the polygons; left out with clip")
    cannot_say_share: float | None = Field(
        None, description="of that land; none where another day is asked for"
    )
    class_shares: dict[str, float] = Field(
        default_factory=dict, description="of that land, by risk class; lower means survey later"
    )
    like_this: LikeThis | None = Field(
        None, description="how good the map is on land like this; none where another day is asked"
    )
    seconds: float | None = Field(None, description="that such answers took; none of one before")
    earlier: str | None = Field(None, description="the same request, made before")
    remarks: tuple[Said, ...] = ()


@dataclass(frozen=True)
class Land:
    """The land of a request on the grid of its run."""

    window: CubeWindow
    outside: float
    smallest_ha: float | None


def with_area(filters: Filters, given: Given | None) -> Filters:
    """Put a file of polygons into the filters of the house."""
    if given is None:
        return filters
    return filters.model_copy(update={"aoi": given.path, "layer": given.layer})


def refuse_filters(run: Run, filters: Filters) -> None:
    """Refuse what a run does not have, with the code of what it is.

    Raises
    ------
    RefusedError
        With the choices there are.
    """
    if bool(filters.near) != (filters.within_m is not None):
        raise RefusedError(DeskCode.NEAR_WITHOUT_METRES)
    layers = vector_layers(run) if filters.near else []
    for name in filters.near:
        if name not in layers:
            raise RefusedError(DeskCode.LAYER_UNKNOWN, layer=name, choices=layers)
        _refuse_gone(run, name)
    asked = run.config.study_area.districts
    if filters.districts and asked is not None:
        _refuse_gone(run, asked.layer)
    known = district_names(run) if filters.districts else []
    for name in filters.districts:
        if name not in known:
            raise RefusedError(DeskCode.DISTRICT_UNKNOWN, district=name, choices=known)
    hazards = [ANY, *trained_hazards(run.folder)]
    if filters.hazard is not None and filters.hazard not in hazards:
        raise RefusedError(DeskCode.CLASS_WITHOUT_MODEL, hazard=filters.hazard, choices=hazards)
    if filters.as_of is not None and filters.as_of > now().date():
        raise RefusedError(DeskCode.DAY_TO_COME, day=str(filters.as_of))
    try:
        check_filters(run, filters)
    except MineriskError as error:
        raise RefusedError.of(notice_of(error)) from error


def measure(run: Run, filters: Filters, limits: Limits) -> Land:
    """Find the cells of a request.

    Raises
    ------
    RefusedError
        If there is no land, it lies outside, or is more than the desk takes.
    """
    with open_cube(run.files.cube) as cube:
        if not filters.limits_land:
            land = Land(whole_window(cube), 0.0, None)
        else:
            area = _area(run, filters)
            measured = measure_area(cube, area)
            if measured.window is None:
                raise RefusedError(DeskCode.AREA_OUTSIDE)
            land = Land(measured.window, measured.outside, float(area.area.sum()) / 10_000)
    hectares = count_marked(land.window.asked) * run.config.study_area.cell_ha
    if hectares > limits.hectares:
        raise RefusedError(DeskCode.AREA_TOO_LARGE, hectares=hectares, most=limits.hectares)
    return land


def check(run: Run, filters: Filters, limits: Limits, *, strip: Strip, texts: Texts) -> Check:
    """Tell what an answer would be about.

    Raises
    ------
    RefusedError
        If it could not be given.
    """
    refuse_filters(run, filters)
    land = measure(run, filters, limits)
    shares = {} if is_other_day(run, filters) else _shares(run, filters, land.window)
    cells = count_marked(land.window.asked)
    return Check(
        strip=strip,
        cells=cells,
        hectares=cells * run.config.study_area.cell_ha,
        outside_share=land.outside,
        cannot_say_share=shares.get(CLASS_NAMES[CANNOT_SAY]),
        class_shares=shares,
        like_this=None if is_other_day(run, filters) else _like_this(run, filters, land.window),
        remarks=tuple(said(each, texts) for each in remarks(run, filters, land)),
    )


def remarks(run: Run, filters: Filters, land: Land) -> list[DeskNotice]:
    """Say what is worth knowing before asking."""
    found, cell = [], run.config.study_area.cell_ha
    if not filters.clip and land.outside > 1 - LEAST_SHARE:
        found.append(desk_notice(DeskCode.AREA_PARTLY_OUTSIDE, share=land.outside))
    if land.smallest_ha is not None and land.smallest_ha < cell:
        found.append(desk_notice(DeskCode.AREA_TOO_SMALL, hectares=land.smallest_ha, cell=cell))
    return found


def name_of(run: Run, filters: Filters, given: Given | None) -> str:
    """Return the name that the house gives this request."""
    return request_id(run.manifest().head, filters, None if given is None else given.sha256)


def seconds_of(session: Session, run: str) -> float | None:
    """Estimate the time of an answer: the median of those that were given before."""
    rows = session.execute(
        select(Job.started_at, Job.finished_at, Job.order)
        .where(Job.kind == JobKind.REQUEST, Job.state == JobState.DONE)
        .order_by(Job.finished_at.desc())
        .limit(SAMPLE)
    )
    took = [
        end - start
        for start, end, order in rows
        if start is not None and end is not None and Order.model_validate_json(order).run == run
    ]
    return median(took) if took else None


def _refuse_gone(run: Run, name: str) -> None:
    try:
        run.layers().path(name)
    except (MineriskError, OSError) as error:
        raise RefusedError(DeskCode.LAYER_GONE, layer=name) from error


def _area(run: Run, filters: Filters) -> gpd.GeoDataFrame:
    """Return the land asked for; polygons of a file may reach outside the study area."""
    try:
        return request_area(run, filters.model_copy(update={"clip": True}))
    except CoverError as error:
        code = DeskCode.AREA_EMPTY if filters.aoi is None else DeskCode.AREA_OUTSIDE
        raise RefusedError(code) from error
    except MineriskError as error:
        name = "" if filters.aoi is None else filters.aoi.name
        raise RefusedError(DeskCode.AREA_NOT_READ, name=name, why=str(error)) from error


def _like_this(run: Run, filters: Filters, window: CubeWindow) -> LikeThis | None:
    """Say how good the map is on such land; none where the run has no such scores to go by."""
    try:
        return LikeThis.of(like_this(run, window, hazard=filters.hazard))
    except MineriskError:
        return None


def _shares(run: Run, filters: Filters, window: CubeWindow) -> dict[str, float]:
    """Compute the share of each risk class on the land, from the maps of the run."""
    path = hazard_rasters(run.folder, filters.hazard or ANY) / f"{RISK_CLASS}.tif"
    if not path.is_file():
        return {}
    counts = np.zeros(256, dtype=np.int64)
    for rows, asked in mask_strips(window.asked):
        counts += count_classes(read_raster_like(path, window.geobox[rows, :])[asked])
    return class_shares(counts)
