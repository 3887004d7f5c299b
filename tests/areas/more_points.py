"""Points 10 and 11: the record in MLflow, and the languages."""

import csv
import os
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import rasterio
import yaml

from tests.areas.reading import (
    OUTSIDE,
    Area,
    balloons,
    band,
    page_of,
    project_of,
    read_json,
    words_of,
)

HEADLINES = 6
SILENT = {"az": "demək olmur", "ru": "сказать нельзя"}
ENGLISH = ("cannot say", "survey first", "Where next", "nobody has approved", "Nearest evidence")
DECIMAL = re.compile(r"(?<![\d.,])\d+\.\d+ %")


# 10. MLflow.


def record_in_mlflow(area: Area) -> None:
    with TemporaryDirectory() as folder:  # the record survives a move of the run
        moved = Path(folder) / "elsewhere"
        moved.mkdir()
        shutil.copy(area.run / "mlflow.db", moved)
        shutil.copytree(area.run / "mlflow", moved / "mlflow")
        _model_predicts(moved / _parent_is_first(area, moved) / "model")


def _parent_is_first(area: Area, moved: Path) -> str:
    with closing(sqlite3.connect(moved / "mlflow.db")) as database:
        ask = database.execute
        children = {row[0] for row in ask("SELECT run_uuid FROM tags WHERE key = ?",
                                          ["mlflow.parentRunId"])}  # fmt: skip
        runs = ask("SELECT run_uuid, name, user_id, start_time, end_time, artifact_uri "
                   "FROM runs").fetchall()  # fmt: skip
        parents = {row[0]: row for row in runs if row[0] not in children}
        marks = "DRAFT SIMULATED" if area.simulated else f"DRAFT {area.name}"
        for _, name, *_ in parents.values():  # one, or one each time that the record was made
            assert name.startswith(marks), f"{name} stands beside the run, not below it"
        stages = read_json(area.run / "manifest.json")["stages"]
        recorded = next(each["facts"]["run_id"] for each in stages if each["name"] == "track")
        key, _, user, start, end, place = parents[recorded]
        assert user
        assert 0 < (end - start) / 1000 < 7 * 24 * 3600
        names = {row[0] for row in ask("SELECT key FROM metrics WHERE run_uuid = ?", [key])}
    assert len([each for each in names if "/" not in each]) == HEADLINES, sorted(names)
    assert not os.path.isabs(place)  # noqa: PTH117
    return str(place)


def _model_predicts(folder: Path) -> None:
    import mlflow.pyfunc

    stated = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))
    assert stated["signature"]["inputs"]
    assert stated["signature"]["outputs"]
    example = read_json(folder / "input_example.json")
    cells = pd.DataFrame(example["data"], columns=example["columns"])
    found = mlflow.pyfunc.load_model(str(folder)).predict(cells)
    spoken = found["area_of_applicability"] == 1
    assert len(found) == len(cells)
    assert found["probability_unmasked"].between(0, 1).all()
    assert (np.isnan(found["probability"]) == ~spoken).all()


# 11. Languages.


def languages(area: Area) -> None:
    config = yaml.safe_load((area.run / "config.yaml").read_text(encoding="utf-8"))
    title = config["study_area"]["titles"]["az"]
    for pack in (area.packs["az"], area.packs["az_public"]):
        page = page_of(pack / "report.html")
        assert ("html", {"lang": "az"}) in page.tags
        words = " ".join(page.words)
        assert title.split(" (")[0] in words
        _is_of_the_language(words, "report.html")
        for path in (pack / "README.txt", pack / "MODEL_CARD.md"):
            _is_of_the_language(path.read_text(encoding="utf-8"), path.name)
        for words in balloons(pack / "tasks.kml"):
            assert not re.search(r"not recorded|\brow \d|\baway\b", words), words
        for path in pack.glob("*.qml"):
            if path.name not in {"elevation.qml", "reasons.qml"}:
                labels = [one.get("label", "") for one in project_of(path).iter("item")]
                _is_of_the_language(" ".join(labels), path.name)
        assert SILENT["az"] in words_of(pack / "report.html")
        named = [
            one.get("name", "") for one in project_of(pack / "map.qgs").iter("layer-tree-layer")
        ]
        assert any(SILENT["az"] in name for name in named)
        assert not any("cannot say" in name for name in named)
    words, (hectares, comma) = words_of(area.packs["az"] / "report.html"), _hectares(area)
    assert f"{hectares} ha" in words
    assert f"{comma} ha" not in words
    assert re.search(r"\d\d\.\d\d\.20\d\d", words)
    assert "whole study area" not in words
    _sentences_go_out(area)


def _is_of_the_language(words: str, name: str) -> None:
    for english in ENGLISH:
        assert english not in words, f"{name} says {english!r}"
    assert not DECIMAL.search(words), f"{name}: {DECIMAL.findall(words)[:3]}"


def _hectares(area: Area) -> tuple[str, str]:
    """Write the hectares of the land of a pack in Azerbaijani, and in English."""
    path = area.packs["az"] / "risk_class.tif"
    with rasterio.open(path) as raster:
        hectares = (band(path) != OUTSIDE).sum() * raster.transform.a**2 / 10_000
    return f"{hectares:,.0f}".replace(",", " "), f"{hectares:,.0f}"


def _sentences_go_out(area: Area) -> None:
    table = area.sentences
    with table.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter=";"))
    assert {"harm", "key", "english", "translation"} <= set(rows[0])
    harms = [int(row["harm"][0]) for row in rows]
    assert harms == sorted(harms)
    silent = next(row for row in rows if row["english"] == "cannot say")
    assert silent["translation"] == SILENT["az"]
    assert silent["harm"].startswith("1:")
