"""What a request reads of its run, held against the trail before anything is handed out."""

import re
from collections.abc import Callable
from typing import Final

import xarray as xr

from minerisk.features.errors import FindingError
from minerisk.pipelines.plotting.grids import HEIGHT
from minerisk.pipelines.predict.window import CubeWindow
from minerisk.pipelines.provenance.outputs import changed_parts
from minerisk.pipelines.provenance.run_folder import MODEL_CARD_READS
from minerisk.pipelines.provenance.standing import stand
from minerisk.pipelines.records.request import Filters
from minerisk.pipelines.records.review import State
from minerisk.pipelines.request.public_copy import FACTOR
from minerisk.pipelines.run.folder import Run, refuse_unverified
from minerisk.pipelines.tracking.registry import taken_away

CUBE: Final = "cube.zarr"
SMALL: Final = (
    *MODEL_CARD_READS,
    "labels.zarr",
    "simulated",
    "tasks.gpkg",
    "tasks.json",
    "tasks.csv",
    "tasks",
)
REFUSED: Final = "Nothing is handed out from it"
_CHUNK: Final = re.compile(r"([^/]+)/c/(\d+)/(\d+)")


def check_standing(run: Run) -> State:
    """Verify a run before a request to it, and return how it stands.

    Chain, reviews and keys are verified, and of the outputs the small ones that a request reads.
    The cube, which may have many gigabytes, is verified where it is read (`check_cube`), and
    rasters where a pack is cut from them.

    Raises
    ------
    FindingError
        If the run does not verify, or was withdrawn.
    """
    standing = run.standing(SMALL)
    lost = taken_away(run, run.manifest(), run.reviews())
    if lost is not None:
        standing = stand(run.manifest(), run.reviews(), [*standing.reasons, lost])
    refuse_unverified(run.folder, standing, REFUSED)
    if standing.state is State.WITHDRAWN:
        raise FindingError(f"{run.folder} was withdrawn: nothing may be handed out from it.")
    _check_parts(run, lambda name: _feature(name) is None)
    return standing.state


def check_cube(run: Run, cube: xr.Dataset, window: CubeWindow, filters: Filters) -> None:
    """Verify the chunks of the cube that the answer to a request is made of.

    Raises
    ------
    FindingError
        If one was changed, or is missing.
    """
    height, width = window.asked.shape
    rows = range(window.row - FACTOR, window.row + height + FACTOR)  # a public copy is wider
    columns = range(window.column - FACTOR, window.column + width + FACTOR)

    def wanted(name: str) -> bool:
        found = _feature(name)
        if found is None or found[0] not in cube:
            return False
        feature, row, column = found
        down, across = cube[feature].encoding["chunks"]
        return (
            (filters.limits_land or feature == HEIGHT)
            and row * down < rows.stop
            and (row + 1) * down > rows.start
            and column * across < columns.stop
            and (column + 1) * across > columns.start
        )

    _check_parts(run, wanted)


def _feature(name: str) -> tuple[str, int, int] | None:
    """Read which chunk of which feature a file of the cube is; None for all that is small."""
    found = _CHUNK.fullmatch(name)
    if found is None or found[1] == "inside":
        return None
    return found[1], int(found[2]), int(found[3])


def _check_parts(run: Run, wanted: Callable[[str], bool]) -> None:
    manifest = run.manifest()
    if CUBE in manifest.outputs:
        problems = changed_parts(run.files, manifest, CUBE, wanted)
        standing = stand(manifest, run.reviews(), problems)
        refuse_unverified(run.folder, standing, REFUSED)
