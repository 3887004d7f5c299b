"""Compiled kernels that write points, segments and polygons into cells, in absolute cell units."""

import numba
import numpy as np


@numba.njit(cache=True)
def burn_points(out, points, values, row0, column0):  # type: ignore[no-untyped-def]
    """Raise the cells that hold a point to its value, where that is greater."""
    height, width = out.shape
    for k in range(points.shape[0]):
        row = int(np.floor(points[k, 1])) - row0
        column = int(np.floor(points[k, 0])) - column0
        if 0 <= row < height and 0 <= column < width and values[k] > out[row, column]:
            out[row, column] = values[k]


@numba.njit(cache=True)
def _reach(u0, v0, u1, v1, row):  # type: ignore[no-untyped-def]
    """Part of a segment inside one row of cells: its columns, and its share of the height."""
    if v1 == v0:
        return u0, u1, 1.0
    top, bottom = max(v0, float(row)), min(v1, float(row + 1))
    slope = (u1 - u0) / (v1 - v0)
    start = u0 if top == v0 else u0 + (top - v0) * slope
    end = u1 if bottom == v1 else u0 + (bottom - v0) * slope
    return start, end, (bottom - top) / (v1 - v0)


@numba.njit(cache=True)
def burn_segments(out, ends, values, row0, column0):  # type: ignore[no-untyped-def]
    """Raise every cell that a segment passes through to its value, where that is greater."""
    height, width = out.shape
    for k in range(ends.shape[0]):
        u0, v0, u1, v1 = ends[k]
        first = max(int(np.floor(v0)), row0)
        last = min(int(np.floor(v1)), row0 + height - 1)
        if max(u0, u1) < column0 or min(u0, u1) >= column0 + width:
            continue
        for row in range(first, last + 1):
            start, end, _ = _reach(u0, v0, u1, v1, row)
            left = max(int(np.floor(min(start, end))), column0)
            right = min(int(np.floor(max(start, end))), column0 + width - 1)
            for column in range(left, right + 1):
                if values[k] > out[row - row0, column - column0]:
                    out[row - row0, column - column0] = values[k]


@numba.njit(cache=True)
def measure_segments(out, ends, row0, column0):  # type: ignore[no-untyped-def]
    """Add to each cell the length of segment in it, in cells."""
    height, width = out.shape
    for k in range(ends.shape[0]):
        u0, v0, u1, v1 = ends[k]
        length = np.sqrt((u1 - u0) ** 2 + (v1 - v0) ** 2)
        first = max(int(np.floor(v0)), row0)
        last = min(int(np.floor(v1)), row0 + height - 1)
        if max(u0, u1) < column0 or min(u0, u1) >= column0 + width:
            continue
        for row in range(first, last + 1):
            start, end, share = _reach(u0, v0, u1, v1, row)
            low, high = min(start, end), max(start, end)
            left = max(int(np.floor(low)), column0)
            right = min(int(np.floor(high)), column0 + width - 1)
            for column in range(left, right + 1):
                part = 1.0
                if high > low:
                    part = (min(high, column + 1.0) - max(low, float(column))) / (high - low)
                out[row - row0, column - column0] += length * share * part


@numba.njit(cache=True)
def burn_polygons(out, ends, owner, values, row0, column0):  # type: ignore[no-untyped-def]
    """Fill by parity: edges are crossed at the centre of each row, north end in, south end out."""
    height, width = out.shape
    begin = 0
    while begin < owner.shape[0]:
        stop = begin
        north, south, west, east = np.inf, -np.inf, np.inf, -np.inf
        while stop < owner.shape[0] and owner[stop] == owner[begin]:
            north, south = min(north, ends[stop, 1]), max(south, ends[stop, 3])
            west = min(west, ends[stop, 0], ends[stop, 2])
            east = max(east, ends[stop, 0], ends[stop, 2])
            stop += 1
        top = max(int(np.floor(north)), row0)
        bottom = min(int(np.floor(south)), row0 + height - 1)
        left = max(int(np.floor(west)), column0)
        right = min(int(np.floor(east)), column0 + width - 1)
        if top <= bottom and left <= right:
            flips = np.zeros((bottom - top + 1, right - left + 2), dtype=np.uint8)
            for k in range(begin, stop):
                u0, v0, u1, v1 = ends[k]
                # Rows whose centre lies in [v0, v1).
                first = max(int(np.ceil(v0 - 0.5)), top)
                last = min(int(np.ceil(v1 - 0.5)) - 1, bottom)
                for row in range(first, last + 1):
                    crossing = u0 + (row + 0.5 - v0) * ((u1 - u0) / (v1 - v0))
                    column = min(max(int(np.ceil(crossing - 0.5)), left), right + 1)
                    flips[row - top, column - left] ^= 1
            value = values[owner[begin]]
            for i in range(flips.shape[0]):
                inside = 0
                for j in range(flips.shape[1] - 1):
                    inside ^= flips[i, j]
                    r, c = top - row0 + i, left - column0 + j
                    if inside and value > out[r, c]:
                        out[r, c] = value
        begin = stop
