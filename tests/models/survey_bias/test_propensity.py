import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from minerisk.features.errors import InputError
from minerisk.models.survey_bias import propensity
from minerisk.models.survey_bias.propensity import (
    overlap,
    standardised_differences,
    survey_chance,
    transport_weights,
)


def made_up(n: int = 4_000, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Give features, true chance and surveyed mask."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"road_m": rng.uniform(0, 10_000, n), "slope_deg": rng.uniform(0, 40, n)})
    chance = expit(1.0 - X["road_m"].to_numpy() / 3_000)
    return X, chance, rng.random(n) < chance


def test_the_chance_is_recovered_out_of_fold() -> None:
    X, chance, surveyed = made_up()
    blocks = np.arange(len(X)) // 20
    estimated = survey_chance(X, surveyed, blocks)
    assert np.abs(estimated - chance).mean() < 0.03
    np.testing.assert_array_equal(estimated, survey_chance(X, surveyed, blocks))


def test_the_chance_of_a_cell_does_not_know_whether_it_was_surveyed() -> None:
    rng = np.random.default_rng(1)
    blocks = np.arange(600) // 10
    surveyed = np.repeat(rng.random(60) < 0.5, 10)
    place = blocks[:, None].astype(float)
    chance = survey_chance(place, surveyed, blocks)
    assert np.corrcoef(chance, surveyed)[0, 1] < 0.5


def test_weights_are_odds_with_mean_one_and_nothing_on_unsurveyed_land() -> None:
    weights = transport_weights([0.5, 0.25, 0.5], [True, True, False], trim=1.0)
    np.testing.assert_allclose(weights, [0.5, 1.5, 0.0])


def test_trimming_cuts_the_largest_weights() -> None:
    _, chance, surveyed = made_up()
    free = transport_weights(chance, surveyed, trim=1.0)
    cut = transport_weights(chance, surveyed, trim=0.9)
    assert cut.max() < free.max()
    assert cut[surveyed].mean() == pytest.approx(1.0)


def test_weighted_surveyed_land_looks_like_unsurveyed_land() -> None:
    X, chance, surveyed = made_up()
    found = overlap(X, chance, surveyed, transport_weights(chance, surveyed, trim=1.0))
    road = found.balance.set_index("feature").loc["road_m"]
    assert road["before"] < -0.5
    assert abs(road["after"]) < 0.1
    assert found.unbalanced == []
    assert found.surveyed + found.unsurveyed == len(X)
    assert found.effective_rows < found.surveyed


def test_land_like_none_surveyed_is_counted_as_beyond() -> None:
    X = pd.DataFrame({"road_m": [1.0, 1.0, 9.0, 9.0]})
    chance, surveyed = np.array([0.5, 0.5, 0.5, 0.01]), np.array([True, True, False, False])
    weights = transport_weights(chance, surveyed)
    assert overlap(X, chance, surveyed, weights).beyond_share == 0.5
    assert overlap(X, chance, surveyed, weights, least_chance=0.001).beyond_share == 0.0
    assert overlap(X, chance, surveyed, weights).effective_rows == pytest.approx(2.0)


def test_a_constant_or_empty_column_has_no_difference() -> None:
    X = pd.DataFrame({"same": np.ones(6), "empty": np.full(6, np.nan)})
    mask = np.array([True, True, True, False, False, False])
    table = standardised_differences(X, mask, mask.astype(float))
    assert table[["before", "after"]].isna().all().all()


@pytest.mark.parametrize(
    ("chance", "surveyed", "words"),
    [
        ([0.5, 0.5], [True, True], "some of each"),
        ([0.0, 0.5], [True, False], "within 0 and 1"),
        ([0.5, 0.5, 0.5], [True, False], "shape"),
        ([0.5, 0.5], [1, 2], "more than yes and no"),
    ],
)
def test_what_cannot_be_weighed_is_refused(
    chance: list[float], surveyed: list[bool], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        transport_weights(chance, surveyed)
    with pytest.raises(InputError, match="trim"):
        transport_weights([0.5, 0.5], [True, False], trim=0.0)


def test_chances_of_the_same_land_are_learned_once(monkeypatch):
    learned = []

    def learn(X, surveyed, blocks, *, seed):
        learned.append(seed)
        return survey_chance(X, surveyed, blocks, seed=seed)

    monkeypatch.setattr(propensity, "survey_chance", learn)
    rng = np.random.default_rng(3)
    X, blocks = rng.normal(size=(400, 2)), np.arange(400) // 20
    surveyed = rng.random(400) < 1 / (1 + np.exp(-X[:, 0]))
    known = propensity.KnownChances()
    first = known.of(X, surveyed, blocks, seed=1)
    np.testing.assert_array_equal(first, survey_chance(X, surveyed, blocks, seed=1))
    assert known.of(X.copy(), surveyed, blocks, seed=1) is first
    moved = X.copy()
    moved[0, 0] += 1.0
    for other in ((moved, surveyed, blocks), (X, ~surveyed, blocks), (X, surveyed, blocks + 1)):
        assert known.of(*other, seed=1) is not first
    known.of(X, surveyed, blocks, seed=2)
    assert learned == [1, 1, 1, 1, 2]
