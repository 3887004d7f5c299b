"""What a GIS shows of the columns of a layer: names in words, values in words, and a form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from minerisk.pipelines.formats.imsma import CODES
from minerisk.pipelines.formats.task_columns import COLUMNS, Kind
from minerisk.pipelines.language.marks import MARK_COLUMNS, Marks
from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.language.task_words import EVIDENCE
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.records.review import State

Values = Mapping[str, str]
"""Value of a column to its words."""

ARMS: Values = {
    "ranked": marked("ranked by the model"),
    "learn": marked("survey to learn: the model cannot say"),
    "control": marked("control, drawn blind"),
}
FIRMNESS: Values = {
    "holds": marked("its place holds"),
    "undecided": marked("its place cannot be told from others"),
}
SIMULATED: Values = {"0": marked("recorded findings"), "1": marked("SIMULATED findings")}
RELIABILITY: Values = {"F": marked("F: cannot be judged"), "6": marked("6: cannot be judged")}
LANDS: Values = {
    "CHA": marked("CHA as registered"),
    "SHA": marked("SHA as registered"),
    "": marked("other registered land"),
}
OURS: Values = {**RELIABILITY, **LANDS, "Cleared Area": marked("area worked on since")}
IMSMA: Mapping[str, Values] = {
    column: {code: OURS.get(code, code) for code in codes} for column, codes in CODES.items()
}
"""The words of IMSMA themselves, but where they say too little."""
STATES: Values = {
    words: words for words in (Marks(state, simulated=False).run_state for state in State)
}
KINDS: Values = {words: words for words in EVIDENCE.values()}
WAYS: Values = {
    "water": marked("river, stream or canal"),
    "way": marked("road or railway"),
}
GROUPS: Mapping[str, Sequence[str]] = {
    marked("Where, and how much"): (
        "task", "arm", "band", "rank", "hectares", "team_days", "longitude", "latitude", "base_m",
    ),
    marked("How sure"): (
        "probability", "lower", "upper", "expected_finds", "rank_low", "rank_high", "place",
        "applicable_share", "dissimilarity",
    ),
    marked("Why"): (
        "why", "raised_by", "lowered_by", "gaps", "evidence_kind", "evidence_id", "evidence_date",
        "evidence_m", "standing",
    ),
    "IMSMA": (
        "imsma_id", "GlobalID", "Activity", "Evid_Cont", "Evid_Type", "Src_Reliab", "Inf_Reliab",
        "Hazard_Cla",
    ),
    marked("What it is"): MARK_COLUMNS,
}  # fmt: skip
"""Tabs of the form of a task; what stands in none of them comes last."""
REST = marked("Other columns")
NAMES: Mapping[str, str] = {
    "name": marked("name"),
    "kind": marked("kind"),
    "layer": marked("layer of the run"),
    "row": marked("row of that layer"),
    "Land_Class": marked("land classification"),
    "mark": marked("what this map is"),
}
"""Columns of layers that are no tasks, beside those of `COLUMNS`."""


@dataclass(frozen=True)
class LayerForm:
    """What a GIS shows of the columns of a layer.

    Attributes
    ----------
    aliases
        Columns in words.
    values
        Column to the words of its values.
    groups
        Tabs of the form, each with its columns; none is one form with all columns.
    long
        Columns with more words than fit a line.
    """

    aliases: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Values] = field(default_factory=dict)
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    long: Sequence[str] = ()


NO_FORM = LayerForm()


def task_form(columns: Sequence[str], texts: Texts = ENGLISH) -> LayerForm:
    """Describe the columns that a layer of tasks has: of a public copy fewer."""
    there = [name for name in columns if name != "geometry"]
    groups = {
        texts.say(title): [name for name in names if name in there]
        for title, names in GROUPS.items()
    }
    placed = {name for names in groups.values() for name in names}
    groups[texts.say(REST)] = [name for name in there if name not in placed]
    known = {"arm": ARMS, "place": FIRMNESS, "evidence_kind": KINDS, "run_state": STATES}
    values = {**known, **IMSMA, "simulated": SIMULATED}
    return LayerForm(
        aliases={name: texts.say(COLUMNS[name].words) for name in there if name in COLUMNS},
        values={name: texts.words(words) for name, words in values.items() if name in there},
        groups={title: names for title, names in groups.items() if names},
        long=[
            name
            for name in there
            if name in COLUMNS and COLUMNS[name].kind is Kind.WORDS and COLUMNS[name].width >= 40
        ],
    )


def layer_form(columns: Sequence[str], texts: Texts = ENGLISH) -> LayerForm:
    """Describe the columns of what is drawn over the maps: findings, areas, ways, places."""
    words = {name: column.words for name, column in COLUMNS.items()} | dict(NAMES)
    values = {**IMSMA, "run_state": STATES, "simulated": SIMULATED, "kind": WAYS}
    ways = "kind" in columns and "Land_Class" not in columns
    return LayerForm(
        aliases={name: texts.say(words[name]) for name in columns if name in words},
        values={
            name: texts.words(known)
            for name, known in values.items()
            if name in columns and (name != "kind" or ways)
        },
    )
