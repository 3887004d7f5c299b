import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import box

from minerisk.pipelines.evaluate.ranking_shift import (
    MovedStrip,
    Part,
    measure_moves,
    rank_both,
    task_moves,
)
from minerisk.pipelines.records.comparison import Moves, TaskMoves


def changes(row: Moves) -> dict[str, float]:
    return {f"{change.before} → {change.after}": change.hectares for change in row.changes}


def rank_shift(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    return rank_both([(one, two)]).shift(one, two)


def strip(shift: np.ndarray, one: np.ndarray, two: np.ndarray) -> MovedStrip:
    return MovedStrip(slice(0, len(one)), None, shift, one, two)


def test_ranks_move_by_percentile_points() -> None:
    one = np.array([[0.1, 0.2], [0.3, 0.4]], dtype=np.float32)
    two = np.array([[0.4, 0.2], [0.3, 0.1]], dtype=np.float32)
    # ranks 1 2 3 4 become 4 2 3 1 of four cells
    assert rank_shift(one, two).tolist() == [[75.0, 0.0], [0.0, -75.0]]


def test_any_rising_change_of_probability_moves_nothing() -> None:
    one = np.random.default_rng(1).random((7, 9)).astype(np.float32)
    assert not rank_shift(one, one**3 / 2).any()


def test_cells_that_one_run_does_not_speak_of_are_ranked_in_neither() -> None:
    one = np.array([[0.1, 0.2, np.nan, 0.9]], dtype=np.float32)
    two = np.array([[0.2, 0.1, 0.5, np.nan]], dtype=np.float32)
    np.testing.assert_array_equal(rank_shift(one, two), [[50.0, -50.0, np.nan, np.nan]])


def test_hectares_that_change_class_are_counted_by_region() -> None:
    outside = 255
    one = np.array([[3, 3, 1], [0, 1, outside]], dtype=np.uint8)
    two = np.array([[3, 1, 1], [2, 2, outside]], dtype=np.uint8)
    region = np.array([[0, 0, 1], [1, 1, 1]], dtype=np.int32)
    shift = np.array([[0.0, -20.0, 4.0], [np.nan, 12.0, np.nan]], dtype=np.float32)
    everywhere = (lambda part: np.zeros(part.one.shape, int), [Part()])
    regions = (lambda _: region, [Part(region=0), Part(region=1)])
    (whole,), (first, second) = measure_moves(
        [strip(shift, one, two)], [everywhere, regions], cell_ha=25.0
    )
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
    # The fourth cell lies in no district; Vareš has no land that both runs speak of.
    codes = np.array([[0, 0, 0, -1, 2]], dtype=np.int32)
    names = [Part(district=name) for name in ("Brčko", "Olovo", "Vareš")]
    ((row,),) = measure_moves([strip(shift, one, two)], [(lambda _: codes, names)], cell_ha=25.0)
    assert (row.district, row.hectares, row.changed_ha) == ("Brčko", 75.0, 50.0)
    assert changes(row) == {"higher → lower": 25.0, "lower → higher": 25.0}
    assert row.moved_share == pytest.approx(2 / 3)


def test_a_mean_shift_is_to_its_last_digit_that_of_all_cells_at_once() -> None:
    shift = np.random.default_rng(5).normal(0.0, 40.0, (41, 997)).astype(np.float32)
    classes = np.ones(shift.shape, dtype=np.uint8)
    everywhere = (lambda part: np.zeros(part.one.shape, int), [Part()])
    for rows in (1, 7, 41):
        parts = [
            strip(shift[row : row + rows], classes[row : row + rows], classes[row : row + rows])
            for row in range(0, 41, rows)
        ]
        ((found,),) = measure_moves(parts, [everywhere], cell_ha=1.0)
        assert found.mean_shift == shift.ravel().mean(dtype=np.float64)


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
