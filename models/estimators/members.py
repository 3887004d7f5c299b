"""The members of an ensemble: trained models as plain numbers, scored without their trainers."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minerisk.models.calibration.logistic import expit
from minerisk.models.trees.kernel import Kernel, kernel_of
from minerisk.models.trees.stored_booster import Booster

RULE_M = 10_000.0  # a rule's log-odds fall by 1 in this distance
NEAR_M = 1_000.0  # nearer than this a line is not drawn well enough to tell
FAR_M = 1e6  # what a distance that is not known reads as
LEAST_SHARE = 1e-4  # a forest's share of positives is held inside this and 1 minus this


@dataclass(frozen=True)
class TreeMembers:
    """LightGBM models; the one place where trees are walked.

    Attributes
    ----------
    boosters
        One for each member.
    forest
        Whether each member is a forest, whose trees' mean is a share of positives, and not a
        boosted model, whose trees add up to log-odds.
    slope, intercept
        What makes log-odds of one kind of model mean the same as those of another.
    """

    boosters: tuple[Booster, ...]
    forest: tuple[bool, ...]
    slope: float = 1.0
    intercept: float = 0.0

    def log_odds(self, matrix: NDArray[np.float32], *, threads: int) -> NDArray[np.float64]:
        """Score rows with every member.

        Returns
        -------
        ndarray, shape (n, members)
            Log-odds before calibration; the same bytes from the kernel as from LightGBM.
        """
        raw = self._raw(matrix, threads)
        for member in np.flatnonzero(self.forest):
            mean = raw[:, member] / self.boosters[member].num_trees()  # raw is the trees' sum
            share = np.clip(mean, LEAST_SHARE, 1.0 - LEAST_SHARE)
            raw[:, member] = np.log(share / (1.0 - share))
        return self.slope * raw + self.intercept

    def importance(self) -> NDArray[np.float64]:
        """Return the share of the gain that each column brought, mean of the members."""
        gains = [booster.feature_importance("gain") for booster in self.boosters]
        return np.mean([gain / max(gain.sum(), 1e-300) for gain in gains], axis=0)

    def to_files(self) -> dict[str, bytes]:
        """Return each member as LightGBM text, and which of them are forests."""
        files = {
            f"member_{number:02d}.lgb": booster.model_to_string().encode()
            for number, booster in enumerate(self.boosters)
        }
        record = {"kind": "trees", "forest": list(self.forest)}
        return files | {"members.json": _json(record | _scale(self))}

    @cached_property
    def kernel(self) -> Kernel | None:
        """The compiled kernel, made once; none where LightGBM itself has to walk the trees."""
        return kernel_of(self.boosters)

    def _raw(self, matrix: NDArray[np.float32], threads: int) -> NDArray[np.float64]:
        if self.kernel is not None:
            return self.kernel.raw(matrix, threads=threads)
        with ThreadPoolExecutor(max_workers=threads) as pool:
            scores = pool.map(
                lambda booster: booster.predict(matrix, raw_score=True, num_threads=1),
                self.boosters,
            )
            return np.column_stack(list(scores))


@dataclass(frozen=True)
class LinearMembers:
    """Linear models of log-odds: logistic regressions.

    Attributes
    ----------
    fill, scale
        What a missing value reads as, and the standard deviation of each column, shape ``(p,)``.
    coefficients, intercepts
        Of each member, shapes ``(members, p)`` and ``(members,)``; per standard deviation.
    slope, intercept
        As for `TreeMembers`.
    """

    fill: NDArray[np.float64]
    scale: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    intercepts: NDArray[np.float64]
    slope: float = 1.0
    intercept: float = 0.0

    def log_odds(self, matrix: NDArray[np.float32], *, threads: int) -> NDArray[np.float64]:
        """Score rows with every member, shape ``(n, members)``."""
        scores = np.tile(self.intercepts, (len(matrix), 1))
        # Column by column: a matrix product rounds differently for windows of different height.
        for column, (fill, scale) in enumerate(zip(self.fill, self.scale, strict=True)):
            values = matrix[:, column].astype(np.float64)
            values = (np.where(np.isnan(values), fill, values) - fill) / scale
            scores += values[:, None] * self.coefficients[:, column]
        return self.slope * scores + self.intercept

    def importance(self) -> NDArray[np.float64]:
        """Return each column's share of the sum of the absolute coefficients."""
        size = np.abs(self.coefficients).mean(axis=0)
        return size / max(size.sum(), 1e-300)

    def to_files(self) -> dict[str, bytes]:
        """Return all numbers as JSON."""
        record = {
            "kind": "linear",
            "fill": self.fill.tolist(),
            "scale": self.scale.tolist(),
            "coefficients": self.coefficients.tolist(),
            "intercepts": self.intercepts.tolist(),
        }
        return {"members.json": _json(record | _scale(self))}


@dataclass(frozen=True)
class NearestMembers:
    """A rule of thumb: the log-odds fall with the nearest of some distances.

    Attributes
    ----------
    columns
        Places of the distances, metres; NaN where nothing is known, which is as good as far.
    width
        How many columns there are.
    slope, intercept
        As for `TreeMembers`.
    """

    columns: tuple[int, ...]
    width: int
    slope: float = 1.0
    intercept: float = 0.0

    def log_odds(self, matrix: NDArray[np.float32], *, threads: int) -> NDArray[np.float64]:
        """Score rows, shape ``(n, 1)``."""
        nearest = nearest_m(matrix, self.columns)[:, None]
        return -self.slope * nearest / RULE_M + self.intercept

    def importance(self) -> NDArray[np.float64]:
        """Return 1 shared among the columns that it goes by."""
        share = np.zeros(self.width)
        share[list(self.columns)] = 1.0 / len(self.columns)
        return share

    def to_files(self) -> dict[str, bytes]:
        """Return the columns as JSON."""
        record = {"kind": "nearest", "columns": list(self.columns), "width": self.width}
        return {"members.json": _json(record | _scale(self))}


@dataclass(frozen=True)
class BlendedMembers:
    """Trees that know layers with a coverage, and as many that do not, blended over its edge.

    Attributes
    ----------
    trees
        First the members that know the layers, then those that do not.
    edge
        Place of the column that says how far the edge of the cover is, metres, negative outside.
    blend_m
        The weight of the first is a logistic curve of that distance, over so many metres.
    slope, intercept
        As for `TreeMembers`.
    """

    trees: TreeMembers
    edge: int
    blend_m: float
    slope: float = 1.0
    intercept: float = 0.0

    def log_odds(self, matrix: NDArray[np.float32], *, threads: int) -> NDArray[np.float64]:
        """Score rows with every pair of members, shape ``(n, members)``."""
        raw = self.trees.log_odds(matrix, threads=threads)
        half, inside = raw.shape[1] // 2, self.inside(matrix)[:, None]
        blended = inside * raw[:, :half] + (1.0 - inside) * raw[:, half:]
        return self.slope * blended + self.intercept

    def inside(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the weight of the members that know the layers, 0 to 1, shape ``(n,)``."""
        return expit(matrix[:, self.edge].astype(np.float64) / self.blend_m)

    def halves(self) -> tuple[TreeMembers, TreeMembers]:
        """Return the trees that know the layers, and those that do not."""
        half = len(self.trees.boosters) // 2
        boosters, forest = self.trees.boosters, self.trees.forest
        return (
            TreeMembers(boosters[:half], forest[:half]),
            TreeMembers(boosters[half:], forest[half:]),
        )

    def importance(self) -> NDArray[np.float64]:
        """Return the share of the gain that each column brought, mean of all trees."""
        return self.trees.importance()

    def to_files(self) -> dict[str, bytes]:
        """Return each member as LightGBM text, and how they are blended."""
        record: dict[str, Any] = {
            "kind": "blended",
            "forest": list(self.trees.forest),
            "edge": self.edge,
            "blend_m": self.blend_m,
        }
        return self.trees.to_files() | {"members.json": _json(record | _scale(self))}


@dataclass(frozen=True)
class BesideRule:
    """Trees beside a rule of thumb: the odds fall with a power of the distance to the nearest line.

    Where few finds are known, trees find places that they look like, and lose sight of what every
    surveyor goes by. The rule is not learned: its power is stated.

    Attributes
    ----------
    trees
        The members.
    columns
        Places of the distances, metres; NaN where nothing is known, which is as good as far.
    power
        Twice as far, `NEAR_M` added to both, divides the odds by 2 to this power.
    slope, intercept
        As for `TreeMembers`.
    """

    trees: TreeMembers | BlendedMembers
    columns: tuple[int, ...]
    power: float
    slope: float = 1.0
    intercept: float = 0.0

    def log_odds(self, matrix: NDArray[np.float32], *, threads: int) -> NDArray[np.float64]:
        """Score rows with every member, shape ``(n, members)``."""
        raw = self.trees.log_odds(matrix, threads=threads) + self.rule(matrix)[:, None]
        return self.slope * raw + self.intercept

    def rule(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return what the rule adds to the log-odds, 0 at `RULE_M`, shape ``(n,)``."""
        nearest = nearest_m(matrix, self.columns)
        return self.power * np.log((RULE_M + NEAR_M) / (nearest + NEAR_M))

    def importance(self) -> NDArray[np.float64]:
        """Return the share of the gain that each column brought the trees."""
        return self.trees.importance()

    def to_files(self) -> dict[str, bytes]:
        """Return the trees, and how the rule stands beside them."""
        files = self.trees.to_files()
        record: dict[str, Any] = {
            "kind": "beside_rule",
            "trees": json.loads(files["members.json"]),
            "columns": list(self.columns),
            "power": self.power,
        }
        return files | {"members.json": _json(record | _scale(self))}


def nearest_m(matrix: NDArray[np.float32], columns: Sequence[int]) -> NDArray[np.float64]:
    """Return the least of some distances, metres, `FAR_M` where none is known, shape ``(n,)``."""
    metres = matrix[:, list(columns)].astype(np.float64)
    return np.asarray(np.where(np.isnan(metres), FAR_M, metres).min(axis=1))


Members = TreeMembers | BlendedMembers | LinearMembers | NearestMembers | BesideRule


def mean_and_spread(
    log_odds: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean of the members' log-odds and their standard deviation (0 for one member)."""
    if log_odds.shape[1] == 1:
        return log_odds[:, 0], np.zeros(len(log_odds))
    return log_odds.mean(axis=1), log_odds.std(axis=1, ddof=1)


def _scale(members: Members) -> dict[str, float]:
    return {"slope": members.slope, "intercept": members.intercept}


def _json(record: Mapping[str, Any]) -> bytes:
    return (json.dumps(record, indent=1, sort_keys=True) + "\n").encode()
