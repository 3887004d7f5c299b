import numpy as np
import pytest

from minerisk.pipelines.prioritize.capture import compare_capture, first_cells, tasks_on, verdicts


def test_of_equal_cells_at_the_end_a_share_is_taken():
    taken = first_cells(np.array([3.0, 1.0, 1.0, 2.0, 1.0, 1.0, 0.0]), 4)
    np.testing.assert_allclose(taken, [1, 0.5, 0.5, 1, 0.5, 0.5, 0])


def land(seed=0, side=60):
    rng = np.random.default_rng(seed)
    rows, columns = np.divmod(np.arange(side * side), side)
    hot = (columns < side // 4).astype(float)
    positive = rng.random(side * side) < 0.02 + 0.4 * hot
    return rows, columns, hot, positive


def test_tasks_on_a_score_that_tells_beat_a_rule_that_does_not():
    rows, columns, hot, positive = land()
    blind = np.random.default_rng(1).random(rows.size)
    blocks = rows // 10 * 10 + columns // 10
    found = compare_capture(
        positive,
        {"highest_cells": hot, "nearest_find": blind},
        (rows, columns),
        blocks,
        sizes=(5, 60),
        seed=3,
    )
    assert found["shares"] == [0.05, 0.1, 0.2]
    # A fifth of the land lies in the quarter that holds 42 % and not 2 % of cells with finds.
    estimate, low, high = found["found"]["tasks"][2]
    assert estimate == pytest.approx(0.8 * positive[hot > 0].sum() / positive.sum(), abs=0.05)
    assert low < estimate < high
    assert found["found"]["nearest_find"][2][0] == pytest.approx(0.2, abs=0.05)
    assert found["tasks_minus"]["nearest_find"][2][1] > 0
    low, high = found["tasks_minus"]["highest_cells"][2][1:]
    assert low <= 0 <= high
    assert "tasks find more at" in found["words"][1]
    assert "20 % of land" in found["words"][1].partition(";")[0]


def test_tasks_keep_to_their_sizes_and_the_land():
    rows, columns, hot, _ = land()
    taken = tasks_on(hot, (rows, columns), cells=200, sizes=(5, 60))
    assert 195 <= taken.sum() <= 200
    assert hot[taken > 0].all()


def test_what_is_not_shown_is_said_so():
    minus = {"nearest_line": [[0.1, 0.01, 0.2], [0.0, -0.1, 0.1], [-0.2, -0.3, -0.1]]}
    (line,) = verdicts(minus)
    assert "tasks find more at 5 % of land" in line
    assert "tasks find less at 20 % of land" in line
    assert "no difference is shown at 10 % of land" in line
