"""What the command line says of an answer: one sentence on the land, the classes and the tasks."""

from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minerisk.features.grid import strips
from minerisk.models.tasks.survey_tasks import Arm
from minerisk.pipelines.formats.cog import raster_grid, read_raster_like
from minerisk.pipelines.language.like_words import like_line
from minerisk.pipelines.language.marks import Marks
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.predict.bands import RISK_CLASS
from minerisk.pipelines.predict.class_table import CLASSES
from minerisk.pipelines.predict.risk_classes import class_shares, count_classes
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.rasters import RiskClasses
from minerisk.pipelines.records.request import PackManifest, RequestRecord
from minerisk.pipelines.report.class_words import lower_words
from minerisk.pipelines.report.tasks import task_lines
from minerisk.pipelines.request.titles import request_title

SHOWN = ("higher", "elevated", "lower", "cannot_say")
WORDS = {Arm.RANKED: "ranked", Arm.LEARN: "to learn", Arm.CONTROL: "control"}
"""Of each arm, in their order."""


def answer_sentence(record: RequestRecord, pack: Path) -> str:
    """Sum up an answer from the pack that was written: hectares, classes, tasks, DRAFT."""
    manifest = PackManifest.read(RunFolder(pack).manifest)
    marks = Marks(manifest.state, manifest.simulated).words()
    land = land_sentence(record, pack)
    like = [] if record.like_this is None else [like_line(record.like_this.land)]
    return " ".join([f"{land}; {_tasks(pack)}.", *like, *(f"{words}." for words in marks)])


def land_sentence(record: RequestRecord, folder: Path) -> str:
    """Say how much land was asked for, and how much of it is in which class."""
    number, filters = ENGLISH.number, record.filters
    name = request_title(filters) if filters.limits_land else "the whole study area"
    shares = class_shares(_counts(folder / f"{RISK_CLASS}.tif"))
    classes = ", ".join(
        f"{number(shares[name], 'share')} {name.replace('_', ' ')}" for name in SHOWN
    )
    said = f"{number(record.hectares, 'hectares')} ha of {name}: {classes}"
    lower = lower_words(RiskClasses.read(folder / CLASSES).rows, ENGLISH)
    return f"{said}. {lower.rstrip('.')}" if lower else said


def _counts(path: Path) -> NDArray[np.int64]:
    """Count the cells of each code of a raster."""
    geobox, counts = raster_grid(path), np.zeros(256, dtype=np.int64)
    for rows in strips(geobox.shape):
        counts += count_classes(read_raster_like(path, geobox[rows, :]))
    return counts


def _tasks(pack: Path) -> str:
    lines = task_lines(RunFolder(pack))
    arms = Counter(line.arm for line in lines)
    if not arms:
        return "no survey task lies there"
    counted = ", ".join(f"{arms[arm]} {words}" for arm, words in WORDS.items() if arms[arm])
    bands = len({line.band for line in lines if line.band})
    if not bands:
        return f"survey tasks: {counted}"
    order = "one band: no better than a draw" if bands == 1 else f"{bands} bands"
    return f"survey tasks: {counted} (order: {order})"
