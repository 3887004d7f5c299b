"""From a scanned map to a layer: lines, cover, control points and a picture of the result."""

import math
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from minerisk.features.digitise.colours import Colour
from minerisk.features.digitise.control_points import WorldFile, read_control
from minerisk.features.digitise.georeference import (
    Georeference,
    fit_control,
    follow_world_file,
    to_ground,
)
from minerisk.features.digitise.ink import TOLERANCE
from minerisk.features.digitise.scan import Pixels, read_scan
from minerisk.features.digitise.sheet import GAP, Sheet, trace_sheet
from minerisk.features.errors import InputError
from minerisk.pipelines.formats.geopackage import PackageLayer, write_geopackage
from minerisk.pipelines.prepare.digitised import ControlPoint, Digitised, PositionError
from minerisk.pipelines.prepare.digitised_picture import write_picture

LINES, COVERAGE, CONTROL_POINTS = "front_lines", "coverage", "control_points"
GENERALISATION_M = 500.0
"""How much a cartographer is taken to have smoothed and shifted a line, if nothing is stated."""
_EDGE_PX = 50.0
"""A frame is straight on the scan; on the ground it gets a corner so often."""


@dataclass(frozen=True)
class Drawing:
    """How a line is drawn on a scan, and where the map is on it.

    Attributes
    ----------
    colour, width_px
        Of the line.
    gap_px
        The longest gap that is bridged; three drawn widths where None.
    tolerance
        CIELAB distance up to which a pixel has the colour.
    frame, leave_out
        Of the map, and what inside it is none.
    """

    colour: Colour
    width_px: float
    frame: shapely.Polygon
    leave_out: tuple[shapely.Polygon, ...] = ()
    gap_px: float | None = None
    tolerance: float = TOLERANCE


@dataclass(frozen=True)
class Provenance:
    """What is known of a line besides its place, for its columns.

    Attributes
    ----------
    epoch, date, source
        Name of the state it shows, day or month of that, and who drew it; empty is not known.
    generalisation_m
        How much the cartographer smoothed and shifted it, standard deviation in metres.
    georeferencing_m
        Error of a world file, which tells none itself, standard deviation in metres.
    """

    epoch: str = ""
    date: str = ""
    source: str = ""
    generalisation_m: float = GENERALISATION_M
    georeferencing_m: float | None = None


def digitise(
    scan: Path,
    points: Path,
    drawing: Drawing,
    *,
    out: Path,
    crs: str | None = None,
    known: Provenance | None = None,
) -> Digitised:
    """Digitise the lines of one colour of a scanned map.

    Parameters
    ----------
    scan
        JPEG, PNG or TIFF.
    points
        Control points or a world file, see `read_control`.
    out
        GeoPackage to write; a picture is written beside it, see `picture_path`.
    crs
        Of the control points.

    Raises
    ------
    InputError
        If an input cannot be used, or a file cannot be written.
    """
    _check_out(out, scan)
    known = Provenance() if known is None else known
    pixels = read_scan(scan)
    georeference = georeference_of(points, scan, pixels, crs=crs, known=known)
    sheet = trace_drawing(pixels, drawing)
    error = position_error(drawing.width_px, georeference, known)
    frame = line_layer(sheet, georeference)
    facts: dict[str, str | float] = {
        "epoch": known.epoch,
        "date": known.date,
        "source": known.source,
        "scan": scan.name,
        "position_error_m": error.total_m,
    }
    write_geopackage(out, _package(frame, sheet, georeference, facts))
    picture = write_picture(picture_path(out), pixels, sheet, drawing.frame, georeference.pixels)
    return _digitised(out, picture, frame, sheet, georeference, drawing, error)


def trace_drawing(pixels: Pixels, drawing: Drawing) -> Sheet:
    """Trace the lines of a scan as they are drawn; see `trace_sheet`."""
    return trace_sheet(
        pixels,
        drawing.colour,
        width_px=drawing.width_px,
        frame=drawing.frame,
        leave_out=drawing.leave_out,
        gap_px=drawing.gap_px,
        tolerance=drawing.tolerance,
    )


def georeference_of(
    points: Path, scan: Path, pixels: Pixels, *, crs: str | None, known: Provenance
) -> Georeference:
    """Read control points or a world file, and fit the scan to the ground.

    Raises
    ------
    InputError
        As from `read_control`, `fit_control` and `follow_world_file`; or if the error of a world
        file is not stated, or that of control points is.
    """
    size = (pixels.shape[1], pixels.shape[0])
    control = read_control(points, scan=scan.name, size=size, crs=crs)
    stated = known.georeferencing_m
    if isinstance(control, WorldFile):
        if stated is None:
            raise InputError(
                f"{points.name} is a world file and does not tell how exact it is. State it with "
                "--georeferencing-m, or give the control points it was made from."
            )
        return follow_world_file(control, size=size, error_m=stated, name=points.name)
    if stated is not None:
        raise InputError(
            f"--georeferencing-m is for world files; the control points of {points.name} tell the "
            "error themselves. Leave it out."
        )
    return fit_control(control, name=points.name)


def position_error(width_px: float, georeference: Georeference, known: Provenance) -> PositionError:
    """Add up what the positional error of a digitised line is made of.

    Raises
    ------
    InputError
        If a stated error is no length.
    """
    parts = (
        georeference.error_m,
        width_px * georeference.pixel_m / 2,
        known.generalisation_m,
    )
    if not all(math.isfinite(part) and 0 <= part <= 50_000 for part in parts):
        raise InputError(
            f"The errors are {', '.join(f'{part:g}' for part in parts)} m (georeferencing, half "
            "the drawn width, generalisation); expected 0 to 50,000 m. Check the control points "
            "and what is stated."
        )
    total = 10.0 * math.ceil(math.hypot(*parts) / 10 - 1e-9)
    return PositionError(
        georeferencing_m=round(parts[0], 1),
        drawn_width_m=round(parts[1], 1),
        generalisation_m=parts[2],
        total_m=total,
    )


def line_layer(sheet: Sheet, georeference: Georeference) -> gpd.GeoDataFrame:
    """Return the lines of a sheet on the ground, the longest first; what of each is bridged."""
    bridged = shapely.intersection(sheet.lines, shapely.union_all(sheet.bridges))
    lines, over = to_ground(sheet.lines, georeference), to_ground(bridged, georeference)
    frame = gpd.GeoDataFrame(
        {
            "length_m": np.round(shapely.length(lines), 1),
            "bridged_m": np.round(shapely.length(over), 1),
        },
        geometry=lines,
        crs=georeference.crs,
    )
    return frame.sort_values("length_m", ascending=False, kind="stable", ignore_index=True)


def cover_on_ground(sheet: Sheet, georeference: Georeference) -> gpd.GeoSeries:
    """Return the land that a sheet shows."""
    edges = np.array([shapely.segmentize(sheet.cover, _EDGE_PX)], dtype=object)
    return gpd.GeoSeries(to_ground(edges, georeference), crs=georeference.crs)


def picture_path(out: Path) -> Path:
    """Name the picture of a result: ``lines_picture.png`` beside ``lines.gpkg``."""
    return out.with_name(f"{out.stem}_picture.png")


def _check_out(out: Path, scan: Path) -> None:
    if out.suffix.lower() != ".gpkg":
        raise InputError(f"--out is {out.name}; expected a GeoPackage, such as lines.gpkg.")
    if picture_path(out).absolute() == scan.absolute():
        raise InputError(
            f"The picture of the result would replace the scan {scan.name}. Give --out another "
            "name."
        )


def _package(
    lines: gpd.GeoDataFrame,
    sheet: Sheet,
    georeference: Georeference,
    facts: dict[str, str | float],
) -> dict[str, PackageLayer]:
    """Return the layers of the GeoPackage; lines and cover say what is known of them."""
    cover = gpd.GeoDataFrame(geometry=cover_on_ground(sheet, georeference))
    package = {
        LINES: PackageLayer(
            lines.assign(**facts),
            "Front lines",
            f"Digitised from {facts['scan']}. Position error {facts['position_error_m']} m (1 sd).",
            geometry="LineString",
        ),
        COVERAGE: PackageLayer(
            cover.assign(**facts),
            "Coverage",
            "What the sheet shows. Outside it no line is drawn, which is not the same as far away.",
            geometry="MultiPolygon",
        ),
    }
    if len(georeference.pixels):
        package[CONTROL_POINTS] = PackageLayer(
            _point_layer(georeference),
            "Control points",
            "Where the fit puts each, and how far off that is.",
            geometry="Point",
        )
    return package


def _point_layer(georeference: Georeference) -> gpd.GeoDataFrame:
    columns, rows = georeference.pixels.T
    return gpd.GeoDataFrame(
        {
            "number": np.arange(1, len(columns) + 1),
            "column": columns,
            "row": rows,
            "residual_m": np.round(georeference.residual_m, 1),
            "left_out_m": np.round(georeference.left_out_m, 1),
        },
        geometry=shapely.points(georeference.places(georeference.pixels)),
        crs=georeference.crs,
    )


def _digitised(
    out: Path,
    picture: Path,
    lines: gpd.GeoDataFrame,
    sheet: Sheet,
    georeference: Georeference,
    drawing: Drawing,
    error: PositionError,
) -> Digitised:
    pixel_m = georeference.pixel_m
    gap_px = GAP * drawing.width_px if drawing.gap_px is None else drawing.gap_px
    residuals = zip(georeference.residual_m, georeference.left_out_m, strict=True)
    return Digitised(
        layer=str(out),
        picture=str(picture),
        crs=georeference.crs.to_string(),
        lines=len(lines),
        length_km=round(float(lines["length_m"].sum()) / 1000, 1),
        bridged_km=round(float(lines["bridged_m"].sum()) / 1000, 1),
        gap_px=gap_px,
        gap_m=round(gap_px * pixel_m),
        pixel_m=round(pixel_m, 2),
        stated_width_px=drawing.width_px,
        measured_width_px=round(sheet.width_px, 1),
        order=georeference.order if len(georeference.pixels) else 0,
        control_points=tuple(
            ControlPoint(number=number, residual_m=round(own, 1), left_out_m=round(left_out, 1))
            for number, (own, left_out) in enumerate(residuals, start=1)
        ),
        outliers=tuple(georeference.outliers),
        position_error=error,
    )
