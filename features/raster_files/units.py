"""Units as people write them, and the factor from one to another."""

import re
from dataclasses import dataclass

_LENGTHS = {
    1.0: "m metre metres meter meters masl mamsl mabovesealevel metresabovesealevel "
    "metersabovesealevel",
    0.1: "dm decimetre decimetres decimeter decimeters",
    0.01: "cm centimetre centimetres centimeter centimeters",
    0.001: "mm millimetre millimetres millimeter millimeters",
    1000.0: "km kilometre kilometres kilometer kilometers",
    0.3048: "ft foot feet internationalfoot internationalfeet footintl ftintl",
    1200.0 / 3937.0: "ftus usft ussft sft usfoot usfeet ussurveyfoot ussurveyfeet footus "
    "footussurvey footusa surveyfoot surveyfeet",
    0.9144: "yd yard yards",
    1.8288: "fathom fathoms",
}
_ANGLES = {1.0: "deg degree degrees °", 57.29577951308232: "rad radian radians"}
_SHARES = {1.0: "1 ratio fraction dimensionless unitless", 0.01: "% percent per100 pct"}
_NOT_STATED = {"", "none", "unknown", "null", "n/a", "na", "-"}
_SIGNS = re.compile(r"[\s_()\-]+|\.(?!\d)|(?<!\d)\.")  # a point between digits is a decimal one
_NUMBERED = re.compile(r"(\d+(?:\.\d+)?)[*x·×]?([^\d.].*)")


@dataclass(frozen=True)
class Unit:
    """A unit that can be converted.

    Attributes
    ----------
    what
        ``length``, ``angle`` or ``share``.
    factor
        From this unit to metres, degrees or a share of one.
    """

    what: str
    factor: float


_KNOWN = {
    word: Unit(what, factor)
    for what, table in (("length", _LENGTHS), ("angle", _ANGLES), ("share", _SHARES))
    for factor, words in table.items()
    for word in words.split()
}


def stated(text: str | None) -> str | None:
    """Return a unit's name as it was written, or None where it says that there is none."""
    if text is None or text.strip().lower() in _NOT_STATED:
        return None
    return text.strip()


def parse_unit(text: str) -> Unit | None:
    """Recognise a unit; None where it is not known.

    Examples
    --------
    >>> parse_unit("US survey foot").factor == 1200 / 3937
    True
    >>> parse_unit("0.1 m")
    Unit(what='length', factor=0.1)
    >>> parse_unit("IGBP class") is None
    True
    """
    word = _SIGNS.sub("", text.lower())
    if word in _KNOWN:
        return _KNOWN[word]
    numbered = _NUMBERED.fullmatch(word)
    if numbered and numbered[2] in _KNOWN:
        known = _KNOWN[numbered[2]]
        return Unit(known.what, known.factor * float(numbered[1]))
    return None


def factor_between(own: str, wanted: str) -> float | None:
    """Return what values in `own` are multiplied by to be in `wanted`; None where nothing does.

    Examples
    --------
    >>> factor_between("feet", "m")
    0.3048
    >>> factor_between("percent", "degree") is None
    True
    """
    if own.casefold() == wanted.casefold():
        return 1.0
    one, other = parse_unit(own), parse_unit(wanted)
    if one is None or other is None or one.what != other.what:
        return None
    return one.factor / other.factor


def is_length(text: str) -> bool:
    """Return whether a unit is known, and one of length."""
    unit = parse_unit(text)
    return unit is not None and unit.what == "length"


def contradict(one: str, other: str) -> bool:
    """Return whether both units are known, and not the same.

    Examples
    --------
    >>> contradict("metre", "m"), contradict("ft", "m"), contradict("DEGURBA class", "m")
    (False, True, False)
    """
    first, second = parse_unit(one), parse_unit(other)
    return first is not None and second is not None and first != second
