import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from minerisk.features.errors import InputError
from minerisk.models.attribution import attribute_to_families, in_order, top_families
from minerisk.models.estimators.members import (
    BesideRule,
    BlendedMembers,
    LinearMembers,
    TreeMembers,
)

FAMILIES = {"line": ["a"], "ground": ["b", "c"]}


class Speaking:
    """What `attribute_to_families` asks of a model: its members and its columns."""

    findings = None
    threads = 1

    def __init__(self, members):
        self.members = members

    def columns(self, cells):
        return cells


def cells(n=300):
    values = np.random.default_rng(1).normal(size=(n, 3)).astype(np.float32)
    values[::17, 1] = np.nan
    return pd.DataFrame(values, columns=["a", "b", "c"])


def test_a_linear_model_adds_coefficient_times_standardised_value():
    members = LinearMembers(
        fill=np.array([1.0, 0.0, 0.0]),
        scale=np.array([2.0, 1.0, 0.5]),
        coefficients=np.array([[1.0, -1.0, 0.0], [3.0, -1.0, 2.0]]),
        intercepts=np.zeros(2),
    )
    given = pd.DataFrame({"a": [5.0, 1.0], "b": [2.0, np.nan], "c": [0.5, 0.0]}, dtype="float32")
    names, values = attribute_to_families(Speaking(members), given, FAMILIES)
    assert names == ["line", "ground"]
    # (5 - 1) / 2 * 2; 2 * -1 + 0.5 / 0.5 * 1; the missing value adds nothing.
    np.testing.assert_allclose(values, [[4.0, -1.0], [0.0, 0.0]])
    mean = members.log_odds(given.to_numpy(), threads=1).mean(axis=1)
    np.testing.assert_allclose(values.sum(axis=1), mean)


def boosters(**chosen):
    given = cells()
    y = (given["a"] + given["c"] ** 2 > 0.5).astype(int)
    quiet = {"verbosity": -1, "num_threads": 1, "objective": "binary"} | chosen
    return [lgb.train(quiet | {"seed": s}, lgb.Dataset(given, y), 5) for s in (1, 2)]


def test_trees_are_explained_by_their_boosted_members():
    one, two = boosters()
    (forest, _) = boosters(boosting="rf", bagging_freq=1, bagging_fraction=0.5)
    members = TreeMembers((one, forest, two), (False, True, False))
    names, values = attribute_to_families(Speaking(members), cells(), FAMILIES)
    known = np.mean([b.predict(cells(), pred_contrib=True) for b in (one, two)], axis=0)
    np.testing.assert_allclose(values[:, 0], known[:, 0], atol=1e-5)
    np.testing.assert_allclose(values[:, 1], known[:, 1] + known[:, 2], atol=1e-5)


def test_the_strongest_families_are_coded_with_their_direction():
    values = np.array([[0.1, -2.0, 0.5], [0.0, 0.0, 0.3]], dtype=np.float32)
    # Family 1 lowers: 2 * 1 + 1; family 2 raises: 4; then family 0: 0.
    np.testing.assert_array_equal(top_families(values, 3), [[3, 4, 0], [4, 255, 255]])
    np.testing.assert_array_equal(top_families(values[:, :2], 3)[:, 2], [255, 255])


@pytest.mark.parametrize("beside", [False, True])
def test_of_two_models_blended_the_lesser_is_worked_out_only_where_it_can_change_the_order(beside):
    rng = np.random.default_rng(0)
    names = ["a", "b", "c", "d", "edge"]
    given = pd.DataFrame(rng.normal(size=(3_000, 5)).astype(np.float32), columns=names)
    given["edge"] = rng.choice([-9_000, -100, 0, 2_000, 9_000], len(given)).astype(np.float32)
    trained = []
    for seed in range(4):
        y = given.to_numpy()[:, :4] @ rng.normal(size=4) > 0
        quiet = {"verbosity": -1, "num_threads": 1, "objective": "binary", "num_leaves": 7}
        trained.append(lgb.train(quiet | {"seed": seed}, lgb.Dataset(given, y), 20))
    members = BlendedMembers(TreeMembers(tuple(trained), (False,) * 4), edge=4, blend_m=1_000.0)
    if beside:
        members = BesideRule(members, columns=(0, 1), power=0.5)
    families = {name: [name] for name in names}
    _, whole = attribute_to_families(Speaking(members), given, families)
    _, enough = attribute_to_families(Speaking(members), given, families, strongest=3)
    np.testing.assert_array_equal(top_families(enough, 3), top_families(whole, 3))
    same = (enough == whole).all(axis=1)
    assert same[np.isin(given["edge"], [-100, 0])].mean() > 0.5  # near the edge both count
    assert same[np.abs(given["edge"]) == 9_000].mean() < 0.2


def test_an_order_is_sure_where_no_value_can_pass_another():
    off = np.full((1, 3), 0.1)
    assert in_order(np.array([[1.0, -0.5, 0.1]]), off, 2)[0]
    assert not in_order(np.array([[1.0, -0.9, 0.1]]), off, 2)[0]  # 0.9 and 1.0 may change places
    assert not in_order(np.array([[1.0, -0.5, 0.31]]), off, 2)[0]  # the third may be the second
    assert not in_order(np.array([[1.0, 0.0, 0.0]]), off, 3)[0]  # nobody knows the signs
    assert in_order(np.array([[1.0, 0.0, 0.0]]), np.zeros((1, 3)), 3)[0]  # two add nothing
    assert not in_order(np.array([[1.0, 1.0, 0.0]]), np.zeros((1, 3)), 2)[0]


def test_a_column_of_no_family_is_refused():
    with pytest.raises(InputError, match="'c'"):
        attribute_to_families(Speaking(None), cells(), {"line": ["a"], "ground": ["b"]})
