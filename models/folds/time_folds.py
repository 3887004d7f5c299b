"""Folds in time: train up to a date, test after it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from minerisk.features.errors import InputError
from minerisk.features.vector_files.dates import LOOKS, read_days
from minerisk.models.folds.blocks import refuse_poor
from minerisk.models.folds.facts import Fold
from minerisk.models.inputs import as_labels


@dataclass(frozen=True, eq=False)
class LeaveTimeOut:
    """Folds that train up to a date and test after it; a scikit-learn splitter.

    Test rows of a cut-off are dated after it, up to the next cut-off (the last has no end);
    training rows are dated up to it. Rows dated up to the first cut-off are never tested.

    Parameters
    ----------
    cutoffs
        Dates, as datetime64, text such as ``2004-06-30``, or days since 1970-01-01. Or how many:
        they are then laid so that equally many dated positives (rows, without labels) lie
        before the first, between them and after the last.
    undated
        What becomes of rows without a date (NaN, NaT). ``leave_out``: they neither train nor
        test, since a row of unknown date may tell of the future. ``train``: they always train;
        only where their features and labels are known to be old.

    See Also
    --------
    minerisk.models.estimators.findings_encoder : findings are counted as of a date.

    Examples
    --------
    >>> dates = ["2003-05-01", "2004-05-01", "2006-05-01", "2011-05-01", None]
    >>> folds = LeaveTimeOut(["2004-12-31", "2009-12-31"])
    >>> [(train.tolist(), test.tolist()) for train, test in folds.split(None, dates=dates)]
    [([0, 1], [2]), ([0, 1, 2], [3])]
    """

    cutoffs: int | Sequence[Any]
    _: KW_ONLY
    undated: Literal["leave_out", "train"] = "leave_out"

    def get_n_splits(self, X: object = None, y: object = None, groups: object = None) -> int:
        """Return the number of cut-offs."""
        return self.cutoffs if isinstance(self.cutoffs, int) else len(self.cutoffs)

    def split(
        self,
        X: object,
        y: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        *,
        dates: ArrayLike | None = None,
    ) -> Iterator[Fold]:
        """Yield training and test row numbers, cut-off by cut-off.

        Parameters
        ----------
        X
            Not used.
        y
            Labels 0 and 1, shape (n,); None leaves the check of classes out.
        groups
            Dates, where the caller can pass nothing else.
        dates
            Date of every row, shape (n,): datetime64, or days since 1970-01-01; NaT or NaN where
            it is not known.

        Raises
        ------
        InputError
            If dates are missing, or a training or test set would be empty or lack a class.
        """
        if self.undated not in ("leave_out", "train"):
            raise InputError(f"undated is {self.undated!r}; expected 'leave_out' or 'train'.")
        days = _as_days(groups if dates is None else dates)
        labels = None if y is None else as_labels(y, days.size)
        cuts = self._cut_days(days, labels)
        unknown = np.isnan(days) & (self.undated == "train")
        for cut, end in zip(cuts, [*cuts[1:], np.inf], strict=True):
            train = np.flatnonzero((days <= cut) | unknown)
            test = np.flatnonzero((days > cut) & (days <= end))
            where = f"Cut-off {np.datetime64('1970-01-01') + np.timedelta64(int(cut), 'D')}"
            advice = (
                f"{int(np.isnan(days).sum())} of {days.size} rows have no date. Use fewer or "
                "other cut-offs, or date more rows."
            )
            refuse_poor(train, test, labels, where=where, advice=advice)
            yield train, test

    def _cut_days(
        self, days: NDArray[np.float64], labels: NDArray[np.int64] | None
    ) -> NDArray[np.float64]:
        if not isinstance(self.cutoffs, int):
            cuts = _as_days(np.asarray(self.cutoffs))
            if cuts.size == 0 or not (np.diff(cuts) > 0).all() or np.isnan(cuts).any():
                raise InputError(f"The cut-offs are {self.cutoffs}; expected ascending dates.")
            return cuts
        counted = ~np.isnan(days) if labels is None else ~np.isnan(days) & (labels == 1)
        dated = np.sort(days[counted])
        shares = np.arange(1, self.cutoffs + 1) / (self.cutoffs + 1)
        place = np.ceil(shares * dated.size).astype(np.int64) - 1
        if (
            self.cutoffs < 1
            or dated.size <= self.cutoffs
            or np.unique(dated[place]).size < len(place)
        ):
            raise InputError(
                f"{dated.size} {'rows' if labels is None else 'positives'} on "
                f"{np.unique(dated).size} dates cannot be cut {self.cutoffs} times; ask for "
                "fewer cut-offs, or date more rows."
            )
        return np.asarray(dated[place])


def split_by_date(
    folds: Iterable[Fold], y: ArrayLike, dates: ArrayLike, *, until: Any
) -> Iterator[Fold]:
    """Train other folds on finds up to a date, and test on finds after it.

    Where searched cells without a find carry no date, `LeaveTimeOut` alone would leave no
    negatives. Here they train or test as their fold says; finds do so by fold and by date. A find
    without a date does neither, since it may tell of the future.

    Parameters
    ----------
    folds
        (training rows, test rows) of each fold of land.
    y
        Labels 0 and 1, shape (n,).
    dates
        Date of every row, as in `LeaveTimeOut.split`.
    until
        Last day of training: datetime64, date or text such as ``2004-06-30``.

    Raises
    ------
    InputError
        If a training or test set would be empty or lack a class.

    Examples
    --------
    Rows 0 to 3 are finds, 4 and 5 searched land without one:

    >>> y, dates = [1, 1, 1, 1, 0, 0], ["2003", "2006", "2003", "2006", None, None]
    >>> folds = [(np.array([2, 3, 5]), np.array([0, 1, 4]))]
    >>> [(a.tolist(), b.tolist()) for a, b in split_by_date(folds, y, dates, until="2004-12-31")]
    [([2, 5], [1, 4])]
    """
    days = _as_days(dates)
    labels = as_labels(y, days.size)
    cut = _as_days(np.asarray([str(until)]))[0]
    early, late = days <= cut, days > cut
    undated = int((np.isnan(days) & (labels == 1)).sum())
    advice = f"{undated} finds have no date. Use another date, fewer folds, or date more finds."
    for number, (train, test) in enumerate(folds):
        kept = train[np.where(labels[train] == 1, early[train], ~late[train])]
        tested = test[np.where(labels[test] == 1, late[test], ~early[test])]
        where = f"Fold {number}, cut at {until}"
        refuse_poor(kept, tested, labels, where=where, advice=advice)
        yield kept, tested


def _as_days(dates: ArrayLike | None) -> NDArray[np.float64]:
    """Return days since 1970-01-01, NaN where not known."""
    if dates is None:
        raise InputError(
            "No dates came; expected one a row. Pass dates= as datetime64 or days since 1970-01-01."
        )
    given = np.asarray(dates)
    if given.dtype.kind in "OUM" and given.ndim == 1:
        days, faults = read_days(pd.Series(given.tolist() if given.dtype.kind == "U" else given))
        if faults:
            raise InputError(
                f"Some dates are not dates ({faults[0].example!r} {LOOKS[faults[0].code]}); "
                "expected 2004-06-30."
            )
        return days.last
    if given.dtype.kind not in "fiu" or given.ndim != 1:
        raise InputError(
            f"The dates are {given.dtype} of shape {given.shape}; expected datetime64 or days "
            "since 1970-01-01, shape (n,)."
        )
    return given.astype(np.float64)
