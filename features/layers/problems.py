"""What can be wrong or doubtful about a layer: codes with values."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Value = str | int | float | tuple[str, ...]


class Level(StrEnum):
    """Errors stop a run; warnings are for a person to judge; notes state what was done."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class LayerCode(StrEnum):
    """Every problem of layers."""

    UNREADABLE = "unreadable"
    NO_CRS = "no_crs"
    NOT_POLYGONS = "not_polygons"
    MADE_BY_RUN = "made_by_run"
    EMPTY = "empty"
    KEPT_ROWS = "kept_rows"
    UNMATCHED_VALUES = "unmatched_values"
    CRS_GIVEN = "crs_given"
    SHIFT_NOT_KNOWN = "shift_not_known"
    EXCHANGED_AXES = "exchanged_axes"
    REPAIRED_GEOMETRY = "repaired_geometry"
    LOST_GEOMETRY = "lost_geometry"
    UNBOUNDED_GEOMETRY = "unbounded_geometry"
    NO_GEOMETRY = "no_geometry"
    DUPLICATES = "duplicates"
    NO_DATE_COLUMN = "no_date_column"
    UNREADABLE_DATES = "unreadable_dates"
    DATES_DAY_OR_MONTH = "dates_day_or_month"
    DATES_SHORT_YEAR = "dates_short_year"
    DATES_SERIAL = "dates_serial"
    DATES_SECONDS = "dates_seconds"
    DATES_MILLISECONDS = "dates_milliseconds"
    DATES_PLACEHOLDER = "dates_placeholder"
    DATES_NO_DAY = "dates_no_day"
    DATES_PARTIAL = "dates_partial"
    DATES_OTHER_FORMAT = "dates_other_format"
    FUTURE_DATES = "future_dates"
    UNREADABLE_COLUMN = "unreadable_column"
    UNDATED = "undated"
    EARLY_DATES = "early_dates"
    LATE_DATES = "late_dates"
    LONG_STEPS = "long_steps"
    OUTSIDE = "outside"
    PARTLY_OUTSIDE = "partly_outside"
    COVER = "cover"
    COVERAGE = "coverage"
    COVERS_NOTHING = "covers_nothing"
    SILENT_LABELS = "silent_labels"
    VALUE_RANGE = "value_range"
    FIRST_OF_BANDS = "first_of_bands"
    UNDECLARED_NODATA = "undeclared_nodata"
    EVIDENCE_AS_FEATURE = "evidence_as_feature"
    SAME_DATA_AS_EVIDENCE = "same_data_as_evidence"
    TELLING_COLUMNS = "telling_columns"
    ABSENT = "absent"
    FEATURE_LEFT_OUT = "feature_left_out"
    LISTED_LATER = "listed_later"


@dataclass(frozen=True)
class LayerProblem:
    """One thing to know about a layer.

    Attributes
    ----------
    layer
        Its name.
    values
        What the sentence about it names.
    """

    layer: str
    level: Level
    code: LayerCode
    values: Mapping[str, Value]


def error(layer: str, code: LayerCode, /, **values: Value) -> LayerProblem:
    """Make a problem that stops a run."""
    return LayerProblem(layer, Level.ERROR, code, values)


def warning(layer: str, code: LayerCode, /, **values: Value) -> LayerProblem:
    """Make a problem that a person judges."""
    return LayerProblem(layer, Level.WARNING, code, values)


def note(layer: str, code: LayerCode, /, **values: Value) -> LayerProblem:
    """Make a note of what was done."""
    return LayerProblem(layer, Level.NOTE, code, values)
