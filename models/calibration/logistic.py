"""The logistic function without SciPy, whose special functions take long to import."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def expit(log_odds: ArrayLike) -> NDArray[np.float64]:
    """Compute the chance of log-odds, float64, the shape of `log_odds`; NaN stays NaN.

    The bits are those of ``scipy.special.expit``: both take the exponential of the C library.

    Examples
    --------
    >>> expit([0.0, np.log(3.0)])
    array([0.5 , 0.75])
    """
    from minerisk.models.calibration.logistic_kernel import expit_into

    values = np.asarray(log_odds, dtype=np.float64)
    out = np.empty(values.size)
    expit_into(np.ascontiguousarray(values).reshape(-1), out)
    return out.reshape(values.shape)
