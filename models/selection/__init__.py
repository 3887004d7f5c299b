"""Choosing a model inside each training set, and scoring it on land held out."""

from typing import TYPE_CHECKING

from minerisk.lazy import import_on_first_use

if TYPE_CHECKING:
    from minerisk.models.selection.candidates import ModelSpec, makers
    from minerisk.models.selection.held_out_scores import HeldOutScores, score_held_out
    from minerisk.models.selection.leakage import permuted_within_blocks
    from minerisk.models.selection.nested_search import NestedChoice
    from minerisk.models.selection.protocols import HeldOut, hold_out
else:
    __getattr__, __dir__ = import_on_first_use(__name__)

__all__ = [
    "HeldOut",
    "HeldOutScores",
    "ModelSpec",
    "NestedChoice",
    "hold_out",
    "makers",
    "permuted_within_blocks",
    "score_held_out",
]
