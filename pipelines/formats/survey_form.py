"""The form of a survey task as an XLSForm: KoBo, ODK and Survey123 read it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import xlsxwriter

from minerisk.pipelines.formats.workbook import FIRST_DAY, OPTIONS
from minerisk.pipelines.language.messages import LANGUAGES, Texts, texts
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.provenance.files import replacing

FIND, NO_FIND = "find", "no find"
PLACE, LAND = "place", "land"
ESRI_NULL = "null"
"""Of a place that Survey123 shows and does not send: it keeps one geometry of a form."""


@dataclass(frozen=True)
class Field:
    """A question of the form.

    Attributes
    ----------
    kind
        Type of XLSForm.
    choices
        Values to their words; empty where it is no choice.
    constraint, relevant, required
        Expressions of XLSForm.
    """

    kind: str
    words: str
    hint: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    constraint: str = ""
    relevant: str = ""
    required: str = ""
    default: str = ""

    def words_to_values(self) -> dict[str, str]:
        """Map the words of choices in every language to their values; case does not matter."""
        return {
            told.casefold(): value
            for language in LANGUAGES
            for value, told in texts(language).words(self.choices).items()
        }


FIELDS: Mapping[str, Field] = {
    "task": Field("text", marked("Task"), required="yes"),
    "date": Field("date", marked("Day of the survey"), constraint=". <= today()", required="yes"),
    "outcome": Field(
        "select_one outcome",
        marked("Outcome"),
        choices={"find": marked("something was found"), "no_find": marked("nothing was found")},
        required="yes",
    ),
    "hazard": Field(
        "select_one hazard",
        marked("What was found"),
        choices={
            "ap": marked("anti-personnel mine"),
            "at": marked("anti-tank mine"),
            "uxo": marked("unexploded ordnance"),
            "any": marked("something else, or not known"),
        },
        relevant="${outcome} = 'find'",
    ),
    PLACE: Field(
        "geopoint",
        marked("Place"),
        hint=marked("of the find; of a search, where it began"),
    ),
    LAND: Field(
        "geoshape",
        marked("Land that was searched"),
        hint=marked("leave it out where the whole outline of the task is meant"),
        relevant="${outcome} = 'no_find'",
    ),
    "method": Field("text", marked("How it was surveyed"), required="yes",
                    constraint="string-length(.) <= 100"),
    "reliability": Field(
        "decimal",
        marked("How reliable it is, above 0 and at most 1"),
        constraint=". > 0 and . <= 1",
        required="yes",
        default="1",
    ),
    "searched_ha": Field(
        "decimal", marked("Hectares that were searched"), constraint=". > 0",
        required="${outcome} = 'no_find' and string-length(${team_hours}) = 0",
    ),
    "team_hours": Field(
        "decimal", marked("Hours of the team"), constraint=". > 0",
    ),
}  # fmt: skip
"""The questions, in order, by the names that a delivery of survey results has."""
SURVEY = ("type", "name", "label", "hint", "required", "relevant", "constraint", "default",
          "bind::esri:fieldType")  # fmt: skip
LANGUAGE_NAMES = {code: f"{name} ({code})" for code, name in LANGUAGES.items()}


@cache
def field_names() -> Mapping[str, str]:
    """Map names and words of questions, in every language, to their names; case does not matter."""
    found = {name.casefold(): name for name in FIELDS}
    for language in LANGUAGES:
        for name, asked in FIELDS.items():
            found.setdefault(texts(language).say(asked.words).casefold(), name)
    return found


def write_survey_form(path: Path, *, task: str, form: str, title: str, marks: str) -> Path:
    """Write the form of a task in every language; the same task gives the same bytes.

    Parameters
    ----------
    task
        Its name, which the form holds already.
    form, title
        Id of the form, and its title.
    marks
        What the task is, such as DRAFT and SIMULATED, on top of the form.
    """
    with replacing(path) as partial, xlsxwriter.Workbook(partial, OPTIONS) as book:
        book.set_properties({"created": FIRST_DAY})
        told = [texts(language) for language in LANGUAGES]
        _fill(book, "survey", _survey(told, task, marks))
        _fill(book, "choices", _choices(told))
        settings = {
            "form_title": title,
            "form_id": form,
            "version": "1",
            "default_language": next(iter(LANGUAGE_NAMES.values())),
            "namespaces": 'esri="http://esri.com/xforms"',
            "instance_name": "concat(${task}, ' ', ${date})",
        }
        _fill(book, "settings", [list(settings), list(settings.values())])
    return path


def _survey(told: list[Texts], task: str, marks: str) -> Iterator[list[str]]:
    yield [
        column
        for name in SURVEY
        for column in (
            [f"{name}::{LANGUAGE_NAMES[each.language]}" for each in told]
            if name in {"label", "hint"}
            else [name]
        )
    ]
    empty = [""] * len(told)
    yield ["note", "marks", *[marks] * len(told), *empty, "", "", "", "", ESRI_NULL]
    for name, asked in FIELDS.items():
        yield [
            asked.kind,
            name,
            *(each.say(asked.words) for each in told),
            *(each.say(asked.hint) if asked.hint else "" for each in told),
            asked.required,
            asked.relevant,
            asked.constraint,
            task if name == "task" else asked.default,
            ESRI_NULL if name == LAND else "",
        ]


def _choices(told: list[Texts]) -> Iterator[list[str]]:
    yield ["list_name", "name", *(f"label::{LANGUAGE_NAMES[each.language]}" for each in told)]
    for name, asked in FIELDS.items():
        for value, words in asked.choices.items():
            yield [name, value, *(each.say(words) for each in told)]


def _fill(
    book: xlsxwriter.Workbook, name: str, rows: Iterator[list[str]] | list[list[str]]
) -> None:
    sheet = book.add_worksheet(name)
    for row, cells in enumerate(rows):
        for column, text in enumerate(cells):
            if text:
                sheet.write_string(row, column, text)
