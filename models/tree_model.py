"""The trees of one LightGBM model, read from its text; refused if they do not hold together."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.errors import InputError
from models.tree_text import LEAF_FIELDS, NODE_FIELDS, model_lines

MAX_BYTES = 200_000_000
MAX_LEAVES = 100_000
MAX_WORDS = 1_000_000  # of 32 categories each
MAX_CATEGORIES = 1_000_000  # named by the splits of one tree
MAX_DECISION = 11  # category bit 1, default-left bit 2, missing values none 0, zero 4 or NaN 8
CATEGORY = 1
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?")  # what every parser reads alike
LOOSE = re.compile(NUMBER.pattern + "|-?(inf|nan)")  # of what no score comes from
INFINITE = "inf"  # as a threshold: it parts NaN from all numbers
WHOLE = re.compile(r"-?[0-9]{1,10}")
COUNT = re.compile(r"[0-9]{1,9}")
ARRAYS = (
    "feature",
    "threshold",
    "decision",
    "left",
    "right",
    "node_count",
    "leaf_value",
    "leaf_count",
)


class UnreadableTreesError(InputError):
    """Trees that hold together, but that only LightGBM itself can walk."""


@dataclass(frozen=True)
class Trees:
    """The trees of one model, one after the other; tree ``t`` has nodes ``node_start[t:t + 2]``.

    Attributes
    ----------
    columns
        How many columns the model was trained on.
    outputs
        How many scores each row gets; 1 unless there are several classes.
    linear
        Whether any leaf holds a linear model.
    node_start, leaf_start
        First node and first leaf of each tree, and the end; shape ``(trees + 1,)``.
    feature, threshold, decision, left, right, node_count
        Of each node: column, threshold, decision type (LightGBM's bits), children within the
        tree (``~leaf`` where negative), training rows.
    leaf_value, leaf_count
        Of each leaf: score and training rows.
    categories
        For each node that splits by category, by its number: the categories that go left.
    """

    columns: int
    outputs: int
    linear: bool
    node_start: NDArray[np.int64]
    leaf_start: NDArray[np.int64]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    decision: NDArray[np.uint8]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    node_count: NDArray[np.int64]
    leaf_value: NDArray[np.float64]
    leaf_count: NDArray[np.int64]
    categories: Mapping[int, frozenset[int]]


def read_trees(text: str) -> Trees:
    """Read the trees of a LightGBM text model (format v4), and check that they hold together.

    Parameters
    ----------
    text
        What ``Booster.model_to_string()`` gives.

    Raises
    ------
    InputError
        If it is too large, cut short, or a count, size, index, threshold or set is wrong.
    """
    if len(text) > MAX_BYTES:
        raise InputError(f"A model has {len(text):,} characters; {MAX_BYTES:,} at most.")
    head, blocks = model_lines(text)
    columns, outputs = _columns(head), _outputs(head, len(blocks))
    trees = []
    for number, block in enumerate(blocks):
        try:
            trees.append(_tree(block, columns))
        except (KeyError, ValueError, OverflowError) as error:
            raise InputError(
                f"Tree {number} of a model file does not hold together ({error}). Do not use this "
                "model; train it again, and find out who changed the file (`minerisk audit`)."
            ) from error
    return _joined(trees, columns=columns, outputs=outputs)


def _whole_number(head: Mapping[str, str], name: str) -> int:
    value = head.get(name, "")
    if not COUNT.fullmatch(value):
        raise InputError(f"A model file states {name}={value or 'nothing'}. Train it again.")
    return int(value)


def _columns(head: Mapping[str, str]) -> int:
    columns = _whole_number(head, "max_feature_idx") + 1
    for name in ("feature_names", "feature_infos", "monotone_constraints"):
        given = head.get(name, "").split(" ")
        if name == "monotone_constraints" and name not in head:
            continue
        if len(given) != columns or "" in given:
            raise InputError(f"A model file does not name its {columns} columns. Train it again.")
    return columns


def _outputs(head: Mapping[str, str], trees: int) -> int:
    """LightGBM makes room for so many scores as there are classes, and writes one a tree."""
    outputs, classes = (
        _whole_number(head, name) for name in ("num_tree_per_iteration", "num_class")
    )
    _whole_number(head, "label_index")
    if outputs < 1 or trees % outputs or outputs != classes:
        raise InputError(
            f"A model file has {trees} trees for {outputs} scores of {classes} classes. Train it "
            "again."
        )
    return outputs


def _tree(block: Mapping[str, str], columns: int) -> Trees:
    """Read one tree; raise KeyError or ValueError with what does not fit."""
    leaves = _whole(block["num_leaves"])
    if not 1 <= leaves <= MAX_LEAVES:
        raise ValueError(f"{leaves} leaves")
    fields = _numbers(block, leaves)
    tree = Trees(
        columns=columns,
        outputs=1,
        linear=_whole(block["is_linear"]) == 1,
        node_start=np.array([0, leaves - 1]),
        leaf_start=np.array([0, leaves]),
        feature=_integers(fields["split_feature"], np.int32),
        threshold=_thresholds(fields["threshold"]),
        decision=_integers(fields["decision_type"], np.uint8),
        left=_integers(fields["left_child"], np.int32),
        right=_integers(fields["right_child"], np.int32),
        node_count=_integers(fields["internal_count"], np.int32).astype(np.int64),
        leaf_value=_floats(fields["leaf_value"]),
        leaf_count=_integers(fields["leaf_count"] or ["0"], np.int32).astype(np.int64),
        categories={},
    )
    _check_nodes(tree, leaves - 1)
    return replace(tree, categories=_categories(tree, block))


def _numbers(block: Mapping[str, str], leaves: int) -> dict[str, list[str]]:
    """Part the fields into as many numbers as there are nodes and leaves."""
    fields = {name: block[name].split() for name in (*NODE_FIELDS, *LEAF_FIELDS)}
    optional = LEAF_FIELDS[1:] if leaves == 1 else ()
    expected = dict.fromkeys(NODE_FIELDS, leaves - 1) | dict.fromkeys(LEAF_FIELDS, leaves)
    wrong = [
        name
        for name, values in fields.items()
        if len(values) != expected[name] and not (name in optional and not values)
    ]
    if wrong:
        raise ValueError(f"{leaves} leaves do not fit {wrong}")
    # A word that is no number ends the process in LightGBM, whatever the field.
    if not all(LOOSE.fullmatch(value) for values in fields.values() for value in values):
        raise ValueError("not all numbers")
    if not LOOSE.fullmatch(block["shrinkage"]) or _whole(block["is_linear"]) > 1:
        raise ValueError("shrinkage or is_linear")
    return fields


def _check_nodes(tree: Trees, nodes: int) -> None:
    """Every node and leaf has one parent, which stands before it: no cycle, nothing cut off."""
    children = sorted(np.concatenate([tree.left, tree.right]).tolist())
    if nodes and children != [*range(-nodes - 1, 0), *range(1, nodes)]:
        raise ValueError("children")
    own = np.arange(nodes)
    if any(((child >= 0) & (child <= own)).any() for child in (tree.left, tree.right)):
        raise ValueError("a child before its parent")
    if ((tree.feature < 0) | (tree.feature >= tree.columns)).any():
        raise ValueError("split_feature")
    if (tree.decision > MAX_DECISION).any():
        raise ValueError("decision_type")
    if (tree.node_count < 0).any() or (tree.leaf_count < 0).any():
        raise ValueError("a negative count")


def _categories(tree: Trees, block: Mapping[str, str]) -> dict[int, frozenset[int]]:
    """Read the categories that go left, kept as bits of 32-bit words, set after set."""
    nodes = np.flatnonzero(tree.decision & CATEGORY).tolist()
    sets = _whole(block["num_cat"])
    if sets != len(nodes):
        raise ValueError(f"num_cat {sets} for {len(nodes)} splits by category")
    if not sets:
        return {}
    edges = _integers(block["cat_boundaries"].split(), np.int64).tolist()
    words = _integers(block["cat_threshold"].split(), np.int64).tolist()
    if len(edges) != sets + 1 or edges[0] != 0 or edges[-1] != len(words):
        raise ValueError("cat_boundaries")
    if any(not 0 < high - low <= MAX_WORDS for low, high in pairwise(edges)):
        raise ValueError("cat_boundaries")
    if any(not 0 <= word < 2**32 for word in words):
        raise ValueError("cat_threshold")
    if sum(word.bit_count() for word in words) > MAX_CATEGORIES:
        raise ValueError(f"more than {MAX_CATEGORIES:,} categories")
    number = tree.threshold[nodes]
    if sorted(number.tolist()) != list(range(sets)):
        raise ValueError("the number of a category set")
    return {
        node: _bits(words[edges[int(which)] : edges[int(which) + 1]])
        for node, which in zip(nodes, number, strict=True)
    }


def _whole(value: str) -> int:
    if not COUNT.fullmatch(value):
        raise ValueError(f"{value!r} is no count")
    return int(value)


def _bits(words: list[int]) -> frozenset[int]:
    return frozenset(
        32 * place + bit for place, word in enumerate(words) for bit in range(32) if word >> bit & 1
    )


def _thresholds(values: list[str]) -> NDArray[np.float64]:
    infinite = np.array([value == INFINITE for value in values], dtype=np.bool_)
    return np.where(infinite, np.inf, _floats([v if v != INFINITE else "0" for v in values]))


def _floats(values: list[str]) -> NDArray[np.float64]:
    if not all(map(NUMBER.fullmatch, values)):
        raise ValueError(f"not all numbers: {values[:9]}")
    numbers = np.array([float(value) for value in values], dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError("a number is not finite")
    return numbers


def _integers(values: list[str], kind: type[np.generic]) -> NDArray[Any]:
    if not all(map(WHOLE.fullmatch, values)):
        raise ValueError(f"not all whole numbers: {values[:9]}")
    return np.array([int(value) for value in values], dtype=kind)


def _joined(trees: list[Trees], *, columns: int, outputs: int) -> Trees:
    def all_of(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(tree, name) for tree in trees])

    node_start = np.cumsum([0, *(len(tree.feature) for tree in trees)])
    leaf_start = np.cumsum([0, *(len(tree.leaf_value) for tree in trees)])
    categories = {
        int(first) + node: kept
        for first, tree in zip(node_start[:-1], trees, strict=True)
        for node, kept in tree.categories.items()
    }
    return Trees(
        columns=columns,
        outputs=outputs,
        linear=any(tree.linear for tree in trees),
        node_start=node_start,
        leaf_start=leaf_start,
        categories=categories,
        **{name: all_of(name) for name in ARRAYS},
    )
