"""What the digitising of a sheet found."""

from minerisk.pipelines.records.record import Record


class ControlPoint(Record):
    """How far off a control point is.

    Attributes
    ----------
    number
        Of the point among those of the scan, from 1.
    residual_m
        From where the fit puts it.
    left_out_m
        From where a fit puts it that has not seen it.
    """

    number: int
    residual_m: float
    left_out_m: float


class PositionError(Record):
    """What the positional error of a digitised line is made of, standard deviations in metres.

    Attributes
    ----------
    georeferencing_m
        Of the way from the scan to the ground: what control points are missed by when they are
        left out, root mean square; or as it was stated.
    drawn_width_m
        Half the width of the drawn line.
    generalisation_m
        How much the cartographer smoothed and shifted the line, as it was stated.
    total_m
        Root of the sum of squares, rounded up to ten metres.
    """

    georeferencing_m: float
    drawn_width_m: float
    generalisation_m: float
    total_m: float


class Digitised(Record):
    """What was made of a sheet.

    Attributes
    ----------
    layer, picture
        Files that were written.
    crs
        Of the layer.
    lines, length_km
        How many, and how long they are together.
    bridged_km
        How much of that bridges gaps.
    gap_px, gap_m
        The longest gap that was bridged, as it was allowed.
    pixel_m
        Side of a pixel on the ground.
    stated_width_px, measured_width_px
        Drawn width of the line, as stated and as the ink shows it.
    order
        Of the fit; 0 for a world file.
    control_points, outliers
        Each with its residuals, and the numbers of those that the others put elsewhere by far.
    position_error
        What it is made of.
    """

    layer: str
    picture: str
    crs: str
    lines: int
    length_km: float
    bridged_km: float
    gap_px: float
    gap_m: float
    pixel_m: float
    stated_width_px: float
    measured_width_px: float
    order: int
    control_points: tuple[ControlPoint, ...]
    outliers: tuple[int, ...]
    position_error: PositionError
