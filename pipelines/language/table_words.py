"""The words of what a reader of a table has to know: of scores, and of rows of survey results."""

from collections.abc import Mapping
from enum import StrEnum

from minerisk.features.vector_files.date_text import DateLook
from minerisk.pipelines.language.words import Message, marked
from minerisk.pipelines.records.evaluations import TableNotice
from minerisk.pipelines.records.feedback import ResultCode

TABLE_WORDS: Mapping[StrEnum, Message] = {
    TableNotice.ROWS_WITHOUT_COORDINATES: marked(
        "Rows without coordinates, which are left out: {rows:count}."
    ),
    TableNotice.FEATURES_NAME_GROUPS: marked(
        "Features that are the same throughout each group and can name it: {columns}. They "
        "flatter scores near by and fail far away."
    ),
    TableNotice.ROWS_SHARE_PLACES: marked(
        "Rows that share their place with another row: {rows:count}. Random folds then test on "
        "twins."
    ),
}

LOOK = "result_looks_"
"""Before what a date looks like, as the value of a notice."""
LOOK_WORDS: Mapping[str, Message] = {
    DateLook.DATES_DAY_OR_MONTH: marked("does not say which number is the day and which the month"),
    DateLook.DATES_SHORT_YEAR: marked("has a year of two digits"),
    DateLook.DATES_SERIAL: marked(
        "looks like the serial number that a spreadsheet keeps for a day"
    ),
    DateLook.DATES_SECONDS: marked("looks like seconds since 1970"),
    DateLook.DATES_MILLISECONDS: marked("looks like milliseconds since 1970"),
    DateLook.DATES_PLACEHOLDER: marked("looks like a placeholder for no date"),
    DateLook.EARLY_DATES: marked("lies before 1900"),
    DateLook.FUTURE_DATES: marked("lies in the future"),
    DateLook.DATES_NO_DAY: marked("names a day that there is not"),
    DateLook.DATES_PARTIAL: marked("is a year or a month without a day"),
    DateLook.DATES_OTHER_FORMAT: marked("is not as the stated date_format says"),
    DateLook.UNREADABLE_DATES: marked("is no date that is known"),
}
RESULT_WORDS: Mapping[StrEnum, Message] = {
    ResultCode.DATE: marked("date is {came}; expected a day as YYYY-MM-DD"),
    ResultCode.DATE_LOOK: marked("date is {came}, which {look:name}; expected a day as YYYY-MM-DD"),
    ResultCode.OUTCOME: marked("outcome is {came}; expected 'find' or 'no find'"),
    ResultCode.METHOD: marked("method is {came}; expected up to 100 letters of words"),
    ResultCode.RELIABILITY: marked("reliability is {came}; expected a number above 0, at most 1"),
    ResultCode.HAZARD: marked("hazard is {came}; expected one of {choices}"),
    ResultCode.EFFORT: marked("{column} is {came}; expected a number above 0"),
    ResultCode.NO_GEOMETRY: marked("it has no geometry that can be used; draw where it was"),
    ResultCode.NO_LAND: marked("a {came} of land searched; expected polygons of it"),
    ResultCode.NO_EFFORT: marked("no effort for land searched; expected team_hours or searched_ha"),
    ResultCode.HOURS_ALONE: marked(
        "effort in team_hours alone; give searched_ha, or say with --hours-per-ha how many "
        "team-hours search a hectare once"
    ),
    ResultCode.OUTSIDE: marked("it lies outside the study area"),
}
LOOKED: Mapping[str, Message] = {LOOK + code: words for code, words in LOOK_WORDS.items()}
