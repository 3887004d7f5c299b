import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label

from minerisk.features.errors import InputError
from minerisk.models.tasks.priorities import make_tasks
from minerisk.models.tasks.survey_tasks import Arm, Firmness, TaskLand, TaskRequest

ASKED = {
    "budget_ha": 40.0,
    "min_ha": 4.0,
    "max_ha": 10.0,
    "random_share": 0.25,
    "seed": 3,
}


def tasks_of(probability, applicable=None, inside=None, **changed):
    everywhere = np.ones(probability.shape, dtype=bool)
    inside = everywhere if inside is None else inside
    known = {
        "open_land": inside,
        "cell_ha": 1.0,
        "effort": np.full(probability.shape, 0.1),
        **{name: changed.pop(name) for name in list(changed) if name in TaskLand.__annotations__},
    }
    ground = TaskLand(
        probability=probability,
        lower=probability * 0.5,
        upper=np.minimum(probability * 2, 1),
        applicable=everywhere if applicable is None else applicable,
        inside=inside,
        **known,
    )
    return make_tasks(ground, TaskRequest(**(ASKED | changed)))


def land(seed, shape=(23, 31)):
    source = np.random.default_rng(seed)
    probability = source.beta(0.4, 8, size=shape).astype(np.float32)
    inside = source.random(shape) < 0.9
    applicable = source.random(shape) < 0.8
    probability[source.random(shape) < 0.05] = np.nan
    return probability, applicable, inside


def hectares(least, most):
    """Draw whole ares: nearer than a millionth of a cell to its edge, a size counts as on it."""
    return st.integers(100 * least, 100 * most).map(lambda ares: ares / 100)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    budget=hectares(1, 400),
    least=hectares(1, 12),
    extra=st.integers(1, 20),
    share=st.floats(0, 0.5),
)
def test_tasks_are_contiguous_disjoint_sized_and_within_budget(seed, budget, least, extra, share):
    probability, applicable, inside = land(seed)
    asked = {"budget_ha": budget, "min_ha": least, "max_ha": least + extra, "random_share": share}
    tasks = tasks_of(probability, applicable, inside, **asked)
    table, owner = tasks.table, tasks.owner
    assert sorted(np.unique(owner[owner > 0])) == list(table["task"])
    assert not owner[~inside].any()
    for row in table.itertuples():
        mine = owner == row.task
        assert label(mine)[1] == 1
        assert mine.sum() == row.cells
        assert least <= row.hectares <= least + extra
        if row.arm == "ranked":
            assert applicable[mine].all()
            assert np.isfinite(probability[mine]).all()
    control = table["arm"] == "control"
    assert table["hectares"].sum() <= budget
    assert table.loc[control, "hectares"].sum() <= share * budget + 1e-9
    worth = table.loc[~control, "benefit_per_day"].to_numpy()
    assert (np.diff(worth) <= 0).all()
    assert list(table.loc[~control, "rank"]) == list(range(1, (~control).sum() + 1))
    assert table.loc[control, "rank"].isna().all()


def test_the_same_land_gives_the_same_tasks():
    probability, applicable, inside = land(1)
    first, second = (tasks_of(probability, applicable, inside) for _ in range(2))
    np.testing.assert_array_equal(first.owner, second.owner)
    assert first.table.equals(second.table)


def test_control_land_does_not_depend_on_the_model():
    probability, applicable, inside = land(2)
    blind = [
        np.isin(tasks.owner, tasks.table.loc[tasks.table["arm"] == "control", "task"])
        for tasks in (
            tasks_of(probability, applicable, inside),
            tasks_of(1 - probability, ~applicable, inside),
        )
    ]
    assert blind[0].any()
    np.testing.assert_array_equal(*blind)


def test_control_land_is_spread_over_cannot_say_land_too():
    probability = np.full((40, 40), 0.1, dtype=np.float32)
    applicable = np.zeros((40, 40), dtype=bool)
    applicable[:, :20] = True
    tasks = tasks_of(probability, applicable, budget_ha=1600, min_ha=1, max_ha=1, random_share=0.5)
    control = np.isin(tasks.owner, tasks.table.loc[tasks.table["arm"] == "control", "task"])
    assert control.sum() == 800
    # Hypergeometric: 400 expected of 800 draws in half of 1600 cells, deviation 10.
    assert abs(int(control[:, 20:].sum()) - 400) < 40


def test_nothing_is_claimed_of_a_control_task_on_cannot_say_land():
    probability = np.full((10, 10), 0.2, dtype=np.float32)
    tasks = tasks_of(probability, np.zeros((10, 10), dtype=bool))
    assert set(tasks.table["arm"]) == {"control"}
    assert tasks.table["expected_finds"].isna().all()
    assert (tasks.table["applicable_share"] == 0).all()


def test_the_one_hot_block_comes_first():
    probability = np.full((20, 20), 0.01, dtype=np.float32)
    probability[5:7, 9:12] = 0.5
    tasks = tasks_of(probability, budget_ha=6, min_ha=6, max_ha=6, random_share=0)
    expected = np.zeros((20, 20), dtype=bool)
    expected[5:7, 9:12] = True
    np.testing.assert_array_equal(tasks.owner == 1, expected)
    assert tasks.table.loc[0, "expected_finds"] == pytest.approx(3.0)
    assert tasks.table.loc[0, "expected_finds_per_ha"] == pytest.approx(0.5)


def test_a_task_on_even_land_is_compact():
    tasks = tasks_of(np.full((30, 30), 0.1), budget_ha=49, min_ha=49, max_ha=49, random_share=0)
    rows, columns = np.nonzero(tasks.owner == 1)
    assert np.ptp(rows) + 1 <= 9
    assert np.ptp(columns) + 1 <= 9


def test_land_that_is_not_open_gets_no_task():
    probability, applicable, inside = land(4)
    inside[:12] = False
    tasks = tasks_of(probability, applicable, np.ones_like(inside), open_land=inside)
    assert tasks.owner.any()
    assert not tasks.owner[:12].any()


def test_the_summary_adds_up():
    probability, applicable, inside = land(5)
    summary = tasks_of(probability, applicable, inside).summary
    assert summary.land_ha == inside.sum()
    assert summary.statement_ha + summary.no_statement_ha == summary.land_ha
    known = inside & applicable & np.isfinite(probability)
    assert summary.expected_finds_all == pytest.approx(float(probability[known].sum()), rel=1e-5)


@pytest.mark.parametrize(
    "changed",
    [{"min_ha": 5.0, "max_ha": 4.0}, {"budget_ha": 0.0}, {"cell_ha": 20.0}, {"cell_ha": 0.0}],
)
def test_sizes_that_cannot_be_met_are_refused(changed):
    with pytest.raises(InputError):
        tasks_of(np.full((5, 5), 0.1), **changed)


def test_probabilities_out_of_range_are_refused():
    with pytest.raises(InputError, match="0 to 1"):
        tasks_of(np.full((5, 5), 1.2))


def test_the_team_days_are_kept_to_and_cheap_land_goes_first():
    probability = np.full((40, 40), 0.1)
    effort = np.full((40, 40), 0.1)
    effort[:, 20:] = 0.4
    tasks = tasks_of(probability, effort=effort, budget_ha=400, random_share=0, team_days=20.0)
    assert tasks.table["team_days"].sum() <= 20.0
    # 20 days pay for 200 ha at 0.1 a hectare, and the same finds cost four times as much beyond.
    assert tasks.table["hectares"].sum() == pytest.approx(200, abs=5)
    assert (tasks.owner[:, 20:] > 0).sum() < 10


def test_impact_moves_tasks_and_stays_a_column_of_its_own():
    probability = np.full((20, 20), 0.1)
    near = np.zeros((20, 20))
    near[:, 15:] = 1.0
    asked = {"criteria": {"resettlement": near}, "random_share": 0, "budget_ha": 40}
    weighed = {"hazard": 1.0, "resettlement": 3.0}
    tasks = tasks_of(probability, weights=weighed, **asked)
    assert (tasks.owner[:, 15:] > 0).sum() == 40
    row = tasks.table.iloc[0]
    # danger 1 / 4 + resettlement 3 / 4 * 1
    assert (row["impact"], row["impact_resettlement"]) == (pytest.approx(1.0), 1.0)
    assert row["probability"] == pytest.approx(0.1)
    assert row["benefit"] == pytest.approx(row["expected_finds"])
    far = tasks_of(probability, weights=weighed, open_land=near == 0, **asked).table.iloc[0]
    assert far["impact"] == pytest.approx(0.25)


def test_land_to_learn_from_is_novel_cannot_say_land_and_apart():
    probability = np.full((60, 60), 0.1)
    applicable = np.zeros((60, 60), dtype=bool)
    applicable[:, :20] = True
    novelty = np.where(applicable, 0.5, 1.2)
    novelty[50:, 50:] = novelty[:10, 50:] = 2.5
    asked = {"dissimilarity": novelty, "learn_share": 0.5, "random_share": 0, "budget_ha": 160}
    table = tasks_of(probability, applicable, **asked).table
    learn = table[table["arm"] == Arm.LEARN]
    assert learn["hectares"].sum() <= 80
    assert (learn["applicable_share"] == 0).all()
    assert learn["probability"].isna().all()
    assert list(learn["rank"]) == list(range(1, len(learn) + 1))
    # The two most novel corners lie 40 cells apart; the first two go one to each.
    tasks = tasks_of(probability, applicable, **asked)
    places = [np.argwhere(tasks.owner == number).mean(axis=0) for number in learn["task"][:2]]
    assert np.hypot(*(places[0] - places[1])) > 30
    assert set(table["arm"]) == {Arm.RANKED, Arm.LEARN}


def test_a_place_that_the_interval_does_not_shake_holds():
    probability = np.full((30, 30), 0.01)
    probability[:10], probability[12:20], probability[25:] = 0.9, 0.1, 0.001
    asked = {"random_share": 0, "budget_ha": 900, "min_ha": 20, "max_ha": 60}
    table = tasks_of(probability, **asked).table
    assert (table["rank_low"] <= table["rank_high"]).all()
    first = table[table["probability"] > 0.8]
    last = table[table["probability"] < 0.002]
    assert first["rank_high"].max() < last["rank_low"].min()
    # Without criteria there is no weight to change.
    assert (table["weight_rank_low"] == table["rank"]).all()
    assert (table["weight_rank_high"] == table["rank"]).all()


def test_even_land_has_undecided_ranks():
    tasks = tasks_of(np.full((30, 30), 0.1), random_share=0, budget_ha=400)
    assert (tasks.table["place"] == Firmness.UNDECIDED).all()


def test_control_keeps_to_its_share_of_the_days():
    tasks = tasks_of(np.full((30, 30), 0.1), budget_ha=400, team_days=10.0, random_share=0.2)
    days = tasks.table.loc[tasks.table["arm"] == Arm.CONTROL, "team_days"].sum()
    assert 0 < days <= 2.0


def test_the_interval_of_a_task_is_that_of_its_joint_draws_not_the_mean_of_its_ends():
    probability = np.full((6, 6), 0.2)
    alone = np.random.default_rng(1).uniform(0.05, 0.35, size=(500, 36))

    def apart(rows, columns):
        for begin in range(0, rows.size, 5):  # pieces that part tasks
            piece = slice(begin, begin + 5)
            yield piece, alone[:, 6 * rows[piece] + columns[piece]]

    def together(rows, columns):
        yield slice(0, rows.size), alone[:, :1].repeat(rows.size, axis=1)

    asked = {"random_share": 0.0, "min_ha": 9.0, "max_ha": 9.0, "budget_ha": 36.0}
    narrow, wide = (tasks_of(probability, joint=each, **asked).table for each in (apart, together))
    cells = narrow["cells"].to_numpy()
    assert (cells >= 4).all()
    # Errors of cells that are apart cancel; of cells that move together none does.
    assert (narrow["upper"] - narrow["lower"]).max() < 0.3 * 2 / np.sqrt(cells.min())
    np.testing.assert_allclose(wide["lower"], 0.05 + 0.05 * 0.3, atol=0.02)
    np.testing.assert_allclose(wide["upper"], 0.35 - 0.05 * 0.3, atol=0.02)
    assert set(wide["band"]) == {1}


def test_bands_are_a_result_of_the_summary():
    probability = np.full((4, 8), 0.02)
    probability[:, :4] = 0.5
    low = np.random.default_rng(2).normal(1.0, 0.02, size=(500, 1))

    def joint(rows, columns):
        yield slice(0, rows.size), np.clip(probability[rows, columns] * low, 0, 1)

    made = tasks_of(probability, joint=joint, random_share=0.0, min_ha=16.0, max_ha=16.0,
                    budget_ha=32.0)  # fmt: skip
    assert list(made.table["band"]) == list(range(1, made.summary.bands + 1))
    assert made.summary.bands == 2
