"""The pack of a request: one folder for a survey manager, of the whole land or an area."""

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import xarray as xr
from odc.geo.geobox import GeoBox

from minerisk.features.cube.store import cube_geobox, open_cube
from minerisk.features.errors import FindingError, InputError, MineriskError, NoTaskError
from minerisk.features.layers.vectors import read_frame
from minerisk.pipelines.formats.imsma import task_fields
from minerisk.pipelines.formats.stac import item_text, stac_item
from minerisk.pipelines.formats.task_columns import with_marks
from minerisk.pipelines.language.like_words import like_line
from minerisk.pipelines.language.marks import USE, Marks
from minerisk.pipelines.language.messages import texts
from minerisk.pipelines.plotting.map_layers import map_layers, with_standing
from minerisk.pipelines.predict.bands import PROBABILITY, REASONS
from minerisk.pipelines.predict.class_table import CLASSES
from minerisk.pipelines.predict.hazard_rasters import above_any
from minerisk.pipelines.provenance.environment import code_sha256
from minerisk.pipelines.provenance.files import sha256_path, write_whole
from minerisk.pipelines.provenance.folders import replacing_folder
from minerisk.pipelines.provenance.manifest import locked, outputs_of
from minerisk.pipelines.provenance.run_folder import MODEL_CARD_READS, RunFolder
from minerisk.pipelines.records.request import LikeThis, PackManifest, PackSource, RequestRecord
from minerisk.pipelines.records.review import FourEyes, State
from minerisk.pipelines.records.tasks import TaskFile
from minerisk.pipelines.report.model_card import ModelCard
from minerisk.pipelines.report.wording import FOUR_EYES, Wording
from minerisk.pipelines.request.answer import (
    check_read,
    with_like_this,
    write_maps,
    write_own_tasks,
    write_record,
)
from minerisk.pipelines.request.contents import NO_TASK, PackContents, readme, workbook_facts
from minerisk.pipelines.request.map_project import pack_project, write_map_layers
from minerisk.pipelines.request.opening import OpenRequest
from minerisk.pipelines.request.phone import write_phone_map
from minerisk.pipelines.request.public_copy import coarsen_tasks, refuse_near_finds
from minerisk.pipelines.request.rasters import (
    WRITTEN,
    RequestRasters,
    classes_of,
    coarse_rasters,
    cut_rasters,
    cut_reasons,
    write_heights,
    write_rasters,
)
from minerisk.pipelines.request.report import pack_page
from minerisk.pipelines.request.sheets import SHEETS, sheets_page
from minerisk.pipelines.request.task_files import write_task_files
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.hazards import ANY, hazard_rasters, trained_hazards

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What answers a request: its record, the folder of its maps, and the folders to hand out."""

    record: RequestRecord
    maps: Path
    packs: list[Path]


def answer_request(
    asked: OpenRequest,
    out: Path | None = None,
    *,
    public: bool = False,
    unapproved: bool = False,
    sheets: bool = False,
    phone: bool = False,
    language: str = "en",
) -> Answer:
    """Answer a request: its packs and, where it limits the land, its maps with every band.

    Parameters
    ----------
    out
        As in `make_packs`; none is ``pack``, or ``pack_<language>``, in the request's own folder.
    public, unapproved, sheets, phone, language
        As in `make_packs`.
    """
    name = "pack" if language == "en" else f"pack_{language}"
    asked = with_like_this(asked)
    packs = make_packs(
        asked,
        out or asked.home / name,
        public=public,
        unapproved=unapproved,
        sheets=sheets,
        phone=phone,
        language=language,
    )
    if asked.filters.limits_land:
        return Answer(write_maps(asked), asked.home, packs)
    with locked(asked.home):
        return Answer(write_record(asked.record, asked.home), asked.run.files.rasters, packs)


def make_packs(
    asked: OpenRequest,
    out: Path,
    *,
    public: bool = False,
    unapproved: bool = False,
    sheets: bool = False,
    phone: bool = False,
    language: str = "en",
) -> list[Path]:
    """Write the pack of a request, and beside it, if asked for, the coarsened one.

    The tasks are those of the run that touch the land or, with any filter but polygons, tasks made
    for this request, where any fits.

    Parameters
    ----------
    asked
        A request; one without filters is the whole study area, with the maps of every class that
        has a model. What is taken from its run is held against the manifest first.
    out
        A new or empty folder, or an earlier pack. The public copy goes into ``<out>_public``.
    public
        Write the coarsened copy too. It is refused for a run that nobody has approved.
    unapproved
        Write it all the same: for a trial, or where approval is given elsewhere.
    sheets, phone
        Write a page of A4 for each survey task too; a map for phones too.
    language
        Of all that is read: ``en``, ``az`` or ``ru``. What stands in columns stays in English.

    Returns
    -------
    list of Path
        The folders.

    Raises
    ------
    FindingError
        If a file of the run is not as it was written.
    InputError
        If the run is not finished, or `out` holds something else.
    """
    told = texts(language)
    run, filters, tasks, notes = asked.run, asked.filters, None, []
    # Of the run that answers, which is another for another day.
    standing = run.standing(MODEL_CARD_READS)
    if public:
        refuse_near_finds(run, filters)
        if standing.state is not State.APPROVED and not unapproved:
            raise FindingError(
                f"{run.folder} is {Marks(standing.state, run.simulated).run_state}: no public copy "
                "is made of a run that nobody has approved. Have it reviewed "
                "(`minerisk review add`), leave --public out, or give --unapproved for a copy that "
                "says DRAFT."
            )
    targets = [out, out.with_name(f"{out.name}_public")] if public else [out]
    for target in targets:
        _check_replaceable(target)
    check_read(asked)
    like = asked.record.like_this
    if like is not None:
        notes.append(like_line(like.land, told))
    if filters.needs_own_tasks:
        try:
            tasks = write_own_tasks(asked)
        except NoTaskError as error:
            log.warning("%s", error)
            notes.append(told.say(NO_TASK))
    classes = trained_hazards(run.folder) if filters.hazard is None else []
    if standing.four_eyes is FourEyes.NAMES:
        notes.append(told.say(FOUR_EYES[standing.four_eyes]))
    taken = _taken(run, tasks, [filters.hazard or ANY, *classes])
    with ExitStack() as stack, open_cube(run.files.cube) as cube:
        # Put in place when all are written, the restricted copy last.
        folders = [stack.enter_context(replacing_folder(target)) for target in targets]
        for target, folder in zip(targets, folders, strict=True):
            request = PackContents(
                run,
                asked.window,
                asked.area,
                id=asked.record.id,
                filters=filters,
                public=target != out,
                state=standing.state,
                taken=taken,
                tasks=tasks or run.files.tasks_gpkg,
                hazard=filters.hazard or ANY,
                classes=classes,
                texts=told,
                notes=notes,
                like=None if like is None else like.land,
                sheets=sheets,
                phone=phone,
            )
            write_pack(request, cube, folder)
    return targets


def write_pack(request: PackContents, cube: xr.Dataset, out: Path) -> Path:
    """Write one pack into an empty folder; ``manifest.json`` comes last."""
    run = request.run
    found, above = _write_maps(request, cube, out)
    grids = found[request.hazard].grids
    layers = map_layers(run, grids.geobox, public=request.public)
    if not request.public:
        layers = with_standing(layers, request.tasks, grids.geobox)
    tasks = _tasks(request, cube)
    marks = [*request.marks_in(request.texts), request.texts.say(USE)]
    facts = workbook_facts(request, tasks["band"].nunique())
    summary = request.tasks.with_suffix(".json")
    known = TaskFile.read(summary) if summary.is_file() and not request.public else None
    reasons = () if known is None else known.reasons
    write_task_files(out, tasks, words=marks, facts=facts, reasons=reasons, texts=request.texts)
    if known is not None:
        stated = known.model_copy(update=request.stated.columns)
        write_whole(out / summary.name, stated.to_json())
    heights = found[request.hazard]
    write_heights(heights, out, tags=request.tags, marks=request.stated, texts=request.texts)
    drawn = write_map_layers(layers, request, grids.geobox, out)
    maps = {name: rasters.grids for name, rasters in found.items()}
    write_whole(out / "report.html", pack_page(request, out, maps, layers=layers, tasks=tasks))
    if request.sheets:
        sheets = sheets_page(request, out, grids, layers=layers, tasks=tasks)
        write_whole(out / SHEETS, sheets)
    if request.phone:
        write_phone_map(request, grids, layers, tasks, out)
    card = ModelCard.of(run, hazard=request.hazard)
    public_m = request.cell_m if request.public else None
    write_whole(out / "MODEL_CARD.md", card.text(request.texts, public_m=public_m))
    write_whole(out / "model_record.json", card.record.to_json())
    missing = [request.texts.say(words) for words in layers.missing]
    write_whole(out / "README.txt", readme(request, [*request.notes, *above, *missing]))
    write_whole(
        out / "map.qgs",
        pack_project(request, drawn, grids.geobox, out, columns=list(tasks.columns)),
    )
    _write_lists(request, grids.geobox, out)
    return out


def _write_maps(
    request: PackContents, cube: xr.Dataset, out: Path
) -> tuple[dict[str, RequestRasters], list[str]]:
    """Write the maps asked for, then those of each class in a folder of its name.

    Returns
    -------
    rasters, above
        Of what was asked for and of each class, and words on where a class is above any hazard.
    """
    cut = coarse_rasters if request.public else cut_rasters
    found = dict[str, RequestRasters]()
    above = []
    for name in (request.hazard, *request.classes):
        target = out / ("" if name == request.hazard else name)
        tags = request.tags | {"HAZARD": name}
        found[name] = cut(request.rasters(name), request.run, request.window)
        classes = classes_of(request, found[name], name)
        write_whole(target / CLASSES, classes.to_json())
        if name != request.hazard:
            pair = (found[name].bands[PROBABILITY], found[request.hazard].bands[PROBABILITY])
            compared = above_any([pair])
            wording = Wording(request.texts)
            words = "" if compared is None else wording.above_any(name, compared)
            above += [words] if words else []
        write_rasters(
            found[name],
            target,
            tags=tags,
            marks=request.stated,
            rule=classes.rule,
            texts=request.texts,
        )
        if not request.public:
            cut_reasons(
                request.rasters(name),
                cube,
                request.window,
                target,
                tags=tags,
                marks=request.stated,
            )
    return found, above


def _taken(run: Run, tasks: Path | None, hazards: Sequence[str]) -> dict[str, str]:
    """Hash what a pack is made of, and hold it against the manifest of the run."""
    stages = ("build", "train", "predict", *(() if tasks else ("prioritize",)))
    folder, recorded = run.folder, outputs_of(run.manifest(), *stages)
    places = [hazard_rasters(folder, name).relative_to(folder).as_posix() for name in hazards]
    names = [f"{place}/{name}.tif" for place in places for name in WRITTEN]
    names += [f"{place}/{CLASSES}" for place in places]
    names.append("metrics.json" if hazards[0] == ANY else "hazards")
    names += [name for place in places if (name := f"{place}/{REASONS}.tif") in recorded]
    names += [] if tasks else ["tasks.gpkg"]
    found = {}
    for name in names:
        if name not in recorded or not (folder / name).exists():
            raise InputError(f"{folder} has no {name}. Finish the run (`minerisk run`) first.")
        found[name] = sha256_path(folder / name)
        if found[name] != recorded[name]:
            raise FindingError(
                f"{folder / name} is not as the run wrote it; nothing is handed out from it. "
                "`minerisk audit verify` says what else changed."
            )
    if tasks is not None:
        found["tasks.gpkg"] = sha256_path(tasks)
    return found


def _check_replaceable(out: Path) -> None:
    """Refuse a folder that holds anything but a pack: nothing else is ever replaced."""
    if out.is_dir() and any(out.iterdir()):
        try:
            PackManifest.read(RunFolder(out).manifest)
        except MineriskError as error:
            raise InputError(
                f"{out} is not empty and holds no pack. Choose another --out. ({error})"
            ) from error


def _tasks(request: PackContents, cube: xr.Dataset) -> gpd.GeoDataFrame:
    """Read the tasks that touch the area; none is cut."""
    run = request.run
    tasks = read_frame(request.tasks, layer="tasks")
    if request.area is not None:
        tasks = tasks[tasks.intersects(request.area.union_all())].reset_index(drop=True)
    if request.public:
        tasks = coarsen_tasks(tasks, cube_geobox(cube))
    summary = request.tasks.with_suffix(".json")
    hazard = TaskFile.read(summary).asked.hazard if summary.is_file() else request.hazard
    fields = task_fields(tasks, study_area=run.config.study_area.name, hazard=hazard)
    return with_marks(fields, request.stated)


def _write_lists(request: PackContents, geobox: GeoBox, out: Path) -> None:
    """Write the STAC item, then the manifest of everything."""
    area = request.run.config.study_area
    item = stac_item(
        _hashes(out),
        out,
        geobox,
        name=f"{area.name}-{request.filters.title}-{request.id}-{request.edition}",
        when=area.as_of,
        properties={
            "title": " · ".join([area.title, *request.marks]),
            "description": USE,
            "processing:lineage": f"minerisk run {request.head}",
            "minerisk:state": request.state,
            "minerisk:findings": request.findings,
            "minerisk:copy": request.edition,
            "minerisk:hazard": request.hazard,
        },
    )
    write_whole(out / "item.json", item_text(item))
    manifest = PackManifest.of(
        edition=request.edition,
        state=request.state,
        simulated=request.run.simulated,
        request=request.id,
        area=request.filters.title,
        study_area=area.name,
        hazards=[request.hazard, *request.classes],
        run=PackSource(head=request.head, code_sha256=code_sha256()),
        made_from=request.taken,
        like_this=None if request.like is None else LikeThis.of(request.like),
        files=_hashes(out),
    )
    write_whole(RunFolder(out).manifest, manifest.to_json())


def _hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256_path(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
