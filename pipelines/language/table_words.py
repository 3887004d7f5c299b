"""The words of what a reader of scores of a plain table has to know."""

from collections.abc import Mapping
from enum import StrEnum

from minerisk.pipelines.language.words import Message, marked
from minerisk.pipelines.records.evaluations import TableNotice

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
