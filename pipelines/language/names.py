"""What models, measures, protocols, families and hazards are called: one table each."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from minerisk.models.evaluation.measures import Measure, ModelName
from minerisk.models.folds.protocol import ProtocolName
from minerisk.pipelines.language.numbers import Kind
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.records.evaluations import Change


class MeasureWords(NamedTuple):
    """What a measure is called, and how its value is shown."""

    words: str
    kind: Kind = "number"


MEASURES: Mapping[Measure, MeasureWords] = {
    Measure.ROC_AUC: MeasureWords(marked("ROC-AUC")),
    Measure.AVERAGE_PRECISION: MeasureWords(marked("average precision")),
    Measure.FOUND_IN_TOP_5: MeasureWords(marked("found in the first 5 % of land"), "share"),
    Measure.FOUND_IN_TOP_10: MeasureWords(marked("found in the first 10 % of land"), "share"),
    Measure.FOUND_IN_TOP_20: MeasureWords(marked("found in the first 20 % of land"), "share"),
    Measure.HECTARES_TO_50: MeasureWords(marked("hectares until 50 % are found"), "hectares"),
    Measure.HECTARES_TO_80: MeasureWords(marked("hectares until 80 % are found"), "hectares"),
    Measure.HECTARES_TO_95: MeasureWords(marked("hectares until 95 % are found"), "hectares"),
    Measure.LOWEST_CLASS_MISS_RATE: MeasureWords(
        marked("missed if the last 50 % were never surveyed"), "share"
    ),
    Measure.CALIBRATION_SLOPE: MeasureWords(
        marked("calibration slope (1 is right; under 1: too sure of itself)")
    ),
    Measure.CALIBRATION_INTERCEPT: MeasureWords(
        marked("calibration intercept (0 is right; under 0: predicts too much)")
    ),
    Measure.ECE: MeasureWords(marked("mean gap between predicted and observed"), "share"),
    Measure.BRIER: MeasureWords(marked("Brier score (smaller is better)")),
    Measure.LOG_LOSS: MeasureWords(marked("log loss (smaller is better)")),
}
RANKING: Sequence[Measure] = (
    Measure.ROC_AUC,
    Measure.AVERAGE_PRECISION,
    Measure.FOUND_IN_TOP_5,
    Measure.FOUND_IN_TOP_20,
    Measure.LOWEST_CLASS_MISS_RATE,
)
"""Measures that models are set side by side by."""
CALIBRATION: Sequence[Measure] = (
    Measure.CALIBRATION_SLOPE,
    Measure.CALIBRATION_INTERCEPT,
    Measure.ECE,
    Measure.BRIER,
    Measure.LOG_LOSS,
)
MODELS: Mapping[ModelName, str] = {
    ModelName.MODEL: marked("the model"),
    ModelName.RANDOM_FOREST: marked("random forest"),
    ModelName.LOGISTIC_REGRESSION: marked("logistic regression"),
    ModelName.DISTANCE_RULE: marked("distance rule (nearest known line or position first)"),
    ModelName.PREVALENCE: marked("no model: the same everywhere"),
}
PROTOCOLS: Mapping[ProtocolName, str] = {
    ProtocolName.FAR: marked("Far: whole regions it was not trained on"),
    ProtocolName.NEAR: marked("Near: as far from the training land as the unsurveyed land is"),
    ProtocolName.LATER: marked("Later: finds made after the last day of its training data"),
    ProtocolName.RANDOM: marked(
        "Random folds: optimistic reference, never the quality of this map"
    ),
}
"""Protocols that are reported, and the order they are reported in."""
PROTOCOLS_SHORT: Mapping[ProtocolName, str] = {
    ProtocolName.FAR: marked("far"),
    ProtocolName.NEAR: marked("near"),
    ProtocolName.LATER: marked("later"),
    ProtocolName.RANDOM: marked("random (optimistic reference)"),
}
HAZARD_FINDS: Mapping[str, str] = {
    "ap": marked("anti-personnel"),
    "at": marked("anti-tank"),
    "uxo": marked("unexploded ordnance"),
    "any": marked("kind not recorded"),
}
"""Kinds of hazard that finds are of."""
EVIDENCE: Mapping[str, str] = {
    "find": marked("find"),
    "accident": marked("accident"),
    "confirmed": marked("confirmed area"),
    "suspicion": marked("suspected area"),
    "cleared": marked("area worked on since"),
}
"""Kinds of evidence that a configuration names."""
FINDS: Mapping[str, str] = {
    "find": marked("finds"),
    "accident": marked("accidents"),
    "confirmed": marked("confirmed areas"),
}
"""Kinds of evidence of what was found, of `codes.REAL_FINDS`: their cells."""
CHANGES: Mapping[Change, str] = {
    Change.ADDED: marked("added"),
    Change.DROPPED: marked("dropped"),
}
"""What an ablation does with a family of features."""
FAMILIES: Mapping[str, str] = {
    "past_findings": marked("past findings"),
    "front_line": marked("front line"),
    "front_zones": marked("front zones"),
    "front_shape": marked("front shape"),
    "own_side_share": marked("own side share"),
    "no_mans_land": marked("no mans land"),
    "fortifications": marked("fortifications"),
    "front_of_positions": marked("front of positions"),
    "terrain": marked("terrain"),
    "landform": marked("landform"),
    "front_facing": marked("front facing"),
    "wetness": marked("wetness"),
    "trafficability": marked("trafficability"),
    "visibility": marked("visibility"),
    "commanding_view": marked("commanding view"),
    "distance": marked("distance"),
    "density": marked("density"),
    "land_cover": marked("land cover"),
    "land_cover_edge": marked("land cover edge"),
    "value": marked("value"),
    "change": marked("change"),
    "margin": marked("margin"),
    "minefield_records": marked("minefield records"),
    "population_change": marked("population change"),
    "approach": marked("approach"),
    "crossings": marked("crossings"),
    "passes": marked("passes"),
}
"""Families of features by kind; what each tells is in `features.families`."""


def family_name(family: str) -> str:
    """Name a family of features: a kind, or the layer that it is made of."""
    return FAMILIES.get(family, family.replace("_", " "))
