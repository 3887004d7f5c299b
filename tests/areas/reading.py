"""Files of a run or a pack, read as a receiver reads them: with no reader or writer of minerisk."""

import csv
import json
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import openpyxl
import rasterio
import zarr
from numpy.typing import NDArray

KML = "{http://www.opengis.net/kml/2.2}"
OUTSIDE, CANNOT_SAY = 255, 0
CLASSES = {"cannot_say": CANNOT_SAY, "lower": 1, "elevated": 2, "higher": 3}


@dataclass(frozen=True)
class Area:
    """A finished run, its packs, and what was said when they were asked for.

    Attributes
    ----------
    packs
        ``restricted`` and ``public`` in English, ``az`` and ``az_public``.
    part, part_said
        A pack of a part of the land, and what the command said of it.
    refused
        What the command said to a public copy of the draft without ``--unapproved``.
    sentences
        The table of sentences in Azerbaijani.
    """

    name: str
    run: Path
    simulated: bool
    packs: dict[str, Path]
    part: Path
    part_said: str
    refused: str
    sentences: Path


class _Page(HTMLParser):
    """What a reader sees of a page, in order: tags with attributes, and words outside pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._hidden += tag in {"style", "script", "svg"}

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in {"style", "script", "svg"}

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.words.append(" ".join(data.split()))


def page_of(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def words_of(path: Path) -> str:
    return " ".join(page_of(path).words)


def band(path: Path) -> NDArray[Any]:
    with rasterio.open(path) as raster:
        return raster.read(1)


def silent(path: Path) -> NDArray[np.bool_]:
    """Find the cells that a program takes for nodata, by the mask that GDAL makes of them."""
    with rasterio.open(path) as raster:
        return raster.read_masks(1) == 0


def labels_on(run: Path, path: Path) -> NDArray[np.int8]:
    """Cut the states of the labels of a run to the grid of a raster."""
    with rasterio.open(path) as raster, rasterio.open(run / "rasters/probability.tif") as whole:
        across = (raster.transform.c - whole.transform.c) / whole.transform.a
        down = (raster.transform.f - whole.transform.f) / whole.transform.e
        height, width = raster.shape
    top, left = round(down), round(across)
    state = zarr.open_group(str(run / "labels.zarr"), mode="r")["state"]
    return np.asarray(state[top : top + height, left : left + width])


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def book_of(path: Path) -> openpyxl.Workbook:
    return openpyxl.load_workbook(path)


def records_of(path: Path) -> list[dict[str, Any]]:
    """Read the table of a workbook, which is its last sheet."""
    head, *rows = book_of(path).worksheets[-1].iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def features_of(path: Path) -> dict[str, tuple[str, list[dict[str, Any]]]]:
    """Read each layer of a GeoPackage: its description, and its rows without their shapes."""
    found = {}
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        for name, words in database.execute(
            "SELECT table_name, description FROM gpkg_contents WHERE data_type = 'features'"
        ).fetchall():
            rows = database.execute(f'SELECT * FROM "{name}"')
            found[name] = (words, [{k: row[k] for k in row.keys() if k != "geom"} for row in rows])  # noqa: SIM118
    return found


def balloons(path: Path) -> list[str]:
    root = ElementTree.parse(path).getroot()
    marks = root.iter(f"{KML}Placemark")
    return [mark.findtext(f"{KML}description", "") for mark in marks]


def project_of(path: Path) -> ElementTree.Element:
    return ElementTree.fromstring(path.read_bytes())


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def numbers_in(text: str) -> list[float]:
    return [float(word.replace(",", "")) for word in re.findall(r"\d[\d,]*(?:\.\d+)?", text)]
