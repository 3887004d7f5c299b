"""The columns of survey tasks: what each holds, in words, and how its numbers are written.

The one place where their rounding is decided: a number is the same in every file, and the format
that a spreadsheet shows it in comes from here too.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from minerisk.features.vector_files.dates import iso_day
from minerisk.pipelines.language.marks import MARK_COLUMNS, Marks
from minerisk.pipelines.language.words import marked


class Form(NamedTuple):
    """How numbers of a kind are written.

    Attributes
    ----------
    decimals
        Kept after the point; None keeps `SIGNIFICANT` digits of whatever size.
    excel
        Number format of a spreadsheet.
    """

    decimals: int | None
    excel: str


class Kind(Enum):
    """What a column holds."""

    WORDS = Form(None, "General")
    WHOLE = Form(0, "0")
    LAND = Form(1, "#,##0.0")
    SHARE = Form(None, "0.0%")
    AMOUNT = Form(None, "#,##0.00")
    SMALL = Form(None, "0.0000")
    DEGREES = Form(6, "0.00000")
    DAY = Form(None, "yyyy-mm-dd")


class Column(NamedTuple):
    """A column of survey tasks: what it holds, of what kind, how wide a spreadsheet shows it."""

    words: str
    kind: Kind = Kind.WORDS
    width: int = 12


SIGNIFICANT = 4
COLUMNS: Mapping[str, Column] = {
    "task": Column(marked("task number")),
    "run_state": Column(marked("how the run stood when this was written"), width=16),
    "simulated": Column(marked("1: the findings are SIMULATED"), Kind.WHOLE, 10),
    "source_kind": Column(marked("what kind of source this is"), width=54),
    "imsma_id": Column(marked("id for IMSMA"), width=20),
    "GlobalID": Column(marked("id of this task on this land, the same in every pack"), width=38),
    "Activity": Column(marked("activity")),
    "Evid_Cont": Column(marked("evidence of contamination")),
    "Evid_Type": Column(marked("type of indirect evidence"), width=24),
    "Src_Reliab": Column(marked("reliability of the source")),
    "Inf_Reliab": Column(marked("reliability of the information")),
    "Hazard_Cla": Column(marked("hazard class"), width=16),
    "activity": Column(marked("activity"), width=22),
    "evidence": Column(marked("evidence of contamination")),
    "arm": Column(marked("why it is there: ranked, to learn, or control")),
    "rank": Column(marked("place in the order of its arm"), Kind.WHOLE, 8),
    "cells": Column(marked("cells"), Kind.WHOLE, 8),
    "hectares": Column(marked("hectares"), Kind.LAND),
    "expected_finds": Column(marked("expected cells with a finding"), Kind.AMOUNT),
    "expected_finds_per_ha": Column(marked("the same for each hectare"), Kind.SMALL),
    "probability": Column(marked("mean probability of contamination of a cell"), Kind.SHARE),
    "lower": Column(marked("lower end of its interval"), Kind.SHARE),
    "upper": Column(marked("upper end of its interval"), Kind.SHARE),
    "impact": Column(marked("impact, 0 to 1"), Kind.AMOUNT),
    "team_days": Column(marked("team-days"), Kind.LAND),
    "benefit": Column(marked("hazard times impact, summed"), Kind.AMOUNT),
    "benefit_per_day": Column(marked("the same for each team-day"), Kind.AMOUNT),
    "applicable_share": Column(marked("share of it that the model can speak for"), Kind.SHARE),
    "compactness": Column(marked("compactness, 1 is a circle"), Kind.AMOUNT),
    "dissimilarity": Column(marked("dissimilarity to surveyed land, limit 1"), Kind.AMOUNT),
    "band": Column(marked("band: tasks of one band cannot be told apart"), Kind.WHOLE, 8),
    "rank_low": Column(marked("best place within the interval"), Kind.WHOLE, 8),
    "rank_high": Column(marked("worst place within the interval"), Kind.WHOLE, 8),
    "weight_rank_low": Column(marked("best place under other weights"), Kind.WHOLE, 8),
    "weight_rank_high": Column(marked("worst place under other weights"), Kind.WHOLE, 8),
    "place": Column(marked("whether its place holds"), width=14),
    "easting": Column(marked("easting of a point inside, metres"), Kind.WHOLE),
    "northing": Column(marked("northing of a point inside, metres"), Kind.WHOLE),
    "longitude": Column(marked("longitude of that point, degrees"), Kind.DEGREES),
    "latitude": Column(marked("latitude of that point, degrees"), Kind.DEGREES),
    "reason_1": Column(marked("strongest reason"), width=18),
    "reason_2": Column(marked("second reason"), width=18),
    "reason_3": Column(marked("third reason"), width=18),
    "raised_by": Column(marked("what raises its score"), width=40),
    "lowered_by": Column(marked("what lowers its score"), width=40),
    "gaps": Column(marked("columns with gaps here"), width=20),
    "evidence_layer": Column(marked("layer of the nearest evidence"), width=22),
    "evidence_kind": Column(marked("kind of the nearest evidence"), width=18),
    "evidence_id": Column(marked("id of the nearest evidence"), width=18),
    "evidence_date": Column(marked("date of the nearest evidence"), Kind.DAY, 14),
    "evidence_m": Column(marked("metres to the nearest evidence"), Kind.WHOLE),
    "base_m": Column(marked("metres to the nearest base"), Kind.WHOLE),
    "standing": Column(marked("registered areas, open tasks and accidents in it"), Kind.WHOLE, 10),
    "why": Column(marked("why it is there, and how sure that is"), width=80),
}


def rounded(tasks: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Round the numbers of tasks; whole numbers stay whole where one is missing.

    Columns that are not in `COLUMNS` keep `SIGNIFICANT` digits.
    """
    found = tasks.copy()
    for name in found.select_dtypes("number").columns:
        kind = COLUMNS[name].kind if name in COLUMNS else Kind.AMOUNT
        if kind is Kind.WHOLE:
            found[name] = found[name].astype("Float64").round(0).astype("Int64")
        elif kind.value.decimals is not None:
            found[name] = found[name].round(kind.value.decimals)
        else:
            found[name] = significant(found[name].to_numpy(dtype=np.float64, na_value=np.nan))
    return found


def days_in(columns: Iterable[str]) -> list[str]:
    """List those columns that hold days."""
    return [name for name in columns if name in COLUMNS and COLUMNS[name].kind is Kind.DAY]


def as_day(value: str | float | None) -> dt.date | None:
    """Read a day of a column; None where there is none, or words such as *not recorded*."""
    return iso_day(value) if isinstance(value, str) else None


def typed(tasks: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Give columns what formats with types know: days or nothing, whole numbers of 32 bits.

    Longer ones are numbers with a point in File Geodatabases, and to ArcGIS before 3.2.
    """
    found = tasks.copy()
    for name in days_in(found.columns):
        days = [as_day(value) for value in found[name]]
        found[name] = [None if day is None else day.isoformat() for day in days]
    for name, kind in found.dtypes.items():
        if pd.api.types.is_integer_dtype(kind) and not (found[name].abs() >= 2**31).any():
            found[name] = found[name].astype("Int32")
    return found


def with_marks(tasks: gpd.GeoDataFrame, marks: Marks) -> gpd.GeoDataFrame:
    """Put what the run says of itself into every row, after the number of the task."""
    found = tasks.assign(**marks.columns)
    others = [name for name in found.columns if name not in ("task", *MARK_COLUMNS)]
    return found[["task", *MARK_COLUMNS, *others]]


def significant(values: NDArray[np.float64], digits: int = SIGNIFICANT) -> NDArray[np.float64]:
    """Round to so many digits that count, whatever the size.

    Examples
    --------
    >>> significant(np.array([1.82760945, 0.000123456, 0.0])).tolist()
    [1.828, 0.0001235, 0.0]
    """
    return np.array([float(f"{value:.{digits}g}") for value in values], dtype=np.float64)


def column_of(name: str, values: pd.Series) -> Column:
    """Find a column, or one for a name that is not known: its own name in words."""
    if name in COLUMNS:
        return COLUMNS[name]
    kind = Kind.AMOUNT if pd.api.types.is_numeric_dtype(values) else Kind.WORDS
    return Column(name.replace("_", " "), kind)
