"""Tables as CSV that a spreadsheet opens without running anything."""

import datetime as dt

import pandas as pd

Cell = str | float | bool | dt.date | None


def csv_text(table: pd.DataFrame) -> str:
    """Write a table as CSV in which no spreadsheet reads a word as a formula."""
    guarded = table.copy()
    for column in guarded.columns:
        if not pd.api.types.is_numeric_dtype(guarded[column]):
            guarded[column] = [_guard(value) for value in guarded[column]]
    return str(guarded.to_csv(index=False, lineterminator="\n"))


def _guard(value: Cell) -> Cell:
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value
