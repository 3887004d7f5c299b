import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from minerisk.features.errors import InputError
from minerisk.models.attribution import attribute_to_families, top_families
from minerisk.models.estimators.members import LinearMembers, TreeMembers

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


def test_a_column_of_no_family_is_refused():
    with pytest.raises(InputError, match="'c'"):
        attribute_to_families(Speaking(None), cells(), {"line": ["a"], "ground": ["b"]})
