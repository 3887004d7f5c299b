"""The figures of a trained run."""

from pathlib import Path

import numpy as np
import pandas as pd
from affine import Affine
from odc.geo.geobox import GeoBox

from pipelines.context import read_metrics
from pipelines.figures import (
    capture_figure,
    fold_figure,
    importance_figure,
    region_figure,
    reliability_figure,
)
from pipelines.manifest import write_whole


def write_figures(folder: Path) -> Path:
    """Write ``figures/`` of a run: reliability, effort capture, importance, regions, fold maps."""
    metrics = read_metrics(folder)
    simulated = bool(metrics["simulated"])
    target = folder / "figures"
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
    held_out = pd.read_parquet(folder / "held_out.parquet")
    for name in ("far", "near"):
        folds, geobox = _fold_map(held_out, name, metrics)
        words = metrics["protocols"][name]["words"]
        file = target / ("folds.png" if name == "far" else f"folds_{name}.png")
        write_whole(file, fold_figure(folds, geobox, words=words, simulated=simulated))
    return target


def _fold_map(
    held_out: pd.DataFrame, name: str, metrics: dict[str, object]
) -> tuple[np.ndarray, GeoBox]:
    cell = float(metrics["resolution_m"])  # type: ignore[arg-type]
    west, north = held_out["easting"].min() - cell / 2, held_out["northing"].max() + cell / 2
    columns = np.floor((held_out["easting"] - west) / cell).astype(int)
    rows = np.floor((north - held_out["northing"]) / cell).astype(int)
    folds = np.full((int(rows.max()) + 1, int(columns.max()) + 1), -1, dtype=np.int16)
    folds[rows, columns] = held_out[f"fold_{name}"]
    transform = Affine(cell, 0, west, 0, -cell, north)
    return folds, GeoBox(folds.shape, transform, str(metrics["crs"]))
