"""What each family of features adds to the score of a cell, for every kind of model."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from minerisk.features.coverage import EDGE_M
from minerisk.features.errors import InputError
from minerisk.models.estimators.members import (
    BesideRule,
    BlendedMembers,
    LinearMembers,
    Members,
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
        family of the nearest, also where it stands beside trees. Of two models blended, what each
        says, by its weight in the cell. Of an estimator that another package adds, by how much the
        score moves when the columns of the family are not known.

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
    if isinstance(model.members, BesideRule):
        values = _of_trees(model.members.trees, matrix, group, model.threads)
        rule = model.members.rule(matrix)
        _add_to_nearest(values, rule, matrix, model.members.columns, group)
        return names, values.astype(np.float32)
    if isinstance(model.members, TreeMembers | BlendedMembers):
        values = _of_trees(model.members, matrix, group, model.threads)
        return names, values.astype(np.float32)
    return names, _by_hiding(model.members, matrix, group, len(names), model.threads)


def _by_hiding(
    members: Members, matrix: NDArray[np.float32], group: Sequence[int], count: int, threads: int
) -> NDArray[np.float32]:
    """Compute by how much the score moves when the columns of a family are not known."""
    known = members.log_odds(matrix, threads=threads).mean(axis=1)
    values = np.zeros((len(matrix), count), dtype=np.float32)
    for family in range(count):
        hidden = np.where(np.asarray(group) == family, np.float32(np.nan), matrix)
        values[:, family] = known - members.log_odds(hidden, threads=threads).mean(axis=1)
    return values


def _of_trees(
    members: TreeMembers | BlendedMembers,
    matrix: NDArray[np.float32],
    group: Sequence[int],
    threads: int,
) -> NDArray[np.float64]:
    if isinstance(members, TreeMembers):
        return shap_by_group(_explained(members), matrix, group, threads=threads)
    known, silent = (
        shap_by_group(_explained(half), matrix, group, threads=threads) for half in members.halves()
    )
    inside = members.inside(matrix)[:, None]
    return np.asarray(inside * known + (1.0 - inside) * silent)


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
    values = np.zeros((len(matrix), count))
    log_odds = members.log_odds(matrix, threads=1)[:, 0]
    _add_to_nearest(values, log_odds, matrix, members.columns, group)
    return values.astype(np.float32)


def _add_to_nearest(
    values: NDArray[np.float64],
    rule: NDArray[np.float64],
    matrix: NDArray[np.float32],
    columns: Sequence[int],
    group: Sequence[int],
) -> None:
    """Add what a rule says of each row to the family of the nearest, in place."""
    places = np.array(columns)
    metres = np.where(np.isnan(matrix[:, places]), np.inf, matrix[:, places])
    families = np.array(group)[places[metres.argmin(axis=1)]]
    values[np.arange(len(matrix)), families] += rule


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
