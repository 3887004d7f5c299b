"""Scores and SHAP values of LightGBM models, by compiled kernels."""

from typing import TYPE_CHECKING

from minerisk.lazy import import_on_first_use

if TYPE_CHECKING:
    from minerisk.models.trees.check import checked_trees
    from minerisk.models.trees.kernel import Kernel, kernel_of
    from minerisk.models.trees.model import Trees, UnreadableTreesError, read_trees
    from minerisk.models.trees.shap import GroupShap, shap_by_group
    from minerisk.models.trees.stored_booster import StoredBooster
else:
    __getattr__, __dir__ = import_on_first_use(__name__)

__all__ = [
    "GroupShap",
    "Kernel",
    "StoredBooster",
    "Trees",
    "UnreadableTreesError",
    "checked_trees",
    "kernel_of",
    "read_trees",
    "shap_by_group",
]
