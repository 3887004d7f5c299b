"""Commands that make a layer of a scanned map."""

from pathlib import Path
from typing import Annotated

import typer

from minerisk.pipelines.cli.options import Json, example, number, writable
from minerisk.pipelines.cli.output import show

Scan = Annotated[Path, typer.Argument(help="scanned map: JPEG, PNG or TIFF, in colour")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    for command, line in (
        (
            digitise,
            "minerisk digitise map9.jpg --points graticule.csv --crs EPSG:4326 --colour '#6f4953'"
            " --width 9 --frame 374,368,3745,2797 --leave-out 3300,455,3670,990 --out map9.gpkg",
        ),
        (colours, "minerisk colours map9.jpg 3385,808"),
    ):
        app.command(epilog=example(line))(command)


def digitise(
    scan: Scan,
    points: Annotated[
        Path,
        typer.Option(
            "--points",
            help="control points: CSV with column,row,longitude,latitude (or easting,northing), "
            ".points of QGIS, or a world file",
        ),
    ],
    colour: Annotated[
        str, typer.Option("--colour", help="of the line: #rrggbb, see `minerisk colours`")
    ],
    width: Annotated[
        float,
        typer.Option(
            "--width", parser=number, metavar="NUMBER", help="drawn width of the line, pixels"
        ),
    ],
    frame: Annotated[
        str,
        typer.Option(
            "--frame",
            help="of the map, in pixels of the scan: left,top,right,bottom, or its corners in turn",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", callback=writable, help="GeoPackage to write")],
    leave_out: Annotated[
        list[str] | None,
        typer.Option(
            "--leave-out", help="legend or inset inside the frame, as --frame; repeatable"
        ),
    ] = None,
    crs: Annotated[
        str | None,
        typer.Option("--crs", help="CRS of the control points, such as EPSG:4326; never guessed"),
    ] = None,
    gap: Annotated[
        float | None,
        typer.Option(
            "--gap",
            parser=number,
            metavar="NUMBER",
            help="longest gap between dashes that is bridged, pixels  [default: 3 widths]",
        ),
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(
            "--tolerance",
            parser=number,
            metavar="NUMBER",
            help="how far a pixel's colour may be from it (CIELAB)",
        ),
    ] = 18.0,
    generalisation_m: Annotated[
        float,
        typer.Option(
            "--generalisation-m",
            parser=number,
            metavar="NUMBER",
            help="how much the cartographer smoothed the line, metres (1 sd)",
        ),
    ] = 500.0,
    georeferencing_m: Annotated[
        float | None,
        typer.Option(
            "--georeferencing-m",
            parser=number,
            metavar="NUMBER",
            help="error of a world file, metres (1 sd)",
        ),
    ] = None,
    epoch: Annotated[str, typer.Option("--epoch", help="name of the state that is shown")] = "",
    date: Annotated[str, typer.Option("--date", help="day or period that is shown")] = "",
    source: Annotated[str, typer.Option("--source", help="who drew the map, and its title")] = "",
    as_json: Json = False,
) -> None:
    """Make a layer of the lines of one colour on a scanned map.

    Its coverage is the frame without what is left out: outside it no line is drawn, which is not
    the same as far away. A picture of the result over the scan is written beside the layer.
    """
    from minerisk.features.digitise.colours import read_colour
    from minerisk.features.digitise.sheet import read_outline
    from minerisk.pipelines.prepare import digitise as work
    from minerisk.pipelines.prepare.digitised_lines import lines_of

    drawing = work.Drawing(
        colour=read_colour(colour),
        width_px=width,
        frame=read_outline(frame, name="--frame"),
        leave_out=tuple(read_outline(text, name="--leave-out") for text in leave_out or ()),
        gap_px=gap,
        tolerance=tolerance,
    )
    known = work.Provenance(epoch, date, source, generalisation_m, georeferencing_m)
    found = work.digitise(scan, points, drawing, out=out, crs=crs, known=known)
    show(found, lines_of(found), as_json=as_json)


def colours(
    scan: Scan,
    place: Annotated[
        str, typer.Argument(metavar="COLUMN,ROW", help="pixel in the middle of the line")
    ],
) -> None:
    """List the colours around a place of a scan, for --colour and --width."""
    from minerisk.features.digitise.scan import read_scan
    from minerisk.features.digitise.sheet import pick_colours, read_place
    from minerisk.pipelines.prepare.digitised_lines import colour_lines

    for line in colour_lines(pick_colours(read_scan(scan), read_place(place))):
        typer.echo(line)
