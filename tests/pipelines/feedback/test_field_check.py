"""Predicted against found, on cells counted by hand."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import Point, box

from minerisk.features.grid import cell_centres
from minerisk.models.evaluation.intervals import exact_binomial
from minerisk.pipelines.evaluate.predicted_land import LandStrip, read_land
from minerisk.pipelines.feedback.field_check import check_in_field, field_lines
from minerisk.pipelines.records.feedback import SearchedCells
from minerisk.pipelines.run.folder import Run


@pytest.fixture(scope="module")
def land(tiny_run: Path) -> LandStrip:
    (whole,) = read_land(Run.open(tiny_run)).strips()
    return whole


def results(land: LandStrip, rows: list[tuple[str, Any, float]]) -> gpd.GeoDataFrame:
    frame = gpd.GeoDataFrame(rows, columns=["outcome", "geometry", "effort"])
    return frame.set_geometry("geometry", crs=str(land.geobox.crs))


def unlabelled(land: LandStrip, count: int) -> list[tuple[float, float]]:
    """Centres of cells the run answered for and learned nothing from."""
    easting, northing = cell_centres(land.geobox)
    rows, columns = np.nonzero(land.answered & (land.trained == -1))
    return [(easting[columns[i]], northing[rows[i]]) for i in range(0, 3 * count, 3)]


def test_cells_are_counted_as_they_were_searched(tiny_run: Path, land: LandStrip) -> None:
    places = unlabelled(land, 6)
    rows: list[tuple[str, Any, float]] = [
        ("no find", box(x - 100, y - 100, x + 100, y + 100), 0.5) for x, y in places[:4]
    ]
    rows.append(("find", Point(places[0]), np.nan))  # in searched land
    rows.append(("find", Point(places[4]), 1.0))  # from a search of its own
    rows.append(("find", Point(places[5]), np.nan))  # by chance
    check = check_in_field(Run.open(tiny_run), results(land, rows))
    assert check.cells == SearchedCells(searched=5, known_before=0, tested=5)
    assert check.finds.total == 3
    assert check.finds.by_chance == 2
    for part in (check.classes, check.bins, check.arms):
        assert sum(row.cells for row in part) == 5
        assert sum(row.find_cells for row in part) == 2
    row = max(check.bins, key=lambda row: row.cells)
    share, low, high = row.found
    assert (low, high) == pytest.approx(exact_binomial(share, row.effective, level=0.9))
    assert any("SIMULATED" not in line and "Random arm" in line for line in field_lines(check))


def test_land_the_run_learned_from_tests_nothing(tiny_run: Path, land: LandStrip) -> None:
    whole = box(*land.geobox.boundingbox)
    check = check_in_field(Run.open(tiny_run), results(land, [("no find", whole, 1.0)]))
    assert check.cells.searched == land.answered.sum()
    assert check.cells.tested == (land.answered & (land.trained == -1)).sum()
    assert check.contradicted == (land.trained == 1).sum()
    assert check.measures is None  # nothing was found


def test_the_random_arm_stands_apart_and_each_draw_counts_once(
    tiny_run: Path, land: LandStrip
) -> None:
    tasks = gpd.read_file(tiny_run / "tasks.gpkg", layer="tasks")
    control = tasks[tasks["arm"] == "control"]
    rows = [("no find", shape, 1.0) for shape in tasks.geometry]
    check = check_in_field(Run.open(tiny_run), results(land, rows))
    arms = {row.arm: row for row in check.arms}
    assert set(arms) == {"control", "ranked", "elsewhere"}
    inside = control.geometry.union_all().buffer(-1)
    easting, northing = cell_centres(land.geobox)
    ys, xs = np.nonzero(land.answered & (land.trained == -1))
    drawn = gpd.GeoSeries(gpd.points_from_xy(easting[xs], northing[ys])).within(inside)
    assert arms["control"].cells == drawn.sum()
    if drawn.any():
        assert arms["control"].effective <= len(control)


def test_the_exact_interval_is_that_of_the_binomial() -> None:
    # Clopper & Pearson: no hit in n rows reaches up to 1 - tail^(1/n).
    low, high = exact_binomial(0.0, 20.0, level=0.9)
    assert (low, high) == pytest.approx((0.0, 1 - 0.05 ** (1 / 20)))
    assert exact_binomial(1.0, 20.0, level=0.9)[1] == 1.0
    from scipy.stats import binomtest

    exact = binomtest(3, 17).proportion_ci(0.9, method="exact")
    assert exact_binomial(3 / 17, 17.0, level=0.9) == pytest.approx((exact.low, exact.high))
