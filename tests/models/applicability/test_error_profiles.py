"""Expected error rises with dissimilarity, falls with density, and reads back a known curve."""

import json

import numpy as np
import pytest

from minerisk.features.errors import InputError
from minerisk.models.applicability.area_of_applicability import Novelty
from minerisk.models.applicability.error_profiles import ErrorProfile, log_loss_above_prevalence


def novelty(rng, n=20_000):
    di = rng.exponential(0.3, n).astype(np.float32)
    density = rng.poisson(20 * np.exp(-di)).astype(np.float32)
    return Novelty(di, density)


def test_a_known_curve_is_read_back():
    rng = np.random.default_rng(0)
    seen = novelty(rng)
    truth = 0.1 + 0.3 * np.minimum(seen.dissimilarity, 1) - 0.005 * seen.density
    profile = ErrorProfile.fit(seen, truth + rng.normal(0, 0.3, truth.size))
    assert np.abs(profile.expected(seen) - truth).mean() < 0.02


def test_it_is_monotone_whatever_the_errors():
    rng = np.random.default_rng(1)
    seen = novelty(rng, 500)
    profile = ErrorProfile.fit(seen, rng.normal(size=500) - seen.dissimilarity)
    grid = np.linspace(0, 4, 200, dtype=np.float32)
    assert (np.diff(profile.expected(Novelty(grid, np.full(200, 9, np.float32)))) >= 0).all()
    assert (np.diff(profile.expected(Novelty(np.full(200, 1, np.float32), grid * 9))) <= 0).all()


def test_nodata_has_no_expected_error_and_a_file_changes_no_bit():
    rng = np.random.default_rng(2)
    seen = novelty(rng, 900)
    seen.dissimilarity[3] = seen.density[3] = np.nan
    profile = ErrorProfile.fit(seen, rng.random(900))
    expected = profile.expected(seen)
    assert np.isnan(expected).nonzero()[0].tolist() == [3]
    again = ErrorProfile.from_dict(json.loads(json.dumps(profile.to_dict())))
    np.testing.assert_array_equal(again.expected(seen), expected)


def test_log_loss_above_prevalence_by_hand():
    p = [0.25, 0.5, 0.25, 0.25]
    found = log_loss_above_prevalence([0, 1, 0, 0], p)
    np.testing.assert_allclose(found, [0, -np.log(2), 0, 0])


def test_what_cannot_be_fitted_is_refused():
    seen = Novelty(np.float32([0.1, np.nan]), np.float32([1, np.nan]))
    with pytest.raises(InputError, match="2 or more"):
        ErrorProfile.fit(seen, [0.1, 0.2])
    plain = ErrorProfile.fit(Novelty(np.float32([0, 1]), np.float32([2, 1])), [0.1, 0.2]).to_dict()
    with pytest.raises(InputError, match="damaged"):
        ErrorProfile.from_dict(plain | {"by_dissimilarity": [0.5, 0.1]})
