"""Numbers as a reader sees them: rounded, with a unit, thousands apart."""

import math
from typing import Literal

Kind = Literal["number", "share", "hectares", "count", "amount"]
"""``share`` is shown as per cent, ``hectares`` and ``count`` without decimals, ``amount`` as people
write how much there is of something: two digits that count, and no decimals from 10 up."""
NONE = "–"


def number(value: float | None, kind: Kind = "number", *, group: str = ",") -> str:
    """Word one number; – where there is none.

    Parameters
    ----------
    value
        A share is 0 to 1.
    kind
        What it is a number of.
    group
        What stands between thousands.

    Examples
    --------
    >>> number(0.0123, "share"), number(12345.6, "hectares"), number(0.12345), number(None)
    ('1.2 %', '12,346', '0.123', '–')
    >>> number(1.8276, "amount"), number(81.86, "amount"), number(25.0, "amount")
    ('1.8', '82', '25')
    """
    if value is None or not math.isfinite(value):
        return NONE
    return _plain(float(value), kind).replace(",", group)


def _plain(value: float, kind: Kind) -> str:
    if kind == "share":
        per_cent = 100 * value
        return f"{per_cent:.0f} %" if abs(per_cent) >= 9.95 else f"{per_cent:.2g} %"
    if kind == "amount" and abs(value) < 9.95:
        return f"{value:.2g}"
    if kind != "number" or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.4g}"
