"""The trees of one LightGBM model, read from its text; refused if they do not hold together."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, SupportsInt

import numpy as np
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.models.trees.text import LEAF_FIELDS, NODE_FIELDS, model_lines

MAX_BYTES = 200_000_000
MAX_LEAVES = 100_000
MAX_WORDS = 1_000_000  # of 32 categories each
MAX_CATEGORIES = 1_000_000  # named by the splits of one tree
MAX_DECISION = 11  # category bit 1, default-left bit 2, missing values none 0, zero 4 or NaN 8
CATEGORY = 1
COUNT = re.compile(r"[0-9]{1,9}")
_NUMBER, _WHOLE = r"-?[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?", r"-?[0-9]{1,10}"
_LOOSE = f"(?:{_NUMBER}|-?(?:inf|nan))"  # of what no score comes from
LOOSE = re.compile(_LOOSE)
# What every parser reads alike, parted by single blanks; possessive, so that nothing is kept
# for a second try.
NUMBERS, WHOLES, LOOSES = (
    re.compile(rf"(?:{one}(?: {one})*+)?") for one in (_NUMBER, _WHOLE, _LOOSE)
)
UNREAD = ("split_gain", "internal_value", "internal_weight", "leaf_weight")
"""Fields that nothing here comes of; yet a word that is no number ends the process in LightGBM."""
INFINITE = "inf"  # as a threshold: it parts NaN from all numbers


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
    try:
        return _trees(blocks, columns=columns, outputs=outputs)
    except _WrongTreeError as error:
        raise InputError(
            f"Tree {error.number} of a model file does not hold together ({error}). Do not use "
            "this model; train it again, and find out who changed the file "
            "(`minerisk audit verify`)."
        ) from error


class _WrongTreeError(ValueError):
    """What does not fit, and the number of the tree."""

    def __init__(self, number: SupportsInt, words: str) -> None:
        super().__init__(words)
        self.number = int(number)


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
        if name == "monotone_constraints" and not set(given) <= {"-1", "0", "1"}:
            raise InputError("A model file constrains a column in no known way. Train it again.")
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


def _trees(blocks: list[dict[str, str]], *, columns: int, outputs: int) -> Trees:
    """Read all trees at once: what is stated of each stands one after the other."""
    leaves = np.array([_leaves(number, block) for number, block in enumerate(blocks)], np.int64)
    linear = [_is_linear(number, block) for number, block in enumerate(blocks)]
    known = {
        **{name: _column(blocks, name, leaves - 1) for name in NODE_FIELDS},
        **{name: _column(blocks, name, leaves, lone=name != "leaf_value") for name in LEAF_FIELDS},
    }
    for name in UNREAD:
        _check_form(known[name], LOOSES)
    node_start, leaf_start = (np.concatenate([[0], np.cumsum(n)]) for n in (leaves - 1, leaves))
    trees = Trees(
        columns=columns,
        outputs=outputs,
        linear=any(linear),
        node_start=node_start,
        leaf_start=leaf_start,
        feature=_integers(known["split_feature"], np.int32),
        threshold=_thresholds(known["threshold"]),
        decision=_integers(known["decision_type"], np.uint8),
        left=_integers(known["left_child"], np.int32),
        right=_integers(known["right_child"], np.int32),
        node_count=_integers(known["internal_count"], np.int32).astype(np.int64),
        leaf_value=_floats(known["leaf_value"]),
        leaf_count=_integers(known["leaf_count"], np.int32).astype(np.int64),
        categories={},
    )
    _check_nodes(trees)
    return replace(trees, categories=_categories(trees, blocks))


def _leaves(number: int, block: Mapping[str, str]) -> int:
    stated = block.get("num_leaves", "")
    if not COUNT.fullmatch(stated) or not 1 <= int(stated) <= MAX_LEAVES:
        raise _WrongTreeError(number, f"num_leaves={stated or 'nothing'}")
    return int(stated)


def _is_linear(number: int, block: Mapping[str, str]) -> bool:
    stated = block.get("is_linear", "")
    if stated not in ("0", "1") or not LOOSE.fullmatch(block.get("shrinkage", "")):
        raise _WrongTreeError(number, "shrinkage or is_linear")
    return stated == "1"


def _column(
    blocks: list[dict[str, str]], name: str, sizes: NDArray[np.int64], *, lone: bool = False
) -> list[str]:
    """Return what every tree states under a name; 0 where a tree of one leaf may leave it out."""
    texts = []
    for number, (block, size) in enumerate(zip(blocks, sizes.tolist(), strict=True)):
        text = block.get(name, "absent").strip(" ")
        if lone and size == 1 and not text:
            text = "0"
        if (text.count(" ") + 1 if text else 0) != size:
            raise _WrongTreeError(number, f"{name} does not fit the number of leaves")
        texts.append(text)
    return texts


def _check_nodes(trees: Trees) -> None:
    """Every node and leaf has one parent, which stands before it: no cycle, nothing cut off."""
    nodes, leaves = np.diff(trees.node_start), np.diff(trees.leaf_start)
    tree = np.repeat(np.arange(len(nodes)), nodes)
    own = np.arange(len(tree)) - trees.node_start[tree]

    def refuse(wrong: NDArray[np.bool_], words: str) -> None:
        if wrong.any():
            raise _WrongTreeError(tree[np.argmax(wrong)], words)

    children = [child.astype(np.int64) for child in (trees.left, trees.right)]
    for child in children:
        refuse((child >= nodes[tree]) | (~child >= leaves[tree]), "children")
        refuse((child >= 0) & (child <= own), "a child before its parent")
    below = np.concatenate(children)
    both, inner = np.concatenate([tree, tree]), below >= 0
    parents = np.bincount((trees.node_start[both] + below)[inner], minlength=len(tree))
    refuse(parents != (own > 0), "children")
    of_leaf = np.bincount((trees.leaf_start[both] + ~below)[~inner], minlength=leaves.sum())
    place = np.repeat(np.arange(len(leaves)), leaves)
    lone = np.flatnonzero(of_leaf != (nodes > 0)[place])
    if lone.size:
        raise _WrongTreeError(place[lone[0]], "children")
    refuse((trees.feature < 0) | (trees.feature >= trees.columns), "split_feature")
    refuse(trees.decision > MAX_DECISION, "decision_type")
    refuse(trees.node_count < 0, "a negative count")
    if (trees.leaf_count < 0).any():
        raise _WrongTreeError(place[np.argmax(trees.leaf_count < 0)], "a negative count")


def _categories(trees: Trees, blocks: list[dict[str, str]]) -> dict[int, frozenset[int]]:
    """Read the categories that go left at each node that splits by category."""
    at = np.flatnonzero(trees.decision & CATEGORY)
    edges = np.searchsorted(at, trees.node_start)
    found: dict[int, frozenset[int]] = {}
    for number, block in enumerate(blocks):
        nodes = at[edges[number] : edges[number + 1]].tolist()
        try:
            found |= _sets(trees.threshold[nodes], nodes, block)
        except (KeyError, ValueError, OverflowError) as error:
            raise _WrongTreeError(number, str(error)) from error
    return found


def _sets(
    which: NDArray[np.float64], nodes: list[int], block: Mapping[str, str]
) -> dict[int, frozenset[int]]:
    """Read the sets of one tree, kept as bits of 32-bit words, set after set."""
    stated = block["num_cat"]
    sets = int(stated) if COUNT.fullmatch(stated) else -1
    if sets != len(nodes):
        raise ValueError(f"num_cat {stated} for {len(nodes)} splits by category")
    if not sets:
        return {}
    edges = _integers([block["cat_boundaries"].strip(" ")], np.int64).tolist()
    words = _integers([block["cat_threshold"].strip(" ")], np.int64).tolist()
    if len(edges) != sets + 1 or edges[0] != 0 or edges[-1] != len(words):
        raise ValueError("cat_boundaries")
    if any(not 0 < high - low <= MAX_WORDS for low, high in pairwise(edges)):
        raise ValueError("cat_boundaries")
    if any(not 0 <= word < 2**32 for word in words):
        raise ValueError("cat_threshold")
    if sum(word.bit_count() for word in words) > MAX_CATEGORIES:
        raise ValueError(f"more than {MAX_CATEGORIES:,} categories")
    if sorted(which.tolist()) != list(range(sets)):
        raise ValueError("the number of a category set")
    return {
        node: _bits(words[edges[int(place)] : edges[int(place) + 1]])
        for node, place in zip(nodes, which, strict=True)
    }


def _bits(words: list[int]) -> frozenset[int]:
    return frozenset(
        32 * place + bit for place, word in enumerate(words) for bit in range(32) if word >> bit & 1
    )


def _thresholds(texts: list[str]) -> NDArray[np.float64]:
    """Read thresholds, among which infinity is one."""
    if not any(INFINITE in text for text in texts):
        return _floats(texts)
    values = [text.split(" ") if text else [] for text in texts]
    infinite = [value == INFINITE for words in values for value in words]
    finite = [" ".join("0" if value == INFINITE else value for value in words) for words in values]
    return np.where(infinite, np.inf, _floats(finite))


def _floats(texts: list[str]) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = _numbers(texts, NUMBERS, np.float64)
    if not np.isfinite(numbers).all():
        sizes = np.cumsum([text.count(" ") + 1 if text else 0 for text in texts])
        wrong = int(np.argmin(np.isfinite(numbers)))
        raise _WrongTreeError(np.searchsorted(sizes, wrong, "right"), "a number is not finite")
    return numbers


def _integers(texts: list[str], kind: type[np.generic]) -> NDArray[Any]:
    numbers = _numbers(texts, WHOLES, np.int64)
    kept = numbers.astype(kind)
    if (kept != numbers).any():
        sizes = np.cumsum([text.count(" ") + 1 if text else 0 for text in texts])
        wrong = int(np.argmax(kept != numbers))
        raise _WrongTreeError(np.searchsorted(sizes, wrong, "right"), f"{numbers[wrong]}")
    return kept


def _numbers(texts: list[str], form: re.Pattern[str], kind: type[np.generic]) -> NDArray[Any]:
    """Read numbers parted by single blanks, all texts at once; every one is checked first."""
    whole = _check_form(texts, form)
    return np.fromstring(whole, dtype=kind, sep=" ") if whole else np.empty(0, dtype=kind)


def _check_form(texts: list[str], form: re.Pattern[str]) -> str:
    whole = " ".join(filter(None, texts))
    if not form.fullmatch(whole):
        number = next(place for place, text in enumerate(texts) if not form.fullmatch(text))
        raise _WrongTreeError(number, f"not all numbers: {texts[number][:80]}")
    return whole
