import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from minerisk.features.errors import InputError
from minerisk.models.estimators import estimators
from minerisk.models.estimators.column_pipeline import (
    baselines,
    risk_columns,
    risk_pipeline,
)
from minerisk.models.estimators.distance_rule import DistanceRule
from minerisk.models.estimators.estimators import (
    LightGBMEnsemble,
    LogisticEnsemble,
)
from minerisk.models.estimators.findings_encoder import FindingsEncoder
from minerisk.models.estimators.random_forest import RandomForest
from minerisk.models.estimators.remembered import Remembered
from minerisk.models.estimators.stored_members import members_from_files


def made_up(n: int = 1_500, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    cells = pd.DataFrame(
        {
            "easting": rng.uniform(0, 50_000, n),
            "northing": rng.uniform(0, 50_000, n),
            "front_distance_m": rng.uniform(0, 20_000, n),
            "slope_deg": rng.uniform(0, 40, n),
        }
    )
    odds = -1.0 - cells["front_distance_m"] / 4_000 + 0.05 * cells["slope_deg"]
    return cells, (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int)


def small(**settings: object) -> LightGBMEnsemble:
    return LightGBMEnsemble(**{"members": 3, "trees": 20, "min_cells_in_leaf": 20} | settings)


FEATURES = ["front_distance_m", "slope_deg"]


def test_the_ensemble_learns_and_is_the_same_for_any_number_of_threads() -> None:
    cells, y = made_up()
    one = small(threads=1).fit(cells[FEATURES], y).predict_proba(cells[FEATURES])
    two = small(threads=2).fit(cells[FEATURES], y).predict_proba(cells[FEATURES])
    np.testing.assert_array_equal(one, two)
    assert roc_auc_score(y, one[:, 1]) > 0.7


def test_members_differ_because_their_blocks_do() -> None:
    cells, y = made_up()
    groups = (cells["easting"] // 10_000).to_numpy()
    spread = small(row_share=1.0, feature_share=1.0).fit(cells[FEATURES], y, groups=groups)
    assert (spread.member_log_odds(cells[FEATURES]).std(axis=1) > 0).mean() > 0.9


def test_a_draw_without_both_classes_is_refused() -> None:
    cells, y = made_up()
    with pytest.raises(InputError, match="only one class"):
        small().fit(cells[FEATURES], np.zeros_like(y))


def test_a_row_of_weight_zero_counts_as_if_it_were_not_there() -> None:
    cells, y = made_up()
    weight = np.r_[np.ones(1_000), np.zeros(500)]
    with_them = small(row_share=1.0).fit(cells[FEATURES], y, sample_weight=weight)
    without = small(row_share=1.0).fit(cells[FEATURES][:1_000], y[:1_000])
    np.testing.assert_allclose(
        with_them.predict_proba(cells[FEATURES]), without.predict_proba(cells[FEATURES])
    )


def test_the_distance_rule_ranks_by_distance_alone() -> None:
    cells, y = made_up()
    score = DistanceRule(["front_distance_m"]).fit(cells, y).predict_proba(cells)[:, 1]
    assert (np.argsort(-score) == np.argsort(cells["front_distance_m"])).all()
    with pytest.raises(InputError, match="needs the column"):
        DistanceRule(["rivers_distance_m"]).fit(cells, y)


def test_of_several_lines_the_rule_goes_by_the_nearest_that_is_known() -> None:
    early, late = [500.0, np.nan, 9_000.0, np.nan], [np.nan, 600.0, 8_000.0, np.nan]
    cells = pd.DataFrame({"front_1992_distance_m": early, "front_1995_distance_m": late})
    rule = DistanceRule(list(cells)).fit(cells, [1, 1, 0, 0])
    assert rule.columns_ == list(cells)
    # Where no line is known the land comes last.
    assert np.argsort(-rule.predict_proba(cells)[:, 1]).tolist() == [0, 1, 2, 3]


def test_a_line_that_misleads_is_no_part_of_the_rule() -> None:
    cells = pd.DataFrame(
        {"front_a_distance_m": [1.0, 2.0, 3.0, 4.0], "front_b_distance_m": [4.0, 3.0, 0.5, 0.1]}
    )
    rule = DistanceRule(list(cells)).fit(cells, [1, 1, 0, 0])
    assert rule.columns_ == ["front_a_distance_m"]


def test_every_rule_of_thumb_fits_with_missing_values_and_gives_probabilities() -> None:
    cells, y = made_up()
    cells.loc[::7, "slope_deg"] = np.nan
    models = baselines(
        risk_columns(FEATURES, None),
        risk_columns(FEATURES, FindingsEncoder()),
        rule_columns=("front_distance_m",),
        seed=0,
    )
    assert set(models) == {
        "random_forest",
        "logistic_regression",
        "distance_rule",
        "prevalence",
    }
    for name, model in models.items():
        p = clone(model).fit(cells, y).predict_proba(cells)[:, 1]
        assert np.isfinite(p).all(), name
        assert name == "distance_rule" or abs(p.mean() - y.mean()) < 0.05, name


def test_the_pipeline_feeds_findings_to_the_classifier() -> None:
    cells, y = made_up()
    pipeline = risk_pipeline(FEATURES, findings=FindingsEncoder(), classifier=small())
    pipeline.fit(cells, y)
    assert list(pipeline[:-1].transform(cells).columns) == [
        *FEATURES,
        "findings_1_distance_m",
        "findings_10_distance_m",
        "findings_within_5000m",
    ]


@pytest.mark.parametrize("rare", [0, 9])
def test_trees_that_cannot_be_split_say_the_share_of_positives(rare: int) -> None:
    cells, y = made_up(n=600 if rare else 100)
    X = cells[["slope_deg"]].assign(
        **{f"rare_{k}": (np.arange(len(y)) % 5 == k % 5).astype(float) for k in range(rare)}
    )
    weight = np.where(y == 1, 1.0, 3.0)
    forest = small(kind="forest", feature_share=0.1 if rare else 1.0).fit(
        X, y, sample_weight=weight
    )
    leaves = forest.members_.boosters[0].model_to_string().split("num_leaves=")[1:]
    unsplit = [text.startswith("1\n") for text in leaves]
    assert any(unsplit)
    assert all(unsplit) != bool(rare)
    read = members_from_files(forest.members_.to_files(), columns=1 + rare)
    share = expit(read.log_odds(X.to_numpy(np.float32), threads=1)).mean(axis=1)
    assert np.average(share, weights=weight) == pytest.approx(
        np.average(y, weights=weight), rel=0.05 if rare else 1e-6
    )


def test_a_forest_says_shares_and_both_is_the_mean_of_the_two() -> None:
    cells, y = made_up()
    X = cells[FEATURES]
    both = small(kind="both", members=4, feature_share=1.0).fit(X, y)
    forest = small(kind="forest", members=4, feature_share=1.0).fit(X, y)
    boosted = small(members=4, feature_share=1.0).fit(X, y)
    assert both.members_.forest == (False, True, False, True)
    np.testing.assert_array_equal(
        both.member_log_odds(X)[:, [1, 3]], forest.member_log_odds(X)[:, [1, 3]]
    )
    np.testing.assert_array_equal(
        both.member_log_odds(X)[:, [0, 2]], boosted.member_log_odds(X)[:, [0, 2]]
    )
    raw = forest.members_.boosters[0].predict(X.to_numpy(np.float32))
    assert abs(raw.mean() - y.mean()) < 0.05
    np.testing.assert_allclose(forest.member_log_odds(X)[:, 0], np.log(raw / (1 - raw)))


def test_a_monotone_column_never_moves_the_score_the_other_way() -> None:
    cells, y = made_up()
    flipped = 1 - y
    held = small(monotone={"front_distance_m": -1, "not_there": 1}).fit(cells[FEATURES], flipped)
    along = pd.DataFrame({"front_distance_m": np.linspace(0, 20_000, 200), "slope_deg": 20.0})
    assert (np.diff(held.predict_proba(along)[:, 1]) <= 0).all()
    loose = small().fit(cells[FEATURES], flipped).predict_proba(along)[:, 1]
    assert loose[-1] > loose[0] + 0.1
    with pytest.raises(InputError, match="without column names"):
        small(monotone={"slope_deg": 1}).fit(cells[FEATURES].to_numpy(), y)


def test_the_logistic_members_say_what_scikit_learn_says() -> None:
    cells, y = made_up()
    X = cells[FEATURES]
    ours = LogisticEnsemble(members=1).fit(X, y).predict_proba(X)[:, 1]
    theirs = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(X, y)
    np.testing.assert_allclose(ours, theirs.predict_proba(X)[:, 1], atol=2e-4)


def test_a_single_member_sees_every_block() -> None:
    cells, y = made_up()
    X, blocks = cells[FEATURES], np.arange(len(y)) // 40
    one = small(members=1)
    np.testing.assert_array_equal(
        clone(one).fit(X, y, groups=blocks).predict_proba(X), clone(one).fit(X, y).predict_proba(X)
    )
    two = [small(members=2).fit(X, y, groups=groups) for groups in (blocks, None)]
    assert (two[0].predict_proba(X) != two[1].predict_proba(X)).any()


def test_the_random_forest_ranks_as_scikit_learn_s_does() -> None:
    rng = np.random.default_rng(4)
    X = rng.normal(size=(6_000, 9)).astype(np.float32)
    y = (rng.random(6_000) < expit(X[:, 0] + X[:, 1] * X[:, 2] - 1)).astype(int)
    train, test = slice(0, 4_000), slice(4_000, 6_000)
    theirs = RandomForestClassifier(100, min_samples_leaf=50, random_state=0, n_jobs=1)
    ours = RandomForest(seed=0)
    auc = [
        roc_auc_score(y[test], model.fit(X[train], y[train]).predict_proba(X[test])[:, 1])
        for model in (ours, theirs)
    ]
    assert auc[0] == pytest.approx(auc[1], abs=0.01)


def test_every_second_pair_of_members_is_blind_to_hidden_columns() -> None:
    cells, y = made_up()
    model = small(members=4, hidden=("front_distance_m",)).fit(cells[FEATURES], y)
    moved = cells[FEATURES].assign(front_distance_m=0.0)
    changed = model.member_log_odds(moved) != model.member_log_odds(cells[FEATURES])
    assert changed.any(axis=0).tolist() == [True, True, False, False]


def test_a_mixed_ensemble_takes_the_members_that_were_trained_before() -> None:
    X, y = made_up()
    groups, known = np.arange(len(y)) // 50, Remembered()
    for kind in ("boosted", "forest"):
        small(kind=kind, members=4).fit(X, y, groups=groups, known=known)
    hidden = ("slope_deg",)
    mixed = small(kind="both", members=4, hidden=hidden).fit(X, y, groups=groups, known=known)
    alone = small(kind="both", members=4, hidden=hidden).fit(X, y, groups=groups)
    assert (mixed.predict_proba(X) == alone.predict_proba(X)).all()
    boosted = small(kind="boosted", members=4).fit(X, y, groups=groups, known=known)
    assert mixed.members_.boosters[0] is boosted.members_.boosters[0]
    assert mixed.members_.boosters[2] is not boosted.members_.boosters[2]  # it is blind


def test_members_of_very_many_rows_are_trained_by_lightgbm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    X, y = made_up(6_000)
    own = small(kind="both", members=2, hidden=()).fit(X, y).predict_proba(X)[:, 1]
    monkeypatch.setattr(estimators, "MOST_ROWS", 1_000)
    theirs = small(kind="both", members=2, hidden=()).fit(X, y).predict_proba(X)[:, 1]
    assert not np.array_equal(own, theirs)
    assert abs(roc_auc_score(y, own) - roc_auc_score(y, theirs)) < 0.01
    assert np.abs(own - theirs).mean() < 0.1 * own.std()
