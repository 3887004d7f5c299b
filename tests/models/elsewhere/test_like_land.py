"""What is said of land like a target, against an independent reading and by hand."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from minerisk.models.elsewhere.like_land import HeldOut, like_land
from minerisk.models.elsewhere.statement import TooFew


def held_out(regions: int = 12, cells: int = 600, seed: int = 0, apart: float = 0.6) -> HeldOut:
    """Regions in which finds are ranked more or less well; cover 1 in the first half of each."""
    rng = np.random.default_rng(seed)
    skill = 1.2 + apart * rng.normal(size=regions)
    region = np.repeat(np.arange(regions), cells)
    found = (rng.random(regions * cells) < 0.1).astype(int)
    score = skill[region] * found + rng.normal(size=len(found))
    within = np.tile(np.arange(cells), regions)
    return HeldOut(
        found,
        0.2 / (1 + np.exp(1 - score)),
        region,
        within // 50,
        (within < cells // 2).astype(int),
    )


def test_the_interval_is_that_of_the_next_region() -> None:
    """An independent reading: the t-interval of a prediction from the ROC-AUC of each region."""
    held = held_out()
    found = like_land(held, {0: 0.5, 1: 0.5}, as_large_as=1, seed=0)
    each = [
        stats.logistic.ppf(roc_auc_score(held.found[own], held.probability[own]))
        for own in (held.region == one for one in range(12))
    ]
    half = stats.t.ppf(0.95, found.regions - 1) * np.std(each, ddof=1) * np.sqrt(1 + 1 / 12)
    expected = stats.logistic.cdf([np.mean(each) - half, np.mean(each) + half])
    assert found.roc_auc is not None
    assert found.roc_auc[1:] == pytest.approx(expected, abs=0.02)
    assert found.roc_auc.value == pytest.approx(np.mean(stats.logistic.cdf(each)), abs=0.02)


def test_a_target_as_large_as_many_regions_has_a_narrower_interval() -> None:
    held = held_out()
    widths = []
    for size in (1, 4, 12):
        auc = like_land(held, {0: 0.5, 1: 0.5}, as_large_as=size, seed=0).roc_auc
        assert auc is not None
        assert auc.low is not None
        assert auc.high is not None
        widths.append(auc.high - auc.low)
    assert widths == sorted(widths, reverse=True)


def test_a_region_scored_too_low_throughout_is_ranked_as_well_as_before() -> None:
    """As a model that did not see a region with many finds scores it: that is no lack of skill."""
    held = held_out()
    low = np.where(held.region < 6, held.probability / 5, held.probability)
    other = HeldOut(held.found, low, held.region, held.block, held.cover)
    both = [like_land(each, {0: 1.0}, as_large_as=1, seed=0).roc_auc for each in (held, other)]
    assert both[0] is not None
    assert both[1] is not None
    np.testing.assert_allclose(both[0], both[1], atol=0.01)


def test_a_target_smaller_than_a_region_has_a_wider_interval() -> None:
    held = held_out(cells=1_200)
    ends = []
    for size in (0.25, 1.0):
        auc = like_land(held, {0: 0.5, 1: 0.5}, as_large_as=size, seed=0).roc_auc
        assert auc is not None
        ends.append((auc.low, auc.high))
    assert ends[0][0] < ends[1][0]
    assert ends[0][1] > ends[1][1]


def test_only_land_of_the_same_cover_counts() -> None:
    held = held_out()
    spoilt = held.probability.copy()
    spoilt[held.cover == 1] = 0.5
    other = HeldOut(held.found, spoilt, held.region, held.block, held.cover)
    assert like_land(held, {0: 1.0}, as_large_as=1, seed=0) == like_land(
        other, {0: 1.0}, as_large_as=1, seed=0
    )
    # Less than a twentieth of the target is of the other cover: it does not count either.
    assert like_land(other, {0: 0.96, 1: 0.04}, as_large_as=1, seed=0).cells == 3_600


def test_weights_give_each_cover_its_share_of_the_target() -> None:
    """Finds to predicted, over all draws, is near the weighted ratio by hand."""
    held = held_out(apart=0.0)
    share = np.where(held.cover == 1, 0.9, 0.1)
    ratio = (share * held.found).sum() / (share * held.probability).sum()
    found = like_land(held, {0: 0.1, 1: 0.9}, as_large_as=12, seed=0)
    assert found.found_to_predicted is not None
    assert found.found_to_predicted.value == pytest.approx(ratio, rel=0.03)


def test_regions_of_one_size_count_whole_and_one_that_has_nearly_all_alone() -> None:
    held = held_out()
    assert like_land(held, {0: 1.0}, as_large_as=1, seed=0).regions == pytest.approx(12, abs=0.8)
    most = np.where(held.region == 0, held.found, 0)
    alone = HeldOut(most, held.probability, held.region, held.block, held.cover)
    found = like_land(alone, {0: 0.5, 1: 0.5}, as_large_as=1, seed=0)
    assert (found.regions, found.too_few) == (1.0, TooFew.REGIONS)
    assert found.roc_auc is None


@pytest.mark.parametrize(
    ("cover", "kept", "why"),
    [({2: 1.0}, slice(None), TooFew.COVER), ({0: 0.5, 2: 0.5}, slice(None), TooFew.COVER),
     ({0: 1.0}, slice(0, 600), TooFew.FINDS), ({0: 1.0}, slice(0, 1_800), TooFew.REGIONS)],
)  # fmt: skip
def test_too_little_like_land_is_refused(cover: dict[int, float], kept: slice, why: TooFew) -> None:
    held = held_out()
    part = HeldOut(
        held.found[kept],
        held.probability[kept],
        held.region[kept],
        held.block[kept],
        held.cover[kept],
    )
    found = like_land(part, cover, as_large_as=1, seed=0)
    assert (found.too_few, found.roc_auc) == (why, None)


def test_the_next_region_is_held_as_often_as_is_said() -> None:
    """120 lands of 10 regions: the 11th lies in the 90 % interval in 85 to 97 % of them."""
    held_in = []
    for seed in range(120):
        land = held_out(11, 300, seed=seed, apart=0.5)
        seen, new = land.region < 10, land.region == 10
        part = HeldOut(*(values[seen] for values in vars(land).values()))
        auc = like_land(part, {0: 0.5, 1: 0.5}, as_large_as=1, seed=0).roc_auc
        assert auc is not None
        truth = roc_auc_score(land.found[new], land.probability[new])
        assert auc.low is not None
        assert auc.high is not None
        held_in.append(auc.low <= truth <= auc.high)
    assert 0.85 <= np.mean(held_in) <= 0.97
