"""What past findings say about a cell, learned without telling a cell about itself."""

import logging
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from minerisk.features.errors import InputError
from minerisk.features.evidence.codes import EVIDENCE, HAZARD_BITS
from minerisk.models.estimators.past_findings import PastFindings, as_rows, days_to
from minerisk.models.folds.blocks import assign_blocks

log = logging.getLogger(__name__)


class FindingsEncoder(TransformerMixin, PastFindings, BaseEstimator):
    """Past findings as a scikit-learn transformer; the settings are those of `PastFindings`.

    The findings are the positive cells of the rows it is fitted on, so inside a scikit-learn
    `Pipeline` nothing of a held-out fold can reach it. Rows it is fitted on are *cross-fitted*:
    each sees only the findings outside its own block (`fit_transform`), as later land, which has
    no findings of its own, will (Micci-Barreca 2001, doi 10.1145/507533.507538, for the idea of
    out-of-fold encoding). What is known of a row itself is never read when it is encoded.

    Examples
    --------
    A find is known to other land, and not to the cell in which it was found:

    >>> places, found = [[0, 0], [3_000, 0], [25_000, 0]], [1, 0, 1]
    >>> encoder = FindingsEncoder(block_m=10_000, neighbours=(1,), radii_m=())
    >>> encoder.fit_transform(places, found).ravel()
    array([25000., 22000., 25000.], dtype=float32)
    >>> encoder.transform(places).ravel()
    array([   0., 3000.,    0.], dtype=float32)
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> "FindingsEncoder":
        """Keep where the findings are, and what they were.

        Parameters
        ----------
        X
            The `columns`: easting and northing, metres, shape ``(n, 2)``; or with
            `table.MARKS` (hazard bits, evidence code, day) after them, shape ``(n, 5)``.
        y
            1 where something was found, shape ``(n,)``.

        Raises
        ------
        InputError
            If a class, kind of evidence or date makes no sense, or the marks are missing.
        """
        self._check()
        rows = as_rows(X, width=len(self.columns))[np.asarray(y) == 1]
        if self.reads_marks():
            if self.as_of is not None:
                rows = rows[~(rows[:, 4] > days_to(self.as_of))]
            self.findings_ = rows[np.lexsort(rows.T[::-1])]
            if self.half_life_years is not None and self.undated_:
                log.info("%d findings have no date; they count in full.", self.undated_)
        else:
            self.findings_ = np.unique(rows, axis=0)
        return self

    @property
    def undated_(self) -> int:
        """How many findings have no date, and so are not decayed."""
        check_is_fitted(self, "findings_")
        return int(np.isnan(self.findings_[:, 4:]).sum())

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Encode any land against all the findings; see `PastFindings.transform`."""
        check_is_fitted(self, "findings_")
        return super().transform(X)

    def fit_transform(self, X: ArrayLike, y: ArrayLike, **_: Any) -> NDArray[np.float32]:
        """Fit, and encode each row against the findings outside its own block."""
        self.fit(X, y)
        coordinates = as_rows(X)[:, :2]
        row_block = assign_blocks(coordinates, block_m=self.block_m)
        finding_block = assign_blocks(self.findings_[:, :2], block_m=self.block_m)
        encoded = self._encode(coordinates, self.findings_[:0])
        order = np.argsort(row_block, kind="stable")
        blocks, starts = np.unique(row_block[order], return_index=True)
        for block, rows in zip(blocks, np.split(order, starts[1:]), strict=True):
            near = self._in_reach(coordinates[rows])
            others = self.findings_[near[finding_block[near] != block]]
            encoded[rows] = self._encode(coordinates[rows], others)
        return encoded

    def _check(self) -> None:
        unknown = [name for name in self.hazards if name not in HAZARD_BITS]
        unknown += [name for name in self.evidence if name not in EVIDENCE]
        if unknown:
            raise InputError(
                f"The findings encoder got {unknown}; expected hazard classes of "
                f"{list(HAZARD_BITS)} and evidence of {list(EVIDENCE)}."
            )
        if self.half_life_years is not None and self.as_of is None:
            raise InputError(
                "Findings are to be decayed by age, but there is no date to count ages to. Give "
                "as_of (study_area.as_of), the date that the evidence is as of."
            )
