"""The survey results of a run: every delivery kept as it came, chained, never overwritten."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

from minerisk.features.errors import FindingError, InputError
from minerisk.features.grid import M2_PER_HA
from minerisk.features.layers.intake import sha256_of
from minerisk.features.layers.sources import Layers, VectorSource
from minerisk.pipelines.feedback.survey_results import FIND, NO_FIND
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.provenance.clock import now
from minerisk.pipelines.provenance.files import (
    canonical,
    replacing,
    sha256_path,
    sha256_text,
    write_whole,
)
from minerisk.pipelines.provenance.manifest import locked
from minerisk.pipelines.provenance.reviews import read_line
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.choices import Export
from minerisk.pipelines.records.feedback import DeliveryEntry
from minerisk.pipelines.records.review import TrailCode, TrailNotice, trail_notice
from minerisk.pipelines.run.folder import Run
from minerisk.plain_text import plain_text


@dataclass(frozen=True)
class Delivery:
    """Where a delivery came from.

    Attributes
    ----------
    path
        The file as it was received.
    by
        Who delivers it, in their own words; may be empty.
    hours_per_ha
        Team-hours that search a hectare once, where that was needed.
    export
        Program that wrote the file, where the days are kept as that program does.
    tasks
        GeoPackage with the outlines of the tasks that rows of a form may name; none is that of
        the run.
    """

    path: Path
    by: str = ""
    hours_per_ha: float | None = None
    export: Export | None = None
    tasks: Path | None = None


@dataclass(frozen=True)
class FeedbackLog:
    """The deliveries of a run, oldest first, and what is wrong with their chain."""

    entries: tuple[DeliveryEntry, ...] = ()
    problems: tuple[TrailNotice, ...] = ()


def read_deliveries(files: RunFolder) -> FeedbackLog:
    """Read and check the deliveries of a run: every line, every link, every stored file."""
    path = files.deliveries
    if not path.exists():
        return FeedbackLog()
    name = files.name_of(path)
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        return FeedbackLog(
            problems=(trail_notice(TrailCode.LOG_UNREADABLE, file=name, why=str(error)),)
        )
    entries: list[DeliveryEntry] = []
    problems: list[TrailNotice] = []
    if lines.pop() != b"" or not lines:
        problems.append(trail_notice(TrailCode.LOG_CUT, file=name))
    for number, line in enumerate(lines, start=1):
        entry = read_line(DeliveryEntry, line, file=name, number=number)
        if not isinstance(entry, DeliveryEntry):
            problems.append(entry)
            break
        problems += _entry_problems(files, line, entry, entries)
        entries.append(entry)
    return FeedbackLog(tuple(entries), tuple(problems))


def _entry_problems(
    files: RunFolder, line: bytes, entry: DeliveryEntry, earlier: Sequence[DeliveryEntry]
) -> Iterator[TrailNotice]:
    number, name = len(earlier) + 1, files.name_of(files.deliveries)
    if line != _line(entry).encode() or entry.sha256 != _sha256(entry):
        yield trail_notice(TrailCode.LINE_CHANGED, file=name, line=number)
    if entry.number != number or entry.before != _end(earlier):
        yield trail_notice(TrailCode.LINE_UNCHAINED, file=name, line=number)
    stored = files.delivery(number)
    if not stored.is_file() or sha256_path(stored) != entry.stored_sha256:
        yield trail_notice(TrailCode.RESULTS_CHANGED, name=files.name_of(stored))


def add_delivery(run: Run, results: gpd.GeoDataFrame, source: Delivery) -> DeliveryEntry:
    """Add results that were read and checked; nothing that is there is changed.

    Raises
    ------
    InputError
        If the same file is on record already.
    FindingError
        If what is on record was changed.
    """
    received, files = sha256_of(source.path.resolve()), run.files
    with locked(run.folder):
        log = intact(files)
        for entry in log.entries:
            if entry.received_sha256 == received:
                raise InputError(
                    f"{source.path.name} is on record already, as delivery {entry.number} of "
                    f"{entry.at}. Nothing was added; leave the file out to go on with it."
                )
        number = len(log.entries) + 1
        stored = write_features(files.delivery(number), results)
        searched = results[results["outcome"] == NO_FIND]
        entry = DeliveryEntry(
            schema_version=DeliveryEntry.version,
            number=number,
            at=now().isoformat(timespec="seconds"),
            by=plain_text(source.by).strip(),
            file=plain_text(source.path.name),
            received_sha256=received,
            stored=stored.name,
            stored_sha256=sha256_path(stored),
            records=len(results),
            finds=int((results["outcome"] == FIND).sum()),
            land_ha=round(float(searched.geometry.area.sum()) / M2_PER_HA, 2),
            hours_per_ha=source.hours_per_ha,
            export=source.export,
            head=run.manifest().head,
            before=_end(log.entries),
        )
        entry = entry.model_copy(update={"sha256": _sha256(entry)})
        lines = [_line(known) for known in (*log.entries, entry)]
        write_whole(files.deliveries, "\n".join(lines) + "\n")
    return entry


def intact(files: RunFolder) -> FeedbackLog:
    """Read the deliveries, or stop if they are not as they were written."""
    log = read_deliveries(files)
    if log.problems:
        raise FindingError(
            f"{ENGLISH.say(log.problems[0])}. Survey results are never changed; put "
            f"back the folder {files.feedback} as it was."
        )
    return log


def stored_results(files: RunFolder, log: FeedbackLog, *, crs: str) -> gpd.GeoDataFrame:
    """Read all results on record, oldest delivery first, with the number of their ``delivery``.

    Raises
    ------
    InputError
        If there are none.
    """
    if not log.entries:
        raise InputError(
            f"{files.path} has no survey results yet. Add some: `minerisk feedback add RUN FILE`."
        )
    home = files.feedback.resolve()
    frames = []
    for entry in log.entries:
        source = VectorSource(files.delivery(entry.number).resolve())
        frame = Layers({"results": source}, home).vector("results", crs=crs)
        frames.append(frame.assign(delivery=entry.number))
    return gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=frames[0].crs)


def write_features(path: Path, frame: gpd.GeoDataFrame) -> Path:
    """Write FlatGeobuf, whole or not at all; the same rows give the same bytes."""
    try:
        with replacing(path) as partial:
            pyogrio.write_dataframe(
                frame,
                partial,
                layer="results",
                driver="FlatGeobuf",
                geometry_type="Unknown",
                layer_options={"SPATIAL_INDEX": "NO"},
            )
    except (DataSourceError, DataLayerError, FeatureError) as failure:
        raise InputError(
            f"{path} could not be written ({failure}). Check that the disk has room."
        ) from failure
    return path


def _end(entries: Sequence[DeliveryEntry]) -> str | None:
    return entries[-1].sha256 if entries else None


def _line(entry: DeliveryEntry) -> str:
    return canonical(entry.model_dump(mode="json"))


def _sha256(entry: DeliveryEntry) -> str:
    return sha256_text(canonical(entry.model_dump(mode="json", exclude={"sha256"})))
