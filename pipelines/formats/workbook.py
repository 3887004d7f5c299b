"""Tables as a spreadsheet (XLSX): frozen header, filter, widths, formats, and a page to read first.

Written from templates (ECMA-376, 5th edition), since GDAL's writer knows no format, width or frozen
row. Words are stored as words, so that none is read as a formula.
"""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from markupsafe import escape

from minerisk.pipelines.formats.task_columns import Kind, column_of
from minerisk.pipelines.formats.templating import template
from minerisk.pipelines.provenance.files import replacing

FIRST_DAY = (1980, 1, 1, 0, 0, 0)
"""The date in every entry of a spreadsheet, so that the same table gives the same bytes."""
MOST_LETTERS = 32_767
"""Of a cell, as spreadsheets read them."""
MOST_FOOTER = 240
FORMATS: Sequence[str] = tuple(dict.fromkeys(kind.value.excel for kind in Kind))
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
PACKAGE = "http://schemas.openxmlformats.org/package/2006/"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml."

Value = str | float | None


class Style(IntEnum):
    """Style of a cell; those of numbers follow, in the order of `FORMATS`."""

    PLAIN = 0
    WRAPPED = 1
    HEADER = 2
    WARNING = 3
    FIRST_NUMBER = 4


class Line(NamedTuple):
    """A line of the sheet to read first: a name or nothing, words, and whether it warns."""

    name: str
    words: str
    warns: bool = False


class Cell(NamedTuple):
    """A cell: a number, or the place of its words among all words."""

    place: str
    style: int
    number: str | None = None
    shared: int | None = None


@dataclass(frozen=True)
class Sheet:
    """A sheet, as its template shows it."""

    name: str
    place: int
    rows: Sequence[Sequence[Cell]]
    widths: Sequence[int]
    footer: str
    header: bool = False

    @property
    def reach(self) -> str:
        """First and last cell."""
        return f"A1:{letters(len(self.widths))}{max(len(self.rows), 1)}"

    @property
    def absolute(self) -> str:
        """The same with dollars."""
        return f"$A$1:${letters(len(self.widths))}${max(len(self.rows), 1)}"


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
    shared: dict[str, int] = {}
    name, lines = first
    printed = "&L" + footer.replace("&", "&&")[:MOST_FOOTER]
    sheets = (
        Sheet(name, 0, list(_lines(lines, shared)), (34, 110), printed),
        Sheet(path.stem, 1, list(_table(table, shared)), _widths(table), printed, header=True),
    )
    with replacing(path) as partial, zipfile.ZipFile(partial, "w") as book:
        for entry, content in _parts(sheets, shared).items():
            info = zipfile.ZipInfo(entry, FIRST_DAY)
            info.compress_type = zipfile.ZIP_DEFLATED
            book.writestr(info, content)
    return path


def letters(column: int) -> str:
    """Name a column, from 1.

    Examples
    --------
    >>> letters(1), letters(26), letters(27), letters(703)
    ('A', 'Z', 'AA', 'AAA')
    """
    found = ""
    while column:
        column, rest = divmod(column - 1, 26)
        found = chr(65 + rest) + found
    return found


def _lines(lines: Sequence[Line], shared: dict[str, int]) -> Iterator[list[Cell]]:
    for row, line in enumerate(lines, start=1):
        style = Style.WARNING if line.warns else Style.WRAPPED
        name = Style.WARNING if line.warns else Style.HEADER if line.name else Style.PLAIN
        known = ((1, line.name, name), (2, line.words, style))
        yield [_cell(row, column, words, kind, shared) for column, words, kind in known if words]


def _table(table: pd.DataFrame, shared: dict[str, int]) -> Iterator[list[Cell]]:
    names = [str(name) for name in table.columns]
    yield [_cell(1, place, name, Style.HEADER, shared) for place, name in enumerate(names, start=1)]
    kinds = [column_of(name, table[name]).kind for name in names]
    styles = [Style.FIRST_NUMBER + FORMATS.index(kind.value.excel) for kind in kinds]
    for row, values in enumerate(table.itertuples(index=False), start=2):
        yield [
            _cell(row, place, value if isinstance(value, str) else float(value), style, shared)
            for place, (value, style) in enumerate(zip(values, styles, strict=True), start=1)
            if not pd.isna(value) and value != ""
        ]


def _cell(row: int, column: int, value: str | float, style: int, shared: dict[str, int]) -> Cell:
    place = f"{letters(column)}{row}"
    if isinstance(value, str):
        words = "".join(sign for sign in value if sign >= " " or sign in "\n\t")[:MOST_LETTERS]
        return Cell(place, style, shared=shared.setdefault(words, len(shared)))
    return Cell(place, style, number=f"{value:.15g}")


def _widths(table: pd.DataFrame) -> tuple[int, ...]:
    return tuple(column_of(str(name), table[name]).width for name in table.columns)


def _parts(sheets: Sequence[Sheet], shared: Mapping[str, int]) -> dict[str, str]:
    words = "".join(f'<si><t xml:space="preserve">{escape(each)}</t></si>' for each in shared)
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    numbers = range(1, len(sheets) + 1)
    kinds = [("workbook.xml", "sheet.main"), ("styles.xml", "styles")]
    kinds += [("sharedStrings.xml", "sharedStrings")]
    kinds += [(f"worksheets/sheet{number}.xml", "worksheet") for number in numbers]
    links = [("worksheet", f"worksheets/sheet{number}.xml") for number in numbers]
    links += [("styles", "styles.xml"), ("sharedStrings", "sharedStrings.xml")]
    return {
        "[Content_Types].xml": HEAD
        + f'<Types xmlns="{PACKAGE}content-types"><Default Extension="rels" '
        + 'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        + "".join(
            f'<Override PartName="/xl/{part}" ContentType="{SPREADSHEET}{kind}+xml"/>'
            for part, kind in kinds
        )
        + "</Types>",
        "_rels/.rels": _relations([("officeDocument", "xl/workbook.xml")]),
        "xl/_rels/workbook.xml.rels": _relations(links),
        "xl/workbook.xml": template("workbook.xml.j2").render(sheets=sheets),
        "xl/styles.xml": template("styles.xml.j2").render(formats=FORMATS),
        "xl/sharedStrings.xml": HEAD + f'<sst xmlns="{main}">{words}</sst>',
        **{
            f"xl/worksheets/sheet{sheet.place + 1}.xml": template("sheet.xml.j2").render(
                sheet=sheet
            )
            for sheet in sheets
        },
    }


def _relations(links: Sequence[tuple[str, str]]) -> str:
    found = "".join(
        f'<Relationship Id="rId{number}" Type="{OFFICE}{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(links, start=1)
    )
    return HEAD + f'<Relationships xmlns="{PACKAGE}relationships">{found}</Relationships>'
