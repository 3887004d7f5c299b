"""What the request desk has to say, as codes with values."""

from enum import StrEnum

from minerisk.pipelines.records.notice import Notice, Value


class DeskCode(StrEnum):
    """Why the desk refuses, waits or stops; each has its words and its next step."""

    NO_RUN_APPROVED = "desk_no_run_approved"
    RUN_DRAFT = "desk_run_draft"
    RUN_REJECTED = "desk_run_rejected"
    RUN_WITHDRAWN = "desk_run_withdrawn"
    RUN_UNVERIFIED = "desk_run_unverified"
    RUN_GONE = "desk_run_gone"
    RUN_NOT_READ = "desk_run_not_read"
    RUN_NEWER = "desk_run_newer"
    RUN_CHANGED = "desk_run_changed"
    RUN_NOT_MADE = "desk_run_not_made"
    FINDINGS_DELIVERED = "desk_findings_delivered"
    FINDINGS_CHANGED = "desk_findings_changed"

    AREA_EMPTY = "desk_area_empty"
    AREA_TOO_SMALL = "desk_area_too_small"
    AREA_TOO_LARGE = "desk_area_too_large"
    AREA_NO_POLYGONS = "desk_area_no_polygons"
    AREA_WITHOUT_CRS = "desk_area_without_crs"
    AREA_OUTSIDE = "desk_area_outside"
    AREA_PARTLY_OUTSIDE = "desk_area_partly_outside"
    AREA_NOT_READ = "desk_area_not_read"
    AREA_KIND = "desk_area_kind"
    AREA_GONE = "desk_area_gone"

    CLASS_WITHOUT_MODEL = "desk_class_without_model"
    LAYER_GONE = "desk_layer_gone"
    LAYER_UNKNOWN = "desk_layer_unknown"
    DISTRICT_UNKNOWN = "desk_district_unknown"
    NEAR_WITHOUT_METRES = "desk_near_without_metres"
    DAY_TO_COME = "desk_day_to_come"
    ASKED_REFUSED = "desk_asked_refused"

    WORKER_DIED = "desk_worker_died"
    WORKER_DIED_AGAIN = "desk_worker_died_again"
    DISK_FULL = "desk_disk_full"
    TIME_SPENT = "desk_time_spent"
    MEMORY_SPENT = "desk_memory_spent"
    CANCELLED = "desk_cancelled"
    RESULT_EXPIRED = "desk_result_expired"
    RESULT_NOT_READY = "desk_result_not_ready"
    RESULT_CHANGED = "desk_result_changed"
    TILE_MISSING = "desk_tile_missing"

    QUOTA_DAY = "desk_quota_day"
    QUOTA_WAITING = "desk_quota_waiting"
    TOO_MANY = "desk_too_many"

    NOT_SIGNED_IN = "desk_not_signed_in"
    NOT_ALLOWED = "desk_not_allowed"
    NOT_FOUND = "desk_not_found"
    CREDENTIALS_WRONG = "desk_credentials_wrong"
    LOCKED_OUT = "desk_locked_out"
    FIRST_PASSWORD = "desk_first_password"
    FIRST_PASSWORD_OVER = "desk_first_password_over"
    CODE_WRONG = "desk_code_wrong"
    CODE_NEEDED = "desk_code_needed"
    PROVIDER_AWAY = "desk_provider_away"
    PROVIDER_REFUSED = "desk_provider_refused"
    PROVIDER_WRONG = "desk_provider_wrong"
    PROVIDER_ROLE = "desk_provider_role"
    PROVIDER_FACTOR = "desk_provider_factor"
    SIGN_IN_STALE = "desk_sign_in_stale"
    FORM_STALE = "desk_form_stale"
    PASSWORD_WEAK = "desk_password_weak"
    PASSWORD_SAME = "desk_password_same"
    NAME_TAKEN = "desk_name_taken"
    LAST_ADMINISTRATOR = "desk_last_administrator"
    RESULTS_REFUSED = "desk_results_refused"
    RESULTS_ROWS = "desk_results_rows"
    BODY_WRONG = "desk_body_wrong"
    BODY_TOO_LARGE = "desk_body_too_large"
    BODY_TOO_SLOW = "desk_body_too_slow"
    QUERY_WRONG = "desk_query_wrong"
    QUERY_UNKNOWN = "desk_query_unknown"
    METHOD_WRONG = "desk_method_wrong"
    RANGE_WRONG = "desk_range_wrong"

    REVIEW_OF_OWN = "desk_review_of_own"
    REVIEW_REFUSED = "desk_review_refused"
    SIGNATURE_LATE = "desk_signature_late"
    SIGNATURE_WRONG = "desk_signature_wrong"

    BUSY = "desk_busy"
    FAULT = "desk_fault"


DeskNotice = Notice[DeskCode]


def desk_notice(code: DeskCode, **values: Value) -> DeskNotice:
    """Make a notice, such as ``desk_notice(DeskCode.AREA_TOO_SMALL, hectares=0.2)``."""
    return DeskNotice(code=code, values=values)
