"""The commands that answer a request: its maps alone, or with tasks and report to hand out."""

import datetime as dt
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from minerisk.pipelines.cli.options import (
    Aoi,
    AsOf,
    Clip,
    District,
    Hazard,
    Json,
    Language,
    Layer,
    Near,
    Out,
    RunFolder,
    Scheduler,
    Tls,
    TrustNetwork,
    Within,
    Workers,
    example,
    number,
)
from minerisk.pipelines.cli.output import progress_line, show
from minerisk.pipelines.cli.run_commands import workers_for
from minerisk.pipelines.records.choices import Hazard as HazardClass
from minerisk.pipelines.run.own_process import leave_out

if TYPE_CHECKING:
    from minerisk.pipelines.request.opening import OpenRequest

DRAWING = (
    "minerisk.pipelines.plotting.preview",
    "minerisk.pipelines.plotting.figures",
    "minerisk.pipelines.plotting.map_figure",
)
"""What draws the preview."""


@dataclass(frozen=True)
class Asked:
    """The options of a request, as they were given."""

    aoi: Path | None
    layer: str | None
    near: list[str] | None
    within: float | None
    district: list[str] | None
    hazard: HazardClass | None
    as_of: dt.date | None
    clip: bool
    budget: float | None = None
    weight: list[str] | None = None


@dataclass(frozen=True)
class Shared:
    """Who works on a request, as it was given."""

    workers: int
    scheduler: str | None
    tls: Path | None
    trust_network: bool


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    for command, line in (
        (request, "minerisk request runs/my_area --aoi district.gpkg --out requests/district"),
        (maps, "minerisk maps runs/my_area --aoi district.gpkg --out requests/district_maps"),
    ):
        app.command(epilog=example(line))(command)


def request(
    folder: RunFolder,
    aoi: Aoi = None,
    layer: Layer = None,
    clip: Clip = False,
    near: Near = None,
    within: Within = None,
    district: District = None,
    hazard: Hazard = None,
    as_of: AsOf = None,
    budget: Annotated[
        float | None,
        typer.Option("--budget", parser=number, metavar="HECTARES", help="land to be tasked"),
    ] = None,
    weight: Annotated[
        list[str] | None,
        typer.Option(
            "--weight",
            metavar="NAME=NUMBER",
            help="of the hazard or of a criterion of impact, such as casualties=2; repeatable",
        ),
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="also a coarsened copy without findings, OUT_public")
    ] = False,
    sheets: Annotated[
        bool, typer.Option("--sheets", help="also a page of A4 for each survey task, to print")
    ] = False,
    phone: Annotated[
        bool, typer.Option("--phone", help="also the map as MBTiles, for QField, Locus and others")
    ] = False,
    unapproved: Annotated[
        bool, typer.Option("--unapproved", help="--public also of a run that nobody has approved")
    ] = False,
    language: Language = "en",
    out: Out = None,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    tls: Tls = None,
    trust_network: TrustNetwork = False,
    as_json: Json = False,
) -> None:
    """Write maps, tasks and report of the land asked for.

    Without filters it is the whole study area. The maps with every band, and request.json, go into
    requests/ID/ of the run; the folder to hand out goes to --out, or there.
    """
    asked = _opened(
        folder,
        Asked(aoi, layer, near, within, district, hazard, as_of, clip, budget, weight),
        Shared(workers, scheduler, tls, trust_network),
    )
    from minerisk.pipelines.cli.answer_sentence import answer_sentence
    from minerisk.pipelines.request.pack import answer_request

    answer = answer_request(
        asked,
        out,
        public=public,
        unapproved=unapproved,
        sheets=sheets,
        phone=phone,
        language=language,
    )
    lines = [answer_sentence(answer.record, answer.packs[0])] if not as_json else []
    lines += [
        f"Pack: {pack} (open {pack / 'map.qgs'} or {pack / 'report.html'})" for pack in answer.packs
    ]
    show(answer.record, [*lines, f"Maps with every band: {answer.maps}"], as_json=as_json)


def maps(
    folder: RunFolder,
    aoi: Aoi = None,
    layer: Layer = None,
    clip: Clip = False,
    near: Near = None,
    within: Within = None,
    district: District = None,
    hazard: Hazard = None,
    as_of: AsOf = None,
    out: Out = None,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    tls: Tls = None,
    trust_network: TrustNetwork = False,
    as_json: Json = False,
) -> None:
    """Write the maps alone of the land asked for, within seconds.

    Every band and request.json go to --out, or into requests/ID/ of the run.
    """
    asked = _opened(
        folder,
        Asked(aoi, layer, near, within, district, hazard, as_of, clip),
        Shared(workers, scheduler, tls, trust_network),
    )
    from minerisk.pipelines.request.answer import write_maps

    place = out or asked.home
    show(write_maps(asked, place), [f"Maps: {place}"], as_json=as_json)


def _opened(folder: Path, asked: Asked, shared: Shared) -> "OpenRequest":
    """Check a request: names first, then, while other processes import, the land."""
    from minerisk.pipelines.records.request import Filters
    from minerisk.pipelines.request.named import refuse_unknown

    filters = Filters(
        near=tuple(asked.near or ()),
        within_m=asked.within,
        districts=tuple(asked.district or ()),
        hazard=asked.hazard,
        as_of=asked.as_of,
        aoi=asked.aoi,
        layer=asked.layer,
        clip=asked.clip,
        budget_ha=asked.budget,
        weights=_weights(asked.weight or ()),
    )
    refuse_unknown(folder, filters)
    workers = workers_for(
        shared.workers,
        shared.scheduler,
        "minerisk.pipelines.predict.predict",
        tls=shared.tls,
        trust_network=shared.trust_network,
    )
    if workers.alone:
        prepare_drawing()
    if workers.cluster is None:
        leave_out("dask")  # odc-geo and xarray would ask it whether their arrays are Dask's
    from minerisk.features.files.process import prepare_from_here
    from minerisk.pipelines.request.opening import open_request

    prepare_from_here()
    return open_request(folder, filters, said=progress_line, workers=workers)


def _weights(given: Sequence[str]) -> dict[str, float]:
    """Read NAME=NUMBER, each name once."""
    from minerisk.features.errors import InputError

    found: dict[str, float] = {}
    for words in given:
        name, _, value = words.partition("=")
        try:
            weight = number(value)
        except typer.BadParameter as error:
            raise InputError(
                f"--weight is {words!r}; expected a name and a number, such as casualties=2."
            ) from error
        if name in found:
            raise InputError(f"--weight gives {name} twice. Give it once.")
        found[name] = weight
    return found


def prepare_drawing() -> None:
    """Let a second core import what draws the preview, while this process predicts."""
    from minerisk.pipelines.run.processes import prepare

    if (os.cpu_count() or 1) > 1:
        prepare("minerisk.pipelines.cli.main", *DRAWING)
