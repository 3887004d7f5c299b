"""The points of "a map that cannot be misread", each demanded of a finished run and its packs.

Each function takes an `Area` and fails where the point does not hold of it. They read files as a
receiver does; `test_areas.py` holds them against the demo and against Bosnia, `test_spoiled.py`
against a small run and against copies of it that were spoiled.
"""

import re
import zipfile
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow.parquet as pq
import pyogrio
import pytest
import rasterio
import rasterio.mask
import yaml
from shapely.geometry.base import BaseGeometry

from tests.areas.asking import beyond, minerisk, points, square
from tests.areas.more_points import languages, record_in_mlflow
from tests.areas.reading import (
    CANNOT_SAY,
    CLASSES,
    OUTSIDE,
    Area,
    balloons,
    band,
    book_of,
    features_of,
    files_of,
    labels_on,
    page_of,
    project_of,
    read_json,
    records_of,
    rows_of,
    silent,
    words_of,
)

ENDS = ("probability", "probability_lower", "probability_upper")
MARKS = ("run_state", "simulated", "source_kind")
TABLES = ("tasks.csv", "tasks.geojson", "tasks.gpkg", "tasks.xlsx")
DAY = r"20\d\d-\d\d-\d\d"
SIMULATED = "SIMULATED"
MADE_UP = "SIMULATED findings: |SIMULATED – simulyasiya edilmiş tapıntılar|are made up"
"""What is looked for where findings are made up, and where they are not: columns name the word."""
LEGEND = "65642"
"""Kind of an item of a print layout in QGIS."""


# 1. Marks travel.


def marks_travel(area: Area) -> None:
    for name in ("report.html", "tasks.csv", "tasks.gpkg", "tasks.json"):
        _bears_marks(area.run / name, area)
    for path in (area.run / "rasters").glob("*.tif"):
        _bears_marks(path, area)
    for pack in (*area.packs.values(), area.part):
        found = files_of(pack)
        assert {path.suffix for path in found} >= {".tif", ".qgs", ".xlsx", ".kml", ".html", ".md"}
        for path in found:
            _bears_marks(path, area)
        _first_of_the_page(pack / "report.html")
        _rows_bear_marks(pack, area)
        _canvas_bears_marks(pack / "map.qgs")


def _bears_marks(path: Path, area: Area) -> None:
    words = _said(path)
    draft = re.search("draft|qaralama", words, re.IGNORECASE)
    assert draft, f"{path} does not say DRAFT"
    said = SIMULATED if area.simulated else MADE_UP
    simulated = re.search(rf"{said}|\"simulated\": ?(?:true|1)\b", words)
    assert bool(simulated) is area.simulated, f"{path}: SIMULATED is {simulated}"


def _said(path: Path) -> str:
    if path.suffix == ".tif":
        with rasterio.open(path) as raster:
            assert all("DRAFT" in words for words in raster.descriptions), path
            return f"{raster.tags()['STATE']} {raster.tags()['FINDINGS']}"
    if path.suffix == ".gpkg":
        for name, (words, rows) in features_of(path).items():
            alone = "DRAFT" in words or all(row.get("run_state") == "DRAFT" for row in rows)
            assert alone, f"{name} of {path}"
        return str(features_of(path))
    if path.suffix == ".qgs":  # without what its forms call the values of a column
        return re.sub(
            r"<editWidget.*?</editWidget>", "", path.read_text(encoding="utf-8"), flags=re.S
        )
    if path.suffix == ".xlsx":
        return " ".join(zipfile.ZipFile(path).read("xl/sharedStrings.xml").decode().split())
    return path.read_text(encoding="utf-8")


def _first_of_the_page(path: Path) -> None:
    """The mark stands before the title of the page, and in the window in which a map is zoomed."""
    page = page_of(path)
    tags = [tag for tag, _ in page.tags]
    first = next(i for i, (_, given) in enumerate(page.tags) if given.get("class") == "simulated")
    assert first < tags.index("h1"), path
    window = next(i for i, (_, given) in enumerate(page.tags) if given.get("class") == "window")
    assert page.tags[window + 1] == ("div", {"class": "mark"}), path


def _rows_bear_marks(pack: Path, area: Area) -> None:
    table = records_of(pack / "tasks.xlsx")
    layers = [features_of(pack / "tasks.gpkg")["tasks"][1], rows_of(pack / "tasks.csv"), table]
    layers.append([each["properties"] for each in read_json(pack / "tasks.geojson")["features"]])
    for rows in layers:
        assert rows, pack
        for row in rows:
            state, simulated, kind = (str(row[name]) for name in MARKS)
            assert (state, simulated) == ("DRAFT", str(int(area.simulated)))
            assert kind.startswith("one indirect source")
    first = book_of(pack / "tasks.xlsx").worksheets[0]
    told = [str(cell) for row in first.iter_rows(max_row=3, values_only=True) for cell in row]
    assert any("DRAFT" in words for words in told)


def _canvas_bears_marks(path: Path) -> None:
    project = project_of(path)
    label = project.find("properties/TitleLabel")
    assert label is not None
    assert label.findtext("Enabled") == "true"
    lines = (label.findtext("Label") or "").splitlines()
    assert any("DRAFT" in words for words in lines)
    assert max(map(len, lines)) < 90, path  # QGIS breaks none: a canvas would cut a longer one
    assert 'textColor="255,255,255' in (label.findtext("Font") or ""), path
    for layout in project.findall("Layouts/Layout"):
        texts = [item.get("labelText", "") for item in layout.iter("LayoutItem")]
        assert any("DRAFT" in words for words in texts), layout.get("name")
    drawn = [(node.get("source"), node.get("checked")) for node in project.iter("layer-tree-layer")]
    assert ("./map.gpkg|layername=marks", "Qt::Checked") in drawn


# 2. Cannot say is nodata.


def cannot_say_is_nodata(area: Area) -> None:
    for folder in (area.run / "rasters", *area.packs.values(), area.part):
        known = band(folder / "area_of_applicability.tif")
        classes = band(folder / "risk_class.tif")
        assert not ((classes == CLASSES["lower"]) & (known == 0)).any(), folder
        if folder not in (area.packs["public"], area.packs["az_public"]):  # of them, large cells
            assert ((classes == CANNOT_SAY) == (known == 0)).all(), folder
        spoken = (classes != CANNOT_SAY) & (classes != OUTSIDE)
        for name in ENDS:
            assert (silent(folder / f"{name}.tif") == ~spoken).all(), f"{name} of {folder}"
    for folder in (area.run / "rasters", area.packs["restricted"]):
        known = band(folder / "area_of_applicability.tif")
        every = folder / "probability_unmasked.tif"
        assert (known == 0).any(), f"{folder}: the model can speak everywhere; nothing is tested"
        assert (silent(every) == (known == OUTSIDE)).all()
        spoken = known == 1
        assert (band(every)[spoken] == band(folder / "probability.tif")[spoken]).all()
        with rasterio.open(every) as raster:
            assert "not for ranking" in raster.tags()["USE"]
            assert "NOT FOR RANKING" in raster.descriptions[0]
    _no_unmasked_number(area)
    _styles_grey_what_is_silent(area.packs["restricted"])
    cells = read_json(area.run / "metrics.json")["cells"]
    counted = pq.read_metadata(area.run / "held_out.parquet").num_rows
    assert counted == cells["positive"] + cells["negative"], "scores leave labelled cells out"


def _no_unmasked_number(area: Area) -> None:
    for name in ("public", "az_public"):
        assert not list(area.packs[name].rglob("*unmasked*")), name


def _styles_grey_what_is_silent(pack: Path) -> None:
    for name in ENDS:
        style = project_of(pack / f"{name}.qml")
        renderer = next(style.iter("rasterrenderer"))
        red, green, blue = bytes.fromhex(renderer.get("nodataColor", "")[1:])
        assert red == green == blue, name
    assert "NOT FOR RANKING" in (pack / "probability_unmasked.qml").read_text(encoding="utf-8")
    tree = project_of(pack / "map.qgs").find("layer-tree-group")
    assert tree is not None
    shown = [each for each in tree.iter("layer-tree-layer") if each.get("checked") == "Qt::Checked"]
    classes = [node.get("name") for node in shown if node.get("source") == "./risk_class.tif"]
    assert classes[0] == "cannot say", "cannot say is not drawn over the classes"
    assert len(classes) == 2


# 3. What low holds.


def low_says_what_it_holds(area: Area) -> None:
    pack = area.packs["restricted"]
    told = read_json(pack / "classes.json")
    rows = {row["risk_class"]: row for row in told["rows"]}
    classes = band(pack / "risk_class.tif")
    probability, upper = (band(pack / f"{name}.tif") for name in (ENDS[0], ENDS[2]))
    unsearched = labels_on(area.run, pack / "risk_class.tif") == -1
    inside = classes != OUTSIDE
    spoken = {name: code for name, code in CLASSES.items() if name != "cannot_say"}
    expected = {name: float(probability[(classes == code) & unsearched].sum(dtype=np.float64))
                for name, code in spoken.items()}  # fmt: skip
    for name, code in CLASSES.items():
        here = classes == code
        assert rows[name]["cells"] == here.sum(), name
        assert rows[name]["land_share"] == pytest.approx(here.sum() / inside.sum(), abs=1e-6)
    for name, code in spoken.items():
        value, low, high = rows[name]["expected"]
        assert value == pytest.approx(expected[name], rel=1e-3), name
        assert low < value < high, name
        share = expected[name] / sum(expected.values())
        assert rows[name]["share_of_expected"] == pytest.approx(share, abs=1e-3), name
        assert rows[name]["highest_upper"] == pytest.approx(upper[classes == code].max(), abs=1e-6)
    assert rows["lower"]["per_km2"] < rows["elevated"]["per_km2"] < rows["higher"]["per_km2"]
    page = words_of(pack / "report.html")
    lower = re.search(
        r"Lower is not little: of the contaminated cells .*? it holds ([\d.]+) %", page
    )
    assert lower, "the report does not say what lower holds"
    assert float(lower[1]) == pytest.approx(100 * rows["lower"]["share_of_expected"], abs=0.6)
    with rasterio.open(pack / "risk_class.tif") as raster:
        assert "cut by share of the land" in raster.tags()["CLASSES"]
    assert "highest 5 % of land" in (pack / "risk_class.qml").read_text(encoding="utf-8")
    assert "Classes are cut by share" in page
    _held_out_sums(area, rows)


def _held_out_sums(area: Area, rows: Mapping[str, dict[str, dict[str, int]]]) -> None:
    cells = read_json(area.run / "metrics.json")["cells"]
    found = sum(row["held_out"]["positive"] for row in rows.values() if row["held_out"])
    assert found <= cells["positive"]
    assert found > 0.9 * cells["positive"]


# 4. Bands, not ranks.


def tasks_stand_in_bands(area: Area) -> None:
    rows = [row for row in rows_of(area.run / "tasks.csv") if row["arm"] == "ranked"]
    bands = [int(row["band"]) for row in rows]
    assert [int(row["rank"]) for row in rows] == list(range(1, len(rows) + 1))
    assert all(after - before in {0, 1} for before, after in pairwise([1, *bands]))
    number = len(set(bands))
    assert read_json(area.run / "tasks.json")["summary"]["bands"] == number
    words = words_of(area.run / "report.html")
    if number == 1:
        assert "no better than a draw" in words
    else:
        assert f"The ranked tasks are {number} bands" in words
    assert "choose" in words.lower()
    assert "access and need" in words
    _intervals_are_joint(area, rows)


def _intervals_are_joint(area: Area, rows: list[dict[str, str]]) -> None:
    """A mean over cells that err apart is surer than the mean of their ends."""
    tasks = pyogrio.read_dataframe(area.run / "tasks.gpkg", layer="tasks").set_index("task")
    narrower = []
    hazard = read_json(area.run / "tasks.json")["asked"]["hazard"]
    folder = area.run / "rasters" / ("" if hazard == "any" else hazard)
    with rasterio.open(folder / f"{ENDS[1]}.tif") as low, \
            rasterio.open(folder / f"{ENDS[2]}.tif") as high:  # fmt: skip
        for row in rows[:20]:
            value, lower, upper = (float(row[name]) for name in ("probability", "lower", "upper"))
            assert lower <= value <= upper, row["task"]
            shape = [tasks.geometry[row["task"]]]
            ends = [_mean_inside(raster, shape) for raster in (low, high)]
            narrower.append(upper - lower < ends[1] - ends[0])
    assert all(narrower)


def _mean_inside(raster: rasterio.DatasetReader, shape: list[BaseGeometry]) -> float:
    cells, _ = rasterio.mask.mask(raster, shape, crop=True, nodata=np.nan)
    return float(np.nanmean(cells))


# 5. The first page answers.


def the_first_page_answers(area: Area) -> None:
    page = page_of(area.packs["restricted"] / "report.html")
    words = " ".join(page.words)
    asked = ["Where next", "Why", "How sure", "As of when", "By whom approved"]
    places = [words.index(each) for each in asked]
    assert places == sorted(places)
    tags = [tag for tag, _ in page.tags]
    assert tags.index("dl") < min(tags.index("table"), tags.index("h2"))
    first = next(row for row in rows_of(area.packs["restricted"] / "tasks.csv"))
    assert first["task"] in words[places[0] : places[1]]
    assert "Nobody has reviewed this run" in words[places[4] : places[4] + 100]
    difference = read_json(area.run / "metrics.json")["comparison"]
    for protocol in ("far", "near"):
        _, low, high = difference[protocol]["distance_rule"]["found_in_top_20"]
        verdict = ("it beats the plain rule" if low > 0 else "it is beaten" if high < 0
                   else "it does not beat the plain rule")  # fmt: skip
        start = words.index("Far: whole" if protocol == "far" else "Near: as far")
        assert verdict in words[start : start + 250], protocol
    sheets = page_of(area.part / "task_sheets.html")
    printed = [given["id"] for tag, given in sheets.tags if given.get("class") == "sheet"]
    assert printed == [row["task"] for row in rows_of(area.part / "tasks.csv")]
    assert printed
    marks = [given for _, given in sheets.tags if given.get("class") == "mark"]
    assert len(marks) >= len(printed)
    style = (area.part / "task_sheets.html").read_text(encoding="utf-8")
    assert re.search(r"(break-after|page-break-after|break-before): ?(page|always)", style)


# 6. Scope and dates.


def scope_and_dates_are_stated(area: Area) -> None:
    words, asked = words_of(area.part / "report.html"), read_json(area.part / "manifest.json")
    cells = int((band(area.part / "risk_class.tif") != OUTSIDE).sum())
    assert f"It has {cells:,} cells" in words
    assert "Land asked for: middle" in " ".join(words.split())
    assert "Of the whole study area:" in words
    assert asked["area"] == "middle"
    finds = re.search(r"([\d,.]+) contaminated cells are expected", words)
    assert finds
    total = sum(row["expected"][0] for row in read_json(area.part / "classes.json")["rows"]
                if row["expected"])  # fmt: skip
    assert float(finds[1].replace(",", "")) == pytest.approx(total, rel=0.06, abs=0.6)
    if not any(row["arm"] == "control" for row in rows_of(area.part / "tasks.csv")):
        assert "control tasks too" not in words
    with rasterio.open(area.packs["public"] / "risk_class.tif") as raster:
        size = raster.transform.a
    assert f"PUBLIC COPY: cells of {size:,.0f} m" in words_of(area.packs["public"] / "report.html")
    assert "no public copy is made of a run that nobody has approved" in area.refused
    _dates_are_told(area)


def _dates_are_told(area: Area) -> None:
    pack = area.packs["restricted"]
    for told in (words_of(pack / "report.html"), (pack / "README.txt").read_text(encoding="utf-8"),
                 (pack / "MODEL_CARD.md").read_text(encoding="utf-8")):  # fmt: skip
        assert re.search(rf"Day of the run: {DAY}", told)
        assert "stale" in told
        assert "no common date" not in told
        for layer in _evidence_layers(area.run / "config.yaml"):
            assert layer in told, layer


def _evidence_layers(path: Path) -> list[str]:
    labels = yaml.safe_load(path.read_text(encoding="utf-8"))["labels"]
    return [each["layer"] for each in labels["positive"]]


# 7. Orientation.


def the_map_can_be_found_on_the_ground(area: Area) -> None:
    pack = area.packs["restricted"]
    layers = features_of(pack / "map.gpkg")
    assert set(layers) >= {"front_line", "places", "registered", "findings", "marks"} | (
        {"ways", "districts"} if area.name != "tiny" else set()
    )
    land = [row for row in layers["registered"][1] if row["kind"] != "accident buffer"]
    assert {row["Land_Class"] for row in land} & {"SHA", "CHA"}
    assert all(row["imsma_id"] and row["Land_Class"] for row in land)
    assert not {"registered", "findings"} & set(features_of(area.packs["public"] / "map.gpkg"))
    page = page_of(pack / "report.html")
    ids = {given["id"] for _, given in page.tags if given.get("id")}
    text = (pack / "report.html").read_text(encoding="utf-8")
    tasks = [row["task"] for row in rows_of(pack / "tasks.csv")]
    listed = [task for task in tasks if f"row-{task}" in ids]
    assert listed[:1] == tasks[:1]
    for task in listed:
        assert f'href="#map-{task}"' in text
        assert f'id="map-{task}"' in text
        assert f'href="#row-{task}"' in text
    _project_is_whole(pack / "map.qgs", area)


def _project_is_whole(path: Path, area: Area) -> None:
    project = project_of(path)
    tasks = next(each for each in project.iter("maplayer")
                 if (each.findtext("datasource") or "").startswith("./tasks.gpkg"))  # fmt: skip
    assert len([one for one in tasks.iter("alias") if one.get("name")]) > 20
    assert next(tasks.iter("mapTip")).text
    kinds = [one.get("type") for one in tasks.iter("editWidget")]
    assert "ValueMap" in kinds
    assert next(tasks.iter("attributeEditorForm"), None) is not None
    renderers = {one.get("type") for one in project.iter("rasterrenderer")}
    assert "hillshade" in renderers
    layouts = project.findall("Layouts/Layout")
    assert len(layouts) == 2
    for layout in layouts:
        kinds = [item.get("type") for item in layout.iter("LayoutItem")]
        assert len(kinds) >= 4
        assert LEGEND in kinds
    atlas = [one for layout in layouts for one in layout.iter("Atlas")]
    assert [one.get("enabled") for one in atlas].count("1") == 1
    assert area.name


# 8. Numbers and files as people write them.


def numbers_are_as_people_write_them(area: Area) -> None:
    for pack in area.packs.values():
        text = rows_of(pack / "tasks.csv")
        other = [
            records_of(pack / "tasks.xlsx"),
            [each["properties"] for each in read_json(pack / "tasks.geojson")["features"]],
            features_of(pack / "tasks.gpkg")["tasks"][1],
        ]
        for rows in other:
            assert [row["task"] for row in rows] == [row["task"] for row in text]
            for row, written in zip(rows, text, strict=True):
                for name in ("hectares", "rank", "band", "probability", "team_days"):
                    if name in written:
                        value = "" if row[name] is None else row[name]
                        assert _same(value, written[name]), f"{name} of {row['task']} in {pack}"
        for row in text:
            for name in ("rank", "band", "cells", "rank_low", "rank_high"):
                assert re.fullmatch(r"\d*", row.get(name, "")), f"{name}: {row[name]}"
        for words in balloons(pack / "tasks.kml"):
            assert 2 <= len(words.split("\n")) <= 5, words
        _workbook_is_laid_out(pack / "tasks.xlsx")
    for row in rows_of(area.packs["restricted"] / "tasks.csv"):
        assert row["evidence_id"]
        assert re.fullmatch(rf"{DAY}.*|not recorded", row["evidence_date"])


def _same(value: object, written: str) -> bool:
    if value == "" or written == "":
        return value == written
    return float(str(value)) == float(written)


def _workbook_is_laid_out(path: Path) -> None:
    sheet = book_of(path).worksheets[-1]
    assert sheet.freeze_panes == "B2"
    assert sheet.auto_filter.ref == sheet.dimensions
    widths = {round(each.width) for each in sheet.column_dimensions.values()}
    assert len(widths) > 3
    named = {cell.value: cell.column for cell in sheet[1]}
    formats = {name: sheet.cell(2, column).number_format for name, column in named.items()}
    assert "%" in formats["probability"]
    assert formats["hectares"].startswith("#,##0")
    assert "." not in formats.get("rank", "0")


# 9. Asking.


def asking_is_answered(area: Area) -> None:
    said = " ".join(area.part_said.split())
    cells = int((band(area.part / "risk_class.tif") != OUTSIDE).sum())
    with rasterio.open(area.part / "risk_class.tif") as raster:
        hectares = cells * raster.transform.a**2 / 10_000
    assert f"{hectares:,.0f} ha of middle" in said
    for word in ("higher", "elevated", "lower", "cannot say", "survey task", "DRAFT"):
        assert word in said, word
    assert ("SIMULATED" in said) is area.simulated
    with TemporaryDirectory() as folder:
        _odd_land_is_answered(area.run, Path(folder))


def _odd_land_is_answered(run: Path, folder: Path) -> None:
    code, said = minerisk("maps", run, "--aoi", points(run, folder / "points.geojson"), "--json")
    assert code == 2
    assert "points" in said
    assert "Buffer" in said
    part = beyond(run, folder / "beyond.geojson")
    code, said = minerisk("maps", run, "--aoi", part, "--json")
    assert code == 2
    assert "--clip" in said
    assert re.search(r"[\d,]+ ha", said)
    assert re.search(r"\d{1,2}\.\d+", said), "no degrees"
    assert not re.search(r"\d{6}", said), "coordinates in metres"
    code, said = minerisk("maps", run, "--aoi", part, "--clip", "--json")
    assert code == 0, said
    small = square(run, folder / "small.geojson", side_m=20)
    code, said = minerisk("maps", run, "--aoi", small, "--json")
    assert code == 0, said
    assert re.search(r'"cells": 1\b', said)
    code, said = minerisk("maps", run, "--district", "Nowhere at all", "--json")
    assert code == 2
    districts = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))["study_area"]
    known = districts.get("districts")
    assert "district" in said
    assert known is None or "There are: " in said, said


POINTS: Mapping[int, tuple[str, Callable[[Area], None]]] = {
    1: ("Marks travel", marks_travel),
    2: ("Cannot say is nodata", cannot_say_is_nodata),
    3: ("What low holds", low_says_what_it_holds),
    4: ("Bands, not ranks", tasks_stand_in_bands),
    5: ("The first page answers", the_first_page_answers),
    6: ("Scope and dates", scope_and_dates_are_stated),
    7: ("Orientation", the_map_can_be_found_on_the_ground),
    8: ("Numbers and files as people write them", numbers_are_as_people_write_them),
    9: ("Asking", asking_is_answered),
    10: ("The record in MLflow", record_in_mlflow),
    11: ("Languages", languages),
}
