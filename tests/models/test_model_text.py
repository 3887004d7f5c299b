import re

import numpy as np
import pytest

from features.errors import InputError
from models.estimators import LightGBMEnsemble
from models.model_text import checked_trees


@pytest.fixture(scope="module")
def text() -> str:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 3))
    model = LightGBMEnsemble(members=1, trees=5, min_cells_in_leaf=10, feature_share=1.0)
    return model.fit(X, X[:, 0] > 0).members_.boosters[0].model_to_string()


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
