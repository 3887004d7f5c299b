"""What a reader sees, in their language: English is the source, catalogues hold the others.

How to use it. Ask once for the texts of a language and hand them on: ``told = texts("az")``. Then
``told.say("Hectares: {number}", number="12")`` gives the words of that message, and
``told.words(CLASS_WORDS)`` or ``told.ramp(PROBABILITY_RAMP)`` a legend. A message must stand as a
literal in ``say("…")``, in `marked` ("…") where it is a constant, or between ``{% trans %}`` and
``{% endtrans %}`` in a template, so that a test finds it. Then add it to
``locale/<language>/LC_MESSAGES/minerisk.po``, by hand or in any gettext editor; nothing has to be
compiled. What has no translation is shown in English, never left out.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TypeVar

from minerisk.features.errors import InputError
from minerisk.pipelines.language.stored_messages import STORED

Key = TypeVar("Key")

LANGUAGES: Mapping[str, str] = {"en": "English", "az": "Azərbaycanca", "ru": "Русский"}
"""Code (ISO 639-1) of each language, and its name in itself."""
LOCALE = Path(__file__).parent / "locale"
GROUP = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
PLACE = re.compile(r"\{(\w+)\}")
SENTENCES = re.compile(r"(?<=[.!]) (?=[^\W\d_])")
JOINTS = ("; ", ": ", ", ")
"""What parts of a sentence, and then words of a list, are joined by."""


def marked(message: str) -> str:
    """Mark a constant as a message of the catalogues, and give it back as it is."""
    return message


@dataclass(frozen=True)
class Texts:
    """The words of one language.

    Attributes
    ----------
    language
        ISO 639-1: ``en``, ``az`` or ``ru``.
    messages
        English to that language; a message that is not there is said in English.
    """

    language: str = "en"
    messages: Mapping[str, str] = field(default_factory=dict)

    def say(self, message: str, **values: object) -> str:
        """Give a message in this language, its ``{places}`` filled with `values`."""
        words = self.messages.get(message, message)
        return words.format(**values) if values else words

    def words(self, named: Mapping[Key, str]) -> dict[Key, str]:
        """Give what a table of names says, such as the classes of a legend."""
        return {key: self.say(message) for key, message in named.items()}

    def ramp(self, ramp: Sequence[tuple[float, str, str]]) -> list[tuple[float, str, str]]:
        """Give the steps of a scale (upper bound, colour, words) with words of this language."""
        return [(upper, colour, self.say(words)) for upper, colour, words in ramp]

    def grouped(self, text: str) -> str:
        """Part thousands by a narrow space where a comma would be read as a decimal point."""
        return text if self.language == "en" else GROUP.sub("\u202f", text)

    def told(self, text: str) -> str:
        """Give English that an earlier stage wrote into a file, in this language.

        The messages of `language.stored_messages` are known again, those with places by what stands
        around them; text of several sentences or parts is taken one by one. The rest stays
        English.
        """
        sentences, parts = SENTENCES.split(text), text.split("; ")
        if len(sentences) > 1 and text not in self.messages:
            return " ".join(self.told(sentence) for sentence in sentences)
        if len(parts) > 1 and all(self._known(part) for part in parts):
            return "; ".join(self.told(part) for part in parts)
        if known := self._known(text):
            return known
        for joint in JOINTS:
            if joint in text:
                return joint.join(self.told(part) for part in text.split(joint))
        return text

    def _known(self, text: str) -> str:
        """Translate a text that is a stored message as a whole; empty if it is none."""
        if text in self.messages:
            return self.messages[text]
        for pattern, words in self._patterns:
            if found := pattern.fullmatch(text):
                return words.format(**{k: self.told(v) for k, v in found.groupdict().items()})
        return ""

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], str]]:
        """Stored messages with places as patterns, those that say most of themselves first."""
        known = [message for message in STORED & self.messages.keys() if PLACE.search(message)]
        known.sort(key=lambda message: (-len(PLACE.sub("", message)), message))
        return [(_pattern(message), self.messages[message]) for message in known]


ENGLISH = Texts()


@cache
def texts(language: str) -> Texts:
    """Give the texts of a language.

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
    return Texts(language, read_catalogue(path.read_text(encoding="utf-8")))


def read_catalogue(content: str) -> dict[str, str]:
    """Read a gettext catalogue (``.po``): message to translation.

    What is not translated, marked fuzzy or withdrawn (``#~``) is left out. Contexts and plural
    forms are not used: a count stands apart from its noun.
    """
    found: dict[str, str] = {}
    for entry in re.split(r"\n\s*\n", content):
        lines = entry.splitlines()
        if any(line.startswith("#,") and "fuzzy" in line for line in lines):
            continue
        parts = {"msgid": "", "msgstr": ""}
        for part, quoted in _quoted(lines):
            parts[part] += ast.literal_eval(quoted)
        if parts["msgid"] and parts["msgstr"]:
            found[parts["msgid"]] = parts["msgstr"]
    return found


def _quoted(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Give every quoted line of an entry with the part that it belongs to."""
    part = ""
    for line in lines:
        known = re.fullmatch(r'(?:(msgid|msgstr) )?(".*")', line.strip())
        if known is not None:
            part = known[1] or part
            yield part, known[2]


def _pattern(message: str) -> re.Pattern[str]:
    pieces = PLACE.split(message)  # words, name, words, name, …, words
    return re.compile(
        "".join(
            f"(?P<{piece}>.+?)" if place % 2 else re.escape(piece)
            for place, piece in enumerate(pieces)
        ),
        re.DOTALL,
    )
