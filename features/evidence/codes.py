"""Codes of what was found: kinds of evidence, and hazard classes as bits."""

EVIDENCE = {"find": 1, "accident": 2, "confirmed": 3, "suspicion": 4, "cleared": 5}
HAZARD_BITS = {"ap": 1, "at": 2, "uxo": 4, "any": 8}
