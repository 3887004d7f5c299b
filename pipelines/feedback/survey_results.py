"""Survey results as they are delivered: what was found, where, and with how much effort."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.features.evidence.codes import HAZARD_BITS
from minerisk.features.layers.sources import Layers, VectorSource
from minerisk.features.layers.vectors import repair, to_crs
from minerisk.features.vector_files.columns import numbers_of
from minerisk.features.vector_files.date_text import EPOCH_MS
from minerisk.features.vector_files.dates import LOOKS, DateFault, RecordDays, read_days
from minerisk.pipelines.records.choices import Export

FIND, NO_FIND = "find", "no find"
NEEDED = ("outcome", "date", "method", "reliability")
EFFORT = ("team_hours", "searched_ha")
OPTIONAL = ("hazard", "task")
COLUMNS = (*NEEDED, *EFFORT, *OPTIONAL, "effort", "weight")
SHOWN = 10
DAY = "a day as YYYY-MM-DD"
DATE_FORMATS: Mapping[Export, str] = {"survey123": EPOCH_MS}
M2_PER_HA = 10_000.0


def read_results(
    path: Path,
    *,
    crs: str,
    today: dt.date,
    layer: str | None = None,
    hours_per_ha: float | None = None,
    export: Export | None = None,
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
        Vector file, any CRS.
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
    layers = Layers({"results": VectorSource(path.resolve(), layer=layer)}, path.resolve().parent)
    raw = layers.as_stored("results")
    missing = [name for name in NEEDED if name not in raw]
    if missing:
        raise InputError(
            f"{path.name} has no column {', '.join(missing)}; it has "
            f"{', '.join(name for name in raw.columns if name != raw.geometry.name)}. Expected "
            f"{', '.join(NEEDED)}, {' or '.join(EFFORT)}, and if known {', '.join(OPTIONAL)}."
        )
    if raw.empty:
        raise InputError(f"{path.name} holds no rows; expected a survey result in each row.")
    date_format = None if export is None else DATE_FORMATS[export]
    whole = export is None
    days, faults = read_days(raw["date"], date_format=date_format, today=today, whole=whole)
    frame = _plain(raw, days)
    problems = [*_wrong_words(raw, frame, faults), *_wrong_shapes(frame)]
    if not problems:
        frame = to_crs(frame, crs, name=path.name)
        frame["effort"] = _effort(frame, hours_per_ha)
        problems += _wrong_effort(frame, hours_per_ha)
    if problems:
        raise InputError(_refusal(path, problems))
    searched = (frame["outcome"] == NO_FIND).to_numpy()
    frame["weight"] = frame["reliability"] * np.where(searched, frame["effort"], 1.0)
    return frame[[*COLUMNS, "geometry"]]


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
) -> Iterator[str]:
    looks = {place: LOOKS[fault.code] for fault in faults for place in fault.places}
    for row in map(int, np.flatnonzero(frame["date"].isna())):
        look = f", which {looks[row]}" if row in looks else ""
        yield f"row {row + 1}: date is {_shown(raw, 'date', row)}{look}; expected {DAY}"
    rules = (
        ("outcome", ~frame["outcome"].isin([FIND, NO_FIND]), f"{FIND!r} or {NO_FIND!r}"),
        ("method", ~frame["method"].str.len().between(1, 100), "up to 100 letters of words"),
        ("reliability", ~_within(frame["reliability"], 1), "a number above 0, at most 1"),
        ("hazard", ~frame["hazard"].isin(list(HAZARD_BITS)), f"one of {', '.join(HAZARD_BITS)}"),
    )
    for column, wrong, expected in rules:
        for row in map(int, np.flatnonzero(wrong)):
            yield f"row {row + 1}: {column} is {_shown(raw, column, row)}; expected {expected}"
    for column in EFFORT:
        for row in map(
            int, np.flatnonzero(frame[column].notna() & ~_within(frame[column], np.inf))
        ):
            yield (
                f"row {row + 1}: {column} is {_shown(raw, column, row)}; expected a number above 0"
            )


def _wrong_shapes(frame: gpd.GeoDataFrame) -> Iterator[str]:
    shapes = frame.geometry.array
    bad = shapely.is_missing(shapes) | shapely.is_empty(shapes) | ~shapely.is_valid(shapes)
    for row in np.flatnonzero(bad):
        alone = repair(frame.iloc[[row]])[0]
        if alone.empty:
            yield f"row {row + 1}: it has no geometry that can be used; draw where it was"
        else:
            frame.loc[frame.index[row], "geometry"] = alone.geometry.iloc[0]
    flat = shapely.get_dimensions(frame.geometry.array) < 2
    for row in np.flatnonzero(flat & (frame["outcome"] == NO_FIND).to_numpy() & ~bad):
        kind = frame.geometry.iloc[row].geom_type
        yield f"row {row + 1}: a {kind} of land searched; expected polygons of it"


def _effort(frame: gpd.GeoDataFrame, hours_per_ha: float | None) -> NDArray[np.float64]:
    """Compute the share of each polygon that was searched, by hectares or else by hours."""
    by_hours = frame["team_hours"] / (np.nan if hours_per_ha is None else hours_per_ha)
    hectares = frame["searched_ha"].fillna(by_hours).to_numpy(dtype=np.float64)
    area = frame.geometry.area.to_numpy() / M2_PER_HA
    share = np.full(len(frame), np.nan)
    np.divide(hectares, area, out=share, where=area > 0)
    share[(area == 0) & frame[list(EFFORT)].notna().any(axis=1).to_numpy()] = 1.0
    return np.minimum(share, 1.0)


def _wrong_effort(frame: gpd.GeoDataFrame, hours_per_ha: float | None) -> Iterator[str]:
    if hours_per_ha is not None and not hours_per_ha > 0:
        yield f"--hours-per-ha is {hours_per_ha:g}; expected above 0"
        return
    for row in np.flatnonzero((frame["outcome"] == NO_FIND) & frame["effort"].isna()):
        if np.isnan(frame["team_hours"].iloc[row]):
            yield f"row {row + 1}: no effort for land searched; expected {' or '.join(EFFORT)}"
        else:
            yield (
                f"row {row + 1}: effort in team_hours alone; give searched_ha, or say with "
                "--hours-per-ha how many team-hours search a hectare once"
            )


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
