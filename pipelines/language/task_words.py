"""The English of survey tasks: why each is where it is, what they lack, how they compare."""

from collections.abc import Mapping
from enum import StrEnum

from minerisk.pipelines.language.words import Message, marked
from minerisk.pipelines.records.tasks import (
    CaptureCode,
    Criterion,
    Lack,
    NearestEvidence,
    Rule,
    Standing,
    Sureness,
)

CRITERIA: Mapping[Criterion, str] = {
    Criterion.CASUALTIES: marked("threat to life and casualty rate"),
    Criterion.SOCIO_ECONOMIC: marked("socio-economic need"),
    Criterion.RESETTLEMENT: marked("resettlement of displaced people"),
    Criterion.RECONSTRUCTION: marked("funded and ready reconstruction"),
    Criterion.FOOD_SECURITY: marked("food security by land type"),
    Criterion.OTHER: marked("other"),
}
STANDING: Mapping[Standing, str] = {
    Standing.REGISTERED: marked("registered area"),
    Standing.OPEN_TASK: marked("open task"),
    Standing.ACCIDENT: marked("accident buffer"),
}
RULES: Mapping[Rule, str] = {
    Rule.TASKS: marked("tasks, as chosen here"),
    Rule.HIGHEST_CELLS: marked("highest cells, one by one (no task around them)"),
    Rule.NEAREST_LINE: marked("cells nearest to the line"),
    Rule.NEAREST_FIND: marked("cells nearest to a find of another region"),
}
FAMILIES: Mapping[str, str] = {
    "past_findings": marked("how near they are, and how many"),
    "distance": marked("how far the nearest is"),
    "density": marked("how much of it is around"),
}
"""Kinds of feature whose words in `minerisk.features.families` name no layer, or that are none."""
EVIDENCE: Mapping[NearestEvidence, str] = {
    NearestEvidence.FIND: "find",
    NearestEvidence.ACCIDENT: "accident",
    NearestEvidence.CONFIRMED: "confirmed area",
    NearestEvidence.SUSPICION: "suspected area",
    NearestEvidence.CLEARED: "area worked on since",
}
"""As the column ``evidence_kind`` has them, in English in every language."""
SURENESS: Mapping[Sureness, str] = {
    Sureness.PROBABILITY: marked(
        "Mean probability of contamination of a cell {mean:share} (interval {low:share} to "
        "{high:share}); the model can speak for {share:share} of the task."
    ),
    Sureness.RANK_FIRM: marked("Within the interval it ranks {low:d} to {high:d}."),
    Sureness.RANK_UNDECIDED: marked(
        "Within the interval it may rank anywhere from {low:d} to {high:d}."
    ),
    Sureness.BAND: marked("Band {band:d}: no order is meant among the tasks of a band."),
    Sureness.TO_LEARN: marked(
        "Survey to learn: the model cannot say here, for no surveyed land is like it "
        "(dissimilarity {value:amount}, limit 1)."
    ),
    Sureness.DRAWN_BLIND: marked(
        "Drawn blind from all land that may be tasked, as a check of the map; the model had no "
        "part in it."
    ),
    Sureness.SPEAKS_FOR: marked("It can speak for {share:share} of the task."),
}
NEAREST: Mapping[NearestEvidence, str] = {
    NearestEvidence.FIND: marked(
        "Nearest evidence: find {name} of {layer}, date {date}, {metres:count} m away."
    ),
    NearestEvidence.ACCIDENT: marked(
        "Nearest evidence: accident {name} of {layer}, date {date}, {metres:count} m away."
    ),
    NearestEvidence.CONFIRMED: marked(
        "Nearest evidence: confirmed area {name} of {layer}, date {date}, {metres:count} m away."
    ),
    NearestEvidence.SUSPICION: marked(
        "Nearest evidence: suspected area {name} of {layer}, date {date}, {metres:count} m away."
    ),
    NearestEvidence.CLEARED: marked(
        "Nearest evidence: area worked on since {name} of {layer}, date {date}, "
        "{metres:count} m away."
    ),
}
LACKS: Mapping[Lack, str] = {
    Lack.NO_BASES: marked("no bases: travel is not counted"),
    Lack.NO_ROADS: marked("no layer of roads to cut tasks by"),
    Lack.NO_RIVERS: marked("no layer of rivers to cut tasks by"),
    Lack.NO_RIVERS_OR_ROADS: marked("no layer of rivers or roads to cut tasks by"),
    Lack.NO_SLOPE: marked("no slope in the cube: effort is that of level ground"),
    Lack.NO_CRITERION_LAYER: marked("criterion {criterion} ({criterion:name}): no layer"),
    Lack.NO_VALUES: marked("values of {columns} in part of this task"),
}
CAPTURE: Mapping[CaptureCode, str] = {
    CaptureCode.NOT_MEASURED: marked("Not measured: the run kept no scores of regions left out."),
    CaptureCode.TASKS_FIND_MORE: marked("tasks find more at {shares:share} of land"),
    CaptureCode.TASKS_FIND_LESS: marked("tasks find less at {shares:share} of land"),
    CaptureCode.NO_DIFFERENCE: marked("no difference is shown at {shares:share} of land"),
}
TASK_TABLES: tuple[Mapping[StrEnum, Message], ...] = (
    *({**table} for table in (CRITERIA, STANDING, RULES)),
    *({**table} for table in (SURENESS, NEAREST, LACKS, CAPTURE)),
)
