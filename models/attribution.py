"""What each family of features adds to the score of a cell, for every kind of model."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from minerisk.features.coverage import EDGE_M
from minerisk.features.errors import InputError
from minerisk.models.estimators.members import (
    BlendedMembers,
    LinearMembers,
    NearestMembers,
    TreeMembers,
)
from minerisk.models.risk_model import RiskModel
from minerisk.models.trees.shap import shap_by_group
from minerisk.models.trees.stored_booster import Booster

PAST_FINDINGS = "past_findings"


def attribute_to_families(
    model: RiskModel, columns: pd.DataFrame, families: Mapping[str, Sequence[str]]
) -> tuple[list[str], NDArray[np.float32]]:
    """Compute what each family of features adds to the score of each cell.

    Parameters
    ----------
    model
        The one predict path.
    columns
        What the members see of each cell, as `RiskModel.columns` gives it.
    families
        Name of a family to its columns. Columns of the findings encoder go to ``past_findings``.

    Returns
    -------
    names, values
        Families that the model uses, and float32 of shape ``(n, families)``: log-odds before
        calibration, above 0 where the family raises the score. Of trees, the mean exact SHAP value
        of the boosted members (see `shap.shap_by_group`), against the training land; without
        any, of the forests, in shares. Of linear models, the mean coefficient times the
        standardised value; a missing value adds nothing. Of a rule, all that it says goes to the
        family of the nearest. Of two models blended, what each says, by its weight in the cell.

    Raises
    ------
    InputError
        If a column belongs to no family.
    """
    names, group = _groups(model, [str(name) for name in columns.columns], families)
    matrix = columns.to_numpy(dtype=np.float32)
    if isinstance(model.members, LinearMembers):
        return names, _linear(model.members, matrix, group, len(names))
    if isinstance(model.members, NearestMembers):
        return names, _nearest(model.members, matrix, group, len(names))
    if isinstance(model.members, BlendedMembers):
        known, silent = (
            shap_by_group(_explained(half), matrix, group, threads=model.threads)
            for half in model.members.halves()
        )
        inside = model.members.inside(matrix)[:, None]
        return names, (inside * known + (1.0 - inside) * silent).astype(np.float32)
    values = shap_by_group(_explained(model.members), matrix, group, threads=model.threads)
    return names, values.astype(np.float32)


def _groups(
    model: RiskModel, columns: Sequence[str], families: Mapping[str, Sequence[str]]
) -> tuple[list[str], list[int]]:
    family = {column: name for name, members in families.items() for column in members}
    if model.findings is not None:
        encoded = map(str, model.findings.get_feature_names_out())
        family |= dict.fromkeys(encoded, PAST_FINDINGS)
    # How two models are blended by; it adds nothing to the score of either.
    family.setdefault(EDGE_M, family.get(columns[0], PAST_FINDINGS))
    missing = [column for column in columns if column not in family]
    if missing:
        raise InputError(f"The columns {missing} belong to no family; expected one for each.")
    names = list(dict.fromkeys(family[column] for column in columns if column != EDGE_M))
    return names, [names.index(family[column]) for column in columns]


def _explained(members: TreeMembers) -> list[Booster]:
    pairs = list(zip(members.boosters, members.forest, strict=True))
    return [booster for booster, forest in pairs if not forest] or list(members.boosters)


def _linear(
    members: LinearMembers, matrix: NDArray[np.float32], group: Sequence[int], count: int
) -> NDArray[np.float32]:
    values = np.zeros((len(matrix), count))
    mean = members.coefficients.mean(axis=0)
    for column, number in enumerate(group):
        given = matrix[:, column].astype(np.float64)
        fill = members.fill[column]
        standard = (np.where(np.isnan(given), fill, given) - fill) / members.scale[column]
        values[:, number] += mean[column] * standard
    return values.astype(np.float32)


def _nearest(
    members: NearestMembers, matrix: NDArray[np.float32], group: Sequence[int], count: int
) -> NDArray[np.float32]:
    places = np.array(members.columns)
    metres = np.where(np.isnan(matrix[:, places]), np.inf, matrix[:, places])
    rows, nearest = np.arange(len(matrix)), metres.argmin(axis=1)
    values = np.zeros((len(matrix), count), dtype=np.float32)
    families = np.array(group)[places[nearest]]
    values[rows, families] = members.log_odds(matrix, threads=1)[:, 0]
    return values


def top_families(values: NDArray[np.float32], count: int) -> NDArray[np.uint8]:
    """Code the families that move each cell most, strongest first.

    Parameters
    ----------
    values
        What each family adds, shape ``(n, families)``.

    Returns
    -------
    ndarray of uint8, shape (n, count)
        Twice the number of the family, and 1 more where it lowers the score; 255 where there is
        none, or it adds nothing.
    """
    found = np.full((len(values), count), 255, dtype=np.uint8)
    order = np.argsort(-np.abs(values), axis=1, kind="stable")[:, :count]
    strongest = np.take_along_axis(values, order, axis=1)
    codes = (2 * order + (strongest < 0)).astype(np.uint8)
    found[:, : order.shape[1]] = np.where(strongest != 0, codes, 255)
    return found
