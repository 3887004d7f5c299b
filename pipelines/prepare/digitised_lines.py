"""What `minerisk digitise` and `minerisk colours` print."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from minerisk.features.digitise.colours import written
from minerisk.features.digitise.sheet import PickedColour
from minerisk.pipelines.prepare.digitised import Digitised

_UNLIKE = 1.5
"""Stated and measured width may differ by this factor before it is said."""


def lines_of(found: Digitised) -> Iterator[str]:
    """Tell what was digitised, how exact it is, and what to look at."""
    yield (
        f"{found.lines} lines, {found.length_km:g} km; {found.bridged_km:g} km of that bridge gaps "
        f"of up to {found.gap_px:g} pixels ({found.gap_m:,.0f} m). A pixel is "
        f"{found.pixel_m:.3g} m."
    )
    yield from _fit_lines(found)
    error = found.position_error
    yield (
        f"Position error {error.total_m:g} m (1 sd): georeferencing {error.georeferencing_m:.0f}, "
        f"half the drawn width {error.drawn_width_m:.0f}, generalisation "
        f"{error.generalisation_m:g} (stated)."
    )
    yield from _warnings(found)
    yield f"Layer: {found.layer}, {found.crs}. In a study area:"
    yield (
        f"  front_line: {{kind: vector, path: {Path(found.layer).name}, layer: front_lines, "
        f"position_error_m: {error.total_m:g}, coverage: {{in_file: coverage}}}}"
    )
    yield f"Picture: {found.picture}. Look at it before you use the layer."


def colour_lines(found: Sequence[PickedColour]) -> Iterator[str]:
    """List colours for ``--colour`` and ``--width``."""
    for one in found:
        yield (
            f"{written(one.colour)}  {one.share:4.0%} of what is near, in strokes up to "
            f"{one.width_px:.0f} pixels wide"
        )


def _fit_lines(found: Digitised) -> Iterator[str]:
    points = found.control_points
    if not points:
        yield "World file: its error is as stated."
        return
    worst = max(points, key=lambda point: point.left_out_m)
    how = "linearly" if found.order == 1 else "with squares"
    yield (
        f"{len(points)} control points, fitted {how}: left out, a point is missed by "
        f"{found.position_error.georeferencing_m:.0f} m (root mean square), the worst, number "
        f"{worst.number}, by {worst.left_out_m:.0f} m."
    )


def _warnings(found: Digitised) -> Iterator[str]:
    for number in found.outliers:
        point = found.control_points[number - 1]
        yield (
            f"Warning: control point {number} lies {point.left_out_m:.0f} m from where the others "
            "put it. Check its column, row and coordinates."
        )
    stated, measured = found.stated_width_px, found.measured_width_px
    if not stated / _UNLIKE <= measured <= stated * _UNLIKE:
        yield (
            f"Warning: the ink is {measured:g} pixels wide in the median, and --width says "
            f"{stated:g}. Gaps, text and dots are told from dashes by the width."
        )
