"""Survey results as they are delivered: what was found, where, and with how much effort."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.features.evidence.codes import HAZARD_BITS
from minerisk.features.grid import M2_PER_HA
from minerisk.features.layers.sources import Layers, VectorSource
from minerisk.features.layers.vectors import repair, to_crs
from minerisk.features.vector_files.columns import numbers_of
from minerisk.features.vector_files.date_text import EPOCH_MS
from minerisk.features.vector_files.dates import DateFault, RecordDays, read_days
from minerisk.pipelines.feedback.form_rows import is_form_table, read_form_rows
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.language.table_words import LOOK
from minerisk.pipelines.records.choices import Export
from minerisk.pipelines.records.feedback import ResultCode, RowProblem
from minerisk.pipelines.records.notice import Notice, Value

FIND, NO_FIND = "find", "no find"
NEEDED = ("outcome", "date", "method", "reliability")
EFFORT = ("team_hours", "searched_ha")
OPTIONAL = ("hazard", "task")
COLUMNS = (*NEEDED, *EFFORT, *OPTIONAL, "effort", "weight")
SHOWN = 10
DATE_FORMATS: Mapping[Export, str] = {"survey123": EPOCH_MS}


@dataclass(frozen=True)
class CheckedResults:
    """Rows of a delivery as they are taken, and what is wrong with some of them.

    Attributes
    ----------
    frame
        As `read_results` returns it; where there are problems it is not to be kept.
    """

    frame: gpd.GeoDataFrame
    problems: tuple[RowProblem, ...]


def read_results(
    path: Path,
    *,
    crs: str,
    today: dt.date,
    layer: str | None = None,
    hours_per_ha: float | None = None,
    export: Export | None = None,
    tasks: gpd.GeoDataFrame | None = None,
) -> gpd.GeoDataFrame:
    """Read and check a delivery of survey results.

    Each row is one result. ``outcome`` is ``find`` (a place, or the outline of what was found) or
    ``no find`` (polygons of land that was searched). ``date`` (YYYY-MM-DD; a time may follow, and
    the day is the one that the row itself states), ``method`` (words) and ``reliability`` (above
    0, at most 1) are needed. Effort is ``team_hours`` or ``searched_ha``: needed for every ``no
    find``; a ``find`` without it was met by chance, not in a search. ``hazard`` (ap, at, uxo, any)
    and ``task`` (its name) may be given.

    Parameters
    ----------
    path
        Vector file, any CRS; or CSV or XLSX, as the form of a task is exported: see
        `form_rows.read_form_rows`.
    crs
        CRS wanted, in metres.
    today
        No result may be dated later than the day after it, as a day begins earlier in the east.
    layer
        Layer of the file, where it has more than one.
    hours_per_ha
        Team-hours that search a hectare once; needed where only hours are given.
    export
        What wrote the file, where its dates are no YYYY-MM-DD: a key of `DATE_FORMATS`.
    tasks
        Outlines of tasks that rows without land of their own may name.

    Returns
    -------
    GeoDataFrame
        `COLUMNS` and geometry, in the order of the file. ``effort`` is the share of a searched
        polygon that the effort covers, 0 to 1, NaN where none is given; ``weight`` how far the row
        is believed: its reliability, for ``no find`` times ``effort``.

    Raises
    ------
    InputError
        With a line for each row that cannot be taken; then none is.
    """
    found = check_results(
        path,
        crs=crs,
        today=today,
        layer=layer,
        hours_per_ha=hours_per_ha,
        export=export,
        tasks=tasks,
    )
    if found.problems:
        lines = [f"row {each.row}: {ENGLISH.say(each.why)}" for each in found.problems]
        raise InputError(_refusal(path, lines))
    return found.frame


def check_results(
    path: Path,
    *,
    crs: str,
    today: dt.date,
    layer: str | None = None,
    hours_per_ha: float | None = None,
    export: Export | None = None,
    tasks: gpd.GeoDataFrame | None = None,
) -> CheckedResults:
    """Read a delivery and tell of each row what is wrong with it; else as `read_results`.

    Raises
    ------
    InputError
        If the file cannot be read, or has not the columns of a delivery.
    """
    if hours_per_ha is not None and not hours_per_ha > 0:
        raise InputError(f"--hours-per-ha is {hours_per_ha:g}; expected above 0")
    raw = _raw(path, layer, tasks, crs)
    date_format = None if export is None else DATE_FORMATS[export]
    whole = export is None
    days, faults = read_days(raw["date"], date_format=date_format, today=today, whole=whole)
    frame = _plain(raw, days)
    problems = [*_wrong_words(raw, frame, faults), *_wrong_shapes(frame)]
    placed = is_form_table(path)  # whose rows are in that CRS, and may lack a place
    if not problems or placed:
        frame = frame if placed else to_crs(frame, crs, name=path.name)
        frame["effort"] = _effort(frame, hours_per_ha)
        problems += _wrong_effort(frame)
        searched = (frame["outcome"] == NO_FIND).to_numpy()
        frame["weight"] = frame["reliability"] * np.where(searched, frame["effort"], 1.0)
    kept = [name for name in (*COLUMNS, "geometry") if name in frame]
    return CheckedResults(frame[kept], tuple(sorted(problems, key=lambda each: each.row)))


def _raw(
    path: Path, layer: str | None, tasks: gpd.GeoDataFrame | None, crs: str
) -> gpd.GeoDataFrame:
    """Read the rows as they are, and refuse a file without the columns that are needed."""
    if is_form_table(path):
        raw = read_form_rows(path, tasks=tasks, crs=crs)
    else:
        sources = {"results": VectorSource(path.resolve(), layer=layer)}
        raw = Layers(sources, path.resolve().parent).as_stored("results")
    missing = [name for name in NEEDED if name not in raw]
    if missing:
        raise InputError(
            f"{path.name} has no column {', '.join(missing)}; it has "
            f"{', '.join(name for name in raw.columns if name != raw.geometry.name)}. Expected "
            f"{', '.join(NEEDED)}, {' or '.join(EFFORT)}, and if known {', '.join(OPTIONAL)}."
        )
    if raw.empty:
        raise InputError(f"{path.name} holds no rows; expected a survey result in each row.")
    return raw


def _plain(raw: gpd.GeoDataFrame, days: RecordDays) -> gpd.GeoDataFrame:
    """Convert the known columns to their types; what cannot be read becomes missing."""
    given = {name: raw.get(name) for name in (*NEEDED, *EFFORT, *OPTIONAL)}
    data = pd.DataFrame(given, index=raw.index)
    for name in ("reliability", *EFFORT):
        data[name] = numbers_of(data[name])
    words = data[["outcome", "hazard", "method", "task"]].fillna("").astype(str)
    words = words.apply(lambda column: column.str.strip())
    words["outcome"] = words["outcome"].str.lower().str.replace("_", " ", regex=False)
    words["hazard"] = words["hazard"].str.lower().replace("", "any")
    data[words.columns] = words
    data["date"] = pd.Series(days.words(), index=raw.index, dtype="str")
    return gpd.GeoDataFrame(data, geometry=raw.geometry.to_numpy(), crs=raw.crs)


def _wrong_words(
    raw: gpd.GeoDataFrame, frame: gpd.GeoDataFrame, faults: Sequence[DateFault]
) -> Iterator[RowProblem]:
    looks = {place: LOOK + fault.code for fault in faults for place in fault.places}
    for row in map(int, np.flatnonzero(frame["date"].isna())):
        came = _shown(raw, "date", row)
        if row in looks:
            yield _problem(row, ResultCode.DATE_LOOK, came=came, look=looks[row])
        else:
            yield _problem(row, ResultCode.DATE, came=came)
    rules = (
        ("outcome", ResultCode.OUTCOME, ~frame["outcome"].isin([FIND, NO_FIND])),
        ("method", ResultCode.METHOD, ~frame["method"].str.len().between(1, 100)),
        ("reliability", ResultCode.RELIABILITY, ~_within(frame["reliability"], 1)),
    )
    for column, code, wrong in rules:
        for row in map(int, np.flatnonzero(wrong)):
            yield _problem(row, code, came=_shown(raw, column, row))
    choices = ", ".join(HAZARD_BITS)
    for row in map(int, np.flatnonzero(~frame["hazard"].isin(list(HAZARD_BITS)))):
        yield _problem(row, ResultCode.HAZARD, came=_shown(raw, "hazard", row), choices=choices)
    for column in EFFORT:
        wrong = frame[column].notna() & ~_within(frame[column], np.inf)
        for row in map(int, np.flatnonzero(wrong)):
            came = _shown(raw, column, row)
            yield _problem(row, ResultCode.EFFORT, column=column, came=came)


def _problem(row: int, code: ResultCode, **values: Value) -> RowProblem:
    """Tell of a row by its place, counted from 0."""
    return RowProblem(row=row + 1, why=Notice(code=code, values=values))


def _wrong_shapes(frame: gpd.GeoDataFrame) -> Iterator[RowProblem]:
    shapes = frame.geometry.array
    bad = shapely.is_missing(shapes) | shapely.is_empty(shapes) | ~shapely.is_valid(shapes)
    for row in map(int, np.flatnonzero(bad)):
        alone = repair(frame.iloc[[row]])[0]
        if alone.empty:
            yield _problem(row, ResultCode.NO_GEOMETRY)
        else:
            frame.loc[frame.index[row], "geometry"] = alone.geometry.iloc[0]
    flat = shapely.get_dimensions(frame.geometry.array) < 2
    for row in map(int, np.flatnonzero(flat & (frame["outcome"] == NO_FIND).to_numpy() & ~bad)):
        yield _problem(row, ResultCode.NO_LAND, came=frame.geometry.iloc[row].geom_type)


def _effort(frame: gpd.GeoDataFrame, hours_per_ha: float | None) -> NDArray[np.float64]:
    """Compute the share of each polygon that was searched, by hectares or else by hours."""
    by_hours = frame["team_hours"] / (np.nan if hours_per_ha is None else hours_per_ha)
    hectares = frame["searched_ha"].fillna(by_hours).to_numpy(dtype=np.float64)
    area = frame.geometry.area.to_numpy() / M2_PER_HA
    share = np.full(len(frame), np.nan)
    np.divide(hectares, area, out=share, where=area > 0)
    share[(area == 0) & frame[list(EFFORT)].notna().any(axis=1).to_numpy()] = 1.0
    return np.minimum(share, 1.0)


def _wrong_effort(frame: gpd.GeoDataFrame) -> Iterator[RowProblem]:
    lacking = (frame["outcome"] == NO_FIND) & frame["effort"].isna() & frame["searched_ha"].isna()
    for row in map(int, np.flatnonzero(lacking)):
        hours = not np.isnan(frame["team_hours"].iloc[row])
        yield _problem(row, ResultCode.HOURS_ALONE if hours else ResultCode.NO_EFFORT)


def _within(values: pd.Series, most: float) -> pd.Series:
    return (values > 0) & (values <= most) & np.isfinite(values)


def _shown(raw: gpd.GeoDataFrame, column: str, row: int) -> str:
    if column not in raw or pd.isna(raw[column].iloc[row]):
        return "missing"
    return repr(str(raw[column].iloc[row])[:40])


def _refusal(path: Path, problems: list[str]) -> str:
    more = len(problems) - SHOWN
    lines = [*problems[:SHOWN], *([f"and {more} more"] if more > 0 else [])]
    return (
        f"{path.name} was not taken, nothing was added; correct it and deliver it again:\n"
        + "\n".join(f"  {line}" for line in lines)
    )
