"""Trees beside a rule of thumb whose power is stated."""

import json

import numpy as np
import pandas as pd
import pytest

from minerisk.features.errors import InputError
from minerisk.models.estimators import LightGBMEnsemble, members_from_files
from minerisk.models.estimators.members import FAR_M, BesideRule

SIZE = {"members": 2, "trees": 10, "min_cells_in_leaf": 20}


@pytest.fixture(scope="module")
def land():
    """Risk rises with the slope alone; two distances, one of them unknown in a tenth of cells."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.random((1_000, 3)), columns=["slope", "old_m", "new_m"])
    X[["old_m", "new_m"]] *= 20_000
    X.loc[:99, "new_m"] = np.nan
    return X.astype(np.float32), (rng.random(1_000) < X["slope"] / 2).to_numpy().astype(int)


def test_twice_as_far_divides_the_odds_by_two_to_the_power(land):
    X, y = land
    plain = LightGBMEnsemble(**SIZE).fit(X, y)
    rule = {"rule_columns": ("old_m", "new_m"), "rule_power": 4.0}
    beside = LightGBMEnsemble(**SIZE, **rule).fit(X, y)
    nearest = X[["old_m", "new_m"]].min(axis=1).to_numpy(dtype=np.float64)
    added = beside.member_log_odds(X) - plain.member_log_odds(X)
    expected = 4.0 * np.log(11_000 / (nearest + 1_000))
    np.testing.assert_allclose(added, np.column_stack([expected, expected]), atol=1e-9)
    unknown = X.head(1).assign(old_m=np.nan, new_m=np.nan)
    far = X.head(1).assign(old_m=FAR_M, new_m=FAR_M)
    rules = [beside.members_.rule(rows.to_numpy(np.float32)) for rows in (unknown, far)]
    np.testing.assert_array_equal(*rules)


def test_the_same_scores_come_back_from_files_and_what_is_no_rule_is_refused(land):
    X, y = land
    members = LightGBMEnsemble(**SIZE, rule_columns=("old_m",), rule_power=2.0).fit(X, y).members_
    assert isinstance(members, BesideRule)
    files = members.to_files()
    matrix = X.to_numpy(np.float32)
    read = members_from_files(files, columns=3)
    scores = [each.log_odds(matrix, threads=1) for each in (read, members)]
    np.testing.assert_array_equal(*scores)
    record = json.loads(files["members.json"])
    for change in ({"power": 0.0}, {"columns": [7]}, {"columns": []}, {"trees": record}):
        changed = files | {"members.json": json.dumps(record | change).encode()}
        with pytest.raises(InputError, match="Train"):
            members_from_files(changed, columns=3)


def test_a_rule_without_its_distances_is_refused(land):
    X, y = land
    for columns in ((), ("front_m",)):
        with pytest.raises(InputError, match="rule beside the trees"):
            LightGBMEnsemble(**SIZE, rule_columns=columns, rule_power=1.0).fit(X, y)
