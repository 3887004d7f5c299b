"""Look a LightGBM model text over before LightGBM's own parser sees it.

The parser has open memory-safety reports (LightGBM #7357, #7438), so sizes, counts, child and
feature indices, thresholds and category sets are checked here first.
"""

from features.errors import InputError
from models.tree_model import MAX_BYTES, Trees, read_trees


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
        If it is too large, not text, or its trees do not hold together.
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
    return text, trees
