"""Trees that were grown here, and the LightGBM text that states them (format v4)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minerisk.models.trees.boosting import Nodes
from minerisk.models.trees.model import Trees

MISSING_RIGHT, MISSING_LEFT = 8, 10  # LightGBM's bits: NaN is missing, and goes left by default


class Stated(NamedTuple):
    """What the text states of trees that no score comes of.

    Of each node what its split gained, its value if it were a leaf and its weight; of each leaf
    its weight.
    """

    gain: NDArray[np.float64]
    value: NDArray[np.float64]
    weight: NDArray[np.float64]
    leaf_weight: NDArray[np.float64]


class Kind(NamedTuple):
    """How a text says that trees add up, and what each was multiplied by."""

    lines: tuple[str, ...]
    shrinkage: float = 1.0


FOREST = Kind(("objective=regression", "average_output"))


def boosted(learning_rate: float) -> Kind:
    """Return the kind of boosted trees that add up to log-odds."""
    return Kind(("objective=binary sigmoid:1",), learning_rate)


def thresholds(
    edges: Sequence[NDArray[np.float64]], feature: NDArray[np.int32], code: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Return where nodes split: the upper end of the last bin that goes left.

    Past the last edge lie missing values alone: all numbers go left.
    """
    first = np.cumsum([0, *(len(own) + 1 for own in edges)])
    ends = np.concatenate([np.append(own, np.inf) for own in edges])
    return np.asarray(ends[first[feature] + code])


def boosted_trees(nodes: Nodes, edges: Sequence[NDArray[np.float64]]) -> tuple[Trees, Stated]:
    """Put what was grown into the form that is scored.

    Parameters
    ----------
    nodes
        What `minerisk.models.trees.boosting.grow` gave.
    edges
        Of each column, where its bins part.

    Returns
    -------
    trees, stated
        The first tree's leaves hold the log-odds that boosting began with, as in LightGBM.
    """
    if not len(nodes.leaves):
        return _lone_leaf(nodes.start, len(edges))
    value, first = nodes.leaf_value.copy(), int(nodes.leaves[0])
    value[:first] += nodes.start
    node_value = nodes.value.copy()
    node_value[: first - 1] += nodes.start
    trees = Trees(
        columns=len(edges),
        outputs=1,
        linear=False,
        node_start=np.concatenate([[0], np.cumsum(nodes.leaves - 1)]),
        leaf_start=np.concatenate([[0], np.cumsum(nodes.leaves)]),
        feature=nodes.feature,
        threshold=thresholds(edges, nodes.feature, nodes.code),
        decision=decisions(nodes.missing_left),
        left=nodes.child[:, 0].copy(),
        right=nodes.child[:, 1].copy(),
        node_count=nodes.rows,
        leaf_value=value,
        leaf_count=nodes.leaf_rows,
        categories={},
    )
    return trees, Stated(nodes.gain, node_value, nodes.weight, nodes.leaf_weight)


def decisions(missing_left: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return LightGBM's bits of the way that missing values go."""
    return np.where(missing_left, MISSING_LEFT, MISSING_RIGHT).astype(np.uint8)


def model_text(trees: Trees, stated: Stated, kind: Kind, *, monotone: Sequence[int] = ()) -> str:
    """Write trees as LightGBM does.

    Parameters
    ----------
    trees, stated
        As `boosted_trees` gives them.
    kind
        `FOREST`, or that of `boosted`.
    monotone
        Which way the score may go with each column, if stated: -1, 0 or 1.

    Examples
    --------
    >>> from minerisk.models.trees.model import read_trees
    >>> trees, stated = _lone_leaf(-0.25, columns=2)
    >>> float(read_trees(model_text(trees, stated, boosted(0.1))).leaf_value[0])
    -0.25
    """
    blocks = [
        _tree_text(trees, stated, tree, kind.shrinkage) for tree in range(len(trees.node_start) - 1)
    ]
    head = [
        "tree",
        "version=v4",
        "num_class=1",
        "num_tree_per_iteration=1",
        "label_index=0",
        f"max_feature_idx={trees.columns - 1}",
        *kind.lines,
        "feature_names=" + " ".join(f"Column_{column}" for column in range(trees.columns)),
        *([_line("monotone_constraints", monotone)] if any(monotone) else []),
        "feature_infos=" + " ".join(["none"] * trees.columns),
        _line("tree_sizes", [len(block) for block in blocks]),
    ]
    used = np.bincount(trees.feature, minlength=trees.columns)
    importances = [f"Column_{column}={used[column]}" for column in np.argsort(-used, kind="stable")
                   if used[column]]  # fmt: skip
    return "\n".join(
        [*head, "", "".join(blocks) + "end of trees", "", "feature_importances:", *importances,
         "", "parameters:", "", "end of parameters", "", "pandas_categorical:null", ""]
    )  # fmt: skip


def _tree_text(trees: Trees, stated: Stated, tree: int, shrinkage: float) -> str:
    nodes = slice(trees.node_start[tree], trees.node_start[tree + 1])
    leaves = slice(trees.leaf_start[tree], trees.leaf_start[tree + 1])
    lines = [
        f"Tree={tree}",
        f"num_leaves={leaves.stop - leaves.start}",
        "num_cat=0",
        _line("split_feature", trees.feature[nodes]),
        _line("split_gain", stated.gain[nodes]),
        _line("threshold", trees.threshold[nodes]),
        _line("decision_type", trees.decision[nodes]),
        _line("left_child", trees.left[nodes]),
        _line("right_child", trees.right[nodes]),
        _line("leaf_value", trees.leaf_value[leaves]),
        _line("leaf_weight", stated.leaf_weight[leaves]),
        _line("leaf_count", trees.leaf_count[leaves]),
        _line("internal_value", stated.value[nodes]),
        _line("internal_weight", stated.weight[nodes]),
        _line("internal_count", trees.node_count[nodes]),
        "is_linear=0",
        f"shrinkage={float(shrinkage)!r}",
    ]
    return "\n".join([*lines, "", "", ""])


def _line(name: str, values: NDArray[np.generic] | Sequence[int]) -> str:
    return f"{name}=" + " ".join(repr(value) for value in np.asarray(values).tolist())


def _lone_leaf(value: float, columns: int) -> tuple[Trees, Stated]:
    """Return one tree that says the same of every row."""
    none, none_whole = np.zeros(0), np.zeros(0, np.int32)
    trees = Trees(
        columns=columns,
        outputs=1,
        linear=False,
        node_start=np.array([0, 0]),
        leaf_start=np.array([0, 1]),
        feature=none_whole,
        threshold=none,
        decision=np.zeros(0, np.uint8),
        left=none_whole,
        right=none_whole,
        node_count=np.zeros(0, np.int64),
        leaf_value=np.array([value]),
        leaf_count=np.zeros(1, np.int64),
        categories={},
    )
    return trees, Stated(none, none, none, np.zeros(1))
