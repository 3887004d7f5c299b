"""Write the survey tasks of a run: a GeoPackage that opens styled, a CSV, rasters and a summary."""

import dataclasses
import logging
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.features import shapes
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from minerisk.configs.schema import Tasks
from minerisk.features.cube.store import cube_geobox
from minerisk.features.errors import InputError, NoTaskError
from minerisk.features.grid import cell_centres, cell_hectares
from minerisk.models.risk_model import RiskModel
from minerisk.models.tasks.priorities import make_tasks
from minerisk.models.tasks.rank_intervals import HAZARD
from minerisk.models.tasks.shapes import parcels
from minerisk.models.tasks.survey_tasks import (
    Arm,
    Firmness,
    JointDraws,
    SurveyTasks,
    TaskLand,
    TaskRequest,
    TaskSummary,
)
from minerisk.pipelines.formats.cog import write_raster
from minerisk.pipelines.formats.csv_table import csv_text
from minerisk.pipelines.formats.forms import task_form
from minerisk.pipelines.formats.geopackage import PackageLayer, write_geopackage
from minerisk.pipelines.formats.palette import CANNOT_SAY, OUTSIDE, Ramp
from minerisk.pipelines.formats.qml import registered_qml, tasks_qml
from minerisk.pipelines.formats.task_columns import rounded, with_marks
from minerisk.pipelines.language.marks import Marks
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.prioritize.capture import capture_of_run
from minerisk.pipelines.prioritize.grid import (
    TaskGrid,
    block_raster,
    block_stores,
    count_cells,
    task_grid,
)
from minerisk.pipelines.prioritize.joint_draws import joint_draws
from minerisk.pipelines.prioritize.land import CLOSED, TaskGround, open_stores, task_ground
from minerisk.pipelines.prioritize.reasons import (
    TOP,
    Cells,
    nearest_evidence,
    score_reasons,
    task_reasons,
)
from minerisk.pipelines.prioritize.words import (
    evidence_kind,
    families_words,
    record_name,
    why,
)
from minerisk.pipelines.provenance.files import write_whole
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.manifest import PrioritizeFacts
from minerisk.pipelines.records.notice import Notice
from minerisk.pipelines.records.review import State
from minerisk.pipelines.records.tasks import Capture, CaptureCode, Standing, TaskFile, TaskReasons
from minerisk.pipelines.run.contents import feature_families
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.hazards import ANY, hazard_rasters, model_home
from minerisk.pipelines.run.readers import load_model
from minerisk.pipelines.run.row_blocks import values_at

log = logging.getLogger(__name__)

DESCRIPTION = (
    "Proposed non-technical survey tasks, ranked by modelled hazard times impact for the effort. "
    "One indirect source of evidence among others; it neither opens nor closes a hazardous area. "
    "Control tasks were drawn blind; survey-to-learn tasks lie where the model cannot say."
)
STANDING = (
    "Registered areas, open tasks and land around accidents, as they were given. The ranking "
    "neither covers nor changes them."
)
NOT_RECORDED = "not recorded"
PREFIX = {Arm.RANKED: "NTS-", Arm.LEARN: "NTS-L", Arm.CONTROL: "NTS-C"}
LAYERS = ("probability", "probability_lower", "probability_upper", "dissimilarity", "risk_class")
IMPACT_RAMP: Ramp = tuple(
    (upper, colour, f"up to {upper:g}" if upper <= 1 else "1")
    for upper, colour in (
        *((0.2, "#eff3ff"), (0.4, "#c6dbef"), (0.6, "#9ecae1"), (0.8, "#6baed6")),
        *((1.0, "#3182bd"), (math.inf, "#3182bd")),
    )
)
EFFORT_RAMP: Ramp = (
    (0.01, "#eff3ff", "under 0.01: over 100 ha a team-day"),
    (0.02, "#c6dbef", "0.01 – 0.02"),
    (0.04, "#9ecae1", "0.02 – 0.04"),
    (0.08, "#6baed6", "0.04 – 0.08"),
    (0.16, "#3182bd", "0.08 – 0.16"),
    (math.inf, "#08519c", "over 0.16: under 6 ha a team-day"),
)


def write_tasks(
    run: Run,
    *,
    folder: Path | None = None,
    asked: Tasks | None = None,
    area: gpd.GeoDataFrame | None = None,
    state: State = State.DRAFT,
) -> tuple[Sequence[Path], PrioritizeFacts]:
    """Make survey tasks of a run; write ``tasks.gpkg``, ``tasks.csv``, ``tasks.json``, ``tasks/``.

    ``tasks.gpkg`` has the layers ``tasks`` and ``standing`` (registered areas, open tasks and
    land around accidents). ``tasks/`` has the rasters ``impact`` and ``effort``; the hazard is
    ``rasters/probability.tif``. ``tasks.json`` says what was asked, what is missing, how good the
    choice is and, for the run itself, how tasks did on regions left out.

    Parameters
    ----------
    run
        A run with rasters.
    folder
        Where the files go; none is the run folder.
    asked
        What is asked of the tasks; none is what the configuration says.
    area
        Polygons in the CRS of the run; tasks lie in cells whose middles they hold. None is all
        land.
    state
        How the run stands. Nobody can have approved one whose tasks are only being written.

    Raises
    ------
    InputError
        If a raster is missing, or no task fits the land, the sizes and the budget.
    """
    folder, own = folder or run.folder, asked is None
    asked, marks = asked or run.config.tasks, Marks(state, run.simulated)
    stores = open_stores(run.folder)
    grid = task_grid(cube_geobox(stores[0]), min_ha=asked.min_ha)
    geobox, stores = grid.geobox, block_stores(stores, grid, CLOSED)
    bands = _bands(run, asked, grid)
    with ThreadPoolExecutor(max_workers=1) as pool:
        # How tasks did on regions left out needs none of these tasks: it is measured beside them.
        measured = pool.submit(capture_of_run, run) if own and grid.side == 1 else None
        layers = run.layers()
        ground = task_ground(run.config, asked, layers, stores, geobox, area=area)
        model = load_model(model_home(run.folder, asked.hazard))
        cells = _cells(run, model, grid)
        joint = joint_draws(
            model,
            cells,
            bands["probability"].astype(np.float64),
            block_m=run.metrics(None if asked.hazard == ANY else asked.hazard).block_m,
            seed=run.config.model.seed,
        )
        land = _land(ground, bands, geobox, asked, joint)
        tasks = count_cells(make_tasks(land, _request(run, asked, ground)), grid)
        if tasks.table.empty:
            raise NoTaskError(_no_task(asked, tasks.summary))
        frame = task_frame(tasks, geobox, marks=marks)
        reasons = _reasons(run, frame, tasks, model, cells)
        capture = None if measured is None else measured.result()
    frame = _explained(frame, tasks, ground, reasons)
    files = RunFolder(folder)
    write_task_package(files.tasks_gpkg, frame, ground.standing, marks=marks)
    write_whole(files.tasks_csv, csv_text(pd.DataFrame(frame.drop(columns="geometry"))))
    known = _task_file(tasks, asked, ground, grid, marks=marks, reasons=reasons, capture=capture)
    write_whole(files.tasks_json, known.to_json())
    _write_rasters(folder / "tasks", ground, land, geobox, marks=marks)
    log.info("Wrote %d survey tasks to %s", len(frame), files.tasks_gpkg)
    names = ("tasks.gpkg", "tasks.csv", "tasks.json", "tasks")
    return [folder / name for name in names], PrioritizeFacts(missing=ground.missing)


def _no_task(asked: Tasks, summary: TaskSummary) -> str:
    return (
        f"No task of {asked.min_ha:g} to {asked.max_ha:g} ha fits a budget of "
        f"{asked.budget_ha:g} ha on the {summary.open_ha:,.0f} ha open to tasks, or the model "
        "cannot say anywhere. Lower the least task size, raise the budget, ask for more land, or "
        "set tasks.searched_land."
    )


def _bands(run: Run, asked: Tasks, grid: TaskGrid) -> dict[str, NDArray[Any]]:
    rasters = hazard_rasters(run.folder, asked.hazard)
    missing = [name for name in LAYERS if not (rasters / f"{name}.tif").is_file()]
    if missing:
        raise InputError(
            f"{rasters} lacks {missing}. Predict before prioritizing; a hazard class needs its "
            f"model (model.hazards has {list(run.config.model.hazards)})."
        )
    return {name: block_raster(rasters / f"{name}.tif", grid) for name in LAYERS}


def _land(
    ground: TaskGround,
    bands: Mapping[str, NDArray[Any]],
    geobox: GeoBox,
    asked: Tasks,
    joint: JointDraws,
) -> TaskLand:
    cell_ha = cell_hectares(geobox)
    classes = bands["risk_class"]
    inside = classes != OUTSIDE
    open_land = ground.open_land & inside
    least = max(math.ceil(round(asked.min_ha / cell_ha, 6)), 1)
    return TaskLand(
        probability=bands["probability"].astype(np.float64),
        lower=bands["probability_lower"].astype(np.float64),
        upper=bands["probability_upper"].astype(np.float64),
        applicable=inside & (classes != CANNOT_SAY),
        inside=inside,
        open_land=open_land,
        cell_ha=cell_ha,
        effort=ground.effort,
        parcel=parcels(open_land, ground.walls, least=least),
        dissimilarity=bands["dissimilarity"].astype(np.float64),
        criteria={str(name): layer for name, layer in ground.criteria.items()},
        joint=joint,
    )


def _request(run: Run, asked: Tasks, ground: TaskGround) -> TaskRequest:
    return TaskRequest(
        budget_ha=asked.budget_ha,
        min_ha=asked.min_ha,
        max_ha=asked.max_ha,
        random_share=asked.random_share,
        seed=run.config.model.seed,
        learn_share=asked.learn_share,
        team_days=math.inf if asked.team_days is None else asked.team_days,
        weights=ground.weights,
        level=run.config.model.interval,
    )


def _cells(run: Run, model: RiskModel, grid: TaskGrid) -> Cells:
    """Return what reads coordinates and features of cells; of a block, those of its middle."""
    cube = run.cube()
    easting, northing = cell_centres(cube_geobox(cube))

    def cells(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> pd.DataFrame:
        rows, columns = grid.centres(rows, columns)
        known = {name: values_at(cube[name], rows, columns) for name in model.features}
        return pd.DataFrame({"easting": easting[columns], "northing": northing[rows], **known})

    return cells


def _reasons(
    run: Run, frame: gpd.GeoDataFrame, tasks: SurveyTasks, model: RiskModel, cells: Cells
) -> tuple[TaskReasons, ...]:
    cube = run.cube()
    families = feature_families(run)
    kinds = {name: str(cube[columns[0]].attrs["kind"]) for name, columns in families.items()}
    scores = score_reasons(tasks, model, cells, families, kinds)
    return task_reasons(frame, scores, nearest_evidence(frame, run.config, run.layers()))


def _explained(
    frame: gpd.GeoDataFrame,
    tasks: SurveyTasks,
    ground: TaskGround,
    reasons: Sequence[TaskReasons],
) -> gpd.GeoDataFrame:
    """Add columns with the reasons of each task, in words."""
    frame = frame.copy()
    for place in range(min(TOP, len(reasons[0].strongest))):
        frame[f"reason_{place + 1}"] = [item.strongest[place] for item in reasons]
    frame["raised_by"] = [families_words(item.raised_by, ENGLISH) for item in reasons]
    frame["lowered_by"] = [families_words(item.lowered_by, ENGLISH) for item in reasons]
    frame["gaps"] = [", ".join(item.gaps) for item in reasons]
    records = [item.evidence for item in reasons]
    frame["evidence_layer"] = [record.layer for record in records]
    frame["evidence_kind"] = [evidence_kind(record) for record in records]
    frame["evidence_id"] = [record_name(record, ENGLISH) for record in records]
    frame["evidence_date"] = [record.date or NOT_RECORDED for record in records]
    frame["evidence_m"] = [record.metres for record in records]
    if ground.base_m is not None:
        total = np.bincount(tasks.owner.ravel(), weights=ground.base_m.ravel())[1:]
        frame["base_m"] = total / np.bincount(tasks.owner.ravel())[1:]
    hits = frame.geometry.sindex.query(ground.standing.geometry, predicate="intersects")[1]
    frame["standing"] = np.bincount(hits, minlength=len(frame)).astype(np.int32)
    frame["why"] = [why(item, ground.missing, ENGLISH) for item in reasons]
    return _last_geometry(rounded(frame))


def _task_file(
    tasks: SurveyTasks,
    asked: Tasks,
    ground: TaskGround,
    grid: TaskGrid,
    *,
    marks: Marks,
    reasons: tuple[TaskReasons, ...],
    capture: Capture | Notice[CaptureCode] | None,
) -> TaskFile:
    ranked = tasks.table[tasks.table["arm"] == Arm.RANKED]
    kinds = list(ground.standing["kind"])
    return TaskFile.of(
        **marks.columns,
        asked=asked,
        summary=_rounded(tasks.summary),
        weights=ground.weights,
        criteria=tuple(ground.criteria),
        missing=ground.missing,
        standing={kind: kinds.count(kind) for kind in Standing if kind in kinds},
        ranked=len(ranked),
        undecided=int((ranked["place"] == Firmness.UNDECIDED).sum()),
        block_side=grid.side,
        left_out_regions=capture,
        reasons=reasons,
    )


def _rounded(summary: TaskSummary) -> TaskSummary:
    numbers = dataclasses.asdict(summary).items()
    rounded: dict[str, Any] = {k: None if v is None else round(v, 6) for k, v in numbers}
    return TaskSummary(**rounded)


def _write_rasters(
    folder: Path, ground: TaskGround, land: TaskLand, geobox: GeoBox, *, marks: Marks
) -> None:
    total = sum(ground.weights.values())
    shares = {name: weight / total for name, weight in ground.weights.items()}
    impact = np.full(land.inside.shape, shares[HAZARD])
    for criterion, layer in ground.criteria.items():
        impact += shares[criterion] * layer
    words = "impact, 0 to 1: " + ", ".join(f"{name} {share:.2f}" for name, share in shares.items())
    for name, values, unit, ramp, text in (
        ("impact", impact, "1", IMPACT_RAMP, words),
        ("effort", ground.effort, "team-day/ha", EFFORT_RAMP, "team-days per hectare, with travel"),
    ):
        write_raster(
            folder / f"{name}.tif",
            np.where(land.inside, values, np.nan).astype(np.float32),
            geobox,
            description=text,
            unit=unit,
            marks=marks,
            style=ramp,
        )


def task_frame(tasks: SurveyTasks, geobox: GeoBox, *, marks: Marks) -> gpd.GeoDataFrame:
    """Return the tasks as polygons in the grid's CRS, one row per task.

    ``easting`` and ``northing`` (metres) and ``longitude`` and ``latitude`` (degrees, WGS 84) are
    of a point inside the task.
    """
    table = tasks.table.copy()
    frame = gpd.GeoDataFrame(
        table, geometry=_polygons(tasks.owner, geobox, len(table)), crs=str(geobox.crs)
    )
    inner = frame.geometry.representative_point()
    degrees = inner.to_crs("EPSG:4326")
    frame["task"] = frame["arm"].map(PREFIX) + frame["task"].map("{:04d}".format)
    frame.insert(1, "activity", "Non-technical survey")
    frame.insert(2, "evidence", "Indirect")
    frame["easting"], frame["northing"] = inner.x.round(1), inner.y.round(1)
    frame["longitude"], frame["latitude"] = degrees.x.round(6), degrees.y.round(6)
    return _last_geometry(rounded(with_marks(frame, marks)))


def _last_geometry(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return frame[[*(name for name in frame.columns if name != "geometry"), "geometry"]]


def _polygons(owner: NDArray[np.int32], geobox: GeoBox, count: int) -> list[BaseGeometry | None]:
    drawn = shapes(owner, mask=owner > 0, connectivity=4, transform=geobox.transform)
    found = {int(number): shape(geometry) for geometry, number in drawn}
    return [found.get(number) for number in range(1, count + 1)]


def write_task_package(
    path: Path, frame: gpd.GeoDataFrame, standing: gpd.GeoDataFrame, *, marks: Marks
) -> None:
    """Write the layers ``tasks`` and ``standing``, styled; the same tasks give the same bytes."""
    words = marks.sentences + DESCRIPTION
    layers = {
        "tasks": PackageLayer(
            frame, "Survey tasks", words, tasks_qml(form=task_form(list(frame.columns)))
        )
    }
    if len(standing):
        title = "Registered areas, open tasks, accidents"
        words = marks.sentences + STANDING
        layers["standing"] = PackageLayer(standing, title, words, registered_qml())
    write_geopackage(path, layers)
