"""The figures of a report: how good a model is on land left out, and its tasks."""

from collections.abc import Iterator

from minerisk.models.folds.protocol import ProtocolName
from minerisk.pipelines.language.marks import Marks
from minerisk.pipelines.language.messages import Texts
from minerisk.pipelines.language.task_words import RULES
from minerisk.pipelines.plotting.figures import (
    capture_figure,
    importance_figure,
    region_figure,
    reliability_figure,
    tasks_capture_figure,
)
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.metrics import Metrics
from minerisk.pipelines.records.review import State
from minerisk.pipelines.records.tasks import Capture
from minerisk.pipelines.run.readers import held_out_cells
from minerisk.pipelines.train.figures import fold_map


def model_figures(
    files: RunFolder, metrics: Metrics, capture: Capture | None, state: State, texts: Texts
) -> Iterator[tuple[str, bytes]]:
    """Draw each figure of which the numbers are known, as PNG, with its name."""
    marks = Marks(state, metrics.simulated).words(texts)
    if curves := metrics.capture.get(ProtocolName.FAR):
        yield "capture", capture_figure(curves, marks=marks, texts=texts)
    if bins := metrics.reliability.get(ProtocolName.FAR):
        yield "reliability", reliability_figure(bins, marks=marks, texts=texts)
    if metrics.importance:
        yield "importance", importance_figure(metrics.importance, marks=marks, texts=texts)
    if regions := [row for row in metrics.regions if row.roc_auc is not None]:
        yield "regions", region_figure(regions, marks=marks, texts=texts)
    if capture is not None:
        yield (
            "tasks_capture",
            tasks_capture_figure(
                capture.found,
                capture.shares,
                words=texts.words(RULES),
                marks=marks,
                texts=texts,
            ),
        )
    folds = files.figures / "folds.png"
    drawn = texts.language == "en" and state is State.DRAFT
    if not drawn and files.held_out.is_file():
        held_out = held_out_cells(files.path, [f"fold_{ProtocolName.FAR}"])
        yield "folds", fold_map(held_out, ProtocolName.FAR, metrics, marks=marks, texts=texts)
    elif folds.is_file():
        yield "folds", folds.read_bytes()
