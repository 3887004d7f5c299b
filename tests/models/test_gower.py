"""Gower's distance against its definition, pair by pair, and where folds and land go by it."""

import numpy as np
import pandas as pd
import pytest

from minerisk.features.errors import InputError
from minerisk.models.applicability.by_gower import GowerApplicability
from minerisk.models.folds.knndm import KNNDM
from minerisk.models.folds.nearest import nearest_distance, nearest_index
from minerisk.models.gower import GowerSpace


def table(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "slope_deg": rng.uniform(0, 40, rows),
            "front_m": rng.exponential(4_000, rows),
            "cover": rng.choice(["wood", "grass", "bog"], rows),
            "soil": pd.Categorical(rng.choice([1, 5, 9], rows)),
        }
    )


def by_definition(one: pd.Series, other: pd.Series, rows: pd.DataFrame) -> float:
    """The mean over features of |difference| / range, or of 1 where classes differ."""
    parts = [
        abs(one[name] - other[name]) / (rows[name].max() - rows[name].min())
        for name in ("slope_deg", "front_m")
    ]
    parts += [float(one[name] != other[name]) for name in ("cover", "soil")]
    return float(np.mean(parts))


def test_sums_of_absolute_differences_are_gowers_distance() -> None:
    rows = table(30, 0)
    points = GowerSpace.fit(rows).points(rows)
    for i in range(0, 30, 3):
        for j in range(30):
            expected = by_definition(rows.iloc[i], rows.iloc[j], rows)
            assert np.abs(points[i] - points[j]).sum() == pytest.approx(expected, abs=1e-12)


def test_a_class_that_was_never_seen_differs_from_every_class() -> None:
    rows = table(30, 0)
    space = GowerSpace.fit(rows)
    new = rows.iloc[[0]].assign(cover="glacier")
    apart = np.abs(space.points(new) - space.points(rows.iloc[[0]])).sum()
    assert apart == pytest.approx(1 / 4)


def test_a_missing_class_is_not_a_class() -> None:
    rows = table(30, 0)
    new = rows.iloc[[0, 1]].assign(cover=[None, "bog"])
    points = GowerSpace.fit(rows).points(new)
    assert np.isnan(points[0]).any()
    assert np.isfinite(points[1]).all()


@pytest.mark.parametrize("features", [["slope_deg", "cover"], None])
def test_the_nearest_row_is_that_of_all_pairs(features: list[str] | None) -> None:
    rows, new = table(60, 1), table(20, 2)
    rows, new = (rows[features], new[features]) if features else (rows, new)
    space = GowerSpace.fit(rows)
    there, own = space.points(rows), space.points(new)
    pairs = np.abs(own[:, None, :] - there[None, :, :]).sum(axis=2)
    np.testing.assert_allclose(nearest_distance(own, there, order=1), pairs.min(axis=1))
    found = nearest_index(own, there, order=1)
    np.testing.assert_allclose(pairs[np.arange(20), found], pairs.min(axis=1))


def test_folds_follow_classes_that_the_target_lacks() -> None:
    """Surveyed land has four classes, unsurveyed land a fifth: whole classes are left out."""
    rng = np.random.default_rng(3)
    cover = np.repeat(["wood", "grass", "bog", "scrub"], 60)
    rows = pd.DataFrame({"slope_deg": rng.uniform(0, 10, 240), "cover": cover})
    target = pd.DataFrame({"slope_deg": rng.uniform(0, 10, 50), "cover": "field"})
    match = KNNDM(4, target=target, space="features").match(rows)
    assert match.wasserstein < 0.1 * match.wasserstein_random
    by_class = pd.crosstab(cover, match.fold).to_numpy()
    assert (by_class > 0).sum() == 4


def test_a_number_of_a_class_is_no_distance() -> None:
    """Codes 1 and 9 are as far apart as 1 and 2: the same folds whatever the codes are."""
    rows, target = table(200, 4), table(50, 5)
    again = {1: 9, 5: 1, 9: 5}
    one = KNNDM(4, target=target, space="features").match(rows)
    two = KNNDM(4, target=_coded(target, again), space="features").match(_coded(rows, again))
    assert one.wasserstein == pytest.approx(two.wasserstein, rel=0.2)
    np.testing.assert_allclose(one.target_distance, two.target_distance, atol=1e-12)


def _coded(rows: pd.DataFrame, codes: dict[int, int]) -> pd.DataFrame:
    return rows.assign(soil=pd.Categorical(rows["soil"].map(codes)))


def test_land_of_a_new_class_is_beyond_the_area_of_applicability() -> None:
    rows, new = table(400, 6), table(100, 7)
    importance = {"slope_deg": 1.0, "cover": 3.0}
    area = GowerApplicability.fit(rows, importance, np.arange(400) % 5)
    like = area.novelty(new)
    unlike = area.novelty(new.assign(cover="glacier"))
    assert area.applicable(like.dissimilarity).mean() > 0.8
    assert not area.applicable(unlike.dissimilarity).any()
    assert unlike.density.max() == 0 < like.density.min() + 1


def test_one_fold_cannot_tell_what_is_too_far() -> None:
    rows = table(20, 8)
    with pytest.raises(InputError, match="at least two"):
        GowerApplicability.fit(rows, {"cover": 1.0}, np.zeros(20))
