import re
import string

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from minerisk.features.errors import InputError
from minerisk.features.families import FAMILIES
from minerisk.pipelines.formats import palette, qml
from minerisk.pipelines.language.messages import (
    ENGLISH,
    LANGUAGES,
    LOCALE,
    Texts,
    read_catalogue,
    texts,
)
from minerisk.pipelines.language.stored_messages import STORED

ROOM = LOCALE.parent
FOREIGN = sorted(set(LANGUAGES) - {"en"})
KEYWORDS = {"say": None, "marked": None, "gettext": None, "_": None}
METHODS = [("**.py", "python"), ("**.j2", "jinja2.ext:babel_extract")]
OPTIONS = {
    "**.j2": {
        "trim_blocks": "true",
        "lstrip_blocks": "true",
        "trimmed": "true",
        "newstyle_gettext": "true",
    }
}


def catalogue(language):
    with (LOCALE / language / "LC_MESSAGES" / "minerisk.po").open("rb") as stream:
        return read_po(stream, locale=language)


def source_messages():
    found = extract_from_dir(
        ROOM, method_map=METHODS, options_map=OPTIONS, keywords=KEYWORDS, strip_comment_tags=False
    )
    literal = {message: f"{path}:{line}" for path, line, message, *_ in found}
    stored = {*STORED, *(family.words for family in FAMILIES.values())}
    return literal | dict.fromkeys(stored, "stored_texts.py")


def places(message):
    """Names in braces of a message of Python, in ``%(…)s`` of one of a template, and its tags."""
    braces = [name for _, name, *_ in string.Formatter().parse(message) if name is not None]
    return sorted([*braces, *re.findall(r"%\(\w+\)s|%%|<[^>]+>", message)])


@pytest.mark.parametrize("language", FOREIGN)
def test_every_message_is_in_each_catalogue(language):
    known = texts(language).messages
    missing = {words: place for words, place in source_messages().items() if words not in known}
    listed = "\n".join(f'{place}: msgid "{words}"' for words, place in sorted(missing.items()))
    assert not missing, f"{len(missing)} messages are still English in {language}:\n{listed}"


@pytest.mark.parametrize("language", FOREIGN)
def test_places_and_tags_are_those_of_the_message(language):
    for message, words in texts(language).messages.items():
        assert places(words) == places(message), message


@pytest.mark.parametrize("language", FOREIGN)
def test_the_catalogue_is_read_as_babel_reads_it(language):
    told = {row.id: row.string for row in catalogue(language) if row.id and row.string}
    assert texts(language).messages == told


def test_an_entry_that_is_fuzzy_empty_or_withdrawn_is_left_out():
    content = (
        'msgid ""\nmsgstr ""\n"Language: az\\n"\n\n'
        '#, fuzzy\nmsgid "one"\nmsgstr "bir"\n\n'
        'msgid "two"\nmsgstr ""\n\n'
        '#~ msgid "three"\n#~ msgstr "üç"\n\n'
        'msgid ""\n"four \\"and\\" "\n"five"\nmsgstr "dörd"\n'
    )
    assert read_catalogue(content) == {'four "and" five': "dörd"}


def test_what_has_no_translation_is_english():
    assert Texts("az", {"one": "bir"}).say("two {count}", count=2) == "two 2"
    assert ENGLISH.say("one") == ENGLISH.told("one") == "one"


def test_stored_words_are_known_by_what_stands_around_their_places():
    told = Texts(
        "az",
        {
            "row {number}": "sətir {number}",
            "Missing: {parts}.": "Yoxdur: {parts}.",
            "Within the interval it ranks {low} to {high}.": "Yeri {low} – {high}.",
            "roads": "yollar",
            "not stored {value}": "{value}",
        },
    )
    assert told.told("row 12") == "sətir 12"
    assert told.told("Missing: roads; snow.") == "Yoxdur: yollar; snow."
    both = "Within the interval it ranks 1 to 7. Missing: roads."
    assert told.told(both) == "Yeri 1 – 7. Yoxdur: yollar."
    assert told.told("not stored 3") == "not stored 3"
    assert told.told("Something else.") == "Something else."


def test_a_language_without_a_catalogue_is_refused():
    with pytest.raises(InputError, match="expected one of en, az, ru"):
        texts("fr")


@pytest.mark.parametrize("language", FOREIGN)
def test_legend_names_are_translated(language):
    told = texts(language)
    assert all(
        told.words(palette.CLASS_WORDS)[code] != w for code, w in palette.CLASS_WORDS.items()
    )
    for ramp in (palette.DISSIMILARITY_RAMP, palette.DENSITY_RAMP, palette.EXPECTED_ERROR_RAMP):
        assert told.ramp(ramp)[-1][2] != ramp[-1][2]
        assert [step[:2] for step in told.ramp(ramp)] == [step[:2] for step in ramp]
    assert qml.tasks_qml(told) != qml.tasks_qml()
