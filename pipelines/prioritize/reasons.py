"""Why here, and how sure: what is said of every survey task in plain words."""

from collections.abc import Callable, Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from numpy.typing import NDArray

from minerisk.configs.schema import Config, VectorLayer
from minerisk.features.kinds import FEATURE_KINDS
from minerisk.features.layers.sources import Layers
from minerisk.models.attribution import PAST_FINDINGS, attribute_to_families
from minerisk.models.risk_model import RiskModel
from minerisk.models.tasks.priorities import Tasks

TOP = 3
KINDS = {
    "find": "find",
    "accident": "accident",
    "confirmed": "confirmed area",
    "suspicion": "suspected area",
    "cleared": "area worked on since",
}
"""What the kinds of evidence are called in a task's words."""
IDS = ("imsma_id", "id", "ID", "globalid", "name")
GAP_SHARE = 0.05
Cells = Callable[[NDArray[np.int64], NDArray[np.int64]], pd.DataFrame]


def family_words(cube: xr.Dataset, families: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Say in plain words what each family of features tells."""
    words = {PAST_FINDINGS: "past findings: how near they are, and how many"}
    for name, columns in families.items():
        if name in FEATURE_KINDS:
            words[name] = f"{name.replace('_', ' ')}: {FEATURE_KINDS[name].words}"
        else:
            first = str(cube[columns[0]].attrs.get("words", ""))
            words[name] = f"{name.replace('_', ' ')}: {first}"
    return words


def add_reasons(
    frame: gpd.GeoDataFrame,
    tasks: Tasks,
    model: RiskModel,
    cells: Cells,
    families: Mapping[str, Sequence[str]],
    words: Mapping[str, str],
) -> gpd.GeoDataFrame:
    """Add what moves the score of each task, by family, strongest first.

    Parameters
    ----------
    cells
        Gives coordinates and features of cells by row and column of the grid.

    Returns
    -------
    GeoDataFrame
        With ``raised_by`` and ``lowered_by`` (words), ``reason_1`` to ``reason_3`` (family) and
        ``gaps`` (columns that miss a value in more than 5 % of the cells).
    """
    frame = frame.copy()
    rows, columns = np.nonzero(tasks.owner)
    owner = tasks.owner[rows, columns]
    given = cells(rows, columns)
    names, values = attribute_to_families(model, model.columns(given), families)
    size = np.bincount(owner, minlength=len(frame) + 1)[1:]
    mean = np.stack([_mean(owner, values[:, k], size) for k in range(len(names))], axis=1)
    order = np.argsort(-np.abs(mean), axis=1, kind="stable")[:, :TOP]
    for place in range(min(TOP, len(names))):
        frame[f"reason_{place + 1}"] = [names[row[place]] for row in order]
    for column, sign in (("raised_by", 1), ("lowered_by", -1)):
        frame[column] = [
            "; ".join(words.get(names[k], names[k]) for k in row if sign * mean[i, k] > 0)
            for i, row in enumerate(order)
        ]
    blank = np.stack(
        [_mean(owner, given[name].isna().to_numpy(), size) for name in model.features], axis=1
    )
    frame["gaps"] = [
        ", ".join(
            name for name, share in zip(model.features, row, strict=True) if share > GAP_SHARE
        )
        for row in blank
    ]
    return frame


def _mean(
    owner: NDArray[np.int32], values: NDArray[np.generic], size: NDArray[np.int64]
) -> NDArray[np.float64]:
    sums = np.bincount(owner, weights=values.astype(np.float64), minlength=len(size) + 1)[1:]
    return np.asarray(sums / np.maximum(size, 1), dtype=np.float64)


def add_evidence(frame: gpd.GeoDataFrame, config: Config, layers: Layers) -> gpd.GeoDataFrame:
    """Add the nearest record of the evidence: layer, kind, id, date and metres.

    A record without an id of its own is named by its row in the layer, from 1.
    """
    crs = str(frame.crs)
    found = pd.concat(
        [
            _records(item.layer, item.evidence, config, layers, crs)
            for item in config.labels.positive
        ],
        ignore_index=True,
    )
    tree = shapely.STRtree(found.geometry.to_numpy())
    near, metres = tree.query_nearest(
        frame.geometry.to_numpy(), return_distance=True, all_matches=False
    )
    record = found.iloc[near[1]].reset_index(drop=True)
    frame = frame.copy()
    for column in ("layer", "kind", "id", "date"):
        frame[f"evidence_{column}"] = record[column].to_numpy()
    frame["evidence_m"] = np.round(metres, 0)
    return frame


def _records(
    name: str, evidence: str, config: Config, layers: Layers, crs: str
) -> gpd.GeoDataFrame:
    frame = layers.vector(name, crs=crs)
    layer = config.layers[name]
    identity = next((column for column in IDS if column in frame.columns), None)
    given = frame[identity].astype(str) if identity else pd.Series(frame.index + 1).astype(str)
    column = layer.date_column if isinstance(layer, VectorLayer) else None
    dates = ["not recorded"] * len(frame)
    if column is not None and column in frame.columns:
        dates = _days(pd.to_datetime(frame[column], errors="coerce"))
    return gpd.GeoDataFrame(
        {
            "layer": name,
            "kind": KINDS[evidence],
            "id": [value if identity else f"row {value}" for value in given],
            "date": dates,
        },
        geometry=frame.geometry.to_numpy(),
        crs=crs,
    )


def _days(date: pd.Series) -> list[str]:
    return [
        "not recorded" if pd.isna(day) else pd.Timestamp(day).date().isoformat() for day in date
    ]


def why(row: Mapping[str, object], missing: Sequence[str]) -> str:
    """Say in plain words why a task is where it is, how sure that is, and what is missing."""
    parts = [_sureness(row)]
    for column in ("raised_by", "lowered_by"):
        if row[column] and float(str(row["applicable_share"])) > 0:
            parts.append(f"{column.partition('_')[0].capitalize()} most by {row[column]}.")
    parts.append(
        f"Nearest evidence: {row['evidence_kind']} {row['evidence_id']} of "
        f"{row['evidence_layer']}, date {row['evidence_date']}, "
        f"{float(str(row['evidence_m'])):.0f} m away."
    )
    lacking = [*missing]
    if row["gaps"]:
        lacking.append(f"values of {row['gaps']} in part of this task")
    if lacking:
        parts.append(f"Missing: {'; '.join(lacking)}.")
    return " ".join(parts)


def _sureness(row: Mapping[str, object]) -> str:
    share = float(str(row["applicable_share"]))
    if row["arm"] == "learn":
        return (
            "Survey to learn: the model cannot say here, for no surveyed land is like it "
            f"(dissimilarity {float(str(row['dissimilarity'])):.1f}, limit 1)."
        )
    if row["arm"] == "control":
        return (
            "Drawn blind from all land that may be tasked, as a check of the map; the model had no "
            f"part in it. It can speak for {share:.0%} of the task."
        )
    mean, low, high = (float(str(row[name])) for name in ("probability", "lower", "upper"))
    place = (
        f"Its place is luck: within the interval it may rank anywhere from {row['rank_low']} to "
        f"{row['rank_high']}."
        if row["place"] == "luck"
        else f"Within the interval it ranks {row['rank_low']} to {row['rank_high']}."
    )
    return (
        f"Mean probability of contamination of a cell {mean:.1%} (interval {low:.1%} to "
        f"{high:.1%}); the model can speak for {share:.0%} of the task. {place}"
    )
