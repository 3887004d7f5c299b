import math

import numpy as np

from minerisk.models.tasks.selection import Limits, best_tasks
from minerisk.models.tasks.shapes import compactness, parcels


def test_a_river_cuts_land_in_two_and_its_cells_stay_land():
    land, river = np.ones((9, 12), dtype=bool), np.zeros((9, 12), dtype=bool)
    river[:, 5] = True
    found = parcels(land, river, least=4)
    assert set(np.unique(found)) == {1, 2}
    assert (found[:, :5] == 1).all()
    assert (found[:, 6:] == 2).all()
    assert (found > 0).all()


def test_a_sliver_between_two_roads_goes_to_its_neighbour():
    land, roads = np.ones((6, 10), dtype=bool), np.zeros((6, 10), dtype=bool)
    roads[:, 4] = roads[:, 6] = True
    assert set(np.unique(parcels(land, roads, least=7))) == {1, 2}
    assert set(np.unique(parcels(land, roads, least=6))) == {1, 2, 3}


def test_land_that_is_all_road_is_one_parcel():
    land = np.ones((3, 3), dtype=bool)
    land[0, 0] = False
    np.testing.assert_array_equal(parcels(land, land, least=2), land.astype(np.int32))


def test_a_square_is_as_compact_as_cells_can_be_and_a_strip_is_not():
    owner = np.zeros((12, 12), dtype=np.int32)
    owner[:4, :4] = 1
    owner[8, :] = 2
    # 4 pi 16 / 16 ** 2, and 4 pi 12 / 26 ** 2.
    expected = [math.pi / 4, 48 * math.pi / 676]
    np.testing.assert_allclose(compactness(owner, 2), expected)


def test_no_task_crosses_a_river():
    benefit = np.random.default_rng(4).random((40, 40))
    land, river = np.ones((40, 40), dtype=bool), np.zeros((40, 40), dtype=bool)
    river[:, 19] = True
    parcel = parcels(land, river, least=5)
    chosen = best_tasks(
        benefit, land, parcel, limits=Limits(400, 5, 40), days=np.ones(benefit.shape)
    )
    assert chosen.owner.max() > 5
    for task in range(1, chosen.owner.max() + 1):
        assert len(np.unique(parcel[chosen.owner == task])) == 1
