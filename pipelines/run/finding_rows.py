"""The rows of the finding layers at the time of a run, by hash, so that new ones are recognised."""

import hashlib
from collections import Counter
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from minerisk.configs.schema import Config
from minerisk.features.errors import InputError
from minerisk.features.layers.sources import Layers
from minerisk.pipelines.provenance.files import replacing
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.readers import run_table

DIGITS = 16


def finding_layers(config: Config) -> list[str]:
    """Name the layers that labels are made of, each once."""
    labels = config.labels
    surveyed = [labels.surveyed] if labels.surveyed is not None else []
    named = [item.layer for item in labels.positive]
    searched = [item.layer for item in labels.searches]
    return list(dict.fromkeys([*named, *surveyed, *searched]))


def row_hashes(frame: gpd.GeoDataFrame) -> list[str]:
    """Hash geometry and attributes of each row: the first 16 digits of a SHA-256.

    The order of columns and rows does not matter.
    """
    attributes = pd.DataFrame(frame.drop(columns=frame.geometry.name)).astype(str).fillna("")
    attributes = attributes[sorted(attributes.columns)]
    rows = zip(
        shapely.to_wkb(frame.geometry.array), attributes.itertuples(index=False), strict=True
    )
    return [
        hashlib.sha256(bytes(shape or b"") + "\x1f".join(row).encode()).hexdigest()[:DIGITS]
        for shape, row in rows
    ]


def layer_rows(layers: Layers, name: str) -> Counter[str]:
    """Count the rows of a layer as it is now, by hash."""
    return Counter(row_hashes(layers.as_stored(name)))


def write_rows(run: Run) -> Path:
    """Write ``rows.parquet``: layer and hash of every row of the finding layers."""
    layers = run.layers()
    tables = [
        pd.DataFrame({"layer": name, "row": sorted(layer_rows(layers, name).elements())})
        for name in finding_layers(run.config)
    ]
    path = run.files.finding_rows
    with replacing(path) as partial:
        pd.concat(tables, ignore_index=True).to_parquet(partial, index=False)
    return path


def read_rows(run: Run) -> dict[str, Counter[str]]:
    """Read what `write_rows` wrote.

    Raises
    ------
    InputError
        If it is not there.
    """
    path = run.files.finding_rows
    if not path.is_file():
        raise InputError(
            f"{run.folder} has no {path.name}; go on with the run first (`minerisk run`)."
        )
    table = run_table(path)
    if not {"layer", "row"} <= set(table.columns):
        raise InputError(f"{path} lacks the columns layer and row; go on with the run first.")
    return {str(name): Counter(rows["row"]) for name, rows in table.groupby("layer")}
