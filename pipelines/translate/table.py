"""The sentences of a language as a table that a spreadsheet opens, and such a table read back."""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from babel.messages.pofile import read_po

from minerisk.features.errors import InputError
from minerisk.pipelines.translate.catalogue_file import Key, forms_of, key_of
from minerisk.pipelines.translate.harm import harm_of
from minerisk.pipelines.translate.sources import shown_in

COLUMNS: Final = ("harm", "key", "form", "language", "english", "translation", "shown_in")
NEEDED: Final = ("key", "form", "language", "translation")
KEY_LENGTH: Final = 12
SIGNS: Final = ("=", "+", "-", "@")
MOST_BYTES: Final = 20_000_000


class Row(NamedTuple):
    """A sentence in a language; one plural form of it, counted from 1.

    Attributes
    ----------
    line
        Of the table that it was read from.
    """

    key: str
    form: int
    language: str
    translation: str
    line: int = 0


class Sentence(NamedTuple):
    """A message and its translation."""

    message: Key
    forms: tuple[str, ...]

    @property
    def key(self) -> str:
        """What it is known by in a table: of its English, so that it ends when that changes."""
        return key_in_table(self.message)

    def english(self, form: int) -> str:
        """Return the English of one of its forms: one, then many."""
        if isinstance(self.message, str):
            return self.message
        return self.message[0 if form == 1 and len(self.forms) > 1 else 1]


def key_in_table(message: Key) -> str:
    """Return the key of a message: a letter, lest it is read as a number, and of its SHA-256."""
    words = message if isinstance(message, str) else "\0".join(message)
    return f"s{hashlib.sha256(words.encode()).hexdigest()[:KEY_LENGTH]}"


def sentences_of(text: str, language: str) -> list[Sentence]:
    """List the sentences of a catalogue."""
    rows = read_po(io.BytesIO(text.encode()), locale=language)
    return [Sentence(key_of(row), forms_of(row)) for row in rows if row.id]


def gravest_first(sentences: Sequence[Sentence], *, up_to: int) -> list[tuple[str, Sentence]]:
    """Put sentences in the order of the harm that a misreading does, each with that in words.

    Parameters
    ----------
    up_to
        Step of harm of the last that are kept.
    """
    known = [(harm_of(_whole(one.message)), one) for one in sentences]
    ordered = sorted(known, key=lambda item: (item[0], _whole(item[1].message)))
    return [(words, one) for (step, words), one in ordered if step <= up_to]


def table_text(
    sentences: Sequence[Sentence],
    language: str,
    places: Mapping[Key, Sequence[str]],
    *,
    up_to: int,
) -> str:
    """Write sentences as a table, those first whose misreading does most harm.

    Columns are parted by semicolons, as spreadsheets of both languages expect.

    Parameters
    ----------
    places
        Where each is in the code.
    up_to
        Step of harm of the last that are written.
    """
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for words, one in gravest_first(sentences, up_to=up_to):
        for form, translation in enumerate(one.forms, start=1):
            where = shown_in(places.get(one.message, ()))
            said = (words, one.key, form, language, one.english(form), translation, where)
            writer.writerow([_guarded(str(value)) for value in said])
    return out.getvalue()


def read_rows(content: bytes, source: str) -> list[Row]:
    """Read a table as a spreadsheet wrote it: with a mark of its encoding or without.

    Columns may be parted by semicolons, commas or tabs; order and further columns do not matter.

    Raises
    ------
    InputError
        If it is no such table.
    """
    text = _decoded(content, source)
    head = text.partition("\n")[0]
    sign = max(";,\t", key=head.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=sign)
    names = [name.strip() for name in reader.fieldnames or () if name]
    lacking = [name for name in NEEDED if name not in names]
    if lacking:
        raise InputError(
            f"{source} has no column {', '.join(lacking)} (it has {', '.join(names) or 'none'}). "
            "Keep the columns as `minerisk sentences export` writes them."
        )
    reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
    try:
        return list(_rows(reader, source))
    except csv.Error as error:
        raise InputError(f"{source} is no table ({error}). Save it as CSV UTF-8.") from error


def _rows(reader: "csv.DictReader[str]", source: str) -> Iterator[Row]:
    for row in reader:
        values = [(row[name] or "").strip() for name in NEEDED]
        if not any(values):
            continue
        key, form, language, translation = values
        if not form.isdecimal():
            raise InputError(
                f"{source}, line {reader.line_num}: the form is {form!r}; expected a number, as "
                "exported. Was a column left out, or a sentence cut at a line break?"
            )
        yield Row(key, int(form), language, _unguarded(translation), reader.line_num)


def _decoded(content: bytes, source: str) -> str:
    if len(content) > MOST_BYTES:
        raise InputError(f"{source} has {len(content):,} bytes; expected at most {MOST_BYTES:,}.")
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{source} is not in UTF-8: letters of Azerbaijani and Russian would be lost. Save it "
            "as “CSV UTF-8”, and check the letters in it."
        ) from error


def _whole(message: Key) -> str:
    return message if isinstance(message, str) else message[1]


def _guarded(value: str) -> str:
    """Keep a spreadsheet from reading words as a formula."""
    return f"'{value}" if value.startswith(SIGNS) else value


def _unguarded(value: str) -> str:
    return value[1:] if value[:1] == "'" and value[1:].startswith(SIGNS) else value
