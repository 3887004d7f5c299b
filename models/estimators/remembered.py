"""Members that were trained on one set of training rows, so that none is trained twice."""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

from minerisk.models.trees.stored_booster import StoredBooster

Binned = TypeVar("Binned")


class Remembered:
    """Boosters, and binned rows, by a key that says all they depend on besides the rows themselves.

    Settings that are tried one after another share many of their members: a mixed ensemble has
    those of the boosted one and of the forest. Two threads that ask for the same member at once may
    both train it; it is the same.
    """

    def __init__(self) -> None:
        self._known: dict[Hashable, StoredBooster] = {}
        self._binned: dict[Hashable, Any] = {}
        self._lock = Lock()

    def of(self, key: Hashable, train: Callable[[], StoredBooster]) -> StoredBooster:
        """Return the booster of this key, or train it."""
        if key not in self._known:
            self._known[key] = train()
        return self._known[key]

    def of_other_weights(self) -> "Remembered":
        """Return what holds of the same rows under other weights, all above 0: their bins."""
        other = Remembered()
        other._binned = self._binned
        return other

    def binned(self, key: Hashable, make: Callable[[], Binned]) -> Binned:
        """Return the binned rows of this key, or make them, while other threads wait for them."""
        with self._lock:
            if key not in self._binned:
                self._binned[key] = make()
            found: Binned = self._binned[key]
            return found
