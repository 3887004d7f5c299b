"""The figures of a trained run."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from affine import Affine
from odc.geo.geobox import GeoBox

from minerisk.models.folds.protocol import ProtocolName
from minerisk.pipelines.language.marks import Marks
from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.language.metric_words import splitter_words
from minerisk.pipelines.plotting.figures import (
    capture_figure,
    fold_figure,
    importance_figure,
    region_figure,
    reliability_figure,
)
from minerisk.pipelines.provenance.files import write_whole
from minerisk.pipelines.records.metrics import Metrics
from minerisk.pipelines.records.review import State
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.row_blocks import thinning


def write_figures(run: Run) -> Path:
    """Write ``figures/`` of a run: reliability, effort capture, importance, regions, fold maps."""
    metrics, target = run.metrics(), run.files.figures
    marks = Marks(State.DRAFT, metrics.simulated).words()
    drawn = {
        "capture_far": capture_figure(metrics.capture[ProtocolName.FAR], marks=marks),
        "importance": importance_figure(metrics.importance, marks=marks),
        "regions": region_figure(metrics.regions, marks=marks),
    }
    for name, bins in metrics.reliability.items():
        drawn[f"reliability_{name}"] = reliability_figure(bins, marks=marks)
    held_out = run.held_out("fold_far", "fold_near")
    for name, file in ((ProtocolName.FAR, "folds"), (ProtocolName.NEAR, "folds_near")):
        drawn[file] = fold_map(held_out, name, metrics, marks=marks)
    for file, image in drawn.items():
        write_whole(target / f"{file}.png", image)
    return target


def fold_map(
    held_out: pd.DataFrame,
    name: ProtocolName,
    metrics: Metrics,
    *,
    marks: Sequence[str],
    texts: Texts = ENGLISH,
) -> bytes:
    """Draw which fold of a protocol each cell of ``held_out.parquet`` was held out in.

    On large land a point of the picture is several cells wide, and shows one that was held out.
    """
    cell = metrics.resolution_m
    west, north = held_out["easting"].min() - cell / 2, held_out["northing"].max() + cell / 2
    wide = [np.ptp(held_out[axis]) / cell + 1 for axis in ("easting", "northing")]
    cell *= thinning((round(max(wide)),))
    columns = np.floor((held_out["easting"] - west) / cell).astype(int)
    rows = np.floor((north - held_out["northing"]) / cell).astype(int)
    folds = np.full((int(rows.max()) + 1, int(columns.max()) + 1), -1, dtype=np.int16)
    folds[rows, columns] = held_out[f"fold_{name}"]
    transform = Affine(cell, 0, west, 0, -cell, north)
    protocol = metrics.protocols[name]
    return fold_figure(
        folds,
        GeoBox(folds.shape, transform, metrics.crs),
        words=splitter_words(protocol.splitter, protocol.until, texts),
        marks=marks,
        texts=texts,
    )
