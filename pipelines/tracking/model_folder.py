"""The model as MLflow keeps it: the run's own files, with a file that says how to read them."""

import logging
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from minerisk.features.coverage import EDGE_M
from minerisk.models.inputs import COORDINATES
from minerisk.models.risk_model import RiskModel
from minerisk.pipelines.predict.bands import AREA
from minerisk.pipelines.provenance.run_folder import MLFLOW_FILES, MLFLOW_MODEL
from minerisk.pipelines.records.manifest import Environment
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.tracking import pyfunc_model
from minerisk.pipelines.tracking.pyfunc_model import COLUMNS

if TYPE_CHECKING:
    from mlflow.models import Model, ModelSignature

ROWS = 3
FAR_AWAY = 1_000.0
WELL_INSIDE_M = 10_000.0
"""From the edge of what layers cover."""
NEEDED = ("minerisk", "lightgbm", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy", "numba")
"""Packages that the loader imports, as they were when the model was trained."""


@contextmanager
def model_folder(run: Run, used: Environment, *, run_id: str) -> Iterator[tuple[Path, "Model"]]:
    """Make the folder that `mlflow.pyfunc.load_model` reads, for as long as it is needed.

    Its ``MLmodel`` states signature and example, and names the loader of this program; the model
    itself are the files of the run as they are, below `MLFLOW_FILES`.
    """
    from mlflow import pyfunc
    from mlflow.models import Model

    model = run.model()
    example = example_cells(model, run.held_out())
    known = {"minerisk": used.minerisk} | dict(used.packages)
    about = Model(
        artifact_path=str(MLFLOW_MODEL),
        run_id=run_id,
        metadata={
            "study_area": run.config.study_area.name,
            "crs": run.metrics().crs,
            "simulated": run.simulated,
            "code_sha256": used.code_sha256,
        },
    )
    with TemporaryDirectory(prefix="minerisk-") as place:
        folder = Path(place) / "saved"
        files = Path(place) / MLFLOW_FILES.name
        shutil.copytree(run.files.model, files)
        with _quiet():
            pyfunc.save_model(
                str(folder),
                loader_module=pyfunc_model.__name__,
                data_path=str(files),
                mlflow_model=about,
                signature=_signature(model),
                input_example=example,
                pip_requirements=[f"{name}=={known[name]}" for name in NEEDED if name in known],
            )
        yield folder, about


def example_cells(model: RiskModel, held_out: pd.DataFrame) -> pd.DataFrame:
    """Make cells that show what the model takes: land as in training, and land like none of it.

    Values are those of training cells as the area of applicability keeps them, NaN for a feature
    that it gives no weight; places are those of labelled cells, and not of the same ones.
    """
    area = model.applicability
    values = np.vstack([area.values()[: ROWS - 1], area.centre + FAR_AWAY * area.scale])
    known = dict(zip(area.features, values.T, strict=True))
    # Where a layer is silent the cell lies beyond its cover; of no cell this is not known.
    known[EDGE_M] = np.where(np.isfinite(values).all(axis=1), WELL_INSIDE_M, -WELL_INSIDE_M)
    rows = len(values)
    places = held_out[list(COORDINATES)].to_numpy(dtype=np.float64)
    columns = {
        name: places[np.arange(rows) % len(places), at] for at, name in enumerate(COORDINATES)
    }
    columns |= {name: known.get(name, np.full(rows, np.nan)) for name in model.features}
    return pd.DataFrame(columns, dtype=np.float64)


def _signature(model: RiskModel) -> "ModelSignature":
    """State what goes in and comes out: each column has to be there, and NaN is a number."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    return ModelSignature(
        inputs=Schema([ColSpec("double", name) for name in (*COORDINATES, *model.features)]),
        outputs=Schema([ColSpec("integer" if name == AREA else "float", name) for name in COLUMNS]),
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep MLflow from what it says of every model: type hints, and examples with a date."""
    logger = logging.getLogger("mlflow")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
