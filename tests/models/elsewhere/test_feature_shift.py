"""How far a feature differs on new land, against SciPy and by hand."""

import numpy as np
import pytest
from scipy.stats import ks_2samp

from minerisk.models.elsewhere.feature_shift import FeatureShift


@pytest.mark.parametrize("seed", range(5))
def test_the_distance_is_that_of_kolmogorov_and_smirnov(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, two = rng.normal(size=300).round(1), rng.normal(0.4, 1.5, size=170).round(1)
    found = FeatureShift.of(one, two)
    assert found.distance == pytest.approx(ks_2samp(one, two).statistic)
    spread = np.sqrt((one.var() + two.var()) / 2)
    assert found.difference == pytest.approx((two.mean() - one.mean()) / spread)
    assert found.outside == np.mean((two < one.min()) | (two > one.max()))


def test_missing_values_are_counted_and_compared_with_nothing() -> None:
    found = FeatureShift.of([1.0, np.nan], [np.nan, np.nan, 1.0, 3.0])
    assert (found.missing_trained, found.missing_there) == (0.5, 0.5)
    assert (found.mean_trained, found.mean_there, found.outside) == (1.0, 2.0, 0.5)


def test_a_feature_without_a_value_on_one_side_has_no_shift() -> None:
    assert FeatureShift.of([1.0, 2.0], [np.nan])[1:5] == (None, None, None, None)


def test_constant_features_differ_by_nothing_or_by_no_number_of_deviations() -> None:
    assert FeatureShift.of([2.0, 2.0], [2.0]).difference == 0.0
    assert FeatureShift.of([2.0, 2.0], [3.0]).difference is None
