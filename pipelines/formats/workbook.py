"""Tables as a spreadsheet (XLSX): frozen header, filter, widths, formats, and a page to read first.

Words are stored as words, so that none is read as a formula, a number or a link.
"""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from minerisk.pipelines.formats.task_columns import column_of
from minerisk.pipelines.provenance.files import replacing

FIRST_DAY = dt.datetime(1980, 1, 1, tzinfo=dt.UTC)
"""The date in every spreadsheet, so that the same table gives the same bytes."""
MOST_LETTERS = 32_767
"""Of a cell, as spreadsheets read them."""
MOST_FOOTER = 240
A4 = 9
OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
    "default_format_properties": {"valign": "top"},
}
WARNING = {"bold": True, "font_size": 12, "font_color": "#FFFFFF", "bg_color": "#B00020"}
HEADER = {"bold": True, "bg_color": "#F4F1F7"}


class Line(NamedTuple):
    """A line of the sheet to read first: a name or nothing, words, and whether it warns."""

    name: str
    words: str
    warns: bool = False


def write_workbook(
    path: Path,
    table: pd.DataFrame,
    *,
    first: tuple[str, Sequence[Line]],
    footer: str = "",
) -> Path:
    """Write a table as a spreadsheet whose first sheet says what it is.

    Parameters
    ----------
    table
        The second sheet, named as the file; numbers are shown as their column asks
        (`minerisk.pipelines.formats.task_columns`).
    first
        Name and lines of the first sheet.
    footer
        Below every printed page.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    name, lines = first
    with replacing(path) as partial, xlsxwriter.Workbook(partial, OPTIONS) as book:
        book.set_properties({"created": FIRST_DAY})
        _fill_lines(book, _sheet(book, name, footer), lines)
        _fill_table(book, _sheet(book, path.stem, footer), table)
    return path


def _sheet(book: xlsxwriter.Workbook, name: str, footer: str) -> Worksheet:
    sheet = book.add_worksheet(name)
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&L" + footer.replace("&", "&&")[:MOST_FOOTER])
    return sheet


def _fill_lines(book: xlsxwriter.Workbook, sheet: Worksheet, lines: Sequence[Line]) -> None:
    wrapped, warning, header = (
        book.add_format({"valign": "top", "text_wrap": True, **form})
        for form in ({}, WARNING, HEADER)
    )
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 110)
    for row, line in enumerate(lines):
        _write(sheet, (row, 0), line.name, warning if line.warns else header)
        _write(sheet, (row, 1), line.words, warning if line.warns else wrapped)


def _fill_table(book: xlsxwriter.Workbook, sheet: Worksheet, table: pd.DataFrame) -> None:
    header = book.add_format({"valign": "top", "text_wrap": True, **HEADER})
    for place, name in enumerate(table.columns):
        column = column_of(str(name), table[name])
        form = book.add_format({"valign": "top", "num_format": column.kind.value.excel})
        sheet.set_column(place, place, column.width)
        _write(sheet, (0, place), str(name), header)
        for row, value in enumerate(table[name], start=1):
            _write(sheet, (row, place), value, form)
    sheet.freeze_panes(1, 1)
    sheet.repeat_rows(0)
    if len(table.columns):
        sheet.autofilter(0, 0, len(table), len(table.columns) - 1)


def _write(sheet: Worksheet, place: tuple[int, int], value: str | float, form: Format) -> None:
    """Write a cell; nothing where there is no value."""
    if pd.isna(value) or value == "":
        return
    if isinstance(value, str):
        words = "".join(sign for sign in value if sign >= " " or sign in "\n\t")
        sheet.write_string(*place, words[:MOST_LETTERS], form)
    else:
        sheet.write_number(*place, float(value), form)
