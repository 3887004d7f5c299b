"""The lines of a LightGBM model text (format v4), taken only if they are such as LightGBM writes.

What is checked here must be what LightGBM's parser reads. It takes a carriage return for the end of
a line and a NUL for the end of the text, drops a ``=`` that begins a line, ends a tree at the first
blank line, and jumps by the sizes the header states; where a tree then fails, the process ends. So
nothing is let through that the two could read in two ways.
"""

import re
from collections.abc import Mapping, Sequence

from minerisk.features.errors import InputError

HEAD = (
    "version",
    "num_class",
    "num_tree_per_iteration",
    "label_index",
    "max_feature_idx",
    "objective",
    "feature_names",
    "monotone_constraints",
    "feature_infos",
    "tree_sizes",
)
NODE_FIELDS = (
    "split_feature",
    "split_gain",
    "threshold",
    "decision_type",
    "left_child",
    "right_child",
    "internal_value",
    "internal_weight",
    "internal_count",
)
LEAF_FIELDS = ("leaf_value", "leaf_weight", "leaf_count")
OF_LEAVES_THAT_ARE_LINEAR = ("leaf_const", "num_features", "leaf_features", "leaf_coeff")
TREE = (
    "num_leaves",
    "num_cat",
    "cat_boundaries",
    "cat_threshold",
    "is_linear",
    "shrinkage",
    *NODE_FIELDS,
    *LEAF_FIELDS,
    *OF_LEAVES_THAT_ARE_LINEAR,
)
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
TAIL = re.compile(
    r"\nfeature_importances:\n(?:[^\n]+=[0-9]+\n)*+"
    r"(?:\nparameters:\n"
    r"(?:\[[a-z0-9_]+: (?:[^\n\[\]\"]++|\[[0-9,]*+\])*+\]\n)*+"
    r"\nend of parameters\n)?"
    r"(?:\npandas_categorical:(?:null|\[\])\n)?"
)
"""What follows the trees. LightGBM reads parameters, its Python package the last line as JSON."""


def model_lines(text: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Part a model text into what the header and each tree state, name by name.

    Raises
    ------
    InputError
        If it is cut short, or holds a line that LightGBM does not write there.
    """
    if not text.startswith("tree\nversion=v4\n") or "\nend of trees\n" not in text:
        raise InputError("A model file is not a whole LightGBM text. Train the model again.")
    if CONTROL.search(text):
        raise InputError("A model file holds control characters. Train the model again.")
    trees, tail = text.split("\nend of trees\n", 1)
    header, *blocks = trees.split("\nTree=")
    if not blocks:
        raise InputError("A model file holds no trees. Train the model again.")
    if not TAIL.fullmatch(tail):
        raise InputError("A model file does not end as LightGBM ends it. Train the model again.")
    lines = [line for line in header.split("\n")[1:] if line not in ("", "average_output")]
    head = _fields(lines, HEAD)
    _check_sizes(head, blocks)
    return head, [_tree_fields(block, number) for number, block in enumerate(blocks)]


def _tree_fields(block: str, number: int) -> dict[str, str]:
    name, *lines = block.split("\n")
    if name != str(number) or lines[-2:] != ["", ""]:
        raise InputError(f"Tree {number} of a model file is not parted off. Train it again.")
    return _fields(lines[:-2], TREE)


def _fields(lines: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    pairs = [line.partition("=") for line in lines]
    odd = [line[:60] for line, (name, equals, value) in zip(lines, pairs, strict=True)
           if name not in known or not equals
           or ("=" in value and name != "feature_names")]  # fmt: skip
    if odd:
        raise InputError(f"A model file states {odd[0]!r}, unknown here. Train the model again.")
    fields = {name: value for name, _, value in pairs}
    if len(fields) != len(pairs):
        raise InputError("A model file states something twice. Train the model again.")
    return fields


def _check_sizes(head: Mapping[str, str], blocks: Sequence[str]) -> None:
    """LightGBM jumps from tree to tree by the sizes the header states: they must be true."""
    sizes = [len("Tree=") + len(block) + 1 for block in blocks]
    stated = head.get("tree_sizes")
    if stated is None or stated.split() != [str(size) for size in sizes]:
        raise InputError("A model file's tree sizes are not those of its trees. Train it again.")
