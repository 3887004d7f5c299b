"""What a reader sees, in their language: English is the source, catalogues hold the others.

How to use it. Ask once for the texts of a language and hand them on: ``told = texts("az")``. Then
``told.say("Hectares: {area:hectares}", area=12.5)`` returns that message, ``told.say(notice)`` the
words of a code with its values, and ``told.words(CLASS_WORDS)`` or ``told.ramp(PROBABILITY_RAMP)``
a legend. A message with a number in it is a `Plural`. A message must stand as a literal in
``say("…")``, in `marked` ("…") or `Plural` ("…", "…") where it is a constant, or between
``{% trans %}`` and ``{% endtrans %}`` in a template, so that a test finds it. Then add it to
``locale/<language>/LC_MESSAGES/minerisk.po``, by hand or in any gettext editor; nothing has to be
compiled. What has no translation is shown in English, never left out.
"""

import datetime as dt
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Protocol, TypeVar

from minerisk.features.errors import InputError
from minerisk.pipelines.language.notice_words import WORDS
from minerisk.pipelines.language.numbers import (
    COMMA_STYLE,
    ENGLISH_STYLE,
    NONE,
    Kind,
    Style,
    day,
    in_style,
    number,
)
from minerisk.pipelines.language.words import Message, Plural
from minerisk.pipelines.records.notice import Scalar, Value

Key = TypeVar("Key")

LANGUAGES: Mapping[str, str] = {"en": "English", "az": "Azərbaycanca", "ru": "Русский"}
"""Code (ISO 639-1) of each language, and its name in itself."""
LOCALE = Path(__file__).parent / "locale"
DOTLESS = {"I": "ı", "İ": "i"}
"""Small letters that Python has otherwise: Azerbaijani has an i with a dot, and one without."""
KINDS: Mapping[str, Kind] = {
    "number": "number",
    "share": "share",
    "hectares": "hectares",
    "count": "count",
    "amount": "amount",
    "exact": "exact",
}


class Coded(Protocol):
    """A code with values, such as a `Notice`."""

    @property
    def code(self) -> StrEnum:
        """Which sentence it is."""

    @property
    def values(self) -> Mapping[str, Value]:
        """What stands in the places of that sentence."""


@dataclass(frozen=True)
class Texts:
    """The words of one language.

    Attributes
    ----------
    language
        ISO 639-1: ``en``, ``az`` or ``ru``.
    catalogue
        English to that language; a message that is not there is shown in English.
    """

    language: str = "en"
    catalogue: NullTranslations = field(default_factory=NullTranslations)

    def say(self, message: Message | Coded, **values: Value) -> str:
        """Return a message in this language, or that of a notice, its ``{places}`` filled.

        Raises
        ------
        InputError
            If a value is missing.
        """
        if not isinstance(message, str | Plural):
            return self._filled(WORDS.get(message.code, message.code), message.values)
        return self._filled(message, values) if values else self._translated(message, values)

    def counted(self, one: str, many: str, count: float) -> str:
        """Return the form of a message that goes with a number; its places stay as they are."""
        return self.catalogue.ngettext(one, many, int(count))

    def words(self, named: Mapping[Key, str]) -> dict[Key, str]:
        """Return a table of names, such as the classes of a legend, in this language."""
        return {key: self.say(message) for key, message in named.items()}

    def lowered(self, words: str) -> str:
        """Begin words with a small letter, as they stand inside a sentence of this language.

        A first word in capitals is a warning or a short name, and stays as it is.
        """
        start = words.split(maxsplit=1)[:1]
        if start and len(start[0]) > 1 and start[0].isupper():
            return words
        first = DOTLESS.get(words[:1], words[:1]) if self.language == "az" else words[:1]
        return first.lower() + words[1:]

    def ramp(self, ramp: Sequence[tuple[float, str, str]]) -> list[tuple[float, str, str]]:
        """Return the steps of a scale (upper bound, colour, words) in this language."""
        return [(upper, colour, self._step(words)) for upper, colour, words in ramp]

    def _step(self, words: str) -> str:
        """Return the words of a step; one of numbers alone is in no catalogue."""
        told = self.say(words)
        return told if told != words else in_style(words, self.style)

    def number(self, value: float | None, kind: Kind = "number") -> str:
        """Return a number, rounded; – where there is none."""
        return number(value, kind, style=self.style)

    def written(self, value: float, form: str) -> str:
        """Return a number in a format of Python, such as ``.1f``, as this language writes it."""
        return in_style(format(value, form), self.style)

    def day(self, value: dt.date | str | None) -> str:
        """Return a day or moment, also one in ISO 8601, as this language writes it."""
        return NONE if value is None else day(value, style=self.style)

    def interval(self, low: float | None, high: float | None, kind: Kind = "number") -> str:
        """Return the ends of an interval; empty where one is not known."""
        ends = self.number(low, kind), self.number(high, kind)
        if NONE in ends:
            return ""
        return f"{ends[0].removesuffix(' %')} {self.say('to')} {ends[1]}"

    @property
    def style(self) -> Style:
        """How this language writes numbers and days."""
        return ENGLISH_STYLE if self.language == "en" else COMMA_STYLE

    def _translated(self, message: Message, values: Mapping[str, Value]) -> str:
        if isinstance(message, Plural):
            count = values.get(message.by)
            return self.counted(
                message.one, message.many, count if isinstance(count, int | float) else 0
            )
        return self.catalogue.gettext(message) if message else ""

    def _filled(self, message: Message, values: Mapping[str, Value]) -> str:
        return "".join(self._pieces(self._translated(message, values), values))

    def _pieces(self, words: str, values: Mapping[str, Value]) -> Iterator[str]:
        for literal, name, form, _ in string.Formatter().parse(words):
            yield literal
            if name is None:
                continue
            if name not in values:
                raise InputError(f"The value {name!r} of {words!r} is missing; there is {values}.")
            value = values[name]
            parts = value if isinstance(value, tuple) else (value,)
            yield ", ".join(self._shown(part, form or "") for part in parts)

    def _shown(self, value: Scalar, form: str) -> str:
        if value is None:
            return NONE
        if isinstance(value, str):
            if form == "day":
                return self.day(value)
            return self.say(WORDS.get(value, value)) if form == "name" else value
        if form in KINDS:
            return self.number(value, KINDS[form])
        if form:
            return self.written(value, form)
        return self.number(value, "count" if isinstance(value, int) else "number")


ENGLISH = Texts()


@cache
def texts(language: str) -> Texts:
    """Return the texts of a language.

    Parameters
    ----------
    language
        ``en``, ``az`` or ``ru``.

    Raises
    ------
    InputError
        If there is no catalogue of that language.
    """
    if language == "en":
        return ENGLISH
    if language not in LANGUAGES:
        raise InputError(
            f"There are no texts in {language!r}; expected one of {', '.join(LANGUAGES)}."
        )
    path = LOCALE / language / "LC_MESSAGES" / "minerisk.po"
    return Texts(language, read_catalogue(path.read_bytes(), language))


def read_catalogue(content: bytes, language: str) -> NullTranslations:
    """Read a gettext catalogue (``.po``); what is fuzzy or withdrawn (``#~``) is left out."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po
    from babel.support import Translations

    compiled = BytesIO()
    write_mo(compiled, read_po(BytesIO(content), locale=language))
    compiled.seek(0)
    return Translations(compiled)
