"""A request that was checked: the run and the land that it is about.

Nothing here predicts, so that what cannot be answered is refused before more is imported.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd

from minerisk.features.cube.store import open_cube
from minerisk.features.grid import count_marked
from minerisk.features.layers.intake import sha256_of
from minerisk.pipelines.language.marks import Marks
from minerisk.pipelines.predict.window import CubeWindow, area_window, whole_window
from minerisk.pipelines.provenance.files import canonical, sha256_text
from minerisk.pipelines.provenance.manifest import locked
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.request import Filters, RequestRecord
from minerisk.pipelines.records.review import State
from minerisk.pipelines.request.filters import check_filters, is_other_day, request_area
from minerisk.pipelines.request.verified import check_cube, check_standing
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.workers import ALONE, Workers

DIGITS = 16
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpenRequest:
    """A request that was checked, with the run that answers it and its land.

    Attributes
    ----------
    filters
        What was asked.
    run
        The run that answers: the one that was asked, or for another day one made for it.
    home
        Folder of the request in the run that was asked, ``requests/<id>/``.
    area, window
        The land in the CRS of the run, none for the whole study area, and its cells.
    record
        What was asked, as it is written down; without maps.
    state
        How the run that answers stands.
    """

    filters: Filters
    run: Run
    home: Path
    area: gpd.GeoDataFrame | None
    window: CubeWindow
    record: RequestRecord
    state: State


def open_request(
    run_dir: Path,
    filters: Filters,
    *,
    said: Callable[[str], None] = log.info,
    workers: Workers = ALONE,
) -> OpenRequest:
    """Check a request, and find the run and the cells that answer it.

    For another day than the run's, a run of its own is made in ``requests/<id>/run/``, trained on
    what was known on that day: a map of the past cannot be cut from a map of today.

    Raises
    ------
    InputError
        If a layer, district, hazard class or day is not known; the choices are named.
    CoverError
        If no cell of the study area is left, or the polygons reach outside it.
    FindingError
        If the run was withdrawn, or what is read of it does not verify.
    """
    run = replace(Run.open(run_dir), workers=workers)
    state = check_standing(run)
    check_filters(run, filters)
    area, window = _land(run, filters)  # refused before anything is made for it
    area_sha256 = None if filters.aoi is None else sha256_of(filters.aoi)
    run_head = run.manifest().head
    name = request_id(run_head, filters, area_sha256)
    home = RunFolder(run_dir).requests / name
    if is_other_day(run, filters):
        run, state = _run_of_day(run, filters, home, said), State.DRAFT
        area, window = _land(run, filters)
    cells = count_marked(window.asked)
    record = RequestRecord.of(
        id=name,
        run_head=run_head,
        filters=filters,
        area_sha256=area_sha256,
        cells=cells,
        hectares=cells * run.config.study_area.cell_ha,
        run_state=Marks(state, run.simulated).run_state,
        simulated=run.simulated,
    )
    return OpenRequest(filters, run, home, area, window, record, state)


def request_id(run_head: str, filters: Filters, area_sha256: str | None) -> str:
    """Name a request by its run, its filters and the bytes of its area, not by a file's name.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    asked = filters.model_dump(mode="json", exclude={"aoi"})
    return sha256_text(canonical([run_head, asked, area_sha256]))[:DIGITS]


def _land(run: Run, filters: Filters) -> tuple[gpd.GeoDataFrame | None, CubeWindow]:
    with open_cube(run.files.cube) as cube:
        area = request_area(run, filters) if filters.limits_land else None
        window = whole_window(cube) if area is None else area_window(cube, area, clip=filters.clip)
        check_cube(run, cube, window, filters)
        return area, window


def _run_of_day(run: Run, filters: Filters, home: Path, said: Callable[[str], None]) -> Run:
    from minerisk.pipelines.run.derived import derive_config
    from minerisk.pipelines.steps import run_steps

    day = filters.as_of
    with locked(home):
        config = derive_config(
            run,
            RunFolder(home).config,
            lambda content: content["study_area"].update(as_of=day),
            words=f"as of {day}",
        )
    said(f"A run trained on what was known on {day}:")
    made = run_steps(config, home / "run", last="predict", said=said, workers=run.workers)
    return replace(made, workers=run.workers)
