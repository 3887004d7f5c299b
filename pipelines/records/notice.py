"""What a stage has to say, as a code with values: the words are made where it is shown."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from minerisk.pipelines.records.record import Record

Scalar = str | int | float | None
Value = Scalar | tuple[Scalar, ...]
"""What a notice is about: a name, a number, or several of them. Shares are 0 to 1, lengths m."""
Code = TypeVar("Code", bound=StrEnum, covariant=True)


class Notice(Record, Generic[Code]):
    """A code with its values, such as a warning of columns or the reason of a task.

    A file of notices names the kind of their codes: ``warnings: tuple[Notice[Leakage], ...]``.
    `minerisk.pipelines.language` has the words of each code: ``texts.say(notice)``.

    Attributes
    ----------
    code
        Which sentence it is.
    values
        What stands in the places of that sentence.
    """

    code: Code
    values: Mapping[str, Value] = {}
