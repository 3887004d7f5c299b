import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minerisk.features.errors import InputError
from minerisk.models.estimators.findings_encoder import FindingsEncoder
from minerisk.models.folds.blocks import assign_blocks

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


@pytest.mark.parametrize("cap_m", [4_000.0, 15_000.0])
def test_a_block_is_read_against_all_findings_outside_it_and_no_others(cap_m: float) -> None:
    made = encoder(cap_m=cap_m, half_life_years=2.0, as_of=AS_OF, hazards=("ap",))
    encoded, block = made.fit_transform(MARKED, FOUND), assign_blocks(LAID, block_m=10_000.0)
    assert len(np.unique(block)) > 4
    for own in np.unique(block):
        here = block == own
        others = encoder(**made.get_params()).fit(MARKED[~here], FOUND[~here])
        np.testing.assert_array_equal(encoded[here], others.transform(MARKED[here]))


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


AS_OF = "2024-01-01"
DAY = 19_723  # 2024-01-01 in days since 1970-01-01
AP, AT = 1, 2
FIND, ACCIDENT = 1, 2
# Findings lie along two belts that run through several blocks.
ROWS = np.linspace(0, 39_000, FOUND.sum())
LAID = PLACES.copy()
LAID[FOUND == 1] = np.column_stack([ROWS, 20_000 + 0.4 * ROWS * (-1) ** np.arange(len(ROWS))])
LAID[FOUND == 1] += RNG.normal(0, 200, (FOUND.sum(), 2))
MARKED = np.column_stack(
    [
        LAID,
        np.where(FOUND == 1, RNG.integers(1, 16, 300), 0),
        np.where(FOUND == 1, RNG.integers(1, 6, 300), 0),
        np.where((FOUND == 1) & (RNG.random(300) < 0.7), DAY - RNG.integers(0, 9_000, 300), np.nan),
    ]
)
EVERYTHING: dict[str, object] = {
    "hazards": ("ap", "at", "any"),
    "evidence": ("find", "accident"),
    "half_life_years": 8.0,
    "as_of": AS_OF,
    "belts": True,
    "belt_radius_m": 6_000.0,
    "belt_link_m": 4_000.0,
}


def column(encoded: np.ndarray, made: FindingsEncoder, name: str) -> np.ndarray:
    return encoded[:, list(made.get_feature_names_out()).index(name)]


def test_a_finding_one_half_life_old_counts_half_and_is_twice_as_far() -> None:
    # One half-life of 4 years is 1461 days.
    rows = [[0, 0, AP, FIND, DAY - 1_461], [0, 3_000, AT, FIND, DAY], [0, 0, 0, 0, np.nan]]
    made = encoder(hazards=("ap", "at"), half_life_years=4.0, as_of=AS_OF).fit(rows, [1, 1, 0])
    encoded = made.transform([[0.0, 1_000.0]])
    assert column(encoded, made, "findings_ap_distance_m")[0] == 2_000
    assert column(encoded, made, "findings_at_distance_m")[0] == 2_000
    assert column(encoded, made, "findings_ap_within_5000m")[0] == 0.5
    assert column(encoded, made, "findings_within_5000m")[0] == 1.5
    assert column(encoded, made, "findings_1_distance_m")[0] == 1_000
    assert made.undated_ == 0


def test_an_undated_finding_is_not_decayed_and_is_counted() -> None:
    rows = [[0, 0, AP, FIND, np.nan]]
    made = encoder(neighbours=(1,), hazards=("ap",), half_life_years=1.0, as_of=AS_OF)
    encoded = made.fit(rows, [1]).transform([[0.0, 1_000.0]])
    np.testing.assert_array_equal(encoded, [[1_000, 1, 1_000, 1]])
    assert made.undated_ == 1


def test_a_finding_of_a_later_date_is_not_known_yet() -> None:
    rows = [[0, 0, AP, FIND, DAY + 1], [0, 9_000, AP, FIND, DAY]]
    made = encoder(neighbours=(1,), hazards=("ap",), as_of=AS_OF).fit(rows, [1, 1])
    np.testing.assert_array_equal(made.findings_[:, 1], [9_000])


def test_each_class_and_kind_of_evidence_is_measured_by_itself() -> None:
    rows = [[0, 0, AP | AT, FIND, np.nan], [0, 2_000, AT, ACCIDENT, np.nan]]
    made = encoder(neighbours=(1,), hazards=("ap", "at", "uxo"), evidence=("accident",))
    encoded = made.fit(rows, [1, 1]).transform([[0.0, 3_000.0]])
    # Nearest and count of all; of ap; of at; of uxo (none); of accidents.
    expected = [[1_000, 2, 3_000, 1, 1_000, 2, 15_000, 0, 1_000, 1]]
    np.testing.assert_array_equal(encoded, expected)


def test_nearest_over_weight_is_the_least_of_all_findings() -> None:
    made = encoder(**EVERYTHING).fit(MARKED, FOUND)
    held = (MARKED[FOUND == 1, 2].astype(int) & AP) > 0
    finds = MARKED[FOUND == 1][held]
    weight = 0.5 ** (np.nan_to_num(DAY - finds[:, 4], nan=0.0) / 365.25 / 8)
    apart = np.hypot(*(LAID[:, None] - finds[None, :, :2]).transpose(2, 0, 1)) / weight
    got = column(made.transform(LAID), made, "findings_ap_distance_m")
    np.testing.assert_allclose(got, np.minimum(apart.min(axis=1), 15_000), rtol=1e-6)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 299), st.floats(-5_000, 5_000))
def test_no_column_knows_a_held_out_finding(row: int, shift: float) -> None:
    train = np.arange(300) % 3 != row % 3
    changed, lost = MARKED.copy(), FOUND.copy()
    changed[row] = [MARKED[row, 0] + shift, MARKED[row, 1], AT, ACCIDENT, DAY - 10]
    lost[row] = 0
    others = np.arange(300) != row
    first, again = encoder(**EVERYTHING), encoder(**EVERYTHING)
    np.testing.assert_array_equal(
        again.fit_transform(changed[train], lost[train]),
        first.fit_transform(MARKED[train], FOUND[train]),
    )
    np.testing.assert_array_equal(again.transform(changed[others]), first.transform(MARKED[others]))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 299), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_no_column_of_a_row_knows_the_findings_of_its_block(
    row: int, east: float, north: float
) -> None:
    block = np.floor(LAID / 10_000)
    own = (block == block[row]).all(axis=1)
    changed, lost = MARKED.copy(), FOUND.copy()
    changed[row, :2] = block[row] * 10_000 + np.array([east, north]) * 9_999
    changed[row, 2:] = [AT, ACCIDENT, DAY - 10]
    lost[row] = 1 - lost[row]
    rest = own & (np.arange(300) != row)
    np.testing.assert_array_equal(
        encoder(**EVERYTHING).fit_transform(changed, lost)[rest],
        encoder(**EVERYTHING).fit_transform(MARKED, FOUND)[rest],
    )


def test_the_findings_of_these_tests_form_belts() -> None:
    made = encoder(**EVERYTHING)
    across = column(made.fit_transform(MARKED, FOUND), made, "findings_belt_across_m")
    assert (across < 15_000).mean() > 0.5
    assert len(np.unique(across)) > 100


def test_what_is_known_of_a_row_itself_is_not_read() -> None:
    made = encoder(**EVERYTHING).fit(MARKED, FOUND)
    np.testing.assert_array_equal(made.transform(MARKED), made.transform(LAID))


def test_rows_are_encoded_one_by_one_as_together_in_any_order() -> None:
    made = encoder(**EVERYTHING).fit(MARKED, FOUND)
    order = RNG.permutation(300)
    again = encoder(**EVERYTHING).fit(MARKED[order], FOUND[order])
    whole = made.transform(PLACES)
    parts = np.vstack([again.transform(PLACES[row : row + 1]) for row in range(300)])
    np.testing.assert_array_equal(parts, whole)
    assert np.isfinite(whole).all()
    assert whole.shape[1] == len(made.get_feature_names_out())


@pytest.mark.parametrize(
    "settings_of_one",
    [
        {"hazards": ("at",)},
        {"evidence": ("find",)},
        {"half_life_years": 2.0},
        {"as_of": "2010-01-01"},
        {"belts": False},
        {"belt_radius_m": 2_000.0},
        {"belt_link_m": 900.0},
    ],
)
def test_every_switch_changes_what_is_encoded(settings_of_one: dict[str, object]) -> None:
    before = encoder(**EVERYTHING).fit(MARKED, FOUND).transform(PLACES)
    after = encoder(**(EVERYTHING | settings_of_one)).fit(MARKED, FOUND).transform(PLACES)
    assert before.shape != after.shape or (before != after).any()


def test_off_by_default_it_asks_for_coordinates_only_and_gives_the_plain_columns() -> None:
    assert encoder().columns == ["easting", "northing"]
    assert len(encoder().get_feature_names_out()) == 3


def test_a_stored_encoder_gives_the_same_bits(tmp_path: Path) -> None:
    made = encoder(**EVERYTHING).fit(MARKED, FOUND)
    made.to_frame().to_parquet(tmp_path / "findings.parquet", index=False)
    settings_read = json.loads(json.dumps(made.to_dict()))
    again = FindingsEncoder.from_dict(settings_read, pd.read_parquet(tmp_path / "findings.parquet"))
    np.testing.assert_array_equal(again.transform(PLACES), made.transform(PLACES))
    assert again.to_dict() == made.to_dict()


def test_without_findings_everything_is_as_far_as_can_be() -> None:
    made = encoder(**EVERYTHING).fit(MARKED, np.zeros(300))
    encoded = made.transform(PLACES)
    assert (column(encoded, made, "findings_ap_distance_m") == 15_000).all()
    assert (column(encoded, made, "findings_belt_across_m") == 15_000).all()
    assert (column(encoded, made, "findings_elongation") == 0).all()


def test_a_straight_row_is_seen_with_its_bearing() -> None:
    steps = np.arange(-20, 21) * 5.0
    line = 50_000 + np.column_stack([steps * np.sin(0.5), steps * np.cos(0.5)])
    made = encoder(belts=True, belt_radius_m=80.0, belt_link_m=8.0).fit(line, np.ones(41))
    encoded = made.transform([[50_000.0, 50_010.0]])
    east, north = (column(encoded, made, f"findings_axis_{part}2")[0] for part in ("sin", "cos"))
    assert np.arctan2(east, north) / 2 == pytest.approx(0.5, abs=1e-6)
    assert column(encoded, made, "findings_spacing_m")[0] == pytest.approx(5.0, rel=1e-6)
    assert column(encoded, made, "findings_belt_across_m")[0] == pytest.approx(
        10 * np.sin(0.5), abs=0.01
    )
    assert column(encoded, made, "findings_belt_length_m")[0] == pytest.approx(200.0)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"hazards": ("apers",)}, "expected hazard classes"),
        ({"evidence": ("rumour",)}, "expected hazard classes"),
        ({"half_life_years": 3.0}, "no date to count ages to"),
        ({"half_life_years": 3.0, "as_of": "March"}, "expected YYYY-MM-DD"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        encoder(**wrong).fit(MARKED, FOUND)


def test_missing_marks_are_refused_with_their_names() -> None:
    with pytest.raises(InputError, match="finding_hazard, finding_evidence, finding_day"):
        encoder(hazards=("ap",)).fit(PLACES, FOUND)


def test_findings_that_were_put_in_another_order_are_refused() -> None:
    fitted = encoder().fit(PLACES, FOUND)
    again = FindingsEncoder.from_dict(fitted.to_dict(), fitted.to_frame())
    np.testing.assert_array_equal(again.transform(PLACES), fitted.transform(PLACES))
    with pytest.raises(InputError, match="ascend by easting"):
        FindingsEncoder.from_dict(fitted.to_dict(), fitted.to_frame().iloc[::-1])


def test_no_places_are_encoded_as_no_rows() -> None:
    assert encoder().fit(PLACES, FOUND).transform(np.empty((0, 2))).shape == (0, 3)
