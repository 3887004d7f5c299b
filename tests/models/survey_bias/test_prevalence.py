import numpy as np
import pytest
from scipy.special import expit, logit

from minerisk.features.errors import InputError
from minerisk.models.survey_bias.prevalence import compare_readings, unsurveyed_prevalence
from minerisk.models.survey_bias.propensity import transport_weights

FOUR = np.array([True, True, False, False])


def blocks_of(n: int, size: int) -> np.ndarray:
    return np.arange(n) // size


def world(seed: int, n: int = 4_000) -> tuple[np.ndarray, ...]:
    """Give probability, truth, chance and surveyed mask; surveyed land is worse than the rest."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    p, e = expit(-2.5 + 0.8 * x), expit(-0.5 + x)
    return p, rng.random(n) < p, e, rng.random(n) < e


def test_the_estimate_is_the_mean_prediction_plus_the_weighted_residual() -> None:
    n = 20
    surveyed = np.arange(n) % 2 == 0
    found = np.where(surveyed, np.arange(n) % 4 == 0, 0)
    result = unsurveyed_prevalence(
        np.where(surveyed, 0.3, 0.1), found, surveyed * 1.0, np.arange(n), detection=0.8
    )
    assert result.estimate == pytest.approx((0.1 + (0.5 - 0.3)) / 0.8)
    assert result.by_model == pytest.approx(0.1 / 0.8)
    assert result.by_weights == result.surveyed == pytest.approx(0.5 / 0.8)
    assert result.blocks == 10
    assert result.lower < result.estimate < result.upper


def test_a_wrong_model_is_repaired_by_right_weights_and_the_other_way_round() -> None:
    p, truth, chance, surveyed = world(1, n=20_000)
    real = truth[~surveyed].mean()
    weights = transport_weights(chance, surveyed, trim=1.0)
    blocks = blocks_of(len(p), 10)
    flat = unsurveyed_prevalence(np.full(len(p), 0.12), truth, weights, blocks, draws=50)
    even = unsurveyed_prevalence(p, truth, surveyed * 1.0, blocks, draws=50)
    assert flat.estimate == pytest.approx(real, rel=0.1)
    assert even.estimate == pytest.approx(real, rel=0.1)
    assert abs(flat.surveyed - real) > 0.3 * real


def test_the_interval_covers_the_share_of_this_land() -> None:
    inside = []
    for seed in range(50):
        p, truth, chance, surveyed = world(seed)
        weights = transport_weights(chance, surveyed)
        result = unsurveyed_prevalence(
            p, truth, weights, blocks_of(len(p), 10), level=0.9, draws=200
        )
        inside.append(result.lower <= truth[~surveyed].mean() <= result.upper)
    assert 0.80 <= np.mean(inside) <= 0.98


def test_where_model_and_weights_contradict_each_other_the_share_stays_a_share() -> None:
    for seed in range(10):
        p, truth, chance, surveyed = world(seed)
        said = np.where(surveyed, expit(logit(p) + 3), p)
        weights = transport_weights(chance, surveyed)
        result = unsurveyed_prevalence(said, truth, weights, blocks_of(len(p), 10), draws=200)
        residual = np.average((truth - said)[surveyed], weights=weights[surveyed])
        assert said[~surveyed].mean() + residual < 0
        assert 0 < result.lower < result.estimate < result.by_weights < result.upper
        assert result.lower < truth[~surveyed].mean() < result.upper


@pytest.mark.parametrize("blocks", [5, 60])
def test_finding_nothing_anywhere_proves_no_share_of_0(blocks: int) -> None:
    surveyed = np.arange(20 * blocks) % 2 == 0
    nothing = np.zeros(surveyed.size)
    result = unsurveyed_prevalence(
        nothing, nothing, surveyed * 1.0, blocks_of(surveyed.size, 20), detection=0.8
    )
    assert result.estimate == result.lower == 0
    assert result.upper == pytest.approx((1 - 0.025 ** (1 / blocks)) / 0.8)


def test_uncertain_detection_widens_the_interval() -> None:
    p, truth, chance, surveyed = world(2)
    weights, blocks = transport_weights(chance, surveyed), blocks_of(len(p), 10)
    one = unsurveyed_prevalence(p, truth, weights, blocks, detection=0.75)
    span = unsurveyed_prevalence(p, truth, weights, blocks, detection=(0.5, 1.0))
    assert span.estimate == pytest.approx(one.estimate)
    assert span.upper - span.lower > one.upper - one.lower


def test_what_is_known_is_the_least() -> None:
    p, truth, chance, surveyed = world(3)
    weights, blocks = transport_weights(chance, surveyed), blocks_of(len(p), 10)
    result = unsurveyed_prevalence(p, truth, weights, blocks, known=np.ones(len(p), bool))
    assert result.estimate == result.lower == result.upper == result.known == 1.0


def test_the_same_seed_gives_the_same_interval() -> None:
    p, truth, chance, surveyed = world(4)
    weights, blocks = transport_weights(chance, surveyed), blocks_of(len(p), 10)
    first = unsurveyed_prevalence(p, truth, weights, blocks, seed=1)
    assert first == unsurveyed_prevalence(p, truth, weights, blocks, seed=1)


@pytest.mark.parametrize(
    ("p", "weights", "detection", "words"),
    [
        ([0.1, 0.1, 0.1, 0.1], [1, 1, 0, 0], 0.8, "at least 5"),
        ([0.1, 0.1, 0.1, 2.0], [1, 1, 0, 0], 0.8, "not probabilities"),
        ([0.1, 0.1, 0.1, 0.1], [1, -1, 0, 0], 0.8, "negative"),
        ([0.1, 0.1, 0.1], [1, 1, 0, 0], 0.8, "shape"),
        ([0.1, 0.1, 0.1, 0.1], [1, 1, 0, 0], 0.0, "detection"),
    ],
)
def test_wrong_input_is_refused(
    p: list[float], weights: list[float], detection: float, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        unsurveyed_prevalence(p, FOUR, weights, np.arange(4), detection=detection)


def test_readings_are_set_side_by_side() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(0.05, 0.4, 2_000)
    surveyed = np.arange(2_000) < 1_000
    found = rng.random(2_000) < p
    table = compare_readings(
        {"search": p, "unlabelled": p / 4, "flat": 0.2 + 0 * p}, found, surveyed
    )
    rows = table.set_index("reading")
    assert rows.loc["search", "same_top"] == rows.loc["unlabelled", "same_top"] == 1.0
    assert rows.loc["unlabelled", "rank_correlation"] == pytest.approx(1.0)
    assert rows.loc["unlabelled", "roc_auc"] == rows.loc["search", "roc_auc"]
    assert rows.loc["search", "expected_over_found"] == pytest.approx(1.0, abs=0.1)
    assert rows.loc["unlabelled", "expected_over_found"] == pytest.approx(0.25, abs=0.03)
    assert rows.loc["unlabelled", "prevalence"] == pytest.approx(p[1_000:].mean() / 4)
    assert np.isnan(rows.loc["flat", "rank_correlation"])
    with pytest.raises(InputError, match="at least one"):
        compare_readings({}, found, surveyed)
