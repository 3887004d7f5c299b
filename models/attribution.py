"""What each family of features adds to the score of a cell, for every kind of model."""

from collections.abc import Mapping, Sequence

import numba
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
from minerisk.models.trees.shap import shap_bound, shap_by_group
from minerisk.models.trees.stored_booster import Booster

PAST_FINDINGS = "past_findings"
MARGIN = 1e-6  # more than float32, in which values are given, moves one of them


def attribute_to_families(
    model: RiskModel,
    columns: pd.DataFrame,
    families: Mapping[str, Sequence[str]],
    *,
    strongest: int | None = None,
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
    strongest
        If given, only the order and the direction of so many strongest families of each cell are
        asked for: of two models blended, the one of the lesser weight is worked out only where it
        can change them, and is missing from the values elsewhere.

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
    members, rule = model.members, np.zeros((len(matrix), len(names)))
    if isinstance(members, BesideRule):
        _add_to_nearest(rule, members.rule(matrix), matrix, members.columns, group)
        members = members.trees
    if isinstance(members, BlendedMembers):
        values = _of_blend(members, matrix, group, rule, strongest, model.threads)
        return names, values.astype(np.float32)
    if isinstance(members, TreeMembers):
        values = rule + shap_by_group(_explained(members), matrix, group, threads=model.threads)
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


def _of_blend(
    members: BlendedMembers,
    matrix: NDArray[np.float32],
    group: Sequence[int],
    rule: NDArray[np.float64],
    strongest: int | None,
    threads: int,
) -> NDArray[np.float64]:
    """Add what both models say, by their weights, to what a rule says; see `strongest` above."""
    halves = [_explained(half) for half in members.halves()]
    inside = members.inside(matrix)[:, None]
    weights = inside, 1.0 - inside

    def said(half: int, rows: NDArray[np.bool_]) -> NDArray[np.float64]:
        values = shap_by_group(halves[half], matrix[rows], group, threads=threads)
        return weights[half][rows] * values

    bounds = [shap_bound(half, group) for half in halves]
    values, unsure = rule.copy(), np.ones(len(matrix), dtype=np.bool_)
    for half, bound in enumerate(reversed(bounds)):  # what the other may add at most
        if strongest is None or bound is None:
            continue
        rows = weights[half][:, 0] > 0.5
        values[rows] += said(half, rows)
        unsure[rows] = ~in_order(values[rows], weights[1 - half][rows] * bound, strongest)
    values[unsure] = rule[unsure] + (said(0, unsure) + said(1, unsure))
    return values


@numba.njit(cache=True, nogil=True)
def in_order(values, off, count):  # type: ignore[no-untyped-def]
    """Tell of which rows the strongest few values are sure, though each may be off by so much.

    Parameters
    ----------
    values, off : ndarray of float64, shape (n, families)
    count : int
        How many of the strongest.

    Returns
    -------
    ndarray of bool, shape (n,)
        Whether neither their order nor their signs can be others.
    """
    sure = np.ones(len(values), dtype=np.bool_)
    for row in range(len(values)):
        left = np.ones(values.shape[1], dtype=np.bool_)
        for _ in range(min(count, values.shape[1])):
            first, most = -1, 0.0
            for family in range(values.shape[1]):
                if left[family] and (first < 0 or abs(values[row, family]) > most):
                    first, most = family, abs(values[row, family])
            left[first] = False
            least, beyond = most - off[row, first], 0.0
            for family in range(values.shape[1]):
                if left[family]:
                    beyond = max(beyond, abs(values[row, family]) + off[row, family])
            nothing = most + off[row, first] == 0.0 and beyond == 0.0
            sure[row] &= nothing or least > beyond + MARGIN * most
    return sure


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
