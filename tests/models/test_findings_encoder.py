import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import InputError
from models.findings_encoder import FindingsEncoder

RNG = np.random.default_rng(0)
PLACES = RNG.uniform(0, 40_000, size=(300, 2))
FOUND = (RNG.random(300) < 0.2).astype(int)


def encoder(**settings: object) -> FindingsEncoder:
    return FindingsEncoder(
        **{"block_m": 10_000.0, "neighbours": (1, 2), "radii_m": (5_000.0,), "cap_m": 15_000.0}
        | settings
    )


def test_distances_and_counts_are_those_of_a_hand_count() -> None:
    places = np.array([[0.0, 0.0], [3_000.0, 4_000.0], [0.0, 20_000.0]])
    encoded = encoder().fit(places, [1, 1, 0]).transform([[0.0, 0.0], [0.0, 20_000.0]])
    # From (0, 0): itself, then 5 km; both within 5 km. From (0, 20 km): 15 km is the cap.
    np.testing.assert_allclose(encoded, [[0, 5_000, 2], [15_000, 15_000, 0]])


def test_a_training_row_does_not_see_the_findings_of_its_own_block() -> None:
    places = np.array([[1_000.0, 1_000.0], [2_000.0, 1_000.0], [11_000.0, 1_000.0]])
    encoded = encoder(neighbours=(1,)).fit_transform(places, [1, 1, 1])
    np.testing.assert_allclose(encoded[:, 0], [10_000, 9_000, 9_000])


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 299), st.floats(-5_000, 5_000))
def test_moving_or_losing_a_held_out_finding_changes_nothing(row: int, shift: float) -> None:
    train = np.arange(300) % 3 != row % 3
    fitted = encoder().fit(PLACES[train], FOUND[train])
    moved, lost = PLACES.copy(), FOUND.copy()
    moved[row] += shift
    lost[row] = 0
    others = np.arange(300) != row
    before = fitted.transform(PLACES[others])
    again = encoder().fit(moved[train], lost[train])
    np.testing.assert_array_equal(again.transform(PLACES[others]), before)
    np.testing.assert_array_equal(
        encoder().fit_transform(moved[train], lost[train]),
        encoder().fit_transform(PLACES[train], FOUND[train]),
    )


def test_the_order_of_rows_does_not_matter() -> None:
    order = RNG.permutation(300)
    np.testing.assert_array_equal(
        encoder().fit_transform(PLACES[order], FOUND[order]),
        encoder().fit_transform(PLACES, FOUND)[order],
    )


def test_without_findings_every_distance_is_the_cap() -> None:
    encoded = encoder().fit(PLACES, np.zeros(300)).transform(PLACES)
    assert (encoded[:, :2] == 15_000).all()
    assert (encoded[:, 2] == 0).all()


def test_a_wrong_shape_is_refused() -> None:
    with pytest.raises(InputError, match=r"expected \(n, 2\)"):
        encoder().fit(np.zeros((3, 3)), [0, 1, 0])
