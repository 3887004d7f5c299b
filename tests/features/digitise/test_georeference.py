"""Scans are put on the ground where they belong, with an error that is true of points not seen."""

import numpy as np
import pyproj
import pytest

from minerisk.features.digitise.control_points import ControlPoints, WorldFile
from minerisk.features.digitise.georeference import Georeference, fit_control, follow_world_file
from minerisk.features.errors import InputError
from tests.features.digitise.drawn_map import PIXEL_M, ground_of

UTM = pyproj.CRS("EPSG:32633")
GRID = np.array([(x, y) for x in (300.0, 1800.0, 3500.0) for y in (200.0, 1500.0, 2800.0)])
MIDDLE = np.array([[1234.5, 987.6]])


def fitted(ground: np.ndarray, *, crs: pyproj.CRS = UTM, pixels: np.ndarray = GRID) -> Georeference:
    return fit_control(ControlPoints(pixels, ground, crs), name="a.csv")


def test_a_sheet_laid_askew_is_put_exactly_where_it_is() -> None:
    found = fitted(ground_of(GRID))
    assert found.places(MIDDLE) == pytest.approx(ground_of(MIDDLE), abs=1e-3)
    assert found.error_m < 1e-3
    assert found.pixel_m == pytest.approx(PIXEL_M)
    assert found.crs == UTM


def test_degrees_lead_to_the_utm_zone_of_the_sheet() -> None:
    way = pyproj.Transformer.from_crs(UTM, 4326, always_xy=True)
    degrees = np.stack(way.transform(*ground_of(GRID).T), axis=1)
    found = fitted(degrees, crs=pyproj.CRS("EPSG:4326"))
    assert found.crs.to_epsg() == 32633
    assert found.places(MIDDLE) == pytest.approx(ground_of(MIDDLE), abs=1)


def test_feet_become_metres() -> None:
    feet = pyproj.CRS("EPSG:2229")  # California zone 5, US survey feet
    ground = ground_of(GRID) * 0 + np.array([6_500_000, 1_800_000]) + GRID * (100, -100)
    assert fitted(ground, crs=feet).pixel_m == pytest.approx(100 * 1200 / 3937, rel=1e-3)


def test_the_error_is_that_of_points_left_out_one_by_one() -> None:
    rng = np.random.default_rng(7)
    ground = ground_of(GRID) + rng.normal(0, 100, (9, 2))
    found = fitted(ground)
    assert found.order == 1
    misses = []
    for out in range(len(GRID)):
        kept = np.arange(len(GRID)) != out
        powers = np.column_stack([np.ones(8), GRID[kept]])
        plane, *_ = np.linalg.lstsq(powers, ground[kept], rcond=None)
        misses.append(np.hypot(*(np.array([1, *GRID[out]]) @ plane - ground[out])))
    assert found.left_out_m == pytest.approx(np.array(misses), rel=1e-6)
    assert found.error_m == pytest.approx(np.sqrt(np.mean(np.square(misses))), rel=1e-6)
    assert (found.residual_m < found.left_out_m).all()


def test_a_sheet_that_is_bent_is_fitted_with_squares() -> None:
    bend = np.stack([np.zeros(9), 900 * ((GRID[:, 0] - 1900) / 1900) ** 2], axis=1)
    found = fitted(ground_of(GRID) + bend)
    assert found.order == 2
    assert found.error_m < 1e-3


def test_a_point_with_a_wrong_number_is_named() -> None:
    ground = ground_of(GRID)
    ground[4, 0] += 3_000
    assert fitted(ground).outliers == [5]
    assert fitted(ground_of(GRID)).outliers == []


def test_a_world_file_is_followed_with_the_stated_error() -> None:
    matrix = np.array([[30.0, 0.0, 500_000.0], [0.0, -30.0, 5_000_000.0]])
    world = WorldFile(matrix, UTM)
    found = follow_world_file(world, size=(100, 100), error_m=80, name="a.jgw")
    assert found.places(np.array([[10.0, 20.0]])) == pytest.approx(np.array([[500_300, 4_999_400]]))
    assert (found.error_m, found.outliers, found.pixel_m) == (80, [], pytest.approx(30))


def test_a_world_file_in_degrees_leads_to_metres() -> None:
    matrix = np.array([[0.001, 0.0, 15.0], [0.0, -0.001, 45.0]])
    world = WorldFile(matrix, pyproj.CRS("EPSG:4326"))
    found = follow_world_file(world, size=(100, 100), error_m=80, name="a.jgw")
    assert found.crs.to_epsg() == 32633
    assert found.places(np.array([[0.0, 0.0]])) == pytest.approx(
        np.array([[500_000, 4_982_950.4]]), abs=0.1
    )


@pytest.mark.parametrize(
    ("pixels", "ground", "words"),
    [
        (GRID[:3], ground_of(GRID)[:3], "3 control points.*at least 4"),
        (GRID[:0], ground_of(GRID)[:0], "0 control points"),
        (GRID[[0, 1, 2, 2]], ground_of(GRID)[[0, 1, 2, 2]], "one line on the scan"),
        (GRID, np.column_stack([np.arange(9.0), np.arange(9.0)]), "one line on the ground"),
        (GRID, np.zeros((9, 2)), "one line on the ground"),
        (GRID[[0, 1, 2, 3]] + [[0, 0], [0, 0], [0, 0], [0, 0]], None, "all but one|but one lie"),
        (GRID, ground_of(GRID)[:, ::-1], "mirrored"),
        (GRID * (1, -1) + (0, 3000), ground_of(GRID), "mirrored"),
    ],
)
def test_points_that_settle_nothing_are_refused(
    pixels: np.ndarray, ground: np.ndarray | None, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        fitted(ground_of(pixels) if ground is None else ground, pixels=pixels)


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        ([[30, 0, 0], [0, 0, 0]], "to a line"),
        ([[30, 0, 500_000], [0, 30, 5_000_000]], "mirrored"),
        ([[1e9, 0, 500_000], [0, -1e9, 5_000_000]], "lie nowhere"),
    ],
)
def test_a_world_file_that_leads_nowhere_is_refused(matrix: list[list[float]], words: str) -> None:
    world = WorldFile(
        np.array(matrix, dtype=float), pyproj.CRS("EPSG:4326") if "nowhere" in words else UTM
    )
    with pytest.raises(InputError, match=words):
        follow_world_file(world, size=(100, 100), error_m=1, name="a.jgw")
