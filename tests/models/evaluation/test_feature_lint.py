"""Features that can name a place are found; those that cannot are left alone."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minerisk.features.errors import InputError
from minerisk.models.cautions import CautionCode
from minerisk.models.evaluation.feature_lint import FLAGS, lint_features, within_region_share


@pytest.fixture(scope="module")
def land():
    row, column = np.divmod(np.arange(10_000), 100)
    points = np.column_stack([column, row]) * 500.0
    region = (row // 25) * 4 + column // 25
    rng = np.random.default_rng(0)
    features = pd.DataFrame(
        {
            "noise": rng.normal(size=10_000),
            "municipality_poverty": rng.normal(size=16)[region].astype(np.float32),
            "mostly_region": rng.normal(size=16)[region] + 0.1 * rng.normal(size=10_000),
            "far_river": np.hypot(points[:, 0] + 9e4, points[:, 1]),
            "hills": np.sin(points[:, 0] / 800) * np.cos(points[:, 1] / 800),
            "flat": np.float32(0.1),
            "gap": np.where(region == 3, np.nan, rng.normal(size=10_000)),
        }
    )
    return features, points, region


@pytest.fixture(scope="module")
def lint(land):
    features, points, region = land
    return lint_features(features, points, regions=region, block_m=8_000)


def test_within_share_by_hand():
    """Regions (0, 2) and (4, 6): within 4, between 16, total 20."""
    assert within_region_share([0, 2, 4, 6], ["a", "a", "b", "b"]) == pytest.approx(4 / 20)
    assert within_region_share([1, 1, 3, 3], [0, 0, 1, 1]) == 0
    assert within_region_share([1, 3, 1, 3], [0, 0, 1, 1]) == pytest.approx(1)
    assert within_region_share([0, 2, np.nan, 4, 6], [0, 0, 0, 1, 1]) == pytest.approx(4 / 20)
    assert np.isnan(within_region_share([5, 5, 5], [0, 0, 1]))
    assert np.isnan(within_region_share([np.nan, np.nan], [0, 1]))


@given(st.integers(0, 2**20), st.floats(0.01, 1e6), st.floats(-1e6, 1e6))
def test_within_share_does_not_depend_on_units_or_names(seed, scale, shift):
    rng = np.random.default_rng(seed)
    values, region = rng.normal(size=100), rng.integers(0, 5, 100)
    share = within_region_share(values, region)
    assert 0 <= share <= 1
    moved = within_region_share(values * scale + shift * scale, 9 - region)
    assert moved == pytest.approx(share, rel=1e-6)


def test_flags(lint):
    table = lint.table.set_index("feature")
    assert table.index[table["constant_per_region"]].tolist() == ["municipality_poverty"]
    assert "mostly_region" in table.index[table["nearly_constant_per_region"]]
    assert table["smooth"]["far_river"]
    assert table.index[table["constant"]].tolist() == ["flat"]
    for good in ("noise", "hills", "gap"):
        assert not table.loc[good, list(FLAGS)].any()
        assert good not in {caution.feature for caution in lint.cautions}
        assert table.loc[good, "within_share"] > 0.9
    assert table["range_to_block"]["far_river"] == table["range_m"]["far_river"] / 8_000
    assert table["known"]["gap"] == pytest.approx(1 - 625 / 10_000)


def test_cautions_name_the_feature_and_the_worst_come_first(lint):
    first, second, *_ = lint.cautions
    assert (first.code, first.feature) == (CautionCode.FEATURE_CONSTANT, "flat")
    assert second.code is CautionCode.FEATURE_NAMES_REGION
    assert second.feature == "municipality_poverty"
    far_river = {one.code: one for one in lint.cautions if one.feature == "far_river"}
    smooth = far_river[CautionCode.FEATURE_SMOOTH]
    assert smooth.range_m > smooth.block_m == 8_000
    assert len(lint.cautions) == lint.table[list(FLAGS)].to_numpy().sum()


def test_a_wider_block_takes_the_smooth_flag_away(land):
    features, points, region = land
    wide = lint_features(features[["hills"]], points, regions=region, block_m=8_000)
    fine = lint_features(features[["hills"]], points, regions=region, block_m=500)
    assert not wide.table["smooth"][0]
    assert fine.table["smooth"][0]


def test_what_does_not_fit_is_refused(land):
    features, points, region = land
    with pytest.raises(InputError, match=r"\['name'\] are not numbers"):
        lint_features(features.assign(name="x"), points, regions=region, block_m=1)
    with pytest.raises(InputError, match="at least 2"):
        lint_features(features, points, regions=np.zeros(len(points)), block_m=1)
    with pytest.raises(InputError, match="as many of each"):
        lint_features(features, points, regions=region[:5], block_m=1)
    with pytest.raises(InputError, match="metres above zero"):
        lint_features(features, points, regions=region, block_m=0)
    with pytest.raises(InputError, match="expected rows and columns"):
        lint_features(features[[]], points, regions=region, block_m=1)


def test_a_column_that_tells_only_the_cover_is_found_and_one_that_says_more_is_not(land):
    _, points, region = land
    rng, covered = np.random.default_rng(1), points[:, 0] < 21_000
    metres = rng.uniform(0, 9_000, len(points))
    features = pd.DataFrame(
        {
            "sheet": covered.astype(float),
            "nearly_sheet": covered + 0.1 * rng.normal(size=len(points)),
            "line_distance_m": np.where(covered, metres, np.nan),
            "slope": metres,
        }
    )
    lint = lint_features(features, points, regions=region, cover=covered, block_m=8_000)
    tells = [one.feature for one in lint.cautions if one.code is CautionCode.FEATURE_TELLS_COVER]
    assert sorted(tells) == ["nearly_sheet", "sheet"]
    everywhere = lint_features(features, points, regions=region, block_m=8_000)
    assert not everywhere.table["tells_cover"].any()
