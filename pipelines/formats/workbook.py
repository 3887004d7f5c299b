"""Tables as a spreadsheet (XLSX): frozen header, filter, widths, formats, and a page to read first.

Words are stored as words, so that none is read as a formula, a number or a link.
"""

import datetime as dt
import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from minerisk.pipelines.formats.task_columns import Kind, as_day, column_of
from minerisk.pipelines.provenance.files import replacing

FIRST_DAY = dt.datetime(1980, 1, 1, tzinfo=dt.UTC)
"""The date in every spreadsheet, so that the same table gives the same bytes."""
MOST_LETTERS = 32_767
"""Of a cell, as spreadsheets read them."""
FIRST_OF_SPREADSHEETS = dt.date(1900, 3, 1)
"""Earlier days are another day in some spreadsheets, or none: they stay words."""
MOST_FOOTER = 240
"""Letters of a footer, as spreadsheets read them."""
A4 = 9
LETTERS_A_LINE, LINE_POINTS = 95, 16
"""Of the sheet to read first, whose second column is 110 letters wide."""
PRINTED = 60
"""Per cent at which a table is printed: over several sheets of paper, each with the first column,
since on one its columns could not be read."""
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
    name: str,
    first: tuple[str, Sequence[Line]],
    footer: str = "",
) -> Path:
    r"""Write a table as a spreadsheet whose first sheet says what it is.

    Parameters
    ----------
    table
        The second sheet; numbers are shown as their column asks
        (`minerisk.pipelines.formats.task_columns`).
    name
        Of the second sheet, up to 31 letters and none of ``[]:*?/\``.
    first
        Name and lines of the first sheet.
    footer
        Below every printed page.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    front, lines = first
    with replacing(path) as partial, xlsxwriter.Workbook(partial, OPTIONS) as book:
        book.set_properties({"created": FIRST_DAY})
        words = _sheet(book, front, footer)
        words.fit_to_pages(1, 0)
        _fill_lines(book, words, lines)
        rows = _sheet(book, name, footer)
        rows.set_print_scale(PRINTED)
        rows.repeat_columns(0)
        _fill_table(book, rows, table)
    return path


def footer_text(words: str) -> str:
    """Write words as a footer holds them: of what is too long, whole marks from the first on."""
    told = words.replace("&", "&&")
    while len(told) > MOST_FOOTER and " · " in told:
        told = told.rpartition(" · ")[0]
    fits = len(told) <= MOST_FOOTER
    return told if fits else textwrap.shorten(told, MOST_FOOTER, placeholder=" …")


def _sheet(book: xlsxwriter.Workbook, name: str, footer: str) -> Worksheet:
    sheet = book.add_worksheet(name)
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.set_footer("&L" + footer_text(footer))
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
        lines_of_words = math.ceil(len(line.words) / LETTERS_A_LINE)
        if lines_of_words > 1:  # not every spreadsheet makes room by itself
            sheet.set_row(row, LINE_POINTS * lines_of_words)


def _fill_table(book: xlsxwriter.Workbook, sheet: Worksheet, table: pd.DataFrame) -> None:
    header = book.add_format({"valign": "top", "text_wrap": True, **HEADER})
    for place, name in enumerate(table.columns):
        column = column_of(str(name), table[name])
        form = book.add_format({"valign": "top", "num_format": column.kind.value.excel})
        sheet.set_column(place, place, column.width)
        _write(sheet, (0, place), str(name), header)
        for row, value in enumerate(table[name], start=1):
            day = as_day(value) if column.kind is Kind.DAY else None
            if day is not None and day >= FIRST_OF_SPREADSHEETS:
                sheet.write_datetime(row, place, day, form)
            else:
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
