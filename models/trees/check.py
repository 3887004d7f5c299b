"""Look a LightGBM model text over before LightGBM's own parser sees it.

The parser has open memory-safety reports (LightGBM #7357, #7438), so lines, sizes, counts, child
and feature indices, thresholds and category sets are checked here first.
"""

import re

from minerisk.features.errors import InputError
from minerisk.models.trees.model import MAX_BYTES, Trees, read_trees

LINEAR = re.compile(r"\n\[linear_tree: (?!0\])")
OBJECTIVE = re.compile(
    r"\nobjective=(?!(?:binary sigmoid:[0-9]+(?:\.[0-9]+)?|regression)\n)([^\n]*)"
)
"""An objective that nothing is trained by here; LightGBM may refuse it only when it is called."""


def checked_trees(content: bytes, *, features: int) -> tuple[str, Trees]:
    """Check the structure of a LightGBM text model.

    Parameters
    ----------
    content
        The file's bytes.
    features
        How many columns the model may use.

    Returns
    -------
    text, trees
        The text, ready for ``lightgbm.Booster(model_str=…)``, and the trees that it holds.

    Raises
    ------
    InputError
        If it is too large, not text, its trees do not hold together, or are of a kind that is
        never trained here: linear leaves, several classes, another objective.
    """
    if len(content) > MAX_BYTES:
        raise InputError(f"A model file has {len(content):,} bytes; {MAX_BYTES:,} at most.")
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError as error:
        raise InputError("A model file is not LightGBM text. Train the model again.") from error
    trees = read_trees(text)
    if trees.columns > features:
        raise InputError(
            f"A model file uses feature number {trees.columns - 1}; the run has {features} columns."
        )
    if trees.linear or LINEAR.search(text) or trees.outputs > 1:  # never trained here
        raise InputError("A model file has linear leaves or several classes. Train it again.")
    if odd := OBJECTIVE.search(text.partition("\nTree=")[0]):
        raise InputError(f"A model file states objective={odd[1][:60]!r}. Train it again.")
    return text, trees
