"""The commands that answer a request: its maps alone, or with tasks and report to hand out."""

import datetime as dt
import os
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
)
from minerisk.pipelines.cli.output import progress_line, show
from minerisk.pipelines.cli.run_commands import workers_for
from minerisk.pipelines.records.choices import Hazard as HazardClass

if TYPE_CHECKING:
    from minerisk.pipelines.records.request import Filters


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
    public: Annotated[
        bool, typer.Option("--public", help="also a coarsened copy without findings, OUT_public")
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
    shared = workers_for(
        workers,
        scheduler,
        "minerisk.pipelines.predict.predict",
        tls=tls,
        trust_network=trust_network,
    )
    from minerisk.pipelines.request.answer import open_request
    from minerisk.pipelines.request.pack import answer_request
    from minerisk.pipelines.request.sentence import answer_sentence

    filters = _filters(aoi, layer, near, within, district, hazard, as_of, clip=clip)
    asked = open_request(folder, filters, said=progress_line, workers=shared)
    answer = answer_request(asked, out, public=public, unapproved=unapproved, language=language)
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
    shared = workers_for(
        workers,
        scheduler,
        "minerisk.pipelines.predict.predict",
        tls=tls,
        trust_network=trust_network,
    )
    if shared.alone:
        prepare_drawing()
    from minerisk.pipelines.request.answer import open_request, write_maps

    filters = _filters(aoi, layer, near, within, district, hazard, as_of, clip=clip)
    asked = open_request(folder, filters, said=progress_line, workers=shared)
    place = out or asked.home
    show(write_maps(asked, place), [f"Maps: {place}"], as_json=as_json)


def _filters(
    aoi: Path | None,
    layer: str | None,
    near: list[str] | None,
    within: float | None,
    district: list[str] | None,
    hazard: HazardClass | None,
    as_of: dt.date | None,
    *,
    clip: bool,
) -> "Filters":
    from minerisk.pipelines.records.request import Filters

    return Filters(
        near=tuple(near or ()),
        within_m=within,
        districts=tuple(district or ()),
        hazard=hazard,
        as_of=as_of,
        aoi=aoi,
        layer=layer,
        clip=clip,
    )


def prepare_drawing() -> None:
    """Let a second core import what draws the preview, while this process predicts."""
    from minerisk.pipelines.run.processes import prepare

    if (os.cpu_count() or 1) > 1:
        prepare(
            "minerisk.pipelines.cli.main",
            "minerisk.pipelines.plotting.preview",
            "minerisk.pipelines.plotting.figures",
            "minerisk.pipelines.plotting.map_figure",
        )
