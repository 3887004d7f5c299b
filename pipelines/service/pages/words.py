"""Words of the screens that no other package has: what scripts say, roles, states, layers."""

from collections.abc import Mapping

from minerisk.pipelines.formats.palette import CLASS_NAMES, CLASS_WORDS
from minerisk.pipelines.language.names import family_name
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.service.accounts.access import Role, Scope
from minerisk.pipelines.service.jobs.orders import JobState

SCRIPT_WORDS: Mapping[str, str] = {
    "unreachable": marked("The desk does not answer."),
    "try_again": marked("Try again; if it stays so, tell the administrator."),
    "no_area": marked("No area is drawn yet."),
    "no_area_next": marked("Draw on the map, or write three corners or more, one a line."),
    "no_file": marked("No file is chosen."),
    "no_file_next": marked("Choose a GeoPackage, a zipped Shapefile, KML or GeoJSON."),
    "key_not_read": marked("This is no Ed25519 key in PEM, or this browser cannot sign with it."),
    "key_not_read_next": marked(
        "Sign the file on your own machine instead, or use a newer browser."
    ),
    "no_results": marked("No file of survey results is chosen."),
    "no_results_next": marked("Choose what KoBo, ODK or Survey123 exported: CSV or XLSX."),
    "zoom_in": marked("Zoom in"),
    "zoom_out": marked("Zoom out"),
    "from_near": marked("seen when the map is zoomed in"),
}
"""What scripts say, by the names that they use."""

AS_PREDICTED = marked("as predicted")
LESS_FOUND = marked("less found than predicted")
MORE_FOUND = marked("more found than predicted")
NOTHING_TESTS = marked("no land searched that tests it")
ARMS: Mapping[str, str] = {
    "control": marked("random arm, drawn blind"),
    "ranked": marked("tasks that the run ranked"),
    "elsewhere": marked("other land that somebody chose"),
}
CLASSES: Mapping[str, str] = {CLASS_NAMES[code]: words for code, words in CLASS_WORDS.items()}
OUTCOMES: Mapping[str, str] = {
    "find": marked("something was found"),
    "no find": marked("nothing was found"),
}
MEASURES: Mapping[str, str] = {
    "roc_auc": marked("ROC-AUC"),
    "average_precision": marked("average precision"),
    "found_in_top_20": marked("finds in the first 20 % of the land"),
    "calibration_slope": marked("calibration slope"),
}
PROTOCOLS: Mapping[str, str] = {
    "far": marked("on land far from what was surveyed"),
    "near": marked("on land near what was surveyed"),
}

ROLES: Mapping[Role, str] = {
    Role.MANAGER: marked("manager"),
    Role.SCIENTIST: marked("data scientist"),
    Role.REVIEWER: marked("reviewer"),
    Role.ADMINISTRATOR: marked("administrator"),
    Role.PUBLIC: marked("public"),
}
ROLE_HINTS: Mapping[Role, str] = {
    Role.MANAGER: marked("asks, and sees own and shared requests"),
    Role.SCIENTIST: marked("offers runs to the desk and sees every request; approves nothing"),
    Role.REVIEWER: marked("verifies, approves, rejects and withdraws runs that others made"),
    Role.ADMINISTRATOR: marked("keeps accounts and the access log; sees no findings"),
}
SCOPES: Mapping[Scope, str] = {
    Scope.READ: marked("read runs and results"),
    Scope.ASK: marked("ask"),
    Scope.OFFER: marked("offer runs"),
}
STATES: Mapping[JobState, str] = {
    JobState.WAITING: marked("waiting"),
    JobState.RUNNING: marked("being done"),
    JobState.DONE: marked("done"),
    JobState.FAILED: marked("failed"),
    JobState.CANCELLED: marked("cancelled"),
    JobState.EXPIRED: marked("deleted after its time"),
}
JOBS: Mapping[str, str] = {
    "audit": marked("verification"),
    "review": marked("approval, after a verification"),
}
LAYERS: Mapping[str, str] = {
    "boundary": marked("Study area"),
    "districts": marked("Districts"),
    "line": marked("Front line"),
    "places": marked("Places"),
    "findings": marked("Finds and accidents"),
}
"""Layers whose part on the map says more than their names."""
DECISIONS: Mapping[str, str] = {
    "approve": marked("approve"),
    "reject": marked("reject"),
    "withdraw": marked("withdraw"),
}


def family(name: str) -> str:
    """Name a family of features, in English."""
    return family_name(name)
