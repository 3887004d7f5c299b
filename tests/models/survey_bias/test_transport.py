import numpy as np
import pytest
from scipy.special import expit

from minerisk.features.errors import InputError
from minerisk.models.survey_bias.propensity import transport_weights
from minerisk.models.survey_bias.transport import carry_over


@pytest.fixture(scope="module")
def land() -> dict[str, np.ndarray]:
    """Give land surveyed by its second feature, which holds something by both."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(2_000, 2))
    chance = expit(1.2 * X[:, 1] - 0.5)
    p = expit(-2.5 + X[:, 0] + 0.5 * X[:, 1])
    found = (rng.random(len(X)) < p) & (rng.random(len(X)) < 0.8)
    surveyed = rng.random(len(X)) < chance
    return {"X": X, "p": p, "found": found, "weights": transport_weights(chance, surveyed)}


def carried(land: dict[str, np.ndarray], **other: object) -> np.ndarray:
    known = {"found": land["found"], "weights": land["weights"], "detection": 0.8} | other
    return carry_over(land["X"], land["X"], **known)  # type: ignore[arg-type]


def test_unsurveyed_land_is_told_nearer_than_by_reading_it_as_negative(
    land: dict[str, np.ndarray],
) -> None:
    there = land["weights"] == 0
    error = np.abs(carried(land) - land["p"])[there].mean()
    read_as_negative = {"found": land["found"] & ~there, "weights": np.ones(2_000), "detection": 1}
    naive = np.abs(carried(land, **read_as_negative) - land["p"])[there].mean()
    assert error < 0.7 * naive


def test_what_is_written_on_unsurveyed_cells_changes_nothing(land: dict[str, np.ndarray]) -> None:
    there = land["weights"] == 0
    changed = np.where(there, ~land["found"], land["found"])
    np.testing.assert_array_equal(carried(land), carried(land, found=changed))


@pytest.mark.parametrize("other", [{"detection": 0.0}, {"found": np.zeros(2_000)}])
def test_wrong_input_is_refused(land: dict[str, np.ndarray], other: dict[str, object]) -> None:
    with pytest.raises(InputError, match="detection"):
        carried(land, **other)
