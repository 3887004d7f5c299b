"""Records of numbers in a model file: written as plain values, and checked when read."""

import json
from collections.abc import Callable, Mapping
from dataclasses import Field, fields
from typing import Any, ClassVar, Self, get_origin, get_type_hints

import numpy as np

from minerisk.features.errors import InputError

Plain = Mapping[str, str | float | list[float]]
MOST = 1e100
MOST_BYTES = 64_000_000


def read_record(content: bytes, name: str) -> dict[str, Any]:
    """Read the JSON of a model file, which may come from anywhere.

    Raises
    ------
    InputError
        If it is larger than 64 MB, no JSON, nested too deep, no record, or holds NaN or infinity.
    """
    if len(content) > MOST_BYTES:
        raise InputError(f"{name} is larger than {MOST_BYTES:,} bytes; expected a minerisk model.")
    try:
        found = json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{name} is no JSON of a minerisk model ({str(error)[:80]}). Train again."
        ) from error
    if not isinstance(found, dict):
        raise InputError(f"{name} holds no record; expected a minerisk model. Train again.")
    return found


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is no number")


class PlainRecord:
    """A dataclass of numbers, lists of numbers and switches that is kept in a model file.

    A subclass states its `kind`, and in `check` what has to hold between its values: a model
    file may come from anywhere.
    """

    kind: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def check(self) -> None:
        """Refuse values that do not fit each other.

        Raises
        ------
        InputError
            If they do not.
        """

    def to_dict(self) -> dict[str, str | float | list[float]]:
        """Return the record as plain values, with its kind."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {"kind": self.kind} | {
            name: value if isinstance(value, int | float) else [float(item) for item in value]
            for name, value in values.items()
        }

    @classmethod
    def from_dict(cls, plain: Plain) -> Self:
        """Rebuild what `to_dict` returned.

        Raises
        ------
        InputError
            If it is of another kind, a value is missing or no number, or values do not fit.
        """
        if plain.get("kind") != cls.kind:
            raise InputError(f"The record's kind is {plain.get('kind')!r}; expected {cls.kind!r}.")
        hints = get_type_hints(cls)
        types = {field.name: hints[field.name] for field in fields(cls)}
        record = cls(
            **{
                name: _READERS[_plain_type(expected)](plain, name)
                for name, expected in types.items()
            }
        )
        record.check()
        return record


def _plain_type(annotation: Any) -> type:
    """Return the class behind an annotation; numpy 2.5 made `NDArray` an alias of its own type."""
    origin = get_origin(annotation) or annotation
    value = getattr(origin, "__value__", None)
    return origin if value is None else _plain_type(value)


def number(plain: Plain, name: str) -> float:
    """Read a number that can be reckoned with: finite, and no product of two is infinite."""
    value = plain.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MOST:
        raise InputError(
            f"The record's {name} is {str(value)[:40]}; expected a finite number up to {MOST:g}."
        )
    return float(value)


def numbers(plain: Plain, name: str) -> list[float]:
    """Read a list of finite numbers that is not empty."""
    values = plain.get(name)
    if not isinstance(values, list) or not values:
        raise InputError(f"The record's {name} is {values!r}; expected a list of numbers.")
    return [number({name: value}, name) for value in values]


def refuse_negative(**values: float) -> None:
    """Refuse a coefficient below 0: with it a higher score would get a lower probability."""
    for name, value in values.items():
        if value < 0:
            raise InputError(f"The record's {name} is {value}, below 0; it would reverse the map.")


def rising(values: tuple[float, ...]) -> bool:
    """Return whether shares never fall and stay within 0 and 1."""
    return bool((np.diff(values) >= 0).all() and 0 <= values[0] <= values[-1] <= 1)


def _switch(plain: Plain, name: str) -> bool:
    value = plain.get(name)
    if not isinstance(value, bool):
        raise InputError(f"The record's {name} is {value!r}; expected true or false.")
    return value


_READERS: dict[type, Callable[[Plain, str], Any]] = {
    bool: _switch,
    float: number,
    int: lambda plain, name: int(number(plain, name)),
    tuple: lambda plain, name: tuple(numbers(plain, name)),
    np.ndarray: lambda plain, name: np.array(numbers(plain, name)),
}
"""How a field of each type is read."""
