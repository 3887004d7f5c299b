import numpy as np
import pandas as pd
import pytest

from features.errors import InputError
from models.table import MARKS, CellTable, hazard_table

AP, AT, ANY = 1, 2, 8


def table(*, marked: bool = True) -> CellTable:
    n = 6
    cells = pd.DataFrame({"easting": np.arange(n) * 100.0, "northing": 0.0, "slope": 1.0})
    if marked:
        cells["finding_hazard"] = np.array([AP, AT, AP | AT, ANY, 0, 0], dtype=np.uint8)
        cells["finding_evidence"] = np.array([1, 1, 2, 4, 0, 0], dtype=np.uint8)
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


def test_a_table_without_classes_and_an_unknown_class_are_refused() -> None:
    with pytest.raises(InputError, match="does not tell hazard classes"):
        hazard_table(table(marked=False), "ap")
    with pytest.raises(InputError, match="expected one of"):
        hazard_table(table(), "apers")
