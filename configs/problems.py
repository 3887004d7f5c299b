"""What can be wrong or doubtful in a configuration that is well-formed: codes with values."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Value = str | int | float | tuple[str, ...] | tuple[float, ...]


class ConfigCode(StrEnum):
    """Every problem that `minerisk.configs.checks` finds."""

    NO_SUCH_LAYER = "no_such_layer"
    WRONG_KIND = "wrong_kind"
    FEATURE_TWICE = "feature_twice"
    RADIUS_BELOW_CELL = "radius_below_cell"
    CAP_BELOW_CELLS = "cap_below_cells"
    CLASS_IN_TWO_GROUPS = "class_in_two_groups"
    CLASSES_MIXED = "classes_mixed"
    FEATURE_IS_EVIDENCE = "feature_is_evidence"
    FEATURE_IS_SURVEY = "feature_is_survey"
    LAYER_TWICE = "layer_twice"
    WITHOUT_DATES = "without_dates"
    SUSPICION_AS_FIND = "suspicion_as_find"
    NO_SURVEYED_LAND = "no_surveyed_land"
    SURVEY_IS_EVIDENCE = "survey_is_evidence"
    CRS_WITHOUT_METRES = "crs_without_metres"
    BLOCK_BELOW_CELLS = "block_below_cells"
    FINDINGS_BLOCK_BELOW_CELLS = "findings_block_below_cells"
    FINDINGS_RADIUS_BEYOND_BLOCK = "findings_radius_beyond_block"
    FINDINGS_RADIUS_BELOW_CELL = "findings_radius_below_cell"
    AGE_WITHOUT_DATE = "age_without_date"
    NEIGHBOURS_BELOW_ONE = "neighbours_below_one"
    CLASS_SHARES_ABOVE_ONE = "class_shares_above_one"
    CLASS_SHARES_HIGH = "class_shares_high"
    CLASS_CUTS_MISSING = "class_cuts_missing"
    CLASS_CUTS_UNUSED = "class_cuts_unused"
    CLASS_CUTS_ORDER = "class_cuts_order"
    CLASS_CUTS_ABOVE_CELL = "class_cuts_above_cell"
    TASK_SIZES_CROSSED = "task_sizes_crossed"
    TASK_BELOW_CELL = "task_below_cell"
    LEAST_TASK_BELOW_CELL = "least_task_below_cell"
    BUDGET_BELOW_TASK = "budget_below_task"
    CRITERION_WITHOUT_CLASSES = "criterion_without_classes"
    PATH_WITHOUT_SIMULATION = "path_without_simulation"
    SIMULATION_WITHOUT_PATH = "simulation_without_path"
    CAP_SHORT = "cap_short"
    LINE_WITHOUT_ERROR = "line_without_error"
    CSV_WITHOUT_COLUMNS = "csv_without_columns"
    COVERAGE_OF_ITSELF = "coverage_of_itself"
    COVERAGE_NOT_USED = "coverage_not_used"
    VALID_RANGE_NOT_RISING = "valid_range_not_rising"
    OPTIONAL_LAYER_NEEDED = "optional_layer_needed"
    LAYER_NOT_USED = "layer_not_used"


@dataclass(frozen=True)
class ConfigProblem:
    """One problem of a configuration.

    Attributes
    ----------
    level
        An error stops a run; a warning is for a person to judge.
    place
        Where in the configuration, such as ``features.0 (terrain)``.
    values
        What the sentence about it names.
    """

    level: Literal["error", "warning"]
    code: ConfigCode
    place: str
    values: Mapping[str, Value]


def error(code: ConfigCode, place: str, /, **values: Value) -> ConfigProblem:
    """Make a problem that stops a run."""
    return ConfigProblem("error", code, place, values)


def warning(code: ConfigCode, place: str, /, **values: Value) -> ConfigProblem:
    """Make a problem that a person judges."""
    return ConfigProblem("warning", code, place, values)
