"""Reading plain values of a model file, each checked before it is used."""

from collections.abc import Mapping

import numpy as np

from minerisk.features.errors import InputError

Plain = Mapping[str, str | float | list[float]]


def expect_kind(plain: Plain, kind: str) -> None:
    """Refuse a record of another kind."""
    if plain.get("kind") != kind:
        raise InputError(f"The record's kind is {plain.get('kind')!r}; expected {kind!r}.")


def number(plain: Plain, name: str) -> float:
    """Give a finite number."""
    value = plain.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise InputError(f"The record's {name} is {value!r}; expected a finite number.")
    return float(value)


def not_negative(plain: Plain, name: str) -> float:
    """Give a number of at least 0."""
    value = number(plain, name)
    if value < 0:
        raise InputError(f"The record's {name} is {value}, below 0; it would turn the map over.")
    return value


def numbers(plain: Plain, name: str) -> list[float]:
    """Give a list of finite numbers that is not empty."""
    values = plain.get(name)
    if not isinstance(values, list) or not values:
        raise InputError(f"The record's {name} is {values!r}; expected a list of numbers.")
    return [number({name: value}, name) for value in values]


def rising(values: list[float]) -> bool:
    """Tell whether shares never fall and stay within 0 and 1."""
    return bool((np.diff(values) >= 0).all() and 0 <= values[0] <= values[-1] <= 1)
