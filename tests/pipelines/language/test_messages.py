import datetime as dt
import re
from enum import StrEnum

import pydantic
import pytest
from babel.messages.pofile import read_po

from minerisk.features.errors import InputError
from minerisk.pipelines.formats import palette, qml
from minerisk.pipelines.language import messages
from minerisk.pipelines.language.messages import (
    ENGLISH,
    LANGUAGES,
    LOCALE,
    Texts,
    read_catalogue,
    texts,
)
from minerisk.pipelines.language.notice_words import TABLES
from minerisk.pipelines.language.words import Plural
from minerisk.pipelines.records.notice import Notice
from minerisk.pipelines.translate.places import places
from minerisk.pipelines.translate.sources import source_messages

FOREIGN = sorted(set(LANGUAGES) - {"en"})


def catalogue(language):
    with (LOCALE / language / "LC_MESSAGES" / "minerisk.po").open("rb") as stream:
        return read_po(stream, locale=language)


def translated(language):
    """Message to translations: one, or as many as the language has plural forms."""
    return {
        row.id: (row.string,) if isinstance(row.string, str) else tuple(row.string)
        for row in catalogue(language)
        if row.id and not row.fuzzy
    }


@pytest.mark.parametrize("language", FOREIGN)
def test_every_message_is_in_each_catalogue(language):
    known = {message for message, words in translated(language).items() if all(words)}
    missing = {words: at for words, at in source_messages().items() if words not in known}
    listed = "\n".join(f"{', '.join(at)}: msgid {words!r}" for words, at in missing.items())
    assert not missing, f"{len(missing)} messages are still English in {language}:\n{listed}"


@pytest.mark.parametrize("language", FOREIGN)
def test_no_message_stands_in_a_catalogue_that_nothing_shows(language):
    shown = source_messages()
    left = [message for message in translated(language) if message not in shown]
    assert not left


@pytest.mark.parametrize("language", FOREIGN)
def test_places_and_tags_are_those_of_the_message(language):
    for message, forms in translated(language).items():
        english = message if isinstance(message, str) else message[1]
        for words in forms:
            assert places(words) == places(english), message


@pytest.mark.parametrize("language", FOREIGN)
def test_numbers_in_sentences_have_a_decimal_comma(language):
    """But for those that are typed into a configuration or copied into a map."""
    typed = re.compile(r"\[0\.2, 1\]|39\.55, 47\.21|\{[^}]*\}|%\(\w+\)s|doi:\S+|IMAS [\d.]+")
    pointed = re.compile(r"(?<![\d.])\d+\.\d+(?![\d.])")
    rows = [words for forms in translated(language).values() for words in forms]
    assert [words for words in rows if pointed.search(typed.sub("", words))] == []


def test_an_entry_that_is_fuzzy_empty_or_withdrawn_is_left_out():
    content = (
        'msgid ""\nmsgstr ""\n"Language: az\\n"\n\n'
        '#, fuzzy\nmsgid "one"\nmsgstr "bir"\n\n'
        'msgid "two"\nmsgstr ""\n\n'
        '#~ msgid "three"\n#~ msgstr "üç"\n\n'
        'msgid ""\n"four \\"and\\" "\n"five"\nmsgstr "dörd"\n'
    )
    told = Texts("az", read_catalogue(content.encode(), "az"))
    assert [told.say(words) for words in ("one", "two", "three")] == ["one", "two", "three"]
    assert told.say('four "and" five') == "dörd"
    assert told.say("") == ""


def test_what_has_no_translation_is_english():
    assert texts("az").say("nobody translates {count}", count=2) == "nobody translates 2"
    assert ENGLISH.say("one") == "one"


PROBLEMS = Plural("{count} problem in {layer}", "{count} problems in {layer}")


def test_english_tells_one_from_several():
    assert ENGLISH.say(PROBLEMS, count=1, layer="roads") == "1 problem in roads"
    assert ENGLISH.say(PROBLEMS, count=1200, layer="roads") == "1,200 problems in roads"


def test_a_language_has_its_own_plural_forms():
    content = (
        'msgid ""\nmsgstr ""\n"Language: ru\\n"\n\n'
        'msgid "{count} problem"\nmsgid_plural "{count} problems"\n'
        'msgstr[0] "{count} ошибка"\nmsgstr[1] "{count} ошибки"\nmsgstr[2] "{count} ошибок"\n'
    )
    told = Texts("ru", read_catalogue(content.encode(), "ru"))
    message = Plural("{count} problem", "{count} problems")
    said = [told.say(message, count=count) for count in (1, 3, 5, 11, 21)]
    assert said == ["1 ошибка", "3 ошибки", "5 ошибок", "11 ошибок", "21 ошибка"]


@pytest.mark.parametrize("language", FOREIGN)
def test_a_catalogue_states_its_plural_forms(language):
    expected = {"az": 1, "ru": 3}  # in Azerbaijani a noun after a number stays as it is
    assert catalogue(language).num_plurals == expected[language]


@pytest.mark.parametrize(
    ("place", "value", "english", "russian"),
    [
        ("{x}", "roads", "roads", "roads"),
        ("{x}", 1234567, "1,234,567", "1\u202f234\u202f567"),
        ("{x}", 0.12345, "0.123", "0,123"),
        ("{x}", None, "–", "–"),
        ("{x:share}", 0.123, "12 %", "12 %"),
        ("{x:share}", 0.0123, "1.2 %", "1,2 %"),
        ("{x:hectares}", 12345.6, "12,346", "12\u202f346"),
        ("{x:count}", 3, "3", "3"),
        ("{x:,.1f}", 12345.67, "12,345.7", "12\u202f345,7"),
        ("{x:.1f}", 0.25, "0.2", "0,2"),
        ("{x:exact}", 12.5, "12.5", "12,5"),
        ("{x:day}", "2026-01-31", "2026-01-31", "31.01.2026"),
        ("{x:day}", "about 1994", "about 1994", "about 1994"),
        ("{x}", "1.5", "1.5", "1.5"),
        ("{x:name}", "a name of nothing", "a name of nothing", "a name of nothing"),
        ("{x}", ("roads", "rivers"), "roads, rivers", "roads, rivers"),
        ("{x:share}", (0.1, 0.2), "10 %, 20 %", "10 %, 20 %"),
    ],
)
def test_a_place_says_how_its_value_is_shown(place, value, english, russian):
    assert ENGLISH.say(place, x=value) == english
    assert texts("ru").say(place, x=value) == russian


@pytest.mark.parametrize("language", FOREIGN)
def test_days_moments_and_intervals_are_as_the_language_writes_them(language):
    told = texts(language)
    assert told.day(dt.date(2026, 1, 31)) == told.day("2026-01-31") == "31.01.2026"
    assert told.day("2026-01-31T09:05:10+00:00") == "31.01.2026 09:05 UTC"
    assert told.day(None) == told.number(None) == "–"
    assert told.interval(0.0123, 0.2, "share").startswith("1,2 ")
    assert told.written(1234.5, ",.1f") == "1\u202f234,5"
    assert ENGLISH.day(dt.date(2026, 1, 31)) == "2026-01-31"


def test_a_value_that_is_missing_is_named():
    with pytest.raises(InputError, match=r"'share' of .* is missing"):
        ENGLISH.say("{share} of {land}", land="all")


class Fruit(StrEnum):
    APPLE = "apple_fell"
    PEAR = "pear_fell"


def test_words_of_a_notice_are_made_when_it_is_shown(monkeypatch):
    words = {Fruit.APPLE: "An apple fell {metres:.1f} m.", Fruit.PEAR: "a pear, like {other:name}"}
    monkeypatch.setattr(messages, "WORDS", words)
    fallen = Notice[Fruit](code=Fruit.APPLE, values={"metres": 2.04})
    assert ENGLISH.say(fallen) == "An apple fell 2.0 m."
    assert ENGLISH.say(Notice(code=Fruit.PEAR, values={"other": "plum"})) == "a pear, like plum"


def test_a_notice_is_read_back_from_json_as_it_was():
    found = Notice[Fruit](code=Fruit.PEAR, values={"share": 0.5, "names": ("a", "b"), "n": None})
    assert Notice[Fruit].model_validate_json(found.model_dump_json()) == found
    with pytest.raises(pydantic.ValidationError, match="apple_fell"):
        Notice[Fruit].model_validate_json('{"code": "plum_fell", "values": {}}')


def test_every_code_of_a_table_has_words_and_no_two_are_spelled_alike():
    codes = [code for table in TABLES for code in table]
    assert len(set(codes)) == len(codes)
    for table in TABLES:
        kinds = {type(code) for code in table}
        assert {code for kind in kinds for code in kind} == set(table)


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
    for words in (step[2] for step in told.ramp(palette.PROBABILITY_RAMP)):
        assert not re.search(r"\d\.\d", words), words


@pytest.mark.parametrize(
    ("language", "words", "small"),
    [("az", "İstənilən", "istənilən"), ("az", "Isti", "ısti"), ("ru", "Любая", "любая"),
     ("en", "Anti-tank IED", "anti-tank IED"), ("en", "", ""), ("en", "A line", "a line"),
     ("en", "NOT FOR RANKING: all", "NOT FOR RANKING: all"),
     ("en", "CHA as drawn", "CHA as drawn")],
)  # fmt: skip
def test_words_inside_a_sentence_begin_small_as_their_language_writes_it(language, words, small):
    assert texts(language).lowered(words) == small
