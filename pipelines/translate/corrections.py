"""Take corrected sentences back: every row is checked, and all are written or none."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from minerisk.features.errors import InputError
from minerisk.pipelines.language.messages import LANGUAGES, LOCALE, texts
from minerisk.pipelines.provenance.files import write_whole
from minerisk.pipelines.records.record import Record
from minerisk.pipelines.translate.catalogue_file import Key, with_changes
from minerisk.pipelines.translate.forbidden import claims_in
from minerisk.pipelines.translate.glossary import terms_in
from minerisk.pipelines.translate.harm import GRAVE, LITTLE_STEP
from minerisk.pipelines.translate.places import places
from minerisk.pipelines.translate.sources import source_messages
from minerisk.pipelines.translate.table import (
    Row,
    Sentence,
    gravest_first,
    read_rows,
    sentences_of,
    table_text,
)

MOST_TOLD = 20
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Exported(Record):
    """A table of sentences: its file, language, and how many it has of how many."""

    file: str
    language: str
    sentences: int
    of: int


class Imported(Record):
    """What was taken back.

    Attributes
    ----------
    changed
        Sentences by language.
    rows
        That were read.
    terms
        Sentences that do not use the term that all others use; they are taken.
    """

    changed: Mapping[str, int]
    rows: int
    terms: tuple[str, ...]


def export_sentences(language: str, out: Path, *, everything: bool = False) -> Exported:
    """Write the sentences of a language as a table, those first whose misreading does most harm.

    Parameters
    ----------
    language
        ``az`` or ``ru``.
    out
        CSV file to write.
    everything
        All sentences; else those alone whose misreading changes what is done with land.
    """
    known = sentences_of(_catalogue(language).read_text(encoding="utf-8"), language)
    up_to = LITTLE_STEP if everything else GRAVE
    text = table_text(known, language, source_messages(), up_to=up_to)
    write_whole(out, "\ufeff" + text)  # by the mark a spreadsheet knows the letters
    shown = len(gravest_first(known, up_to=up_to))
    return Exported(file=str(out), language=language, sentences=shown, of=len(known))


def import_sentences(path: Path) -> Imported:
    """Write corrected sentences into the catalogues, where every page of the program finds them.

    Raises
    ------
    InputError
        If the table or a row of it is not as expected, with each row; nothing is then written.
    """
    if not path.is_file():
        raise InputError(f"There is no table at {path}. `minerisk sentences export` writes one.")
    rows = read_rows(path.read_bytes(), path.name)
    problems: list[str] = []
    terms: list[str] = []
    texts_of: dict[str, str] = {}
    changed: dict[str, int] = {}
    for language in sorted({row.language for row in rows}):
        own = [row for row in rows if row.language == language]
        if language not in LANGUAGES or language == "en":
            known = ", ".join(code for code in LANGUAGES if code != "en")
            problems.append(
                f"line {own[0].line}: the language is {language!r}; expected one of {known}"
            )
            continue
        text = _catalogue(language).read_text(encoding="utf-8")
        sentences = {one.key: one for one in sentences_of(text, language)}
        problems += problems_of(own, sentences)
        terms += _other_terms(own, sentences)
        changes = _changes(own, sentences)
        changed[language] = len(changes)
        if changes:
            texts_of[language] = with_changes(text, language, changes)
    if problems:
        raise InputError(_told(path.name, problems))
    for language, text in texts_of.items():
        write_whole(_catalogue(language), text)
    texts.cache_clear()
    return Imported(changed=changed, rows=len(rows), terms=tuple(terms))


def problems_of(rows: Sequence[Row], sentences: Mapping[str, Sentence]) -> Iterator[str]:
    """Say what is wrong with rows of one language, a line each."""
    seen: dict[tuple[str, int], str] = {}
    for row in rows:
        sentence = sentences.get(row.key)
        if sentence is None:
            yield (
                f"line {row.line}: no sentence has the key {row.key!r}; keep the keys as they were "
                "exported, and export again if the program is newer than the table"
            )
        elif not 1 <= row.form <= len(sentence.forms):
            yield f"line {row.line}: form {row.form} of {len(sentence.forms)}; keep it as exported"
        elif seen.setdefault((row.key, row.form), row.translation) != row.translation:
            yield f"line {row.line}: {row.key} is there twice, with two translations; keep one"
        else:
            for what in _faults(row, sentence.english(2)):
                yield f"line {row.line} ({row.key}): {what}"


def _faults(row: Row, english: str) -> Iterator[str]:
    """Say what is wrong with a translation."""
    if not row.translation:
        yield "the translation is empty; leave the row out to keep the one there is"
        return
    try:
        given = places(row.translation)
    except ValueError:
        yield "its braces do not match; keep what is in braces as it is in English"
        return
    expected = places(english)
    if given != expected:
        yield (
            f"it has {_listed(given)} to be filled or as mark-up; expected {_listed(expected)}, "
            "as in English"
        )
    if CONTROL.search(row.translation):
        yield "it has a line break or a tab in it; write it on one line"
    claims = claims_in(row.translation, row.language)
    if claims:
        yield f"it says {', '.join(map(repr, claims))}: no page may say that of land"


def _listed(found: Sequence[str]) -> str:
    return ", ".join(found) if found else "nothing"


def _other_terms(rows: Sequence[Row], sentences: Mapping[str, Sentence]) -> Iterator[str]:
    for row in rows:
        sentence = sentences.get(row.key)
        for term in () if sentence is None else terms_in(sentence.english(2)):
            if row.translation and not term.is_said(row.translation, row.language):
                yield (
                    f"line {row.line}: {term.shown['en']!r} is called "
                    f"{term.shown[row.language]!r} everywhere else"
                )


def _changes(rows: Sequence[Row], sentences: Mapping[str, Sentence]) -> dict[Key, tuple[str, ...]]:
    """Return the new forms of each sentence that changes; forms that no row has stay."""
    changes: dict[Key, tuple[str, ...]] = {}
    for row in rows:
        sentence = sentences.get(row.key)
        if sentence is None or not 1 <= row.form <= len(sentence.forms):
            continue
        forms = list(changes.get(sentence.message, sentence.forms))
        forms[row.form - 1] = row.translation
        changes[sentence.message] = tuple(forms)
    before = {one.message: one.forms for one in sentences.values()}
    return {message: forms for message, forms in changes.items() if forms != before[message]}


def _catalogue(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "minerisk.po"


def _told(name: str, problems: Sequence[str]) -> str:
    more = len(problems) - MOST_TOLD
    lines = [*problems[:MOST_TOLD], *([f"and {more} more"] if more > 0 else [])]
    return f"{name} was not taken; nothing was changed. " + "; ".join(lines) + "."
