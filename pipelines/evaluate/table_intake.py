"""A plain table (CSV or Parquet) with coordinates and labels, checked before it is believed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from sklearn.metrics import roc_auc_score

from minerisk.features.errors import InputError
from minerisk.features.files import process, tables
from minerisk.features.grid import M2_PER_HA
from minerisk.features.layers import intake
from minerisk.features.layers.vector_crs import parse_crs
from minerisk.features.vector_files import csv_points
from minerisk.features.vector_files.columns import numbers_of
from minerisk.features.vector_files.dates import days_or_refuse
from minerisk.models.folds.blocks import assign_blocks
from minerisk.models.folds.regions import cluster_regions, join_thin_regions
from minerisk.models.table import CellTable
from minerisk.pipelines.provenance.clock import now
from minerisk.pipelines.records.evaluations import LeftOut, TableNotice
from minerisk.pipelines.records.notice import Notice, Value

MAX_BYTES = 4 * 1024**3
LEAK_AUC = 0.99
GROUPING_M = 5_000.0


@dataclass(frozen=True)
class Intake:
    """A table as it was understood.

    Attributes
    ----------
    table
        All rows with coordinates; unlabelled rows have state -1.
    days
        Days since 1970-01-01 of every row, NaN where not known; None without a date column.
    crs
        CRS of the coordinates in `table`.
    features, left_out
        Columns that are used, and columns that are not with the reason.
    notices
        What a reader has to know.
    place_columns
        Features that are constant within each group.
    """

    table: CellTable
    days: NDArray[np.float64] | None
    crs: str
    features: tuple[str, ...]
    left_out: dict[str, LeftOut]
    notices: tuple[Notice[TableNotice], ...]
    place_columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Columns:
    """Which column is what."""

    label: str
    coordinates: tuple[str, str]
    group: str | None = None
    date: str | None = None
    date_format: str | None = None
    features: tuple[str, ...] | None = None

    @property
    def named(self) -> list[str]:
        """Columns that are no features."""
        given = [self.label, *self.coordinates, self.group, self.date]
        return [name for name in given if name is not None]


def read_table(
    path: Path, columns: Columns, *, crs: str, cell_ha: float | None = None, regions: int = 10
) -> Intake:
    """Read and check a table.

    Parameters
    ----------
    path
        CSV or Parquet.
    crs
        CRS of the coordinates; longitude and latitude are projected to the UTM zone of their
        middle.
    cell_ha
        Hectares that a row stands for; by default the square of the rows' median spacing.
    regions
        Regions for the far protocol; more groups than that are joined to compact regions.

    Raises
    ------
    InputError
        If a column is missing, labels are not 0, 1 or blank, coordinates are not numbers, or a
        feature gives the label away.
    """
    frame = _read(path, columns, degrees=parse_crs(crs).is_geographic)
    missing = [name for name in [*columns.named, *(columns.features or ())] if name not in frame]
    if missing:
        raise InputError(f"{path.name} has no column {missing}; it has {list(frame.columns)}.")
    state = _state(frame[columns.label], path.name)
    points, metric = _points(frame, columns.coordinates, crs, path.name)
    days = None
    if columns.date is not None:
        where = f"{path.name}, column {columns.date}"
        days = days_or_refuse(
            frame[columns.date],
            where=where,
            date_format=columns.date_format,
            today=now().date(),
        ).last
    placed = np.asarray(np.isfinite(points).all(axis=1))
    notices = []
    if not placed.all():
        rows = int((~placed).sum())
        notices.append(_notice(TableNotice.ROWS_WITHOUT_COORDINATES, rows=rows))
        frame = frame.iloc[np.flatnonzero(placed)].reset_index(drop=True)
        state, points = state[placed], points[placed]
        days = None if days is None else days[placed]
    features, left_out = _features(frame, columns)
    _refuse_leaks(features, state, path.name)
    unit = None if columns.group is None else pd.factorize(frame[columns.group], sort=True)[0]
    region = _regions(unit, points, state, regions)
    naming = () if unit is None else _naming_groups(features, unit)
    if naming:
        notices.append(_notice(TableNotice.FEATURES_NAME_GROUPS, columns=naming[:10]))
    notices += _twins(points)
    cells = pd.concat([pd.DataFrame(points, columns=["easting", "northing"]), features], axis=1)
    ones = np.ones(len(cells), dtype=np.float32)
    table = CellTable(cells, state, ones, region, cell_ha or _spacing(points) ** 2 / M2_PER_HA)
    return Intake(table, days, metric, tuple(map(str, features)), left_out, tuple(notices), naming)


def _read(path: Path, columns: Columns, *, degrees: bool) -> pd.DataFrame:
    given = path.resolve()  # the operator named it, so a link is followed
    real = intake.checked_path(given.name, given.parent)
    kind = intake.kind_of(real)
    if kind not in {"CSV", "Parquet"}:
        raise InputError(f"{path.name} is {kind}; expected a table as CSV or Parquet.")
    most = {"rows": intake.MAX_FEATURES, "size": MAX_BYTES}
    if kind == "Parquet":
        frame = process.table_of(tables.read_parquet, real, **most)
    else:
        easting, northing = columns.coordinates
        frame = process.table_of(
            csv_points.read_table, real, easting=easting, northing=northing, degrees=degrees, **most
        )
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise InputError(f"{path.name} names columns twice: {list(twice)}. Rename them.")
    return frame


def _state(column: pd.Series, name: str) -> NDArray[np.int8]:
    words = column.map({True: 1, False: 0}) if column.dtype == bool else column
    numbers = numbers_of(words)
    blank = np.isnan(numbers)
    wrong = ~(np.isin(numbers, (0, 1)) | blank)
    if wrong.any():
        shown = sorted({str(value) for value in column[wrong].unique()})[:5]
        raise InputError(
            f"{name}: the label column {column.name!r} has values {shown} in {int(wrong.sum()):,} "
            "rows; expected 1 (found), 0 (searched, nothing found) or blank (not searched)."
        )
    return np.where(blank, -1, np.nan_to_num(numbers)).astype(np.int8)


def _points(
    frame: pd.DataFrame, names: tuple[str, str], crs: str, file: str
) -> tuple[NDArray[np.float64], str]:
    """Return coordinates in metres and their CRS."""
    parsed = parse_crs(crs)
    numbers = [numbers_of(frame[name]) for name in names]
    for name, values in zip(names, numbers, strict=True):
        if np.isinf(values).any():
            row = int(np.flatnonzero(np.isinf(values))[0])
            raise InputError(
                f"{file}, row {row + 1}: the column {name!r} holds {str(frame[name].iloc[row])!r}; "
                "expected a number with a decimal point."
            )
    points = np.column_stack(numbers)
    if not parsed.is_geographic:
        if {axis.unit_name for axis in parsed.axis_info} != {"metre"}:
            raise InputError(f"{crs} is not in metres; expected a projected CRS in metres.")
        return points, parsed.to_string()
    known = np.isfinite(points).all(axis=1)
    if not (np.abs(points[known]) <= (180, 90)).all():
        raise InputError(
            f"{file}: coordinates leave 180 and 90 degrees, which {crs} does not allow. Give the "
            "CRS they are in, and longitude before latitude."
        )
    series = gpd.GeoSeries(gpd.points_from_xy(*points[known].T), crs=parsed)
    metric = series.to_crs(series.estimate_utm_crs())
    out = np.full(points.shape, np.nan)
    out[known] = np.column_stack([metric.x, metric.y])
    return out, str(metric.crs.to_string())


def _features(frame: pd.DataFrame, columns: Columns) -> tuple[pd.DataFrame, dict[str, LeftOut]]:
    asked = columns.features
    candidates = [name for name in (asked or frame.columns) if name not in columns.named]
    kept: dict[str, pd.Series] = {}
    left_out: dict[str, LeftOut] = {}
    for name in candidates:
        values = frame[name]
        if not (pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)):
            left_out[str(name)] = LeftOut.NOT_NUMBERS
        elif values.nunique(dropna=True) < 2:
            left_out[str(name)] = LeftOut.CONSTANT
        else:
            kept[str(name)] = values.astype(np.float32)
    if not kept:
        raise InputError(
            f"No feature is left; not used: {_listed(left_out)}. Name numeric columns."
        )
    return pd.DataFrame(kept).replace([np.inf, -np.inf], np.nan), left_out


def _refuse_leaks(features: pd.DataFrame, state: NDArray[np.int8], name: str) -> None:
    """Refuse columns that tell the label by themselves, by value or by being blank."""
    labelled = state >= 0
    y = state[labelled]
    if len(y) == 0 or y.min() == y.max():
        raise InputError(f"{name} has labels of one kind only; expected rows with 0 and with 1.")
    leaking = []
    for column in features:
        values = features[column].to_numpy(dtype=np.float64)[labelled]
        blank = np.isnan(values)
        filled = np.where(blank, np.nanmin(values) - 1 if not blank.all() else 0, values)
        power = max(roc_auc_score(y, filled), roc_auc_score(y, -filled))
        power = max(power, roc_auc_score(y, blank), roc_auc_score(y, ~blank))
        if power >= LEAK_AUC:
            leaking.append(f"{column} (ROC-AUC {power:.3f} by itself)")
    if leaking:
        raise InputError(
            f"{name}: these columns give the label away: {', '.join(leaking)}. A count of finds, a "
            "distance to finds or a row number does that. Leave them out with features=."
        )


def _regions(
    unit: NDArray[np.int64] | None, points: NDArray[np.float64], state: NDArray[np.int8], count: int
) -> NDArray[np.int32]:
    """Assign labelled rows their region for the far protocol, -1 to the others."""
    region = np.full(len(state), -1, dtype=np.int32)
    labelled = np.flatnonzero(state >= 0)
    centres, y = points[labelled], (state[labelled] == 1).astype(int)
    if unit is None:
        number = np.unique(assign_blocks(centres, block_m=GROUPING_M), return_inverse=True)[1]
    else:
        number = np.unique(np.asarray(unit)[labelled], return_inverse=True)[1]
    if unit is None or number.max() + 1 > count:
        sizes = np.bincount(number)
        middle = np.column_stack([np.bincount(number, axis) / sizes for axis in centres.T])
        many = min(count, len(np.unique(middle, axis=0)))
        number = cluster_regions(middle, sizes, count=many, seed=0)[number]
    joined = join_thin_regions(number, y, centres)
    region[labelled] = np.unique(joined, return_inverse=True)[1]
    return region


def _listed(left_out: Mapping[str, LeftOut]) -> str:
    return ", ".join(f"{name} ({reason})" for name, reason in left_out.items())


def _notice(code: TableNotice, **values: Value) -> Notice[TableNotice]:
    return Notice[TableNotice](code=code, values=values)


def _naming_groups(features: pd.DataFrame, unit: NDArray[np.int64]) -> tuple[str, ...]:
    """Name the features that are constant within each group: they name the group."""
    varied = features.groupby(unit).nunique(dropna=False).max()
    constant = tuple(str(name) for name, most in varied.items() if most == 1)
    return constant if len(np.unique(unit)) > 1 else ()


def _twins(points: NDArray[np.float64]) -> list[Notice[TableNotice]]:
    twins = len(points) - len(np.unique(points, axis=0))
    return [_notice(TableNotice.ROWS_SHARE_PLACES, rows=twins)] if twins else []


def _spacing(points: NDArray[np.float64]) -> float:
    distinct: NDArray[np.float64] = np.unique(points, axis=0)
    if len(distinct) < 2:
        raise InputError("All rows lie in one place; expected coordinates that differ.")
    nearest = cKDTree(distinct).query(distinct[:20_000], k=2)[0][:, 1]
    return max(float(np.median(nearest)), 1.0)


def as_columns(
    label: str,
    coordinates: tuple[str, str],
    *,
    group: str | None,
    date: str | None,
    date_format: str | None = None,
    features: Sequence[str] | None,
) -> Columns:
    """Find which column is what; a column cannot be two things."""
    used = None if features is None else tuple(features)
    named = Columns(label, coordinates, group, date, date_format, used)
    if len(set(named.named)) != len(named.named):
        raise InputError(f"A column is named twice: {named.named}. Expected one for each.")
    both = sorted(set(named.named) & set(features or ()))
    if both:
        raise InputError(f"{both} cannot be features: they are label, coordinates, group or date.")
    return named
