"""Draws of rows and columns for boosted trees, by LightGBM's generator of random numbers."""

import numba
import numpy as np

BLOCK = 1_024
"""Rows that share a generator when rows are drawn."""


@numba.njit(cache=True, nogil=True)
def _next(state):  # type: ignore[no-untyped-def]
    """Return the next state of LightGBM's generator."""
    return np.uint32(np.uint32(214013) * state + np.uint32(2531011))


@numba.njit(cache=True, nogil=True)
def _even(state):  # type: ignore[no-untyped-def]
    """Return an even number from 0 to 1 of a state, of 15 bits."""
    return np.float64((state >> np.uint32(16)) & np.uint32(0x7FFF)) / 32_768.0


@numba.njit(cache=True, nogil=True)
def seeds(seed):  # type: ignore[no-untyped-def]
    """Return LightGBM's seeds for the draws of rows and columns, the second and fourth it makes."""
    found, state = np.empty(4, np.int64), np.uint32(seed)
    for number in range(4):
        state = _next(state)
        found[number] = np.int64((state >> np.uint32(16)) & np.uint32(0x7FFF)) % 32_767
    return found[1], found[3]


@numba.njit(cache=True, nogil=True)
def sample(columns, wanted, state):  # type: ignore[no-untyped-def]
    """Draw columns, none twice, ascending: in order, or by Floyd's way where few are drawn."""
    n = len(columns)
    if wanted == n:
        return columns.copy()
    drawn = np.zeros(n, np.bool_)
    if wanted > 1 and wanted > n / np.log2(wanted):
        taken = 0
        for at in range(n):
            state[0] = _next(state[0])
            drawn[at] = _even(state[0]) < (wanted - taken) / (n - at)
            taken += drawn[at]
    else:
        for last in range(n - wanted, n):
            state[0] = _next(state[0])
            other = np.int64(state[0] & np.uint32(0x7FFFFFFF)) % (last + 1)
            drawn[last if drawn[other] else other] = True
    return columns[drawn]


@numba.njit(cache=True, nogil=True)
def draw_rows(states, share, rows):  # type: ignore[no-untyped-def]
    """Draw a share of the rows; return how many, with the others in the second line."""
    n, inside, outside = rows.shape[1] - 1, 0, 0
    for block in range(len(states)):
        state = states[block]
        for row in range(block * BLOCK, min(n, (block + 1) * BLOCK)):
            state = _next(state)
            taken = share >= 1.0 or _even(state) < share
            rows[0, inside] = row
            rows[1, outside] = row
            inside += taken
            outside += not taken
        states[block] = state
    return inside
