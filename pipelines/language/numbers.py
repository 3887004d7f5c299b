"""Numbers as a reader sees them: rounded, with a unit, thousands apart."""

import math
from typing import Any, Literal

Kind = Literal["number", "share", "hectares", "count"]
"""``share`` is shown as per cent, ``hectares`` and ``count`` without decimals."""
NONE = "–"


def number(value: Any, kind: str = "number", *, group: str = ",") -> str:
    """Word one number; – where there is none.

    Parameters
    ----------
    value
        A share is 0 to 1.
    kind
        What it is a number of.
    group
        What stands between thousands.
    """
    if isinstance(value, bool | str):
        return str(value)
    if value is None or not math.isfinite(value):
        return NONE
    return _plain(float(value), kind).replace(",", group)


def _plain(value: float, kind: str) -> str:
    if kind == "share":
        per_cent = 100 * value
        return f"{per_cent:.0f} %" if abs(per_cent) >= 9.95 else f"{per_cent:.2g} %"
    if kind != "number" or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.4g}"


def interval(values: Any, kind: str = "number", *, to: str = "to") -> tuple[str, str]:
    """Word an estimate and its interval: ``[estimate, low, high]``, or one number.

    Parameters
    ----------
    to
        What stands between the ends of an interval.

    Returns
    -------
    estimate, interval
        The interval is empty where there is none.
    """
    words = [number(value, kind) for value in listed(values)]
    if len(words) < 3 or "–" in words:
        return words[0], ""
    return words[0], f"{words[1].removesuffix(' %')} {to} {words[2]}"


def listed(values: Any) -> list[Any]:
    """Give a list of values; of one value, if it is one."""
    return list(values) if isinstance(values, list | tuple) and values else [values]
