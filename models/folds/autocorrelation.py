"""How far apart cells have to be before they stop telling of each other."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft
from scipy.optimize import minimize_scalar
from scipy.spatial import cKDTree

from minerisk.features.errors import InputError
from minerisk.models.cautions import Caution, CautionCode
from minerisk.models.inputs import as_coordinates

Array = NDArray[np.float64]
Shape = Literal["exponential", "spherical"]

LAGS = 40
PERMUTATIONS = 99
_FINE_SUPPORTS = 8.0
_MAX_SIDE = 2_048


@dataclass(frozen=True, eq=False)
class Range:
    """An empirical variogram, the model fitted to it, and its range.

    Attributes
    ----------
    range_m
        Distance, metres, at which the semivariance reaches its sill (spherical) or 95 % of it
        (exponential: the practical range); 0 where values of neighbours are no more alike than
        those of any others.
    sill, nugget
        Semivariance far away and at no distance, in the values' unit squared.
    lags, semivariance, pairs
        Mean distance (metres), semivariance and weight of the pairs of each lag.
    shape
        Model that fits best.
    support_m
        Side of the squares the values were averaged over, metres.
    caution
        What to know before using the range.
    """

    range_m: float
    sill: float
    nugget: float
    lags: Array
    semivariance: Array
    pairs: Array
    shape: Shape
    support_m: float
    caution: Caution | None = None


@dataclass(frozen=True)
class Lattice:
    """Mean value and weight on squares, shape (height, width); weight 0 where nothing lies."""

    value: Array
    weight: Array


def autocorrelation_range(
    values: ArrayLike, coordinates: ArrayLike, *, max_m: float, seed: int = 0
) -> Range:
    """Measure the distance beyond which values of cells are no longer alike.

    Folds whose blocks are narrower than this range test a model on land it has half seen.

    Parameters
    ----------
    values
        Labels 0 and 1, or a feature, shape (n,); rows with NaN are left out.
    coordinates
        Easting and northing in metres, shape (n, 2).
    max_m
        Greatest distance looked at, metres; a third of the area's width is a good choice.
    seed
        Seed of the permutations that tell structure from noise.

    Returns
    -------
    Range

    Raises
    ------
    InputError
        If there are fewer than 30 known values, or all are equal.

    Notes
    -----
    Values are averaged over squares first, weighted by their rows. Of a rare binary label
    single cells tell little (the semivariance is nearly all nugget), and drawing the positives
    more often would change the variogram; the share of positives in a square keeps every row
    and the scale that matters for folds, and adds at most one square to the range. Squares
    start at a fortieth of `max_m` and get 2 to 4 times finer until the range is at least 8 of
    them, or they are as small as the spacing of the rows. All pairs of squares are used, by
    Fourier transform (Marcotte 1996, doi 10.1016/S0098-3004(96)00026-X), with Matheron's
    estimator; models are fitted by least squares with weights pairs / distance squared, as
    gstat does (Pebesma 2004, doi 10.1016/j.cageo.2004.03.012). Neighbouring squares that are no
    more alike than under 99 permutations are taken as noise.

    Examples
    --------
    Waves of 6.3 km: places half a wave apart are no longer alike.

    >>> side = np.arange(60) * 100.0
    >>> places = np.column_stack([axis.ravel() for axis in np.meshgrid(side, side)])
    >>> values = np.sin(places / 1_000).sum(axis=1)
    >>> bool(2_000 < autocorrelation_range(values, places, max_m=2_000).range_m)
    True
    """
    known, points = _known(values, coordinates, max_m)
    spacing = _spacing(points)
    finest = max(spacing, float(np.ptp(points, axis=0).max()) / _MAX_SIDE)
    reach, found = float(max_m), None
    while True:
        support = max(finest, round(reach / LAGS / spacing) * spacing)
        lattice = _to_squares(known, points, support)
        if _structured(lattice, np.random.default_rng(seed)):
            found = _fit_range(lattice, support, reach)
            if found.range_m >= _FINE_SUPPORTS * support:
                return found
        elif found is not None:
            return found
        if support <= finest:
            return found or _noise(lattice, support, reach)
        widest = 0.0 if found is None else 3 * found.range_m
        reach = max(reach / 4, min(widest, reach / 2), 4 * finest)


def variogram(lattice: Lattice, *, lags: int) -> tuple[Array, Array, Array]:
    """Compute Matheron's semivariance over all pairs of squares, by distance.

    Parameters
    ----------
    lattice
        Values and weights on squares of side 1.
    lags
        Number of lags, each one square wide.

    Returns
    -------
    distance, semivariance, pairs
        Shape (k,): lags without pairs are left out. Distance in squares.
    """
    weight = lattice.weight
    centred = lattice.value - np.average(lattice.value, weights=weight)
    shape = [fft.next_fast_len(side + lags, real=True) for side in weight.shape]
    f_weight, f_value, f_square = (fft.rfft2(weight * centred**power, shape) for power in (0, 1, 2))
    cross = 2 * (np.conj(f_weight) * f_square).real - 2 * np.abs(f_value) ** 2
    # The value at an offset plus that at its opposite: both count the same pairs.
    total = fft.irfft2(cross, shape)
    pairs = fft.irfft2(np.abs(f_weight) ** 2, shape)
    rows, columns = (_offsets(side, lags) for side in weight.shape)
    distance = np.hypot(rows[:, None], columns[None, :])
    lag = np.rint(distance).astype(np.int64)
    near = (lag >= 1) & (lag <= lags)
    pick = np.ix_(rows, columns)
    count = np.bincount(lag[near], pairs[pick][near], lags + 1)[1:]
    summed = np.bincount(lag[near], 0.5 * total[pick][near], lags + 1)[1:]
    reached = np.bincount(lag[near], (pairs[pick] * distance)[near], lags + 1)[1:]
    some = count > 1e-6 * count.max(initial=0.0)
    return reached[some] / count[some], np.maximum(summed[some] / count[some], 0.0), count[some]


def fit_variogram(
    lags: Array, semivariance: Array, pairs: Array, *, shape: Shape
) -> tuple[float, float, float, float]:
    """Fit nugget, partial sill and range by weighted least squares.

    Parameters
    ----------
    lags, semivariance, pairs
        Distance, semivariance and number of pairs, shape (k,).
    shape
        ``exponential`` (practical range) or ``spherical``.

    Returns
    -------
    nugget, partial_sill, range, loss
        Nugget and partial sill at least 0; range from half the first lag to 3 times the last.
    """
    weight = pairs / lags**2

    def at(log_range: float) -> tuple[float, float, float]:
        rise = _rise(lags / np.exp(log_range), shape)
        return _two_parts(rise, semivariance, weight)

    grid = np.linspace(np.log(lags[0] / 2), np.log(3 * lags[-1]), 80)
    best = int(np.argmin([at(value)[2] for value in grid]))
    bounds = (grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)])
    refined = minimize_scalar(lambda value: at(value)[2], bounds=bounds, method="bounded")
    nugget, partial, loss = at(float(refined.x))
    return nugget, partial, float(np.exp(refined.x)), loss


def _rise(relative: Array, shape: Shape) -> Array:
    if shape == "exponential":
        return 1.0 - np.exp(-3.0 * relative)
    inside = np.minimum(relative, 1.0)
    return 1.5 * inside - 0.5 * inside**3


def _two_parts(rise: Array, semivariance: Array, weight: Array) -> tuple[float, float, float]:
    """Fit ``nugget + partial * rise`` with both at least 0."""
    total = weight.sum()
    mean_rise, mean = (weight @ rise) / total, (weight @ semivariance) / total
    spread = weight @ (rise - mean_rise) ** 2
    partial = weight @ ((rise - mean_rise) * semivariance) / spread if spread > 0 else 0.0
    nugget = mean - partial * mean_rise
    if partial < 0:
        nugget, partial = mean, 0.0
    elif nugget < 0:
        nugget, partial = 0.0, weight @ (rise * semivariance) / (weight @ rise**2)
    loss = weight @ (semivariance - nugget - partial * rise) ** 2
    return float(nugget), float(partial), float(loss)


def _fit_range(lattice: Lattice, support: float, reach: float) -> Range:
    distance, semivariance, pairs = variogram(lattice, lags=max(4, round(reach / support)))
    lags = distance * support
    shapes: tuple[Shape, Shape] = ("exponential", "spherical")
    fits = [fit_variogram(lags, semivariance, pairs, shape=shape) for shape in shapes]
    best = int(np.argmin([fit[3] for fit in fits]))
    nugget, partial, range_m, _ = fits[best]
    caution = None
    if range_m > reach:  # drawn out beyond what was looked at
        caution = Caution(
            code=CautionCode.RANGE_BEYOND_REACH, range_m=float(range_m), reach_m=float(reach)
        )
    return Range(
        range_m=range_m,
        sill=nugget + partial,
        nugget=nugget,
        lags=lags,
        semivariance=semivariance,
        pairs=pairs,
        shape=shapes[best],
        support_m=support,
        caution=caution,
    )


def _noise(lattice: Lattice, support: float, reach: float) -> Range:
    distance, semivariance, pairs = variogram(lattice, lags=max(4, round(reach / support)))
    level = float(np.average(semivariance, weights=pairs))
    return Range(
        range_m=0.0,
        sill=level,
        nugget=level,
        lags=distance * support,
        semivariance=semivariance,
        pairs=pairs,
        shape="exponential",
        support_m=support,
        caution=Caution(code=CautionCode.NO_STRUCTURE, reach_m=float(support)),
    )


def _structured(lattice: Lattice, rng: np.random.Generator) -> bool:
    """Test whether neighbouring squares are more alike than under every permutation."""
    index = np.flatnonzero(lattice.weight.ravel() > 0)
    place = np.full(lattice.weight.size, -1, dtype=np.int64)
    place[index] = np.arange(index.size)
    grid = place.reshape(lattice.weight.shape)
    first = np.concatenate([grid[:-1].ravel(), grid[:, :-1].ravel()])
    second = np.concatenate([grid[1:].ravel(), grid[:, 1:].ravel()])
    both = (first >= 0) & (second >= 0)
    if not both.any():
        return False
    first, second = first[both], second[both]
    value, weight = lattice.value.ravel()[index], lattice.weight.ravel()[index]

    def unlike(order: NDArray[np.int64]) -> float:
        v, w = value[order], weight[order]
        pairs = w[first] * w[second]
        return float((pairs * (v[first] - v[second]) ** 2).sum() / pairs.sum())

    observed = unlike(np.arange(index.size))
    return all(observed < unlike(rng.permutation(index.size)) for _ in range(PERMUTATIONS))


def _to_squares(values: Array, points: Array, support: float) -> Lattice:
    cell = np.floor(points / support).astype(np.int64)
    cell -= cell.min(axis=0)
    width, height = (int(side) for side in cell.max(axis=0) + 1)
    place = cell[:, 1] * width + cell[:, 0]
    weight = np.bincount(place, minlength=height * width).astype(np.float64)
    summed = np.bincount(place, values, height * width)
    mean = summed / np.maximum(weight, 1.0)
    return Lattice(mean.reshape(height, width), weight.reshape(height, width))


def _spacing(points: Array) -> float:
    """Return the median distance to the nearest other place, from up to 1,000 places."""
    places = np.unique(points, axis=0)
    sample = places[:: max(1, len(places) // 1_000)]
    distance, _ = cKDTree(places).query(sample, k=2)
    return float(np.median(distance[:, 1]))


def _offsets(side: int, lags: int) -> NDArray[np.int64]:
    """Return the offsets up to `lags` either way; negative ones index a wrapped transform."""
    reach = min(lags, side - 1)
    return np.arange(-reach, reach + 1)


def _known(values: ArrayLike, coordinates: ArrayLike, max_m: float) -> tuple[Array, Array]:
    given = np.asarray(values, dtype=np.float64)
    points = as_coordinates(coordinates)
    if given.shape != (len(points),):
        raise InputError(f"The values have shape {given.shape}; expected ({len(points)},).")
    if not (np.isfinite(max_m) and max_m > 0):
        raise InputError(f"max_m is {max_m}; expected metres above zero.")
    finite = np.isfinite(given)
    if finite.sum() < 30 or np.ptp(given[finite]) == 0:
        raise InputError(
            f"There are {int(finite.sum())} known values, "
            f"{np.unique(given[finite]).size} different; expected at least 30 that are not all "
            "equal. A constant has no range."
        )
    return given[finite], points[finite]
