import numpy as np
import pandas as pd
import pytest

from minerisk.features.errors import InputError
from minerisk.models.table import (
    KINDS,
    MARKS,
    CellTable,
    found_table,
    hazard_table,
    permute_labels,
    real_finds,
)

AP, AT, ANY = 1, 2, 8


def table(*, marked: bool = True) -> CellTable:
    n = 6
    cells = pd.DataFrame({"easting": np.arange(n) * 100.0, "northing": 0.0, "slope": 1.0})
    if marked:
        cells["finding_hazard"] = np.array([AP, AT, AP | AT, ANY, 0, 0], dtype=np.uint8)
        cells["finding_evidence"] = np.array([1, 1, 2, 4, 0, 0], dtype=np.uint8)
        cells[KINDS] = np.array([1, 1 | 2, 2, 8, 0, 0], dtype=np.uint8)
        cells["finding_day"] = [18_000.0, np.nan, 18_500.0, np.nan, np.nan, np.nan]
    return CellTable(
        cells=cells,
        state=np.array([1, 1, 1, 1, 0, -1], dtype=np.int8),
        weight=np.linspace(0.5, 1, n).astype(np.float32),
        region=np.zeros(n, dtype=np.int32),
        cell_ha=1.0,
    )


@pytest.mark.parametrize(("hazard", "rows"), [("ap", [0, 2, 4, 5]), ("at", [1, 2, 4, 5])])
def test_cells_of_another_class_are_left_out_not_negative(hazard: str, rows: list[int]) -> None:
    part, whole = hazard_table(table(), hazard), table()
    np.testing.assert_array_equal(part.state, whole.state[rows])
    np.testing.assert_array_equal(part.weight, whole.weight[rows])
    np.testing.assert_array_equal(part.coordinates, whole.coordinates[rows])


def test_a_class_that_was_never_found_has_no_positive() -> None:
    np.testing.assert_array_equal(hazard_table(table(), "uxo").state, [0, -1])


def test_any_hazard_takes_every_positive_and_needs_no_classes() -> None:
    plain = table(marked=False)
    assert hazard_table(plain, "any") is plain


def test_what_was_found_is_no_feature() -> None:
    assert table().features == ["slope"]
    assert set(MARKS) <= set(table().cells)


def test_a_cell_holds_every_kind_of_evidence_found_in_it() -> None:
    assert table().holds("find").tolist() == [True, True, False, False, False, False]
    assert table().holds("accident").tolist() == [False, True, True, False, False, False]
    assert not table(marked=False).holds("find").any()
    order = np.array([3, 0, 4, 1, 2, 5])
    dealt = permute_labels(table(), order)
    np.testing.assert_array_equal(dealt.holds("find"), table().holds("find")[order])


def test_what_was_found_is_raised_and_what_was_suspected_stays_positive() -> None:
    whole, raised = table(), found_table(table(), 20.0)
    assert real_finds(whole).tolist() == [True, True, True, False, False, False]
    np.testing.assert_allclose(raised.weight, whole.weight * [20, 20, 20, 1, 1, 1])
    np.testing.assert_array_equal(raised.state, whole.state)


def test_a_table_without_classes_and_an_unknown_class_are_refused() -> None:
    with pytest.raises(InputError, match="does not tell hazard classes"):
        hazard_table(table(marked=False), "ap")
    with pytest.raises(InputError, match="expected one of"):
        hazard_table(table(), "apers")


def test_labels_are_dealt_out_with_what_was_found() -> None:
    whole, order = table(), np.array([3, 0, 4, 1, 2, 5])
    dealt = permute_labels(whole, order)
    np.testing.assert_array_equal(dealt.state, whole.state[order])
    np.testing.assert_array_equal(dealt.weight, whole.weight[order])
    np.testing.assert_array_equal(dealt.hazard, whole.hazard[order])
    np.testing.assert_array_equal(dealt.coordinates, whole.coordinates)
    assert ((dealt.hazard > 0) == (dealt.state == 1)).all()
    assert permute_labels(table(marked=False), order).state.tolist() == dealt.state.tolist()


def test_a_region_without_the_class_is_joined_to_the_nearest_that_has_it() -> None:
    # Six cells in a row: ap, searched | at, searched | ap, searched.
    cells = pd.DataFrame({"easting": [0.0, 1, 10, 11, 30, 31], "northing": 0.0})
    cells["finding_hazard"] = np.array([AP, 0, AT, 0, AP, 0], dtype=np.uint8)
    state = np.array([1, 0, 1, 0, 1, 0], dtype=np.int8)
    region = np.array([0, 0, 1, 1, 2, 2], dtype=np.int32)
    given = CellTable(cells, state, np.ones(6, dtype=np.float32), region, 1.0)
    np.testing.assert_array_equal(hazard_table(given, "ap").region, [0, 0, 0, 2, 2])
    np.testing.assert_array_equal(given.region, region)
