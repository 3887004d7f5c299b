"""Answers to a request: its maps and its tasks."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from minerisk.pipelines.predict.hazard_rasters import predict_classes
from minerisk.pipelines.predict.predict import predict
from minerisk.pipelines.provenance.files import sha256_path, write_whole
from minerisk.pipelines.provenance.manifest import locked
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.rasters import RasterFacts
from minerisk.pipelines.records.request import LikeThis, RequestRecord
from minerisk.pipelines.request.filters import own_tasks
from minerisk.pipelines.request.opening import OpenRequest
from minerisk.pipelines.request.public_copy import FACTOR
from minerisk.pipelines.run.hazards import ANY
from minerisk.pipelines.run.intact import check_window
from minerisk.pipelines.run.progress import Progress, progress

RECORD = "request.json"


def write_maps(
    asked: OpenRequest,
    folder: Path | None = None,
    *,
    seen: Callable[[Sequence[Path]], None] = lambda _: None,
) -> RequestRecord:
    """Write the rasters of a request and ``request.json``, into its own folder or another.

    Where no class is asked for they are those of any hazard, and those of each class that has a
    model in a folder of its name. What is there already, byte for byte, is left alone.

    Parameters
    ----------
    asked
        A request.
    folder
        Where they go; none is its own folder.
    seen
        As in `predict`; those of what was asked for come first.

    Returns
    -------
    RequestRecord
        With the names and hashes of the maps.
    """
    folder = folder or asked.home
    known = _finished(asked, folder)
    if known is not None:
        return known
    check_read(asked)
    asked = with_like_this(asked)
    hazard, run = asked.filters.hazard, asked.run
    with locked(folder), progress("Risk rasters") as bar:
        one = partial(_predict_one, asked, folder, bar, seen)
        if hazard is None:
            paths, facts = predict_classes(run.folder, folder, one)
        else:
            paths, facts = one(None if hazard == ANY else hazard)
        maps = {path.relative_to(folder).as_posix(): sha256_path(path) for path in paths}
        update = {"maps": maps, "hazards": facts.hazards}
        return write_record(asked.record.model_copy(update=update), folder)


def with_like_this(asked: OpenRequest) -> OpenRequest:
    """Say in the record of a request how good the map is on land like that asked for."""
    from minerisk.pipelines.evaluate.like_land import like_this

    if asked.record.like_this is not None:
        return asked
    found = LikeThis.of(like_this(asked.run, asked.window, hazard=asked.filters.hazard))
    return replace(asked, record=asked.record.model_copy(update={"like_this": found}))


def check_read(asked: OpenRequest) -> None:
    """Refuse to answer from a cube or a model that is not as its run wrote it.

    Raises
    ------
    FindingError
        Naming the first file that is not.
    """
    window = asked.window
    height, width = window.asked.shape
    rows = slice(
        max(window.row - FACTOR, 0), window.row + height + FACTOR
    )  # a public copy is wider
    columns = slice(max(window.column - FACTOR, 0), window.column + width + FACTOR)
    check_window(asked.run, rows, columns)


def write_own_tasks(asked: OpenRequest) -> Path:
    """Write survey tasks on the land of a request.

    Budget and weights are the request's, or those of the configuration.

    Returns
    -------
    Path
        ``tasks.gpkg`` in the folder of the request.

    Raises
    ------
    NoTaskError
        If no task fits the land.
    """
    from minerisk.pipelines.prioritize.prioritize import write_tasks

    with locked(asked.home):
        write_tasks(
            asked.run,
            folder=asked.home,
            asked=own_tasks(asked.run, asked.filters),
            area=None if asked.filters.aoi is None else asked.area,
            state=asked.state,
        )
    return RunFolder(asked.home).tasks_gpkg


def write_record(record: RequestRecord, folder: Path) -> RequestRecord:
    """Write ``request.json`` into a folder."""
    write_whole(folder / RECORD, record.to_json())
    return record


def _predict_one(
    asked: OpenRequest,
    folder: Path,
    bar: Progress,
    seen: Callable[[Sequence[Path]], None],
    hazard: str | None,
) -> tuple[Sequence[Path], RasterFacts]:
    return predict(
        asked.run,
        progress=bar,
        window=asked.window,
        folder=folder,
        hazard=hazard,
        state=asked.state,
        seen=seen,
    )


def _finished(asked: OpenRequest, folder: Path) -> RequestRecord | None:
    """Return the record of the same request if its maps are there as they were written."""
    if not (folder / RECORD).is_file():
        return None
    record = RequestRecord.read(folder / RECORD)
    same_run = (record.id, record.run_state) == (asked.record.id, asked.record.run_state)
    if not same_run or not record.maps:
        return None
    same = all(
        (folder / name).is_file() and sha256_path(folder / name) == digest
        for name, digest in record.maps.items()
    )
    return record if same else None
