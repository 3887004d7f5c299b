from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minerisk.features.errors import InputError
from minerisk.features.vector_files.columns import (
    ClassColumn,
    NumberColumn,
    TextColumn,
    accuracies,
    people,
    record_weights,
)

HAZARD = ClassColumn(
    "kind",
    "hazard_column",
    {"ap": ("Anti-personnel", 1), "at": ("Противотанковая", 2), "uxo": (), "any": ()},
    blank="any",
    mapping="hazard_values",
)


def column(*values: Any, dtype: Any = object) -> pd.DataFrame:
    return pd.DataFrame({"kind": pd.Series(values, dtype=dtype)})


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.floats(-1e12, 1e12) | st.integers(-(10**12), 10**12) | st.none(), min_size=1, max_size=8
    )
)
def test_numbers_are_read_alike_from_text_and_numbers(values: list[float | None]) -> None:
    expected = np.array([np.nan if value is None else float(value) for value in values])
    texts = ["" if value is None else f" {value!r} " for value in values]
    for given_values in (values, texts):
        found = NumberColumn("kind", "weight_column").read(column(*given_values), "a")
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("reader", "values", "words"),
    [
        (record_weights("kind"), [0.5, None], "row 2: blank; expected a number above 0, at most 1"),
        (record_weights("kind"), [0.5, "0,4", 2], "row 2, 3: '0,4', '2'; expected a number above"),
        (
            accuracies("kind"),
            [25.0, 0],
            "row 1, 2: '25', '0'; expected a number above 0, at most 1",
        ),
        (
            people("kind", "before_column"),
            ["12", "-1"],
            "row 2: '-1'; expected a number at least 0",
        ),
        (
            NumberColumn("kind", "weight_column"),
            ["a", "nan", "1e3", "inf"],
            "row 1, 2, 4: 'a', 'nan'",
        ),
        (NumberColumn("kind", "weight_column"), [True], "row 1: 'True'; expected a number with a"),
        (HAZARD, ["ap", "PHS", "PHS", 3.0], "row 2, 3, 4: 'PHS', '3'; expected one of ap, at, uxo"),
        (HAZARD, ["gas"], "or hazard_values that says which of them it means"),
        (
            TextColumn("means", "means_column"),
            ["a"],
            "no column 'means'; it has kind. Correct means_",
        ),
    ],
)
def test_a_column_that_cannot_be_read_is_named_with_rows_and_choices(
    reader: NumberColumn | ClassColumn | TextColumn, values: list[Any], words: str
) -> None:
    with pytest.raises(InputError) as caught:
        reader.read(column(*values), "finds")
    assert words in str(caught.value)
    assert str(caught.value).startswith("The layer finds")


def test_a_number_that_is_not_needed_may_be_blank() -> None:
    assert np.isnan(accuracies("kind").read(column(None, "", "  "), "a")).all()


def test_blanks_capitals_and_the_type_of_a_number_make_no_difference_to_a_class() -> None:
    values = [
        "AP ",
        "anti-PERSONNEL",
        1,
        1.0,
        " противотанковая",
        "",
        "  ",
        None,
        np.nan,
        pd.NA,
        "uxo",
    ]
    expected = ["ap"] * 4 + ["at"] + ["any"] * 5 + ["uxo"]
    assert HAZARD.read(column(*values), "a").tolist() == expected


@pytest.mark.parametrize("dtype", ["string", "string[pyarrow]", "category", "str"])
def test_every_type_of_text_has_the_same_classes(dtype: str) -> None:
    assert HAZARD.read(column("AP", None, " ", dtype=dtype), "a").tolist() == ["ap", "any", "any"]


def test_a_class_without_an_answer_for_blanks_refuses_them() -> None:
    side = ClassColumn("kind", "side_column", {"left": (), "right": ()})
    with pytest.raises(InputError, match="row 2: blank; expected one of left, right"):
        side.read(column("Left", " "), "line")


def test_a_value_of_two_classes_is_refused() -> None:
    both = ClassColumn("kind", "hazard_column", {"ap": ("mine",), "at": ("Mine ",)}, mapping="map")
    with pytest.raises(InputError, match="map of the layer a gives 'Mine ' to ap and to at"):
        both.read(column("mine"), "a")


def test_text_is_compared_without_blanks_around_it() -> None:
    found = TextColumn("kind", "means_column").read(column(" dog", 3.0, 3, None), "a")
    assert found.tolist() == ["dog", "3", "3", ""]
