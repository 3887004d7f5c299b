"""Look a LightGBM model text over before LightGBM's own parser sees it.

The parser has open memory-safety reports (LightGBM #7357, #7438), so counts, child and feature
indices and thresholds are checked here first.
"""

import math

from features.errors import InputError

MAX_BYTES = 200_000_000
MAX_LEAVES = 100_000


def check_model_text(content: bytes, *, features: int) -> str:
    """Check the structure of a LightGBM text model.

    Parameters
    ----------
    content
        The file's bytes.
    features
        How many columns the model may use.

    Returns
    -------
    str
        The text, ready for ``lightgbm.Booster(model_str=…)``.

    Raises
    ------
    InputError
        If it is too large, not text, or its trees do not hold together.
    """
    if len(content) > MAX_BYTES:
        raise InputError(f"A model file has {len(content):,} bytes; {MAX_BYTES:,} at most.")
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError as error:
        raise InputError("A model file is not LightGBM text. Train the model again.") from error
    if not text.startswith("tree\n") or "\nend of trees" not in text:
        raise InputError("A model file is not a whole LightGBM text. Train the model again.")
    header, *trees = text.split("\nend of trees")[0].split("\nTree=")
    widest = _fields(header).get("max_feature_idx", "")
    if not widest.isdigit() or int(widest) >= features:
        raise InputError(
            f"A model file uses feature number {widest or 'none'}; the run has {features} columns."
        )
    for number, tree in enumerate(trees):
        _check_tree(_fields(tree), features=features, number=number)
    return text


def _fields(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _check_tree(tree: dict[str, str], *, features: int, number: int) -> None:
    try:
        leaves = int(tree["num_leaves"])
        values = [float(value) for value in tree["leaf_value"].split()]
        if not 1 <= leaves <= MAX_LEAVES or len(values) != leaves:
            raise InputError(f"Tree {number} of a model file states {leaves} leaves.")
        if leaves == 1:
            return
        split = [int(value) for value in tree["split_feature"].split()]
        children = [int(c) for side in ("left", "right") for c in tree[f"{side}_child"].split()]
        threshold = [float(value) for value in tree["threshold"].split()]
    except (KeyError, ValueError) as error:
        raise InputError(f"Tree {number} of a model file cannot be read: {error}.") from error
    nodes = leaves - 1
    whole = sorted(children) == [*range(-leaves, 0), *range(1, nodes)]
    finite = all(map(math.isfinite, [*values, *threshold]))
    inside = all(0 <= feature < features for feature in split)
    if not (whole and finite and inside and len(split) == len(threshold) == nodes):
        raise InputError(
            f"Tree {number} of a model file does not hold together. Do not use this model; train "
            "it again, and find out who changed the file (`minerisk audit`)."
        )
