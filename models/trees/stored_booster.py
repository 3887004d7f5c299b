"""A LightGBM model read from its text; LightGBM itself is called only for what the text lacks."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.models.trees.model import Trees, read_trees

if TYPE_CHECKING:
    import lightgbm as lgb


class StoredBooster:
    """A model as its text and its trees, with the methods of ``lightgbm.Booster`` that are used.

    A raster needs the trees only, and importing LightGBM takes longer than a small request.

    Parameters
    ----------
    text, trees
        As `minerisk.models.trees.check.checked_trees` gives them; or what writes the text of trees
        that were grown here, if anybody asks for it.
    """

    def __init__(self, text: str | Callable[[], str], trees: Trees) -> None:
        self.trees = trees
        self._given = text

    def model_to_string(self) -> str:
        """Return the text."""
        return self._text

    @cached_property
    def _text(self) -> str:
        return self._given if isinstance(self._given, str) else self._given()

    def num_trees(self) -> int:
        """Count the trees."""
        return len(self.trees.node_start) - 1

    def predict(
        self,
        X: NDArray[np.float32],
        *,
        raw_score: bool = False,
        pred_contrib: bool = False,
        num_threads: int = 1,
    ) -> NDArray[np.float64]:
        """Score rows with LightGBM, shape ``(n,)``, or explain them, shape ``(n, columns + 1)``."""
        return np.asarray(
            self._booster.predict(
                X, raw_score=raw_score, pred_contrib=pred_contrib, num_threads=num_threads
            )
        )

    def feature_importance(self, kind: str) -> NDArray[np.float64]:
        """Sum what each column contributed, with LightGBM: ``gain``, or ``split`` for how often."""
        return np.asarray(self._booster.feature_importance(kind))

    @cached_property
    def _booster(self) -> "lgb.Booster":
        import lightgbm as lgb

        try:
            return lgb.Booster(model_str=self._text)
        except (lgb.basic.LightGBMError, ValueError) as error:  # it reads parameters as JSON
            raise InputError(f"LightGBM cannot read a member ({error}). Train again.") from error


Booster: TypeAlias = "lgb.Booster | StoredBooster"


def trees_of(booster: Booster) -> Trees:
    """Return the trees of a model; those of one just trained are read from its text."""
    if isinstance(booster, StoredBooster):
        return booster.trees
    return read_trees(booster.model_to_string())
