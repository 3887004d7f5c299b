"""One term a thing in each language, wherever a sentence uses it."""

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from minerisk.pipelines.language.messages import LANGUAGES, LOCALE
from minerisk.pipelines.translate.catalogue_file import forms_of, key_of
from minerisk.pipelines.translate.glossary import TERMS, terms_in

FOREIGN = sorted(set(LANGUAGES) - {"en"})
PAGE = Path(__file__).parents[3] / "docs" / "languages.md"


def sentences(language: str) -> list[tuple[str, tuple[str, ...]]]:
    with (LOCALE / language / "LC_MESSAGES" / "minerisk.po").open("rb") as stream:
        rows = [row for row in read_po(stream, locale=language) if row.id]
    keys = [key_of(row) for row in rows]
    return [
        (key if isinstance(key, str) else key[1], forms_of(row))
        for key, row in zip(keys, rows, strict=True)
    ]


@pytest.mark.parametrize("language", FOREIGN)
def test_a_sentence_that_uses_a_term_in_english_uses_it_in_each_language(language: str) -> None:
    wrong = [
        f"{term.shown['en']} ({term.shown[language]}): {english!r}: {words!r}"
        for english, forms in sentences(language)
        for term in terms_in(english)
        for words in forms
        if not term.is_said(words, language)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.shown["en"])
def test_each_term_is_used_and_is_found_by_its_own_stem(term) -> None:
    assert any(term.is_in(english) for english, _ in sentences("az"))
    assert term.is_in(term.shown["en"])
    assert all(term.is_said(term.shown[language], language) for language in FOREIGN)


@pytest.mark.parametrize("language", FOREIGN)
def test_no_two_terms_are_the_same_words(language: str) -> None:
    shown = [term.shown[language] for term in TERMS]
    assert len(set(shown)) == len(shown)


def test_a_name_of_a_file_or_a_place_is_no_term() -> None:
    found = [
        term.shown["en"] for term in terms_in("{task} in `tasks.gpkg`, %(layer)s: @simulated/")
    ]
    assert found == []


def test_the_page_lists_the_terms() -> None:
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", PAGE.read_text(), re.MULTILINE)
    assert {tuple(term.shown[code] for code in ("en", "az", "ru")) for term in TERMS} <= set(rows)
