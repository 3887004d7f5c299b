import numpy as np
import pytest

from minerisk.models.inputs import numbered


@pytest.mark.parametrize(
    "values",
    [
        np.array([5, -3, 5, 0]),
        np.array([-100, 100], np.int8),
        np.array([0, 2**62, -(2**62)]),
        np.array([2.5, np.inf, 2.5]),
        np.array(["b", "a", "b"]),
        np.array([], np.int64),
        np.random.default_rng(0).integers(40, 90, 1_000).astype(np.int32),
    ],
)
def test_values_are_numbered_as_by_sorting_them(values: np.ndarray) -> None:
    found = numbered(values)
    assert found.dtype == np.int64
    assert found.tolist() == np.unique(values, return_inverse=True)[1].tolist()
