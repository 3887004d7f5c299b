"""The English of every code that a stage writes down, in one table.

A kind of notice has a table of its own, ``{code: message}``, in a module beside this one (or, if it
is short, here); add it to `TABLES`. Codes are spelled differently throughout. How a value is shown
stands in its place: ``{share:share}``, ``{area:hectares}``, ``{cells:count}``, ``{score:number}``,
``{family:name}`` for a value that itself is a code or a name of these tables, or any format of
Python, ``{distance:.1f}``. Several values are joined by commas.
"""

from collections.abc import Mapping
from enum import StrEnum

from minerisk.pipelines.language.desk_words import DESK_WORDS
from minerisk.pipelines.language.problem_words import CONFIG_WORDS, LAYER_WORDS
from minerisk.pipelines.language.table_words import LOOKED, RESULT_WORDS, TABLE_WORDS
from minerisk.pipelines.language.task_words import TASK_TABLES
from minerisk.pipelines.language.trail_words import TRAIL_WORDS
from minerisk.pipelines.language.words import Message, marked


class MapGap(StrEnum):
    """Why a map lacks a layer."""

    NO_LAYERS = "map_without_layers"
    NOT_READ = "map_layer_not_read"


MAP_WORDS: Mapping[StrEnum, Message] = {
    MapGap.NO_LAYERS: marked("The layers of this run were not at hand where this was made."),
    MapGap.NOT_READ: marked("{layer} could not be read where this was made."),
}
TABLES: tuple[Mapping[StrEnum, Message], ...] = (
    CONFIG_WORDS,
    LAYER_WORDS,
    TABLE_WORDS,
    *TASK_TABLES,
    MAP_WORDS,
    TRAIL_WORDS,
    DESK_WORDS,
    RESULT_WORDS,
)
WORDS: Mapping[str, Message] = {
    **{code: words for table in TABLES for code, words in table.items()},
    **LOOKED,
}
