"""Numbers and intervals in words, rounded for a reader."""

import math
from typing import Any


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


def number(value: Any, kind: str = "number") -> str:
    """Word one number: ``number``, ``share`` (as per cent) or ``hectares``; – if there is none."""
    if isinstance(value, bool | str):
        return str(value)
    if value is None or not math.isfinite(float(value)):
        return "–"
    if kind == "share":
        per_cent = 100 * float(value)
        return f"{per_cent:.0f} %" if abs(per_cent) >= 9.95 else f"{per_cent:.2g} %"
    if kind == "hectares" or abs(float(value)) >= 1000:
        return f"{float(value):,.0f}"
    return f"{float(value):.3f}" if abs(float(value)) < 10 else f"{float(value):.4g}"


def listed(values: Any) -> list[Any]:
    """Give a list of values; of one value, if it is one."""
    return list(values) if isinstance(values, list | tuple) and values else [values]
