"""The figures of a trained run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from affine import Affine
from odc.geo.geobox import GeoBox

from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.plotting.figures import (
    capture_figure,
    fold_figure,
    importance_figure,
    region_figure,
    reliability_figure,
)
from minerisk.pipelines.provenance.files import write_whole
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.run.readers import read_metrics
from minerisk.pipelines.run.strips import thinning


def write_figures(folder: Path) -> Path:
    """Write ``figures/`` of a run: reliability, effort capture, importance, regions, fold maps."""
    metrics = read_metrics(folder)
    simulated = bool(metrics["simulated"])
    target = RunFolder(folder).figures
    for name, bins in metrics["reliability"].items():
        write_whole(
            target / f"reliability_{name}.png", reliability_figure(bins, simulated=simulated)
        )
    write_whole(
        target / "capture_far.png", capture_figure(metrics["capture"]["far"], simulated=simulated)
    )
    write_whole(
        target / "importance.png", importance_figure(metrics["importance"], simulated=simulated)
    )
    write_whole(target / "regions.png", region_figure(metrics["regions"], simulated=simulated))
    held_out = pd.read_parquet(RunFolder(folder).held_out)
    for name in ("far", "near"):
        file = target / ("folds.png" if name == "far" else f"folds_{name}.png")
        write_whole(file, fold_map(held_out, name, metrics))
    return target


def fold_map(
    held_out: pd.DataFrame, name: str, metrics: Mapping[str, Any], texts: Texts = ENGLISH
) -> bytes:
    """Draw which fold of a protocol each cell of ``held_out.parquet`` was held out in.

    On large land a point of the picture is several cells wide, and shows one that was held out.
    """
    cell = float(metrics["resolution_m"])
    west, north = held_out["easting"].min() - cell / 2, held_out["northing"].max() + cell / 2
    wide = [np.ptp(held_out[axis]) / cell + 1 for axis in ("easting", "northing")]
    cell *= thinning((round(max(wide)),))
    columns = np.floor((held_out["easting"] - west) / cell).astype(int)
    rows = np.floor((north - held_out["northing"]) / cell).astype(int)
    folds = np.full((int(rows.max()) + 1, int(columns.max()) + 1), -1, dtype=np.int16)
    folds[rows, columns] = held_out[f"fold_{name}"]
    transform = Affine(cell, 0, west, 0, -cell, north)
    return fold_figure(
        folds,
        GeoBox(folds.shape, transform, str(metrics["crs"])),
        words=texts.told(metrics["protocols"][name]["words"]),
        simulated=bool(metrics["simulated"]),
        texts=texts,
    )
