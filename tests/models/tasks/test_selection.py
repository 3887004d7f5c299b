from itertools import combinations

import numpy as np
import pytest

from minerisk.models.tasks.selection import GAP, Limits, best_tasks
from minerisk.models.tasks.selection import _pick as pick


def grids(seed):
    """Two ways to cut a strip of 24 cells into candidates, which overlap."""
    rng = np.random.default_rng(seed)
    one = np.repeat(np.arange(1, 7), 4).reshape(1, 24).astype(np.int32)
    two = np.zeros((1, 24), dtype=np.int32)
    two[0, 2:22] = np.repeat(np.arange(1, 5), 5)
    return [one, two], rng.random((1, 24)), 0.5 + rng.random((1, 24))


@pytest.mark.parametrize("seed", range(6))
def test_the_choice_is_the_best_of_all_choices(seed):
    owners, benefit, days = grids(seed)
    limits = Limits(cells=14, least=4, greatest=5, days=12.0)
    taken, gap = pick(owners, [6, 4], (benefit, days), limits)
    masks = [owners[g] == t for g, n in ((0, 6), (1, 4)) for t in range(1, n + 1)]

    def worth(chosen):
        together = sum(mask.astype(int) for mask in chosen)
        fits = together.max() <= 1 and together.sum() <= 14 and days[together > 0].sum() <= 12
        return benefit[together > 0].sum() if fits else 0.0

    best = max(worth(some) for n in (1, 2, 3) for some in combinations(masks, n))
    found = worth([owners[grid] == task for grid, task in taken])
    assert found >= best * (1 - GAP) - 1e-9
    assert best <= found * (1 + gap) + 1e-6


def test_nothing_brings_more_than_the_best_cells_one_by_one():
    benefit = np.random.default_rng(2).random((30, 30))
    everywhere = np.ones(benefit.shape, dtype=bool)
    parcel = everywhere.astype(np.int32)
    chosen = best_tasks(
        benefit, everywhere, parcel, limits=Limits(200, 4, 30), days=np.ones(benefit.shape)
    )
    assert chosen.one_by_one == pytest.approx(np.sort(benefit.ravel())[-200:].sum())
    assert 0.5 * chosen.one_by_one < chosen.benefit <= chosen.one_by_one
    assert (chosen.owner > 0).sum() <= 200


def test_no_land_or_no_budget_gives_no_tasks():
    nothing = np.zeros((5, 5), dtype=bool)
    for land, cells in ((nothing, 10), (~nothing, 0)):
        chosen = best_tasks(
            np.ones((5, 5)),
            land,
            land.astype(np.int32),
            limits=Limits(cells, 2, 5),
            days=np.ones((5, 5)),
        )
        assert not chosen.owner.any()
        assert chosen.gap == 0
