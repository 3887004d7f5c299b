"""What the command line shows at the end of a run: how good it is, and where things are."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from minerisk.models.evaluation.measures import Measure
from minerisk.models.folds.protocol import ProtocolName
from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.records.metrics import ProtocolScores
from minerisk.pipelines.records.rasters import RasterFacts
from minerisk.pipelines.report.pages import report_page
from minerisk.pipelines.report.tasks import read_tasks
from minerisk.pipelines.run.folder import Run

SHOWN: Sequence[Measure] = (
    Measure.ROC_AUC,
    Measure.AVERAGE_PRECISION,
    Measure.FOUND_IN_TOP_20,
    Measure.CALIBRATION_SLOPE,
)


class Scores(Protocol):
    """What the table of scores is made of: the metrics of a run or of a table."""

    @property
    def prevalence(self) -> float:
        """Share of labelled places that are positive."""

    @property
    def protocols(self) -> Mapping[ProtocolName, ProtocolScores]:
        """Scores by protocol."""


def score_lines(
    scores: Scores, *, simulated: bool = False, texts: Texts = ENGLISH
) -> Iterator[str]:
    """Write scores as a Markdown table: model, rules of thumb, random folds."""
    text = report_page(
        "scores.md.j2",
        texts,
        simulated=simulated,
        prevalence=scores.prevalence,
        protocols=scores.protocols,
        measures=SHOWN,
    )
    yield from text.splitlines()


def closing_lines(run: Run) -> Iterator[str]:
    """Sum up a finished run: the numbers that matter, and its paths."""
    files = run.files
    text = report_page(
        "summary.txt.j2",
        ENGLISH,
        simulated=run.simulated,
        metrics=run.metrics(),
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
