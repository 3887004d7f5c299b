"""Codes of what was found: kinds of evidence, and hazard classes as bits."""

EVIDENCE = {"find": 1, "accident": 2, "confirmed": 3, "suspicion": 4, "cleared": 5}
EVIDENCE_BITS = {name: 1 << (code - 1) for name, code in EVIDENCE.items()}
REAL_FINDS = ("find", "accident", "confirmed")
"""Kinds of evidence of what was found; suspected areas were drawn by people who knew the line."""
HAZARD_BITS = {"ap": 1, "at": 2, "uxo": 4, "any": 8}
