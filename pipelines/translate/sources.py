"""Every sentence of the program, and where it is shown."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from babel.messages.extract import extract_from_dir

from minerisk.features.kinds import FEATURE_KINDS
from minerisk.pipelines.translate.catalogue_file import Key

ROOM = Path(__file__).parents[1]
KEYWORDS: Mapping[str, tuple[int, int] | None] = {
    "say": None,
    "marked": None,
    "gettext": None,
    "_": None,
    "Plural": (1, 2),
    "ngettext": (1, 2),
}
METHODS = [("**.py", "python"), ("**.j2", "jinja2.ext:babel_extract")]
OPTIONS = {
    "**.j2": {
        "trim_blocks": "true",
        "lstrip_blocks": "true",
        "trimmed": "true",
        "newstyle_gettext": "true",
    }
}
KINDS = "features/kinds.py"
SHOWN: Sequence[tuple[str, str]] = (
    ("report/templates/dossier", "dossier"),
    ("report/templates/model_card", "model card"),
    ("report/templates/pack_readme", "README of a pack"),
    ("report/templates/task_sheets", "task sheets"),
    ("report/templates/summary", "terminal, after a run"),
    ("report/", "report of a run and of a pack"),
    ("service/", "request desk"),
    ("language/desk", "request desk"),
    ("language/marks", "every file and view of a run"),
    ("language/problem_words", "problems of layers: validation, report"),
    ("language/trail_words", "audit and reviews: dossier, model card, desk"),
    ("language/task_words", "tasks: report, sheets, spreadsheet, desk"),
    ("language/metric_words", "scores: report, model card, dossier"),
    ("language/names", "names of models, measures and families: report, model card, desk"),
    ("formats/", "legends of maps, QGIS project"),
    ("predict/", "legends of maps"),
    ("request/", "pack: spreadsheet, sheets, map, README"),
    ("prioritize/", "tasks: report, sheets, spreadsheet, desk"),
    ("plotting/", "figures and maps"),
    ("steps.py", "stages of a run: dossier"),
    (KINDS, "reasons: report, sheets, desk"),
)
"""By how the place in the code begins, the first that fits."""
ELSEWHERE = "pages and packs"


@cache
def source_messages() -> Mapping[Key, tuple[str, ...]]:
    """Return every message with the places in the code that have it."""
    found = extract_from_dir(
        ROOM, method_map=METHODS, options_map=OPTIONS, keywords=KEYWORDS, strip_comment_tags=False
    )
    known: dict[Key, tuple[str, ...]] = {}
    for path, line, message, *_ in found:
        key = message if isinstance(message, str) else (message[0], message[1])
        known[key] = (*known.get(key, ()), f"{path}:{line}")
    named = {name for name, kind in FEATURE_KINDS.items() if kind.role == "feature"}
    stored = {kind.words for kind in FEATURE_KINDS.values()}
    stored |= {name.replace("_", " ") for name in named}
    return known | {words: (*known.get(words, ()), KINDS) for words in stored}


def shown_in(places: Sequence[str]) -> str:
    """Tell a reader where a sentence of some places in the code is seen."""
    found = dict.fromkeys(
        next((words for begin, words in SHOWN if place.startswith(begin)), ELSEWHERE)
        for place in places
    )
    return "; ".join(found)
