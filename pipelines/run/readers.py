"""Readers of the files in a run folder."""

from pathlib import Path

import xarray as xr

from minerisk.features.cube.store import open_store
from minerisk.features.errors import InputError
from minerisk.models.risk_model import RiskModel
from minerisk.pipelines.provenance.run_folder import RunFolder


def load_model(folder: Path) -> RiskModel:
    """Read the model of a run."""
    target = RunFolder(folder).model
    if not target.is_dir():
        raise InputError(f"{folder} has no model; train first (`minerisk run`).")
    files = {item.name: item.read_bytes() for item in sorted(target.iterdir()) if item.is_file()}
    return RiskModel.from_files(files)


def open_labels(folder: Path) -> xr.Dataset:
    """Open the labels of a run lazily, after a check of what they declare."""
    return open_store(RunFolder(folder).labels)
