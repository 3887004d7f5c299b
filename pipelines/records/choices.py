"""What is chosen by name: the same names on the command line, in records and in schemas."""

from typing import Literal

Hazard = Literal["any", "ap", "at", "uxo", "found"]
"""Any hazard, anti-personnel mines, anti-tank mines, unexploded ordnance; any, ranked for finds."""

Language = Literal["en", "az", "ru"]
"""English, Azerbaijani, Russian."""

Export = Literal["survey123"]
"""A program whose exports of survey results keep days as milliseconds since 1970."""

DecisionName = Literal["approve", "reject", "withdraw"]
"""What a reviewer can decide of a run."""
