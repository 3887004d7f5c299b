"""What can be asked for by OGC API - Processes: a map, survey tasks, a pack."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Request, Response
from geojson_pydantic import Feature, FeatureCollection, MultiPolygon, Polygon
from pydantic import BaseModel, Field, JsonValue, WithJsonSchema

from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.records.choices import Hazard, Language
from minerisk.pipelines.records.record import Record
from minerisk.pipelines.request.map_project import TITLES
from minerisk.pipelines.service.errors import RefusedError, Standard
from minerisk.pipelines.service.ogc.links import COG, GEOJSON, OGC_REL, Link, answer, at
from minerisk.pipelines.service.ogc.queries import known_only, page_of

router = APIRouter(tags=["OGC API"])
EXCEPTIONS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0"
NO_SUCH_PROCESS = Standard(404, f"{EXCEPTIONS}/no-such-process")
VERSION = "1.0.0"
Whatever = dict[str, JsonValue]
Outline = Feature[Polygon | MultiPolygon, Whatever]
Land = Annotated[
    Polygon | MultiPolygon | Outline | FeatureCollection[Outline],
    WithJsonSchema({"type": "object", "format": "geojson-geometry"}),
]


class ProcessId(StrEnum):
    """What can be asked for."""

    RISK_MAP = "risk-map"
    SURVEY_TASKS = "survey-tasks"
    PACK = "pack"


class Inputs(Record):
    """What a process is told; the same filters as by every other door."""

    run: str = Field(description="id of a run, as /api/runs lists them", max_length=64)
    area: Land | None = Field(
        None, description="polygons as GeoJSON, longitude and latitude; none is all land of the run"
    )
    area_file: str | None = Field(
        None, description="id of a file of polygons that was sent to /api/areas", max_length=64
    )
    clip: bool = Field(False, description="leave out what of the area lies outside the study area")
    districts: tuple[str, ...] = Field((), description="names of districts; land in any of them")
    near: tuple[str, ...] = Field((), description="layers of the run that the land is near to")
    within_m: float | None = Field(None, description="greatest distance to each of them, metres")
    hazard: Hazard | None = Field(None, description="hazard class; none is every class")
    as_of: dt.date | None = Field(None, description="day up to which evidence counts")
    budget_ha: float | None = Field(None, description="land to be tasked, hectares")
    weights: dict[str, float] = Field(
        default_factory=dict, description="of the hazard and of criteria of impact"
    )
    public: bool = Field(False, description="also a coarsened copy without findings")
    language: Language = Field("en", description="of report, legends and README")
    note: str = Field("", max_length=2_000, description="kept with the request")


@dataclass(frozen=True)
class Made:
    """What a process makes: a file of the pack, or the pack.

    Attributes
    ----------
    address
        Below that of the request.
    """

    address: str
    title: str
    kind: str


@dataclass(frozen=True)
class Process:
    """A process: what it is, and what it makes, by the ids of its outputs."""

    title: str
    description: str
    outputs: Mapping[str, Made]


PROCESSES: Mapping[ProcessId, Process] = {
    ProcessId.RISK_MAP: Process(
        "Risk map",
        "Calibrated probability of contamination, its interval and the risk class of an area, "
        "with the land of which the model cannot speak; as Cloud-Optimized GeoTIFF and as layers "
        "for QGIS.",
        {
            **{name: Made(f"files/{name}.tif", title, COG) for name, title in TITLES.items()},
            "qgis": Made("layers.qlr", "Layers for QGIS, with style", "application/xml"),
        },
    ),
    ProcessId.SURVEY_TASKS: Process(
        "Survey tasks",
        "Contiguous land to survey within a budget: ranked, to learn from, and drawn blind.",
        {
            "geojson": Made("files/tasks.geojson", "Survey tasks as GeoJSON", GEOJSON),
            "geopackage": Made("files/tasks.gpkg", "Survey tasks as GeoPackage",
                               "application/geopackage+sqlite3"),
            "csv": Made("files/tasks.csv", "Survey tasks as a table", "text/csv"),
        },
    ),
    ProcessId.PACK: Process(
        "Pack",
        "Maps, tasks, report, styles and hashes in one file, for whoever plans the survey.",
        {"pack": Made("pack.zip", "The pack", "application/zip")},
    ),
}  # fmt: skip


class InputDescription(Record):
    """An input, as it is described."""

    title: str
    description: str
    given: dict[str, JsonValue] = Field(serialization_alias="schema")
    least: int = Field(serialization_alias="minOccurs")


class OutputDescription(Record):
    """An output, as it is described."""

    title: str
    given: dict[str, JsonValue] = Field(serialization_alias="schema")


class Summary(Record):
    """A process in the list."""

    id: ProcessId
    version: str = VERSION
    title: str
    description: str
    job_control: tuple[str, ...] = Field(
        ("async-execute", "dismiss"), serialization_alias="jobControlOptions"
    )
    transmission: tuple[str, ...] = Field(("reference",), serialization_alias="outputTransmission")
    links: tuple[Link, ...]


class Description(Summary):
    """A process with inputs and outputs."""

    inputs: dict[str, InputDescription]
    outputs: dict[str, OutputDescription]


class Processes(Record):
    """The list of processes."""

    processes: tuple[Summary, ...]
    links: tuple[Link, ...]


def find_process(name: str) -> ProcessId:
    """Find a process.

    Raises
    ------
    RefusedError
        If there is none of that name.
    """
    try:
        return ProcessId(name)
    except ValueError as error:
        raise RefusedError(
            DeskCode.NOT_FOUND, standard=NO_SUCH_PROCESS, choices=tuple(ProcessId)
        ) from error


@router.get("/api/ogc/processes")
def list_processes(request: Request) -> Response:
    """List what can be asked for."""
    known_only(request, "f", "limit", "offset")
    page = page_of(request)
    shown = list(ProcessId)[page.offset : page.offset + page.limit]
    found = tuple(
        Summary(id=name, title=PROCESSES[name].title, description=PROCESSES[name].description,
                links=_links(request, name))
        for name in shown
    )  # fmt: skip
    links = (Link(href=at(request, "/api/ogc/processes"), rel="self"),)
    return answer(Processes(processes=found, links=links))


@router.get("/api/ogc/processes/{process}")
def describe(request: Request, process: str) -> Response:
    """Describe a process: what it is told, and what it makes."""
    known_only(request, "f")
    name = find_process(process)
    found = PROCESSES[name]
    return answer(
        Description(
            id=name,
            title=found.title,
            description=found.description,
            links=_links(request, name),
            inputs=described_inputs(),
            outputs={
                key: OutputDescription(
                    title=made.title,
                    given={"type": "string", "format": "uri", "contentMediaType": made.kind},
                )
                for key, made in found.outputs.items()
            },
        )
    )


def described_inputs() -> dict[str, InputDescription]:
    """Describe the inputs by the record that reads them."""
    described = _Schemas.model_validate(Inputs.model_json_schema()).properties
    return {
        name: InputDescription(
            title=name.replace("_", " "),
            description=field.description or "",
            given=described[name].plain(),
            least=int(field.is_required()),
        )
        for name, field in Inputs.model_fields.items()
    }


class _Schema(BaseModel, extra="allow"):
    """A schema as pydantic makes it of a field: what may be left out is also null there."""

    title: str = ""
    description: str = ""
    default: JsonValue = None
    either: tuple[Whatever, ...] = Field((), alias="anyOf")

    def plain(self) -> Whatever:
        """Return the schema without names, and without null."""
        known = {"title", "description", "either"}
        own = self.model_dump(mode="json", exclude=known, exclude_none=True)
        given = [part for part in self.either if part != {"type": "null"}]
        return {**(given[0] if given else {}), **own}


class _Schemas(BaseModel, extra="ignore"):
    properties: dict[str, _Schema]


def _links(request: Request, name: ProcessId) -> tuple[Link, ...]:
    own = f"/api/ogc/processes/{name}"
    return (
        Link(href=at(request, own), rel="self"),
        Link(href=at(request, f"{own}/execution"), rel=f"{OGC_REL}/execute", method="POST"),
        Link(href=at(request, "/api/runs"), rel="related", title="runs that can be asked"),
    )
