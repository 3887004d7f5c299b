import numpy as np
import pytest
from scipy.special import expit

from minerisk.features.errors import InputError
from minerisk.models.survey_bias.facts import ReadingKind
from minerisk.models.survey_bias.readings import (
    SEARCH,
    UNKNOWN,
    WEIGHTED,
    Reading,
    label_readings,
)

PRIORS = {"low": 0.03, "high": 0.12}


@pytest.fixture(scope="module")
def land() -> dict[str, np.ndarray]:
    """Give land surveyed by its second feature, which holds something by its first."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4_000, 2))
    chance = expit(1.5 * X[:, 1])
    fold = np.where(rng.random(len(X)) < chance, rng.integers(0, 2, len(X)), -1)
    p = expit(-3.5 + 1.5 * X[:, 0])
    return {"X": X, "p": p, "fold": fold, "found": rng.random(len(X)) < p, "chance": chance}


def read(land: dict[str, np.ndarray], **other: np.ndarray) -> dict[Reading, np.ndarray]:
    known = {name: land[name] for name in ("X", "found", "fold", "chance")} | other
    return label_readings(**known, priors=PRIORS)  # type: ignore[arg-type]


def test_unsurveyed_land_read_as_negative_is_told_too_low(land: dict[str, np.ndarray]) -> None:
    readings, there = read(land), land["fold"] == -1
    true = land["p"][there].mean()
    assert readings[UNKNOWN][there].mean() < 0.6 * true
    for name in (SEARCH, WEIGHTED):
        assert readings[name][there].mean() == pytest.approx(true, rel=0.2)
    for name, prior in PRIORS.items():
        mean = readings[Reading(ReadingKind.POSITIVE_UNLABELLED, name)][there].mean()
        assert mean == pytest.approx(prior, rel=1e-6)


def test_a_fold_does_not_see_its_own_labels(land: dict[str, np.ndarray]) -> None:
    held_out = land["fold"] == 1
    moved = land["found"] ^ held_out
    before, after = read(land), read(land, found=moved)
    for name, scores in before.items():
        np.testing.assert_array_equal(scores[held_out], after[name][held_out])
        assert not np.array_equal(scores[~held_out], after[name][~held_out])


def test_one_fold_is_refused(land: dict[str, np.ndarray]) -> None:
    with pytest.raises(InputError, match="one class"):
        read(land, fold=np.where(land["fold"] >= 0, 0, -1))
