"""Each point holds of a small run, and is missed by a copy in which it was spoiled."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import rasterio

from tests.areas.points import POINTS
from tests.areas.reading import Area, read_json

Spoil = Callable[[Area], Area]


@pytest.mark.parametrize("point", POINTS)
def test_the_point_holds_of_the_tiny_run(small: Area, point: int) -> None:
    POINTS[point][1](small)


def change(path: Path, old: str, new: str, *, count: int = 1) -> None:
    """Change words of a file that is linked, without changing the other it is linked to."""
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path} does not hold {old!r}"
    path.unlink()
    path.write_text(text.replace(old, new, count), encoding="utf-8")


def within(pack: str, name: str, old: str, new: str, *, count: int = 1) -> Spoil:
    def spoil(area: Area) -> Area:
        change(area.packs[pack] / name, old, new, count=count)
        return area

    return spoil


def of_the_run(name: str, old: str, new: str) -> Spoil:
    def spoil(area: Area) -> Area:
        change(area.run / name, old, new)
        return area

    return spoil


def unsaid(field: str, word: str) -> Spoil:
    return lambda area: replace(area, **{field: getattr(area, field).replace(word, "")})


def a_raster_without_its_state(area: Area) -> Area:
    path = area.packs["public"] / "probability.tif"
    with rasterio.open(path) as raster:
        profile, values = raster.profile, raster.read()
    for each in (path, path.with_name(path.name + ".aux.xml")):
        each.unlink()
    with rasterio.open(path, "w", **profile | {"driver": "GTiff"}) as raster:
        raster.write(values)
        raster.set_band_description(1, "DRAFT · SIMULATED: probability")
    return area


def numbers_where_it_cannot_say(area: Area) -> Area:
    pack = area.packs["restricted"]
    (pack / "probability.tif").unlink()
    shutil.copy(pack / "probability_unmasked.tif", pack / "probability.tif")
    return area


def lower_holds_half_of_it(area: Area) -> Area:
    pack = area.packs["restricted"]
    for row in read_json(pack / "classes.json")["rows"]:
        if row["risk_class"] == "lower":
            share = row["share_of_expected"]
            change(pack / "classes.json", str(share), str(share / 2))
    return area


def another_name_in_mlflow(area: Area) -> Area:
    path = area.run / "mlflow.db"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE runs SET name = replace(name, 'DRAFT ', '')")
        database.commit()
    return area


SPOILED: Mapping[str, tuple[int, Spoil]] = {
    "a row without its state": (1, within("public", "tasks.csv", ",DRAFT,", ",,")),
    "a raster without its state": (1, a_raster_without_its_state),
    "a canvas without its title": (1, within("az", "map.qgs", "TitleLabel", "Other", count=-1)),
    "a page without a mark in its map": (
        1, within("restricted", "report.html", 'class="mark"', "")),
    "numbers where it cannot say": (2, numbers_where_it_cannot_say),
    "lower holds half of it": (3, lower_holds_half_of_it),
    "the page does not say what lower holds": (
        3, within("restricted", "report.html", "Lower is not little", "Lower")),
    "bands out of order": (4, of_the_run("tasks.csv", ",ranked,1,1,", ",ranked,1,2,")),
    "statistics before the answer": (
        5, within("restricted", "report.html", '<dl class="answer">', "<h2>0.</h2><dl>")),
    "no day": (6, within("restricted", "README.txt", "Day of the run", "")),
    "a public copy of a draft": (6, unsaid("refused", "nobody has approved")),
    "a row that leads nowhere": (
        7, within("restricted", "report.html", 'id="map-NTS-0001"', "")),
    "no map tip": (7, within("restricted", "map.qgs", "mapTip", "other", count=-1)),
    "a rank with a point": (8, within("public", "tasks.csv", ",ranked,1,", ",ranked,1.0,")),
    "an answer that does not say DRAFT": (9, unsaid("part_said", "DRAFT")),
    "another name in MLflow": (10, another_name_in_mlflow),
    "English on an Azerbaijani page": (
        11, within("az", "report.html", "demək olmur", "cannot say")),
}  # fmt: skip


@pytest.mark.parametrize("what", SPOILED)
def test_what_was_spoiled_is_found(small: Area, tmp_path: Path, what: str) -> None:
    copies = {}
    for name, folder in {**small.packs, "run": small.run}.items():
        copies[name] = tmp_path / name
        shutil.copytree(folder, copies[name], copy_function=os.link)
    run = copies.pop("run")
    point, spoil = SPOILED[what]
    spoiled = spoil(replace(small, run=run, packs=copies))
    with pytest.raises((AssertionError, KeyError, StopIteration)):
        POINTS[point][1](spoiled)
