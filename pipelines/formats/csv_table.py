"""Tables as CSV that a spreadsheet opens without running anything."""

from typing import Any

import pandas as pd


def csv_text(table: pd.DataFrame) -> str:
    """Give a table as CSV in which no spreadsheet reads a word as a formula."""
    guarded = table.copy()
    for column in guarded.columns:
        if not pd.api.types.is_numeric_dtype(guarded[column]):
            guarded[column] = [_guard(value) for value in guarded[column]]
    return str(guarded.to_csv(index=False, lineterminator="\n"))


def _guard(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value
