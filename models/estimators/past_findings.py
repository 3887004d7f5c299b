"""What past findings say about any land: the part of the findings encoder that a map needs."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numba import njit
from numpy.typing import ArrayLike, NDArray

from minerisk.features.errors import InputError
from minerisk.features.evidence.codes import EVIDENCE, HAZARD_BITS
from minerisk.features.vector_files.dates import day_number, iso_day
from minerisk.models.estimators.near_findings import (
    Buckets,
    count_within,
    in_buckets,
    nearest_distances,
)
from minerisk.models.inputs import COORDINATES
from minerisk.models.table import MARKS

DAYS_A_YEAR = 365.25
AXIS = ("axis_sin2", "axis_cos2", "elongation", "spacing_m")
BELT = ("across_m", "along_m", "length_m")


class PastFindings:
    """Distance to findings and their density, by kind and age, and how they lie.

    It is fitted as `findings_encoder.FindingsEncoder`, a scikit-learn transformer; read
    from a stored model it needs no scikit-learn, whose import takes longer than a small request.

    Parameters
    ----------
    block_m
        Side of the square cross-fitting blocks, metres.
    neighbours
        Which neighbours: 1 is the nearest finding. These distances know no age and no kind.
    radii_m
        Radii for the number of findings within, metres.
    cap_m
        Distances beyond this read as this, metres.
    hazards
        Hazard classes (keys of `codes.HAZARD_BITS`) with a distance and densities of
        their own; ``any`` is a finding whose class is not known.
    evidence
        Kinds of evidence (keys of `minerisk.features.evidence.codes.EVIDENCE`) with their own.
    half_life_years
        A finding this old counts half: densities are sums of ``w = 2 ** (-age / half-life)``, and
        distances by class or evidence are divided by ``w``. Undated findings count in full
        (``undated_`` says how many). None: age does not matter.
    as_of
        Date (YYYY-MM-DD) ages are counted to; where dates are read, findings dated later are
        left out. Needed with a half-life.
    belts
        Whether to add direction, straightness and spacing of the finds within `belt_radius_m`,
        and distance across and along the axis of the nearest belt (`estimators.belts`).
    belt_radius_m, belt_link_m
        Radius for direction and spacing; greatest gap inside a belt; metres.

    Attributes
    ----------
    findings_
        The findings, ascending by easting: the `columns` of each, float64.
    """

    findings_: NDArray[np.float64]

    def __init__(
        self,
        *,
        block_m: float = 10_000.0,
        neighbours: Sequence[int] = (1, 10),
        radii_m: Sequence[float] = (5_000.0,),
        cap_m: float = 30_000.0,
        hazards: Sequence[str] = (),
        evidence: Sequence[str] = (),
        half_life_years: float | None = None,
        as_of: str | None = None,
        belts: bool = False,
        belt_radius_m: float = 5_000.0,
        belt_link_m: float = 2_000.0,
    ) -> None:
        self.block_m = block_m
        self.neighbours = neighbours
        self.radii_m = radii_m
        self.cap_m = cap_m
        self.hazards = hazards
        self.evidence = evidence
        self.half_life_years = half_life_years
        self.as_of = as_of
        self.belts = belts
        self.belt_radius_m = belt_radius_m
        self.belt_link_m = belt_link_m

    @property
    def columns(self) -> list[str]:
        """Columns of a table that `fit` wants, in order: coordinates, and marks if needed."""
        return [*COORDINATES, *(MARKS if self.reads_marks() else ())]

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Encode any land against all the findings.

        Parameters
        ----------
        X
            Easting and northing, metres, shape ``(n, 2)``; further columns are not read.

        Returns
        -------
        ndarray of float32, shape (n, columns)
            As `get_feature_names_out` names them; never NaN.
        """
        coordinates = as_rows(X)[:, :2]
        return self._encode(coordinates, self.findings_[self._in_reach(coordinates)])

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Return the names of the encoded columns."""
        within = [f"within_{radius:g}m" for radius in self.radii_m]
        names = [f"findings_{k}_distance_m" for k in self.neighbours]
        names += [f"findings_{part}" for part in within]
        for kind in (*self.hazards, *self.evidence):
            names += [f"findings_{kind}_{part}" for part in ("distance_m", *within)]
        if self.belts:
            names += [f"findings_{part}" for part in AXIS]
            names += [f"findings_belt_{part}" for part in BELT]
        return np.asarray(names, dtype=object)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain JSON values."""
        return {
            name: list(value) if isinstance(value, (tuple, list)) else value
            for name in sorted(inspect.signature(type(self)).parameters)
            for value in (getattr(self, name),)
        }

    def to_frame(self) -> pd.DataFrame:
        """Return the findings as a table; with `to_dict`, all there is to the encoder."""
        return pd.DataFrame(self.findings_, columns=self.columns)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any], findings: pd.DataFrame) -> Self:
        """Make a fitted encoder from what `to_dict` and `to_frame` gave.

        Raises
        ------
        InputError
            If the findings are not in the order that `fit` puts them in.
        """
        encoder = cls(**settings)
        encoder.findings_ = findings[encoder.columns].to_numpy(dtype=np.float64)
        if (np.diff(encoder.findings_[:, 0]) < 0).any():
            raise InputError(
                "The findings of the model do not ascend by easting; expected them as they were "
                "written. The file was changed: train again."
            )
        return encoder

    def reads_marks(self) -> bool:
        """Return whether class, evidence or age of a finding matters."""
        return bool(len(self.hazards) or len(self.evidence) or self.half_life_years is not None)

    def _in_reach(self, coordinates: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the rows of findings, which ascend by easting, that can count at a place."""
        if self.belts:  # a belt may come from any distance
            return np.arange(len(self.findings_))
        reach = (
            max([float(self.cap_m), *map(float, self.radii_m)]) + 1.0
        )  # rounding leaves none out
        west, south = coordinates.min(axis=0, initial=np.inf) - reach
        east, north = coordinates.max(axis=0, initial=-np.inf) + reach
        first, last = np.searchsorted(self.findings_[:, 0], (west, east))
        northing = self.findings_[first:last, 1]
        return np.asarray(first + np.flatnonzero((south <= northing) & (northing <= north)))

    def _encode(
        self, coordinates: NDArray[np.float64], findings: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        weight = self._weights(findings)
        found = in_buckets(findings[:, :2]) if len(findings) else None
        parts = [
            self._distances(coordinates, found),
            self._densities(coordinates, findings, weight, found),
        ]
        for held in self._kinds(findings):
            chosen, own = findings[held], weight[held]
            parts += [
                _nearest(coordinates, *_by_northing(chosen, own), float(self.cap_m)),
                self._densities(
                    coordinates, chosen, own, in_buckets(chosen[:, :2]) if held.any() else None
                ),
            ]
        if self.belts:
            from minerisk.models.estimators.belts import fit_belts, nearest_belt, row_geometry

            finds = np.unique(findings[:, :2], axis=0)
            belts = fit_belts(finds, link_m=self.belt_link_m)
            parts += [
                row_geometry(coordinates, finds, radius_m=self.belt_radius_m),
                nearest_belt(coordinates, belts, cap_m=self.cap_m),
            ]
        return np.column_stack(parts).astype(np.float32)

    def _weights(self, findings: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what each finding counts: 1, or half for each half-life of its age."""
        if self.half_life_years is None or self.as_of is None:
            return np.ones(len(findings))
        years = (days_to(self.as_of) - findings[:, 4]) / DAYS_A_YEAR
        return np.exp2(-np.nan_to_num(years, nan=0.0) / self.half_life_years)

    def _kinds(self, findings: NDArray[np.float64]) -> list[NDArray[np.bool_]]:
        """Mark the findings of each hazard class, then of each kind of evidence."""
        if not self.reads_marks():
            return []
        hazard, evidence = findings[:, 2:4].astype(np.int64).T
        held = [(hazard & HAZARD_BITS[name]) > 0 for name in self.hazards]
        return held + [evidence == EVIDENCE[name] for name in self.evidence]

    def _distances(
        self, coordinates: NDArray[np.float64], found: Buckets | None
    ) -> NDArray[np.float64]:
        cap = float(self.cap_m)
        if found is None:
            return np.full((len(coordinates), len(self.neighbours)), cap)
        return nearest_distances(coordinates, found, neighbours=self.neighbours, cap=cap)

    def _densities(
        self,
        coordinates: NDArray[np.float64],
        findings: NDArray[np.float64],
        weight: NDArray[np.float64],
        found: Buckets | None,
    ) -> NDArray[np.float64]:
        """Sum the weights within each radius; `found` are the same findings, or none."""
        if found is None or not len(self.radii_m):
            return np.zeros((len(coordinates), len(self.radii_m)))
        if (weight == 1.0).all():
            sums = [count_within(coordinates, found, float(radius)) for radius in self.radii_m]
        else:
            ordered = _by_northing(findings, weight)
            sums = [_sum_within(coordinates, *ordered, float(radius)) for radius in self.radii_m]
        return np.column_stack(sums)


def days_to(date: str) -> float:
    """Count the days from 1970-01-01 to a date (YYYY-MM-DD)."""
    day = iso_day(date)
    if day is None:
        raise InputError(f"The date is {date!r}; expected YYYY-MM-DD.")
    return float(day_number(day))


def as_rows(X: ArrayLike, width: int | None = None) -> NDArray[np.float64]:
    """Return rows of coordinates, and of marks after them, as float64; refuse another width."""
    rows = np.asarray(X, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] < 2 or rows.shape[1] != (width or rows.shape[1]):
        wanted = width or 2
        more = f", then {', '.join(MARKS)}" if wanted > 2 else ""
        raise InputError(
            f"The findings encoder got an array of shape {rows.shape}; expected (n, {wanted}): "
            f"easting and northing in metres{more}."
        )
    return rows


def _by_northing(
    findings: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    order = np.argsort(findings[:, 1], kind="stable")
    return np.ascontiguousarray(findings[order, :2]), weight[order]


# A tree that lists the neighbours is forty times slower at 10 km.
@njit(cache=True, nogil=True)
def _sum_within(
    coordinates: NDArray[np.float64],
    findings: NDArray[np.float64],
    weight: NDArray[np.float64],
    radius: float,
) -> NDArray[np.float64]:
    """Sum the weights of the findings, ascending by northing, within `radius` of each place."""
    sums = np.zeros(len(coordinates))
    first = np.searchsorted(findings[:, 1], coordinates[:, 1] - radius)
    for row in range(len(coordinates)):
        easting, northing = coordinates[row]
        for place in range(first[row], len(findings)):
            across, up = findings[place, 0] - easting, findings[place, 1] - northing
            if up > radius:
                break
            if across * across + up * up <= radius * radius:
                sums[row] += weight[place]
    return sums


@njit(cache=True, nogil=True)
def _nearest(
    coordinates: NDArray[np.float64],
    findings: NDArray[np.float64],
    weight: NDArray[np.float64],
    cap: float,
) -> NDArray[np.float64]:
    """Return the least of distance over weight, at most `cap`; weights are at most 1.

    As no weight is above 1, findings farther north or south than the best so far cannot be it.
    """
    nearest = np.full(len(coordinates), cap)
    start = np.searchsorted(findings[:, 1], coordinates[:, 1])
    for row in range(len(coordinates)):
        for step in (1, -1):
            place = start[row] if step == 1 else start[row] - 1
            while 0 <= place < len(findings):
                up = findings[place, 1] - coordinates[row, 1]
                if abs(up) >= nearest[row]:
                    break
                apart = np.hypot(findings[place, 0] - coordinates[row, 0], up) / weight[place]
                nearest[row] = min(nearest[row], apart)
                place += step
    return nearest
