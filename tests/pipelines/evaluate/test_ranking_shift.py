import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import box

from minerisk.pipelines.evaluate.districts import Districts
from minerisk.pipelines.evaluate.ranking_shift import (
    Side,
    by_district,
    by_region,
    rank_shift,
    task_moves,
)
from minerisk.pipelines.records.comparison import Moves, TaskMoves


def changes(row: Moves) -> dict[str, float]:
    return {f"{change.before} → {change.after}": change.hectares for change in row.changes}


def test_ranks_move_by_percentile_points() -> None:
    one = np.array([[0.1, 0.2], [0.3, 0.4]], dtype=np.float32)
    two = np.array([[0.4, 0.2], [0.3, 0.1]], dtype=np.float32)
    # ranks 1 2 3 4 become 4 2 3 1 of four cells
    assert rank_shift(one, two).tolist() == [[75.0, 0.0], [0.0, -75.0]]


def test_any_rising_change_of_probability_moves_nothing() -> None:
    one = np.random.default_rng(1).random((7, 9)).astype(np.float32)
    assert not rank_shift(one, one**3 / 2).any()


def test_cells_that_one_run_does_not_speak_of_are_ranked_in_neither() -> None:
    one = np.array([[0.1, 0.2, np.nan, 0.9]])
    two = np.array([[0.2, 0.1, 0.5, np.nan]])
    np.testing.assert_array_equal(rank_shift(one, two), [[50.0, -50.0, np.nan, np.nan]])


def test_hectares_that_change_class_are_counted_by_region() -> None:
    outside = 255
    one = np.array([[3, 3, 1], [0, 1, outside]], dtype=np.uint8)
    two = np.array([[3, 1, 1], [2, 2, outside]], dtype=np.uint8)
    region = np.array([[0, 0, 1], [1, 1, 1]], dtype=np.int32)
    shift = np.array([[0.0, -20.0, 4.0], [np.nan, 12.0, np.nan]], dtype=np.float32)
    probability = np.zeros((2, 3), dtype=np.float32)
    sides = Side(probability, one), Side(probability, two)
    whole, first, second = by_region(*sides, shift, region, cell_ha=25.0)
    assert whole.hectares == 5 * 25
    assert whole.changed_ha == 3 * 25
    assert whole.moved_share == 2 / 4
    assert changes(first) == {"higher → lower": 25.0}
    assert first.mean_shift == pytest.approx(-10.0)
    assert changes(second) == {"cannot_say → elevated": 25.0, "lower → elevated": 25.0}


def test_hectares_that_change_class_are_counted_by_district_name() -> None:
    one = np.array([[3, 3, 1, 1, 255]], dtype=np.uint8)
    two = np.array([[3, 1, 3, 3, 3]], dtype=np.uint8)
    shift = np.array([[0.0, -20.0, 12.0, np.nan, np.nan]], dtype=np.float32)
    sides = Side(shift, one), Side(shift, two)
    # The fourth cell lies in no district; Vareš has no land that both runs speak of.
    codes = np.array([[0, 0, 0, -1, 2]], dtype=np.int32)
    named = Districts(("Brčko", "Olovo", "Vareš"), codes)
    (row,) = by_district(*sides, shift, named, cell_ha=25.0)
    assert (row.district, row.hectares, row.changed_ha) == ("Brčko", 75.0, 50.0)
    assert changes(row) == {"higher → lower": 25.0, "lower → higher": 25.0}
    assert row.moved_share == pytest.approx(2 / 3)
    shared = Districts(("A", "B"), np.array([[0, 1, 1, 1, 1]], dtype=np.int32))
    assert [r.district for r in by_district(*sides, shift, shared, cell_ha=25.0)] == ["B", "A"]


def test_a_task_that_keeps_half_its_land_is_kept() -> None:
    def frame(*shapes: tuple[str, str, object]) -> gpd.GeoDataFrame:
        names, arms, geometry = zip(*shapes, strict=True)
        told = {"task": names, "arm": arms, "rank": 1, "hectares": 2.0}
        where = {"latitude": 44.0, "longitude": 18.0}
        return gpd.GeoDataFrame(told | where, geometry=list(geometry))

    one = frame(("A", "ranked", box(0, 0, 2, 1)), ("B", "ranked", box(5, 0, 7, 1)))
    two = frame(
        ("A2", "ranked", box(1, 0, 3, 1)),
        ("B2", "ranked", box(6.1, 0, 8.1, 1)),
        ("C", "control", box(20, 0, 21, 1)),
    )
    found = task_moves(one, two)
    assert [row.task for row in found.gone] == ["B"]
    assert [row.task for row in found.new] == ["B2"]
    assert found.gone[0].covered == pytest.approx(0.9 / 2)
    assert task_moves(one, one) == TaskMoves()
