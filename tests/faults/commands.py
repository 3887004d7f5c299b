"""Every command of minerisk, as it is killed: what is there before, and what goes on after."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

RUN, AREA = "{w}/run", "{w}/area.yaml"
ADD = ("feedback", "add", RUN, "{w}/results.gpkg", "--by", "team 4")
DECIDE = ("review", "add", RUN, "--decision", "reject", "--by", "reviewer 7", "--note", "looked")


def _after_review(work: Path) -> tuple[str, ...]:
    """A decision that is on record is not made twice: MLflow is made to follow."""
    log = work / "run" / "reviews.jsonl"
    return ("review", "follow", RUN) if log.exists() and log.read_text() else DECIDE


@dataclass(frozen=True)
class Command:
    """A command in a folder ``{w}`` with a finished run and earlier results.

    Attributes
    ----------
    words
        The command.
    share
        How often it is drawn, relative to the others.
    removed
        What is removed first, so that there is something to do.
    before
        A command that is done first, undisturbed.
    again
        The command that goes on; by itself the same.
    refusals
        Words of a refusal (exit code 2) that says that all is done already, with its reason.
    read_only
        Whether it writes nothing.
    trains
        Whether it takes as long as training does.
    """

    words: tuple[str, ...]
    share: float = 1.0
    removed: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    again: Callable[[Path], tuple[str, ...]] | None = None
    refusals: tuple[str, ...] = ()
    read_only: bool = False
    trains: bool = False


COMMANDS: Mapping[str, Command] = {
    "run": Command(("run", AREA, "--out", RUN), 1, ("run",), trains=True),
    "run, model lost": Command(("run", AREA, "--out", RUN), 2, ("run/model", "run/rasters"),
                               trains=True),
    "build": Command(("build", AREA, "--out", RUN, "--workers", "2"), 2, ("run",), trains=True),
    "train": Command(("train", AREA, "--out", RUN), 2, ("run/model",), trains=True),
    "predict": Command(("predict", RUN), 2, ("run/rasters",)),
    "predict, 2 workers": Command(("predict", RUN, "--workers", "2"), 1, ("run/rasters",)),
    "prioritize": Command(("prioritize", RUN), 2, ("run/tasks.gpkg", "run/tasks.csv")),
    "report": Command(("report", RUN), 1, ("run/report.html",)),
    "report az": Command(("report", RUN, "--language", "az"), 1),
    "request": Command(("request", RUN, "--out", "{w}/pack"), 3),
    "request --public": Command(
        ("request", RUN, "--aoi", "{w}/aoi.gpkg", "--public", "--unapproved", "--out", "{w}/part"),
        3,
    ),
    "request --aoi": Command(
        ("request", RUN, "--aoi", "{w}/aoi.gpkg", "--out", "{w}/maps"), 2
    ),
    "request --near": Command(
        ("request", RUN, "--near", "settlements", "--within", "3000", "--out", "{w}/near"), 2
    ),
    "request --as-of": Command(
        ("request", RUN, "--as-of", "2023-12-01", "--out", "{w}/past"), 0.5, trains=True
    ),
    "feedback add": Command(ADD, 3, refusals=("on record already",)),
    "feedback show": Command(("feedback", "show", RUN), 0.2, before=ADD, read_only=True),
    "retrain": Command(("retrain", RUN, "--out", "{w}/next"), 0.5, before=ADD, trains=True),
    "review add": Command(DECIDE, 3, again=_after_review),
    "review follow": Command(("review", "follow", RUN), 0.5),
    "review show": Command(("review", "show", RUN), 0.2, read_only=True),
    "audit export": Command(("audit", "export", RUN, "--out", "{w}/dossier"), 2,
                            refusals=("is not empty; expected a new folder",)),
    "audit verify": Command(("audit", "verify", RUN), 0.2, read_only=True),
    "runs export": Command(("runs", "export", RUN, "--out", "{w}/run.zip"), 2),
    "runs import": Command(("runs", "import", "{w}/other.zip", "--uri", "sqlite:///{w}/store.db"),
                           2, refusals=("there already",)),
    "evaluate run": Command(("evaluate", "run", RUN), 0.2, read_only=True),
    "evaluate later": Command(
        ("evaluate", "later", RUN, "{w}/later.gpkg", "--out", "{w}/scored"), 1
    ),
    "lookback": Command(("lookback", RUN, "{w}/later.gpkg", "--out", "{w}/lookback"), 1),
    "compare": Command(("compare", RUN, RUN, "--out", "{w}/difference"), 1),
    "status": Command(("status", RUN), 0.2, read_only=True),
    "reproduce": Command(("reproduce", RUN, "--out", "{w}/again"), 0.5, trains=True),
    "validate": Command(("validate", AREA, "--out", "{w}/checked"), 1),
    "init": Command(("init", "{w}/layers", "--out", "{w}/first.yaml"), 1),
}  # fmt: skip
