"""The model of a run as MLflow loads it: a table of cells in, what the rasters hold out."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from minerisk.models.risk_model import RiskModel
from minerisk.pipelines.predict.bands import (
    AREA,
    DENSITY,
    DISSIMILARITY,
    EXPECTED_ERROR,
    LOWER_END,
    PROBABILITY,
    UNMASKED,
    UPPER_END,
)
from minerisk.pipelines.run.readers import read_model

COLUMNS = (
    PROBABILITY,
    LOWER_END,
    UPPER_END,
    AREA,
    UNMASKED,
    DISSIMILARITY,
    DENSITY,
    EXPECTED_ERROR,
)
"""What is predicted, named as the rasters are."""


@dataclass(frozen=True)
class CellPredictor:
    """A risk model whose answer is a table."""

    model: RiskModel

    def predict(self, model_input: pd.DataFrame) -> pd.DataFrame:
        """Predict each cell of a table.

        Parameters
        ----------
        model_input
            ``easting``, ``northing`` (metres, in the CRS of the run) and every feature, a row a
            cell; NaN where a feature has no value.

        Returns
        -------
        pd.DataFrame
            `COLUMNS`, a row a cell. Probability and interval are NaN where the model cannot say
            (``area_of_applicability`` is 0); ``probability_unmasked`` has a number there too, and
            is not to be ranked by.

        Raises
        ------
        InputError
            If a column is missing.
        """
        found = self.model.predict(model_input)
        said = {
            name: np.where(found.applicable, values, np.float32(np.nan))
            for name, values in (
                (PROBABILITY, found.probability),
                (LOWER_END, found.lower),
                (UPPER_END, found.upper),
            )
        }
        columns = said | {
            AREA: found.applicable.astype(np.int32),
            UNMASKED: found.probability,
            DISSIMILARITY: found.dissimilarity,
            DENSITY: found.density,
            EXPECTED_ERROR: found.expected_error,
        }
        return pd.DataFrame(columns, index=model_input.index)[list(COLUMNS)]


def _load_pyfunc(path: str) -> CellPredictor:
    """Load the model for MLflow, which names this function: plain files, each checked; no pickle.

    Parameters
    ----------
    path
        Folder of the files of a run's model.
    """
    return CellPredictor(read_model(Path(path)))
