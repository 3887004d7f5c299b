import json
import re
import subprocess
import sys
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest

from minerisk.features.errors import InputError
from minerisk.models.estimators.stored_members import members_from_files
from minerisk.models.trees.check import checked_trees
from minerisk.models.trees.stored_booster import StoredBooster

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def text() -> str:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 3))
    chosen = {"num_leaves": 15, "min_data_in_leaf": 10, "objective": "binary", "num_threads": 1,
              "verbosity": -1}  # fmt: skip
    return lgb.train(chosen, lgb.Dataset(X, X[:, 0] > 0), 5).model_to_string()


def test_a_model_of_lightgbm_passes(text: str) -> None:
    assert checked_trees(text.encode(), features=3)[0] == text


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        (r"left_child=(-?\d+)", "left_child=99999"),
        (r"split_feature=\d+", "split_feature=77"),
        (r"num_leaves=\d+", "num_leaves=1000000000"),
        (r"threshold=\S+", "threshold=nan"),
        (r"leaf_value=\S+", "leaf_value=inf"),
        (r"end of trees", "end of tr"),
        (r"max_feature_idx=2", "max_feature_idx=3"),
        (r"threshold=", "thresh="),
    ],
)
def test_a_model_that_does_not_hold_together_is_refused(
    text: str, pattern: str, replacement: str
) -> None:
    broken = re.sub(pattern, replacement, text, count=1)
    assert broken != text
    with pytest.raises(InputError):
        checked_trees(broken.encode(), features=3)


def test_what_is_not_text_is_refused() -> None:
    with pytest.raises(InputError, match="not LightGBM text"):
        checked_trees(b"\x80\x04pickle", features=3)


def sized(text: str) -> str:
    """Make the stated sizes of the trees true again."""
    _, *blocks = text.split("\nend of trees")[0].split("\nTree=")
    sizes = " ".join(str(len(block) + 6) for block in blocks)
    return re.sub(r"\ntree_sizes=[^\n]*", f"\ntree_sizes={sizes}", text, count=1)


ENDED_THE_PROCESS = [
    (r"\n\nTree=0", "\n=tree_sizes=99999999999 1 1 1 1\n\nTree=0"),
    (r"num_tree_per_iteration=1", "num_tree_per_iteration=5"),
    (r"\nshrinkage=1\n", "\nshrinkage=1\rleft_child=77 77 77 77\n"),
    (r"\nshrinkage=1\n", "\nshrinkage=1\0\n"),
    (r"\nleaf_value=", "\n\nleaf_value="),
    (r"num_leaves=(\d+)", r"num_leaves=0_\1"),
    (r"split_gain=\S+", "split_gain=abc"),
    (r"\[num_threads: 1\]", "num_threads=1"),
]
READ_IN_TWO_WAYS = [
    (r"num_class=1", "num_class=0"),
    (r"num_class=1", "num_class=5"),
    (r"num_class=1", "num_class=2000000000"),
    (r"\n\n\nTree=1", "\nTree=1"),
    (r"\n\n\nend of trees", "\nend of trees"),
    (r"\nTree=1\n", "\nTree=2\n"),
    (r"\nshrinkage=1\n", "\nshrinkage\n"),
    (r"\nshrinkage=1\n", "\nshrinkage=1\nleaf_parent=9999\n"),
    (r"\nobjective=", "\nobjective=binary\rtree_sizes=9999\robjective="),
    (r"\nlabel_index=0", "\nlabel_index=0\naverage_outputs"),
    (r"feature_infos=\S+ ", "feature_infos="),
    (r"feature_infos=\[", "feature_infos=[="),
    (r"is_linear=0", "is_linear=2"),
    (r"is_linear=0", "is_linear=1"),
    (r"sigmoid:1", "sigmoid:abc"),
    (r"leaf_count=\S+", "leaf_count=2147483648"),
    (r"(?s)\nTree=.*\nend of trees", "\nend of trees"),
    (r"pandas_categorical:null", "pandas_categorical:" + "[" * 5_000),
    (r"\[boosting: gbdt\]", '[boosting: "}]'),
    (r"\Z", "\nTree=9\n"),
    (r"end of parameters", "end of parameters."),  # 70 lines to go back over: not 2 ** 70 ways
]


@pytest.mark.parametrize(("pattern", "replacement"), ENDED_THE_PROCESS + READ_IN_TWO_WAYS)
def test_a_line_that_lightgbm_would_read_in_another_way_is_refused(
    text: str, pattern: str, replacement: str
) -> None:
    broken = re.sub(pattern, lambda found: found.expand(replacement), text, count=1)
    assert broken != text
    with pytest.raises(InputError):
        checked_trees(sized(broken).encode(), features=3)


def test_a_text_cut_after_any_line_is_refused(text: str) -> None:
    lines = text.split("\nend of trees")[0].split("\n")
    for count in range(len(lines) + 1):
        for joined in ("\n".join(lines[:count]), "\n".join(lines[:count]) + "\nend of trees\n"):
            with pytest.raises(InputError):
                checked_trees(joined.encode(), features=3)


@pytest.mark.parametrize(
    "chosen",
    [
        {"objective": "regression", "linear_tree": True},
        {"objective": "multiclass", "num_class": 3},
    ],
)
def test_trees_of_a_kind_that_is_never_trained_here_are_refused(chosen: dict) -> None:
    X = np.random.default_rng(0).normal(size=(300, 3))
    data = lgb.Dataset(X, (X[:, 0] > 0) + 0.0)
    text = lgb.train({"verbosity": -1, "num_threads": 1} | chosen, data, 2).model_to_string()
    with pytest.raises(InputError, match="linear leaves or several classes"):
        checked_trees(text.encode(), features=3)


def files_of(text: str) -> dict[str, bytes]:
    record = {"kind": "trees", "forest": [False], "slope": 1.0, "intercept": 0.0}
    return {"members.json": json.dumps(record).encode(), "member_00.lgb": text.encode()}


def test_what_lightgbm_itself_refuses_is_an_error_of_the_input(text: str) -> None:
    odd = text.replace("objective=binary sigmoid:1", "objective=nonsense")
    with pytest.raises(InputError, match="nonsense"):
        members_from_files(files_of(odd), columns=3)


def test_what_lightgbm_refuses_when_it_is_called_at_last_is_an_error_of_the_input(
    text: str,
) -> None:
    trees = checked_trees(text.encode(), features=3)[1]
    odd = text.replace("objective=binary sigmoid:1", "objective=nonsense")
    with pytest.raises(InputError, match="nonsense"):
        StoredBooster(odd, trees).feature_importance("gain")


def test_members_of_another_width_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="columns"):
        members_from_files(files_of(text), columns=4)


MUTANTS = """
import sys
import numpy as np
from minerisk.features.errors import InputError
from minerisk.models.estimators.stored_members import members_from_files
sys.path.insert(0, "tests/models/trees")
from test_check import files_of, sized

text, rng = sys.stdin.read(), np.random.default_rng(0)
words = ["0", "-1", "99999", "2147483648", "1e400", "nan", "", "0_5", "\\n", "\\r", "=", "[", " "]
X, read = np.ones((9, 3), dtype=np.float32), 0
for _ in range(400):
    start = int(rng.integers(len(text)))
    odd = text[:start] + str(rng.choice(words)) + text[start + int(rng.integers(4)) :]
    try:
        members = members_from_files(files_of(sized(odd)), columns=3)
        own = members.boosters[0].predict(X, raw_score=True)  # LightGBM itself, made only here
    except InputError:
        continue
    assert np.array_equal(members.log_odds(X, threads=1)[:, 0], own), odd
    read += 1
print("refused or read", read)
"""


def test_no_mutant_of_a_model_ends_the_process(text: str) -> None:
    """A place at a time, drawn over the whole text, each given to LightGBM if it is let through."""
    done = subprocess.run(
        [sys.executable, "-c", MUTANTS], input=text, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    assert 20 < int(done.stdout.split()[-1]) < 300
