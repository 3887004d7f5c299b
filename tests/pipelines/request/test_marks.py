"""Each file that a run or a pack makes says by itself how the run stands, and that it is SIMULATED.

All files are walked, so that one of a new kind fails here until it says so too, or stands among the
exceptions with its reason.
"""

import re
import sqlite3
import zipfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
from matplotlib.image import imread

from minerisk.pipelines.language.marks import SIMULATED, STATE_WORDS
from minerisk.pipelines.language.messages import texts
from minerisk.pipelines.records.review import State

RED = (176, 0, 32)
EXCEPTIONS = {
    r"(.*/)?\.lock|mlflow\.db|mlflow/.*": "of the record in MLflow, whose runs are named so",
    r"config\.yaml": "what was asked; its author wrote it",
    r"manifest\.json": "the state of a run is computed from it and its reviews; it cannot say it",
    r"metrics\.json|trials\.json|validation\.(json|html)": (
        "measures and checks, with no place on a map and no probability of land"
    ),
    r"(cube|labels|effort)\.zarr/.*|rows\.parquet|model/.*|trail/.*": (
        "workings that programs read; no result"
    ),
    r"simulated/.*": "what a run begins from; it says SIMULATED, and there is no run yet",
}
"""Files of a run that do not say how it stands, and why."""


def files_of(folder: Path, *, but: str = r"\b\B") -> list[Path]:
    names = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())
    return [folder / name for name in names if not re.fullmatch(but, name.as_posix())]


def said(path: Path) -> str:
    """Return the words that a reader of that kind of file meets."""
    if path.suffix == ".tif":
        with rasterio.open(path) as raster:
            tags = raster.tags()
            lines = [f"{tags['STATE']} {tags['FINDINGS']} {words}" for words in raster.descriptions]
            assert all(words.startswith("DRAFT · SIMULATED: ") for words in raster.descriptions)
        return " ".join(lines)
    if path.suffix == ".png":
        pixels = (255 * imread(path)[..., :3]).round().astype(int)
        marked = (np.abs(pixels - RED).max(axis=2) <= 2).mean()
        return "DRAFT SIMULATED" if marked > 0.005 else "no red field"
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as book:
            return book.read("xl/sharedStrings.xml").decode()
    if path.suffix == ".gpkg":
        with sqlite3.connect(path) as database:
            rows = database.execute(
                "SELECT table_name, description FROM gpkg_contents WHERE data_type = 'features'"
            ).fetchall()
            return min((said_by_layer(database, *row) for row in rows), key=len)
    if path.suffix == ".mbtiles":
        with sqlite3.connect(path) as database:
            rows = database.execute("SELECT value FROM metadata WHERE name = 'description'")
            return str(rows.fetchone()[0])
    if path.suffix == ".parquet":
        return str(pq.read_schema(path).metadata)
    return path.read_text(encoding="utf-8")


def said_by_layer(database: sqlite3.Connection, name: str, words: str) -> str:
    columns = [row[1] for row in database.execute(f"PRAGMA table_info({name})")]
    assert {"run_state", "simulated"} <= set(columns) or "DRAFT" in words, name
    return words if "DRAFT" in words else "DRAFT SIMULATED"


def check(path: Path, language: str = "en") -> None:
    words, told = said(path), texts(language)
    states = {"draft", told.say("draft"), told.say(STATE_WORDS[State.DRAFT]).casefold()}
    assert any(state in words.casefold() for state in states), path
    simulated = rf"SIMULATED|\"simulated\": ?(true|1)|{re.escape(told.say(SIMULATED))}"
    assert re.search(simulated, words), path


def test_every_file_of_a_run_says_how_the_run_stands(tiny_run):
    found = files_of(tiny_run, but="|".join(EXCEPTIONS))
    kinds = {path.suffix for path in found}
    assert kinds >= {".tif", ".qml", ".xml", ".png", ".json", ".csv", ".gpkg", ".html", ".parquet"}
    for path in found:
        check(path)


def test_what_is_excepted_is_there(tiny_run):
    for pattern in EXCEPTIONS:
        assert len(files_of(tiny_run, but=pattern)) < len(files_of(tiny_run)), pattern


@pytest.mark.parametrize("edition", [0, 1])
def test_every_file_of_a_pack_says_how_its_run_stands(packs, edition):
    found = files_of(packs[edition])
    assert {path.suffix for path in found} >= {".tif", ".qgs", ".xlsx", ".kml", ".geojson", ".md"}
    for path in found:
        check(path)


def test_every_file_of_a_pack_in_another_language_says_so_too(translated_pack):
    for path in files_of(translated_pack):
        check(path, "az")
