"""The logistic function, compiled. Records of calibrations are read without compiling it."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True)
def expit_into(values: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Write the chance of each of the log-odds, both shape (n,)."""
    for place in range(len(values)):
        out[place] = 1.0 / (1.0 + math.exp(-values[place]))
