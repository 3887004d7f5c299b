"""A model on land that it was not trained for, where some of its columns cannot be had."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from minerisk.features.coverage import EDGE_M
from minerisk.features.errors import InputError
from minerisk.models.applicability.area_of_applicability import Applicability
from minerisk.models.calibration.logistic import expit
from minerisk.models.estimators.members import mean_and_spread
from minerisk.models.risk_model import RiskModel

DRAWS = 16
"""Training places whose values stand in for what cannot be had."""


@dataclass(frozen=True)
class TransferredScore:
    """What the model makes of cells elsewhere; arrays of shape ``(n,)``.

    Attributes
    ----------
    log_odds
        By which land is ranked; NaN where a cell has no feature at all.
    probability
        As calibrated on the land of training: of another country it may be wrong throughout.
    dissimilarity
        Dissimilarity index by its threshold, of the columns that can be had; NaN where one of
        those is missing.
    applicable
        Whether the training data support a statement.
    """

    log_odds: NDArray[np.float64]
    probability: NDArray[np.float64]
    dissimilarity: NDArray[np.float32]
    applicable: NDArray[np.bool_]


@dataclass(frozen=True)
class TransferredModel:
    """A risk model, and what stands in for the columns that new land lacks.

    A column that cannot be had is averaged over: every cell is scored with the values that each of
    `draws` training places has, and the mean of the log-odds counts. Put in as missing, it would
    be read as some value; put in as its mean, as a place that no land is like.

    Attributes
    ----------
    model
        As it was trained.
    lacking
        Columns that cannot be had. Past findings are always among them: those that the model
        knows are elsewhere.
    draws
        Their values at training places, shape ``(draws, len(lacking))``.
    area
        Area of applicability in the other columns.
    """

    model: RiskModel
    lacking: tuple[str, ...]
    draws: NDArray[np.float32]
    area: Applicability

    @classmethod
    def of(cls, model: RiskModel, lacking: Collection[str], *, seed: int) -> Self:
        """Make a model that does without some of its columns.

        Raises
        ------
        InputError
            If it has no such column, or no other.
        """
        names = columns_of_members(model)
        unknown = [name for name in lacking if name not in names]
        if unknown:
            raise InputError(f"The model has no columns {unknown}; expected some of {names}.")
        without = tuple(name for name in names if name in lacking or name in findings_of(model))
        area, known = model.applicability, model.applicability.values()
        rows = np.random.default_rng(seed).permutation(len(known))[:DRAWS]
        draws = np.zeros((len(rows), len(without)), dtype=np.float32)
        for place, name in enumerate(without):
            if name in area.features:  # of no other does any score depend
                draws[:, place] = known[rows, area.features.index(name)]
        return cls(model, without, draws, area.without(without))

    def score(self, cells: pd.DataFrame) -> TransferredScore:
        """Score cells that have every feature of the model but the lacking ones."""
        names = columns_of_members(self.model)
        known = [name for name in names if name not in self.lacking]
        missing = [name for name in known if name not in cells]
        if missing:
            raise InputError(
                f"The cells lack {missing}; expected {known}. Build the cube with the features of "
                "the run."
            )
        values = cells[known].to_numpy(dtype=np.float32)
        place = [names.index(name) for name in known]
        lost = [names.index(name) for name in self.lacking]
        matrix = np.empty((len(cells), len(names)), dtype=np.float32)
        matrix[:, place] = values
        total, draws = np.zeros(len(cells)), self.draws if lost else self.draws[:1]
        for draw in draws:
            matrix[:, lost] = draw
            total += mean_and_spread(
                self.model.members.log_odds(matrix, threads=self.model.threads)
            )[0]
        blank = np.isnan(
            np.delete(values, [i for i, name in enumerate(known) if name == EDGE_M], axis=1)
        ).all(axis=1)
        log_odds = np.where(blank, np.nan, total / len(draws))
        unlike = self.area.dissimilarity(cells)
        return TransferredScore(
            log_odds=log_odds,
            probability=np.asarray(self.model.calibrator.transform(expit(log_odds))),
            dissimilarity=unlike / np.float32(self.area.threshold),
            applicable=self.area.applicable(unlike) & ~blank,
        )


def columns_of_members(model: RiskModel) -> list[str]:
    """Name the columns that the members see, in their order."""
    return [*model.features, *findings_of(model)]


def findings_of(model: RiskModel) -> list[str]:
    """Name the columns of past findings."""
    return [] if model.findings is None else list(model.findings.get_feature_names_out())


def weights_of(model: RiskModel) -> dict[str, float]:
    """Return what share of the model's gain each column has; 0 where no score depends on it."""
    area = model.applicability
    found = dict(zip(area.features, (float(weight) for weight in area.weight), strict=True))
    return {name: found.get(name, 0.0) for name in columns_of_members(model)}
