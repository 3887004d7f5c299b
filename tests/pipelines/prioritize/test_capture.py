import numpy as np
import pytest

from minerisk.models.estimate import Estimate
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.prioritize.capture import compare_capture, first_cells, tasks_on
from minerisk.pipelines.prioritize.words import verdicts
from minerisk.pipelines.records.tasks import Capture, Rule


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
        {Rule.HIGHEST_CELLS: hot, Rule.NEAREST_FIND: blind},
        (rows, columns),
        blocks,
        sizes=(5, 60),
        seed=3,
    )
    assert found.shares == (0.05, 0.1, 0.2)
    # A fifth of the land lies in the quarter that holds 42 % and not 2 % of cells with finds.
    estimate, low, high = found.found[Rule.TASKS][2]
    assert estimate == pytest.approx(0.8 * positive[hot > 0].sum() / positive.sum(), abs=0.05)
    assert low < estimate < high
    assert found.found[Rule.NEAREST_FIND][2].value == pytest.approx(0.2, abs=0.05)
    assert found.tasks_minus[Rule.NEAREST_FIND][2].low > 0
    low, high = found.tasks_minus[Rule.HIGHEST_CELLS][2][1:]
    assert low <= 0 <= high
    words = verdicts(found, ENGLISH)[1]
    assert "tasks find more at" in words
    assert "20 % of land" in words.partition(";")[0]


def test_tasks_keep_to_their_sizes_and_the_land():
    rows, columns, hot, _ = land()
    taken = tasks_on(hot, (rows, columns), cells=200, sizes=(5, 60))
    assert 195 <= taken.sum() <= 200
    assert hot[taken > 0].all()


def test_what_is_not_shown_is_said_so():
    rows = [[0.1, 0.01, 0.2], [0.0, -0.1, 0.1], [-0.2, -0.3, -0.1]]
    minus = {Rule.NEAREST_LINE: tuple(Estimate.of(row) for row in rows)}
    found = Capture(shares=(0.05, 0.1, 0.2), cells=10, positive=2, found=minus, tasks_minus=minus)
    (line,) = verdicts(found, ENGLISH)
    assert "tasks find more at 5 % of land" in line
    assert "tasks find less at 20 % of land" in line
    assert "no difference is shown at 10 % of land" in line
