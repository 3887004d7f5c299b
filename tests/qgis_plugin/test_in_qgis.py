"""The algorithms in QGIS, on real requests of a local install."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import Point, box

from minerisk.features.grid import cell_centres
from minerisk.pipelines.evaluate.predicted_land import read_land
from minerisk.pipelines.run.folder import Run

ROOT = Path(__file__).parents[2]
DRAFT = "DRAFT: nobody has approved this run"
Done = Callable[..., list[dict[str, Any]]]


def middle(run: Path) -> tuple[float, float]:
    (land,) = read_land(Run.open(run)).strips()
    easting, northing = cell_centres(land.geobox)
    rows, columns = np.nonzero(land.answered & (land.trained == -1))
    at = len(rows) // 2
    return easting[columns[at]], northing[rows[at]]


def test_requests_come_into_the_project_styled_grouped_and_marked(
    tiny_run: Path, tmp_path: Path, in_qgis: Done
) -> None:
    """By extent and by layer, refusals, the tasks alone, and a pack that is not loaded."""
    x, y = middle(tiny_run)
    area = tmp_path / "area.gpkg"
    land = [box(x - 4000, y - 4000, x + 4000, y + 4000)]
    gpd.GeoDataFrame(geometry=land, crs="EPSG:32638").to_file(area)
    extent = f"{x - 3000},{x + 3000},{y - 3000},{y + 3000} [EPSG:32638]"
    far = f"{x + 900000},{x + 910000},{y},{y + 9000} [EPSG:32638]"

    def asked(name: str, algorithm: str = "riskmap", **given: Any) -> dict[str, Any]:
        parameters = {"RUN": str(tiny_run), "PACK": str(tmp_path / name)} | given
        return {"algorithm": f"minerisk:{algorithm}", "parameters": parameters}

    steps = [
        asked("one", EXTENT=extent),
        asked("tasks", "surveytasks", AREA=str(area), BUDGET=300),
        asked("outside", EXTENT=far),
        asked("both", EXTENT=extent, AREA=str(area)),
        asked("kept", EXTENT=extent, LOAD=False),
    ]
    one, tasks, outside, both, kept = in_qgis(steps)
    assert [each["refused"] for each in (one, tasks, kept)] == [""] * 3
    ((group, layers),) = one["groups"].items()
    assert DRAFT in group
    assert "SIMULATED" in group
    assert layers[0] == "What this map is"
    assert {"Risk class", "Survey tasks", "Front line", "cannot say"} <= set(layers)
    assert one["red"] > 500  # the mark is on the canvas
    assert next(iter(tasks["groups"].values())) == ["What this map is", "Survey tasks"]
    assert tasks["red"] > 500
    file, layer = tasks["result"]["TASKS"].split("|layername=")
    found = gpd.read_file(file, layer=layer)
    assert found.hectares[found.arm == "ranked"].sum() <= 300
    assert "leaves the study area" in outside["refused"]
    assert "Traceback" not in outside["refused"]
    assert "Give one" in both["refused"]
    assert kept["groups"] == {}
    assert (tmp_path / "kept" / "risk_class.tif").is_file()


def test_layers_are_validated_and_results_recorded_and_looked_back(
    tiny_copy: Path, tmp_path: Path, in_qgis: Done
) -> None:
    x, y = middle(tiny_copy)
    common = {"date": "2024-05-01", "method": "manual search", "reliability": 0.8}
    rows = [common | {"outcome": "find", "hazard": "at", "geometry": Point(x, y)}]
    results = tmp_path / "results.gpkg"
    gpd.GeoDataFrame(rows, crs="EPSG:32638").to_file(results)
    steps = [
        {"algorithm": "minerisk:validatelayers",
         "parameters": {"CONFIG": str(ROOT / "configs" / "tiny.yaml"),
                        "OUT": str(tmp_path / "checked")}},
        {"algorithm": "minerisk:recordresults",
         "parameters": {"RUN": str(tiny_copy), "RESULTS": str(results), "BY": "team 4"}},
        {"algorithm": "minerisk:recordresults",
         "parameters": {"RUN": str(tiny_copy), "RESULTS": str(results), "BY": "team 4"}},
        {"algorithm": "minerisk:lookback",
         "parameters": {"RUN": str(tiny_copy), "EVENTS": str(results),
                        "OUT": str(tmp_path / "back")}},
    ]  # fmt: skip
    checked, recorded, again, back = in_qgis(steps)
    assert Path(checked["result"]["PAGE"]).is_file()
    assert checked["result"]["FIT"] == "True"
    assert "SIMULATED" in recorded["result"]["SUMMARY"]
    assert "on record already" in again["refused"]
    assert json.loads((tmp_path / "back" / "lookback.json").read_text())["simulated"] is True
    assert "SIMULATED" in back["result"]["SUMMARY"]


def test_a_scan_becomes_a_layer(tmp_path: Path, in_qgis: Done) -> None:
    scan = ROOT / "docs" / "digitise" / "jajce.jpg"
    steps = [
        {"algorithm": "minerisk:digitisemap",
         "parameters": {"SCAN": str(scan), "POINTS": str(scan.with_suffix(".csv")),
                        "CRS": "EPSG:4326", "COLOUR": "#6d353e", "WIDTH": 4,
                        "FRAME": "0,0,600,560", "EPOCH": "1992", "SOURCE": "a test",
                        "LINES": str(tmp_path / "lines.gpkg")}},
    ]  # fmt: skip
    (done,) = in_qgis(steps)
    assert done["refused"] == ""
    assert len(gpd.read_file(tmp_path / "lines.gpkg", layer="front_lines")) > 0


SLOW = """#!{python}
import os, signal, sys, time
def stop(*_):
    os.write(2, b"asked to stop\\n")  # print may be at work
    sys.exit(130)
signal.signal(signal.SIGINT, stop)
print("Risk rasters: rasters, step 2 of 8, 60 s so far", file=sys.stderr, flush=True)
print({here}, {home}, file=sys.stderr, flush=True)
time.sleep(600)
"""


def test_a_request_tells_how_far_it_is_and_stops_when_asked(
    tmp_path: Path, in_qgis: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that waits; what QGIS sets for its own Python does not reach it."""
    monkeypatch.setenv("GDAL_DATA", "/of/qgis")
    slow = tmp_path / "slow"
    home = "'GDAL_DATA' in __import__('os').environ"
    text = SLOW.format(python=sys.executable, here="'came:'", home=home)
    slow.write_text(text, encoding="utf-8")
    slow.chmod(0o755)
    given = {"RUN": str(tmp_path), "PACK": str(tmp_path / "pack")}
    step = {"algorithm": "minerisk:riskmap", "parameters": given, "stop_at": "came:"}
    (done,) = in_qgis([step], MINERISK_COMMAND=str(slow))
    assert done["progress"] == [25]
    assert "came: False" in done["said"]
    assert "asked to stop" in done["said"]  # as by Ctrl-C, at once; not ended after a while
    assert "Stopped" in done["refused"]


def test_without_run_and_desk_it_says_what_to_set(tmp_path: Path, in_qgis: Done) -> None:
    def asked(settings: dict[str, str], **given: str) -> dict[str, Any]:
        parameters = {"PACK": str(tmp_path / "pack")} | given
        return {"algorithm": "minerisk:riskmap", "parameters": parameters, "settings": settings}

    steps = {
        "Choose a run folder": asked({}),
        "in the clear": asked({"MINERISK_DESK": "http://desk.example"}),
        "no authentication": asked({"MINERISK_DESK": "https://desk.example"}),
        "was not found": asked(
            {"MINERISK_DESK": "", "MINERISK_COMMAND": str(tmp_path / "none")}, RUN=str(tmp_path)
        ),
    }
    for words, done in zip(steps, in_qgis(list(steps.values())), strict=True):
        assert words in done["refused"]
