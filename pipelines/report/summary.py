"""What the command line shows at the end of a run: how good it is, and where things are."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from minerisk.models.elsewhere.statement import LikeLand
from minerisk.models.evaluation.measures import Measure
from minerisk.pipelines.language.like_words import like_line
from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.metrics import Metrics
from minerisk.pipelines.records.rasters import RasterFacts
from minerisk.pipelines.report.pages import report_page
from minerisk.pipelines.report.quality import Compared, over_rule_rows
from minerisk.pipelines.report.tasks import read_tasks
from minerisk.pipelines.report.wording import Wording
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.hazards import FOUND, HAZARD_TITLES, trained_hazards

SHOWN: Sequence[Measure] = (
    Measure.ROC_AUC,
    Measure.AVERAGE_PRECISION,
    Measure.FOUND_IN_TOP_20,
    Measure.CALIBRATION_SLOPE,
)


class Scores(Compared, Protocol):
    """What the table of scores is made of: the metrics of a run or of a table."""

    @property
    def prevalence(self) -> float:
        """Share of labelled places that are positive."""


def score_lines(
    scores: Scores,
    *,
    like: LikeLand | None = None,
    simulated: bool = False,
    texts: Texts = ENGLISH,
) -> Iterator[str]:
    """Write scores as a Markdown table: model, rules of thumb, random folds.

    What is said of land like what nobody surveyed stands in place of folds that match its distance.
    """
    text = report_page(
        "scores.md.j2",
        texts,
        simulated=simulated,
        prevalence=scores.prevalence,
        protocols=scores.protocols,
        over_rule=over_rule_rows(scores),
        measures=SHOWN,
        like=like,
        said="" if like is None else like_line(like, texts),
    )
    yield from text.splitlines()


def run_score_lines(run: Run) -> Iterator[str]:
    """Write the scores of a run, then those of its layer of what was found, if it has one."""
    found = run.metrics()
    yield from score_lines(found, like=found.like_this, simulated=found.simulated)
    if FOUND in trained_hazards(run.folder):
        layer = Metrics.read(RunFolder(run.folder).hazard(FOUND).metrics)
        yield from (
            "",
            f"## {ENGLISH.say(HAZARD_TITLES[FOUND])}",
            "",
            *score_lines(layer, like=layer.like_this),
        )
    yield from ("", Wording(ENGLISH).tasks_by(run.config.tasks.hazard))


def closing_lines(run: Run) -> Iterator[str]:
    """Sum up a finished run: the numbers that matter, and its paths."""
    files = run.files
    text = report_page(
        "summary.txt.j2",
        ENGLISH,
        simulated=run.simulated,
        metrics=run.metrics(),
        like=like_line(run.metrics().like_this),
        tasks=read_tasks(files),
        silent=run.manifest().facts("predict", RasterFacts).classes["cannot_say"],
        places=(
            (marked("Report:"), files.report),
            (marked("Map:"), files.raster("risk_class")),
            (marked("Probability:"), files.raster("probability")),
            (marked("Survey tasks:"), files.tasks_gpkg),
            (marked("Trail:"), files.manifest),
            (marked("Check it:"), f"minerisk audit verify {run.folder}"),
        ),
    )
    yield from text.splitlines()
