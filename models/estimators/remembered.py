"""Members that were trained on one set of training rows, so that none is trained twice."""

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lightgbm import Booster


class Remembered:
    """Boosters by a key that says all that they depend on, besides the rows themselves.

    Settings that are tried one after another share many of their members: a mixed ensemble has
    those of the boosted one and of the forest. Two threads that ask for the same at once may both
    train it; it is the same.
    """

    def __init__(self) -> None:
        self._known: dict[Hashable, Booster] = {}

    def of(self, key: Hashable, train: Callable[[], "Booster"]) -> "Booster":
        """Return the booster of this key, or train it."""
        if key not in self._known:
            self._known[key] = train()
        return self._known[key]
