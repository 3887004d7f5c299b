"""Processor time of scores and reasons against LightGBM's own, interleaved in one process."""

import sys
import time
from statistics import median

import lightgbm as lgb
import numpy as np
import pytest

from minerisk.models.trees.check import checked_trees
from minerisk.models.trees.kernel import Kernel
from minerisk.models.trees.shap import GroupShap
from minerisk.models.trees.stored_booster import trees_of

pytestmark = pytest.mark.benchmark

ROUNDS = 5
SHAPES = [(8, 300, 7, 45), (8, 300, 15, 45), (1, 500, 63, 40)]  # members, trees, leaves, columns


def land(rows: int, columns: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, columns)).astype(np.float32)
    X[rng.random(X.shape) < 0.02] = np.nan
    return X


def ensemble(members: int, trees: int, leaves: int, columns: int) -> list[lgb.Booster]:
    X = land(10_000, columns, seed=1)
    rng = np.random.default_rng(2)
    odds = np.sin(2 * np.nan_to_num(X)) @ rng.normal(size=columns)
    y = (odds + rng.normal(size=len(X)) > 0).astype(float)
    chosen = {
        "objective": "binary",
        "num_leaves": leaves,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "num_threads": 1,
        "verbosity": -1,
    }
    return [lgb.train(chosen | {"seed": seed}, lgb.Dataset(X, y), trees) for seed in range(members)]


@pytest.fixture(scope="module", params=SHAPES, ids=lambda shape: "x".join(map(str, shape)))
def made(request):
    members, trees, leaves, columns = request.param
    boosters = ensemble(*request.param)
    words = f"{members} x {trees} trees of {leaves} leaves, {columns} columns"
    return boosters, Kernel([trees_of(booster) for booster in boosters]), words


def seconds(work) -> tuple[float, np.ndarray]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def tell(words: str, ours: list[float], theirs: list[float]) -> float:
    """Write microseconds of processor time per row, and how many times less ours are."""
    ratios = [their / our for our, their in zip(ours, theirs, strict=True)]
    sys.stdout.write(
        f"\n{words}: {1e6 * median(ours):.2f} us a row against {1e6 * median(theirs):.1f}; "
        f"{median(ratios):.1f} times less ({min(ratios):.1f} to {max(ratios):.1f})\n"
    )
    return median(ratios)


def test_scores_take_at_most_half_the_time_of_lightgbm_and_are_its_own(made):
    boosters, kernel, words = made
    X = land(20_000, kernel.columns, seed=3)
    kernel.raw(X[:10])  # compiles
    ours, theirs = [], []
    for _ in range(ROUNDS):
        used, scores = seconds(lambda: kernel.raw(X))
        ours.append(used / len(X))
        used, expected = seconds(
            lambda: np.column_stack([b.predict(X, raw_score=True, num_threads=1) for b in boosters])
        )
        theirs.append(used / len(X))
        assert scores.tobytes() == expected.tobytes()
    assert tell(f"Scores, {words}", ours, theirs) >= 2


def test_reasons_take_a_twentieth_of_the_time_of_pred_contrib_and_agree(made):
    boosters, kernel, words = made
    X = land(20_000, kernel.columns, seed=4)
    explained = GroupShap(kernel, range(kernel.columns))
    few, ours, theirs = X[:50], [], []
    explained.values(few)  # compiles
    for _ in range(ROUNDS):
        used, values = seconds(lambda: explained.values(X))
        ours.append(used / len(X))
        used, expected = seconds(
            lambda: np.mean(
                [b.predict(few, pred_contrib=True, num_threads=1) for b in boosters], axis=0
            )
        )
        theirs.append(used / len(few))
        np.testing.assert_allclose(values[: len(few)], expected[:, :-1], rtol=1e-5, atol=1e-9)
    assert tell(f"SHAP values, {words}", ours, theirs) >= 20


def test_what_reading_a_stored_model_costs_against_lightgbm(made):
    boosters, kernel, words = made
    texts = [booster.model_to_string() for booster in boosters]
    contents, columns = [text.encode() for text in texts], kernel.columns

    def read() -> list:
        return [checked_trees(content, features=columns)[1] for content in contents]

    def parts() -> list[float]:
        reading, trees = seconds(read)
        tables, found = seconds(lambda: Kernel(trees))
        reasons, _ = seconds(lambda: GroupShap(found, range(columns)))
        theirs, _ = seconds(lambda: [lgb.Booster(model_str=text) for text in texts])
        return [reading, tables, reasons, theirs]

    parts()  # compiles
    rounds = np.array([parts() for _ in range(ROUNDS)])
    reading, tables, reasons, theirs = np.median(rounds, axis=0)
    sys.stdout.write(
        f"\n{words}, once: {reading:.2f} s to read and check the texts, {tables:.2f} for the "
        f"tables of scores, {reasons:.2f} for those of reasons; LightGBM reads in {theirs:.2f}\n"
    )
