"""Which stored values are a nodata value."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def is_value(stored: NDArray[Any], value: float) -> NDArray[np.bool_]:
    """Return where stored numbers are a value, as near as their type can hold it.

    Parameters
    ----------
    stored
        Numbers of any type.
    value
        A value that the type cannot hold is nowhere; NaN is everywhere where there is no number.

    Examples
    --------
    >>> is_value(np.array([-9999.9, 1], np.float32), -9999.9).tolist()
    [True, False]
    >>> is_value(np.array([255, 1], np.uint8), -9999.0).tolist()
    [False, False]
    """
    if stored.dtype.kind != "f":
        kind = np.iinfo(stored.dtype) if stored.dtype.kind in "iu" else np.iinfo(np.uint8)
        if not np.isfinite(value) or value != int(value) or not kind.min <= value <= kind.max:
            return np.zeros(stored.shape, dtype=bool)
        return np.asarray(stored == int(value))
    if np.isnan(value):
        return np.isnan(stored)
    floats = np.finfo(stored.dtype)
    with np.errstate(over="ignore"):
        wanted = float(stored.dtype.type(value))
    if np.isinf(wanted):
        return np.asarray(stored == wanted) & np.isinf(value)
    # A few units in the last place, as in GDAL: what was written as text is no longer exact.
    near = 4 * float(floats.eps) * abs(wanted)
    low, high = max(wanted - near, float(floats.min)), min(wanted + near, float(floats.max))
    return np.asarray((stored >= stored.dtype.type(low)) & (stored <= stored.dtype.type(high)))
