"""What can be known before the work begins, and would otherwise fail after hours of it."""

import shutil

from minerisk.configs.schema import Config
from minerisk.features.errors import InputError
from minerisk.features.grid import study_grid
from minerisk.pipelines.provenance.clock import now
from minerisk.pipelines.run.folder import Run

BYTES = 4
"""Of a value of a feature."""
OTHERS = 16
"""Values for each cell besides its features: labels, and rasters with their drafts."""
PACKED = 0.25
"""Share of its size that a cube takes on the disk at least."""
LEAST_BYTES = 20_000_000


def check_day(config: Config) -> None:
    """Refuse a study area as of a day to come.

    Raises
    ------
    InputError
        With today's date, by which the clock of the machine can be checked.
    """
    day, today = config.study_area.as_of, now().date()
    if day is not None and day > today:
        raise InputError(
            f"study_area.as_of is {day}, a day to come; expected one up to {today}, which is today "
            "by the clock of this machine."
        )


def check_room(run: Run) -> None:
    """Refuse a disk that cannot hold the cube, and what is made of it.

    Raises
    ------
    InputError
        With the room there is and the least that is needed.
    """
    area = run.config.study_area
    try:
        bounds = tuple(run.layers().vector(area.boundary, crs=area.crs).total_bounds)
    except InputError:
        return  # validation says what is wrong with it, and with every other layer
    grid = study_grid(bounds, crs=area.crs, resolution_m=area.resolution_m)
    cells = grid.height * grid.width
    values = len(run.config.features) + OTHERS
    need = max(LEAST_BYTES, int(cells * values * BYTES * PACKED))
    room = shutil.disk_usage(run.folder).free
    if room < need:
        raise InputError(
            f"The disk of {run.folder} has room for {room / 1e6:,.0f} MB; {cells:,} cells need "
            f"{need / 1e6:,.0f} MB at least. Make room, or choose another --out."
        )
