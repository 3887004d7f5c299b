"""The best split of a leaf of a boosted tree, from the sums in the bins of its columns."""

import numba
import numpy as np

MISSING = 254
"""The bin of a missing value, behind all that a column can have."""
EPSILON = 1e-15
"""Beside every sum of second derivatives, as in LightGBM."""
LOW = np.int64(0xFFFFFFFF)
"""Where a packed sum holds its second derivatives; first ones lie above."""


@numba.njit(cache=True, nogil=True, error_model="numpy")
def best_split(columns, chosen, packed, units, open_, leaf, limits):  # type: ignore[no-untyped-def]
    """Find the split of a leaf that gains most; the first column of several with the same gain."""
    open_.gain[leaf] = -np.inf
    held = open_.at[leaf, 0, 1] - open_.at[leaf, 0, 0]
    if held < 2 * limits[0]:
        return
    g, h = open_.sums[leaf, 0], open_.sums[leaf, 1] + 2.0 * EPSILON
    unsplit = g * g / (h + limits[2])
    for turn in range(len(chosen)):
        if not open_.tried[leaf, turn]:
            continue
        column = chosen[turn]
        own = packed[turn * (MISSING + 1) : (turn + 1) * (MISSING + 1)]
        found = _best_of_column(
            own, units, columns.bins[column], columns.missing[column], columns.monotone[column],
            (g, h, held), open_.between[leaf], unsplit, limits,
        )  # fmt: skip
        gain, code, missing_left, left_g, left_h = found
        open_.tried[leaf, turn] = code >= 0
        if code >= 0 and gain - unsplit > open_.gain[leaf]:
            open_.gain[leaf] = gain - unsplit
            open_.split[leaf, 0], open_.split[leaf, 1] = turn, code
            open_.split[leaf, 2] = missing_left
            open_.left_sums[leaf, 0], open_.left_sums[leaf, 1] = left_g, left_h


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _best_of_column(packed, units, bins, missing, way, all_, between, unsplit, limits):  # type: ignore[no-untyped-def]
    """Find the best split by one column.

    Rows of a bin are counted by its share of the second derivatives, as LightGBM counts them.

    Returns
    -------
    gain, last bin that goes left, whether missing values do, sums that go left
        The bin is -1 where no split gains anything.
    """
    min_rows, min_hessian, l2, constrained = limits
    g, h, rows = all_
    a_row = rows / h
    best, code, missing_left, best_g, best_h = unsplit, -1, False, 0.0, 0.0
    twice = missing and bins > 1
    for turn in range(2 if twice else 1):
        # From above, with missing values on the left; then from below, with them on the right.
        own_g, own_h, own_rows = 0.0, EPSILON, 0
        steps = bins if missing and (turn == 1 or not twice) else bins - 1
        for step in range(steps):
            at = step if turn == 1 else bins - 1 - step
            if missing and not twice:
                at = MISSING
            own_g += (packed[at] >> 32) * units[0]
            bin_h = (packed[at] & LOW) * units[1]
            own_h += bin_h
            own_rows += int(bin_h * a_row + 0.5)
            if own_rows < min_rows or own_h < min_hessian:
                continue
            if rows - own_rows < min_rows or h - own_h < min_hessian:
                break
            left_g, left_h = (own_g, own_h) if turn == 1 else (g - own_g, h - own_h)
            gain = _gain(left_g, left_h, g - left_g, h - left_h, l2, constrained, way, between)
            if gain > best:
                best, best_g, best_h, missing_left = gain, left_g, left_h, twice and turn == 0
                code = at if turn == 1 else at - 1
                if missing and not twice:
                    code = bins - 1
    if not missing or packed[MISSING] == 0:  # none is there: with most of the others
        missing_left = 2.0 * best_h > h
    return best, code, missing_left, best_g, best_h


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _gain(left_g, left_h, right_g, right_h, l2, constrained, way, between):  # type: ignore[no-untyped-def]
    if not constrained:
        return left_g * left_g / (left_h + l2) + right_g * right_g / (right_h + l2)
    left, right = leaf_value(left_g, left_h, l2, between), leaf_value(right_g, right_h, l2, between)
    if (way > 0 and left > right) or (way < 0 and left < right):
        return 0.0
    return -(2.0 * left_g * left + (left_h + l2) * left * left) - (
        2.0 * right_g * right + (right_h + l2) * right * right
    )


@numba.njit(cache=True, nogil=True, error_model="numpy")
def leaf_value(g, h, l2, between):  # type: ignore[no-untyped-def]
    """Return the value that lowers the loss most, held inside what constraints leave."""
    value = -g / (h + l2)
    if value < between[0]:
        return between[0]
    if value > between[1]:
        return between[1]
    return value
