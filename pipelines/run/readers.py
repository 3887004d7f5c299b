"""Readers of the files in a run folder."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import xarray as xr

from minerisk.features.cube.store import open_store
from minerisk.features.errors import InputError, MakeAgainError
from minerisk.features.files.tables import read_parquet
from minerisk.pipelines.provenance.run_folder import RunFolder

if TYPE_CHECKING:
    from minerisk.models.risk_model import RiskModel

MOST_ROWS = 50_000_000
MOST_BYTES = 16 * 1024**3


def run_table(path: Path) -> pd.DataFrame:
    """Read a table of a run, which may have come from elsewhere, if it takes no more than it may.

    Raises
    ------
    InputError
        If it has more rows, columns or bytes than are taken, or cannot be read.
    """
    return read_parquet(path, rows=MOST_ROWS, size=MOST_BYTES)


def held_out_cells(folder: Path, columns: Sequence[str] = ()) -> pd.DataFrame:
    """Read each labelled cell with its folds and held-out scores.

    Raises
    ------
    MakeAgainError
        If the table cannot be read, lacks `columns`, places or states, or these are no numbers.
    """
    path = RunFolder(folder).held_out
    try:
        table = run_table(path)
    except InputError as error:
        raise MakeAgainError(str(error)) from error
    lacking = [
        name
        for name in ("easting", "northing", "state", *columns)
        if name not in table or not pd.api.types.is_numeric_dtype(table[name])
    ]
    if lacking:
        raise MakeAgainError(
            f"{path} has no numbers in {', '.join(lacking)}. Train again (`minerisk train`)."
        )
    return table


def load_model(folder: Path) -> "RiskModel":
    """Read the model of a run.

    Raises
    ------
    MakeAgainError
        If there is none, or it cannot be used.
    """
    target = RunFolder(folder).model
    if not target.is_dir():
        raise MakeAgainError(f"{folder} has no model; train first (`minerisk run`).")
    try:
        return read_model(target)
    except InputError as error:
        raise MakeAgainError(str(error)) from error


def read_model(folder: Path) -> "RiskModel":
    """Read a model from the folder of its files; of the same bytes it is made once."""
    files = ((item.name, item.read_bytes()) for item in sorted(folder.iterdir()) if item.is_file())
    return _model_of(tuple(files))


@lru_cache(maxsize=1)
def _model_of(files: tuple[tuple[str, bytes], ...]) -> "RiskModel":
    from minerisk.models.risk_model import RiskModel

    return RiskModel.from_files(dict(files))


def open_labels(folder: Path) -> xr.Dataset:
    """Open the labels of a run lazily, after a check of what they declare."""
    return open_store(RunFolder(folder).labels)
