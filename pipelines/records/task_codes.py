"""What is stated of survey tasks: codes, without the words."""

from enum import StrEnum


class Criterion(StrEnum):
    """ANAMA's criteria of impact."""

    CASUALTIES = "casualties"
    SOCIO_ECONOMIC = "socio_economic"
    RESETTLEMENT = "resettlement"
    RECONSTRUCTION = "reconstruction"
    FOOD_SECURITY = "food_security"
    OTHER = "other"


class Standing(StrEnum):
    """What is shown beside tasks, as it is given; the layer ``standing`` has it as its ``kind``."""

    REGISTERED = "registered area"
    OPEN_TASK = "open task"
    ACCIDENT = "accident buffer"


class Lack(StrEnum):
    """What tasks could not take into account."""

    NO_BASES = "no_bases"
    NO_ROADS = "no_roads"
    NO_RIVERS = "no_rivers"
    NO_RIVERS_OR_ROADS = "no_rivers_or_roads"
    NO_SLOPE = "no_slope"
    NO_CRITERION_LAYER = "no_criterion_layer"
    NO_VALUES = "no_values"


class Sureness(StrEnum):
    """How sure a task is, by its arm and by how far its rank may move."""

    PROBABILITY = "mean_probability"
    RANK_FIRM = "rank_firm"
    RANK_UNDECIDED = "rank_undecided"
    TO_LEARN = "to_learn"
    DRAWN_BLIND = "drawn_blind"
    SPEAKS_FOR = "speaks_for"


class NearestEvidence(StrEnum):
    """Of what kind the record nearest to a task is."""

    FIND = "evidence_find"
    ACCIDENT = "evidence_accident"
    CONFIRMED = "evidence_confirmed"
    SUSPICION = "evidence_suspicion"
    CLEARED = "evidence_cleared"


class Rule(StrEnum):
    """Ways to choose land: as tasks do, or by a rule of thumb."""

    TASKS = "tasks"
    HIGHEST_CELLS = "highest_cells"
    NEAREST_LINE = "nearest_line"
    NEAREST_FIND = "nearest_find"


class CaptureCode(StrEnum):
    """What a comparison of tasks with a rule shows."""

    NOT_MEASURED = "capture_not_measured"
    TASKS_FIND_MORE = "tasks_find_more"
    TASKS_FIND_LESS = "tasks_find_less"
    NO_DIFFERENCE = "no_difference_shown"
