"""The command that answers a request: maps, tasks and a folder to hand out."""

import os
from typing import Annotated

import typer

from minerisk.pipelines.cli.options import (
    Aoi,
    AsOf,
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


def add_to(app: typer.Typer) -> None:
    """Add this command to the command line."""
    line = "minerisk request runs/my_area --aoi district.gpkg --out requests/district"
    app.command(epilog=example(line))(request)


def request(
    folder: RunFolder,
    aoi: Aoi = None,
    layer: Layer = None,
    near: Near = None,
    within: Within = None,
    district: District = None,
    hazard: Hazard = None,
    as_of: AsOf = None,
    maps_only: Annotated[
        bool, typer.Option("--maps-only", help="only the maps, within seconds; into --out")
    ] = False,
    public: Annotated[
        bool, typer.Option("--public", help="also a coarsened copy without findings, OUT_public")
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
    if maps_only and shared.alone:
        prepare_drawing()
    from minerisk.pipelines.records.request import Filters
    from minerisk.pipelines.request.answer import open_request, write_maps

    filters = Filters(
        near=tuple(near or ()),
        within_m=within,
        districts=tuple(district or ()),
        hazard=hazard,
        as_of=as_of,
        aoi=aoi,
        layer=layer,
    )
    asked = open_request(folder, filters, said=progress_line, workers=shared)
    if maps_only:
        maps = out or asked.home
        show(write_maps(asked, maps), [f"Maps: {maps}"], as_json=as_json)
        return
    from minerisk.pipelines.request.pack import answer_request

    answer = answer_request(asked, out, public=public, language=language)
    lines = [
        f"Pack: {pack} (open {pack / 'map.qgs'} or {pack / 'report.html'})" for pack in answer.packs
    ]
    show(answer.record, [*lines, f"Maps with every band: {answer.maps}"], as_json=as_json)


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
