"""`minerisk pack`: one folder that a survey manager receives, for the whole land or an area."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pyogrio
import xarray as xr
from odc.geo.geobox import GeoBox

from features.cube import cube_geobox, open_cube
from features.errors import FindingError, InputError
from features.sources import Layers, VectorSource
from pipelines.coarse import FACTOR, coarsen_tasks
from pipelines.context import Run
from pipelines.geopackage import StyledLayer, write_geopackage
from pipelines.imsma import task_fields
from pipelines.manifest import (
    MANIFEST,
    outputs_of,
    read_manifest,
    sha256_path,
    write_json,
    write_whole,
)
from pipelines.map_layers import MapLayers, map_layers, with_standing
from pipelines.model_card import card_record, card_text
from pipelines.pack_rasters import (
    NEEDED,
    REASONS,
    coarse_rasters,
    cut_rasters,
    cut_reasons,
    write_rasters,
)
from pipelines.pack_report import pack_page
from pipelines.predict import Window, area_window, whole_window
from pipelines.project import ProjectLayer, project_text
from pipelines.review import review_state
from pipelines.stac import stac_item
from pipelines.styles import line_qml, points_qml, registered_qml, tasks_qml
from pipelines.task_files import write_task_files

FORMAT = 1
STATE_WORDS: Mapping[str, str] = {
    "draft": "DRAFT: nobody has approved this run",
    "reviewed": "DRAFT: this run was looked at and not approved",
    "approved": "",
}
PUBLIC_WORDS = f"PUBLIC COPY: cells {FACTOR} times as wide, no findings"
USE = "One indirect source for desk assessment: it ranks land for survey and decides nothing."
TITLES: Mapping[str, str] = {
    "risk_class": "Risk class",
    "probability": "Probability of contamination",
    "probability_lower": "Probability, lower end of the interval",
    "probability_upper": "Probability, upper end of the interval",
    "reasons": "Strongest reason (bands 2 and 3: the next)",
    "applicability": "Dissimilarity to surveyed land (over 1: cannot say)",
}


@dataclass(frozen=True)
class Request:
    """What is asked of a run.

    Attributes
    ----------
    run
        The run that answers.
    window
        The cells asked for.
    area
        The polygons asked for, in the run's CRS; none is the whole study area.
    name
        Of the area.
    public
        Whether the answer is coarsened for the public.
    state
        Of the run's reviews.
    taken
        SHA-256 of what the answer is made of.
    tasks
        The GeoPackage of survey tasks.
    """

    run: Run
    window: Window
    area: gpd.GeoDataFrame | None
    name: str
    public: bool
    state: str
    taken: Mapping[str, str]
    tasks: Path

    @property
    def head(self) -> str:
        """The end of the run's trail."""
        return str(read_manifest(self.run.folder).get("head"))

    @property
    def marks(self) -> tuple[str, ...]:
        """What every file has to say of itself; nothing for an approved run on real findings."""
        words = (
            STATE_WORDS[self.state],
            "SIMULATED findings: evidence of nothing real" if self.run.simulated else "",
            PUBLIC_WORDS if self.public else "",
        )
        return tuple(word for word in words if word)

    @property
    def tags(self) -> dict[str, str]:
        """Metadata of every raster."""
        return {
            "RUN": self.run.config.study_area.name,
            "RUN_HEAD": self.head,
            "STATE": self.state if self.state == "approved" else f"DRAFT ({self.state})",
            "FINDINGS": "SIMULATED" if self.run.simulated else "recorded",
            "USE": USE,
            "COPY": "public" if self.public else "restricted",
        }


def make_packs(
    folder: Path,
    out: Path,
    *,
    aoi: Path | None = None,
    layer: str | None = None,
    tasks: Path | None = None,
    public: bool = False,
) -> list[Path]:
    """Write the pack of a run, and beside it, if asked for, the coarsened one.

    Parameters
    ----------
    folder
        A finished run. What is taken from it is held against its manifest first.
    out
        A new or empty folder, or an earlier pack. The public copy goes into ``<out>_public``.
    aoi, layer
        File and layer of the polygons asked for; none is the whole study area.
    tasks
        A ``tasks.gpkg`` that ``minerisk prioritize`` made for a request; none is that of the run.
    public
        Write the coarsened copy too.

    Returns
    -------
    list of Path
        The folders.

    Raises
    ------
    FindingError
        If the run was withdrawn, or a file of it is not as it was written.
    CoverError
        If the area leaves the study area.
    InputError
        If the run is not finished, or `out` holds something else.
    """
    run, state = Run.open(folder), review_state(folder)
    if state == "withdrawn":
        raise FindingError(f"{folder} was withdrawn: nothing may be handed out from it.")
    taken = _taken(folder)
    if tasks is not None:
        taken["tasks.gpkg"] = sha256_path(_existing(tasks))
    targets = [out, out.with_name(f"{out.name}_public")] if public else [out]
    for target in targets:
        _empty(target)
    with open_cube(folder / "cube.zarr") as cube:
        area = None if aoi is None else _area(run, aoi, layer)
        window = whole_window(cube) if area is None else area_window(cube, area)
        for target in targets:
            request = Request(
                run,
                window,
                area,
                name=aoi.stem if aoi else "all",
                public=target != out,
                state=state,
                taken=taken,
                tasks=tasks or folder / "tasks.gpkg",
            )
            write_pack(request, cube, target)
    return targets


def write_pack(request: Request, cube: xr.Dataset, out: Path) -> Path:
    """Write one pack into an empty folder; ``manifest.json`` comes last."""
    run, rasters = request.run, request.run.folder / "rasters"
    cut = coarse_rasters if request.public else cut_rasters
    grids = cut(rasters, cube, request.window)
    write_rasters(grids, out, tags=request.tags)
    if not request.public:
        cut_reasons(rasters, request.window, out, tags=request.tags)
    layers = map_layers(run, grids.geobox, public=request.public)
    if not request.public:
        layers = with_standing(layers, request.tasks, grids.geobox)
    tasks = _tasks(request, cube)
    write_task_files(out, tasks, words=[*request.marks, USE])
    summary = request.tasks.with_suffix(".json")
    if summary.is_file() and not request.public:
        write_whole(out / summary.name, summary.read_bytes())
    drawn = _write_map_layers(layers, request, out)
    page = pack_page(
        run, out, grids, layers=layers, tasks=tasks, marks=request.marks, public=request.public
    )
    write_whole(out / "report.html", page)
    record = card_record(run.folder)
    write_whole(out / "MODEL_CARD.md", card_text(record))
    write_json(out / "model_record.json", record)
    write_whole(out / "README.txt", _readme(request, layers))
    write_whole(out / "map.qgs", _project(request, drawn, grids.geobox, out))
    _write_lists(request, grids.geobox, out)
    return out


def _taken(folder: Path) -> dict[str, str]:
    """Hash what a pack is made of, and hold it against the manifest of the run."""
    recorded = outputs_of(folder, "build", "train", "predict", "prioritize")
    names = [f"rasters/{name}.tif" for name in NEEDED] + ["tasks.gpkg", "metrics.json"]
    names += [name for name in (f"rasters/{REASONS}",) if name in recorded]
    found = {}
    for name in names:
        if name not in recorded or not (folder / name).is_file():
            raise InputError(f"{folder} has no {name}. Finish the run (`minerisk run`) first.")
        found[name] = sha256_path(folder / name)
        if found[name] != recorded[name]:
            raise FindingError(
                f"{folder / name} is not as the run wrote it; nothing is handed out from it. "
                "`minerisk audit` says what else changed."
            )
    return found


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise InputError(f"There is no {path}; expected the tasks.gpkg that prioritize made.")
    return path


def _area(run: Run, path: Path, layer: str | None) -> gpd.GeoDataFrame:
    source = VectorSource(path.resolve(), layer=layer)
    layers = Layers({"aoi": source}, source.path.parent)
    return layers.vector("aoi", crs=run.config.study_area.crs)


def _empty(out: Path) -> None:
    """Make room for a pack: nothing but an earlier pack is ever taken away."""
    if out.exists() and any(out.iterdir()):
        manifest = out / MANIFEST
        if not manifest.is_file() or '"kind": "pack"' not in manifest.read_text(encoding="utf-8"):
            raise InputError(f"{out} is not empty and holds no pack. Choose another --out.")
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)


def _tasks(request: Request, cube: xr.Dataset) -> gpd.GeoDataFrame:
    """Take the tasks of the run that touch the area; none is cut."""
    run = request.run
    tasks = pyogrio.read_dataframe(request.tasks, layer="tasks")
    if request.area is not None:
        tasks = tasks[tasks.intersects(request.area.union_all())].reset_index(drop=True)
    if request.public:
        tasks = coarsen_tasks(tasks, cube_geobox(cube))
    return task_fields(tasks, study_area=run.config.study_area.name, hazard="any")


def _write_map_layers(layers: MapLayers, request: Request, out: Path) -> list[ProjectLayer]:
    found: dict[str, tuple[gpd.GeoDataFrame | None, str, str, str]] = {
        "findings": (layers.findings, "Finds and accidents", points_qml("#ffffff"), "Point"),
        "places": (layers.places, "Places", points_qml("#777777", label="name"), "Point"),
        "front_line": (layers.line, "Front line", line_qml(), "Line"),
        "registered": (layers.registered, "Registered areas", registered_qml(), "Polygon"),
    }
    words = " ".join([*request.marks, USE])
    styled = {
        name: StyledLayer(frame, style, title, words)
        for name, (frame, title, style, _) in found.items()
        if frame is not None and len(frame)
    }
    if styled:
        write_geopackage(out / "map.gpkg", styled)
    return [
        ProjectLayer(f"map.gpkg|layername={name}", layer.title, layer.style, found[name][3], True)
        for name, layer in styled.items()
    ]


def _project(request: Request, drawn: Sequence[ProjectLayer], geobox: GeoBox, out: Path) -> str:
    rasters = [
        ProjectLayer(
            f"{name}.tif",
            title,
            (out / f"{name}.qml").read_text(encoding="utf-8"),
            shown=name == "risk_class",
        )
        for name, title in TITLES.items()
        if (out / f"{name}.qml").is_file()
    ]
    tasks = ProjectLayer("tasks.gpkg|layername=tasks", "Survey tasks", tasks_qml(), "Polygon", True)
    return project_text(
        [tasks, *drawn, *rasters],
        title=" · ".join([request.run.config.study_area.title, *request.marks]),
        geobox=geobox,
    )


def _readme(request: Request, layers: MapLayers) -> str:
    title = request.run.config.study_area.title
    return "\n".join(
        [
            *request.marks,
            f"{title}, area: {request.name}. Run {request.head}.",
            "",
            "map.qgs             open this in QGIS: everything, in order and styled",
            "report.html         open this in a browser, print it on A4; needs no network",
            "tasks.gpkg          survey tasks for QGIS and ArcGIS; .csv and .xlsx for a",
            "                    spreadsheet, .kml for phones, .geojson for IMSMA and the rest",
            "risk_class.tif      higher, elevated, lower, cannot say; lower means survey later",
            "probability*.tif    calibrated probability and the ends of its interval",
            "reasons.tif         what moves the score of a cell most (restricted copy)",
            "applicability.tif   over 1: the data do not support a statement there",
            "map.gpkg            front line, places, and in the restricted copy what is registered",
            "MODEL_CARD.md       what the model is for, how good it is, where it fails",
            "manifest.json       SHA-256 of every file, and the run they come from",
            "",
            USE,
            "It never says that land needs no survey. Registered areas stand as they are.",
            *layers.missing,
            "",
        ]
    )


def _write_lists(request: Request, geobox: GeoBox, out: Path) -> None:
    """Write the STAC item, then the manifest of everything."""
    run = request.run
    facts = {
        "title": " · ".join([run.config.study_area.title, *request.marks]),
        "description": USE,
        "processing:lineage": f"minerisk run {request.head}",
        "minerisk:state": request.state,
        "minerisk:findings": request.tags["FINDINGS"],
        "minerisk:copy": request.tags["COPY"],
    }
    name = f"{run.config.study_area.name}-{request.name}-{request.tags['COPY']}"
    hashes = _hashes(out)
    when = run.config.study_area.as_of
    item = stac_item(hashes, out, geobox, name=name, when=when, facts=facts)
    write_json(out / "item.json", item)
    manifest = read_manifest(run.folder)
    write_json(
        out / MANIFEST,
        {
            "format": FORMAT,
            "kind": "pack",
            "copy": request.tags["COPY"],
            "state": request.state,
            "simulated": run.simulated,
            "area": request.name,
            "study_area": run.config.study_area.name,
            "run": {"head": request.head, "code": manifest.get("environment", {})},
            "made_from": dict(request.taken),
            "files": _hashes(out),
        },
    )


def _hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256_path(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
