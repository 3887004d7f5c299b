"""Languages beside English. Light: the command line reads it before anything heavy."""

from typing import Literal

OtherLanguage = Literal["az", "ru"]
"""Languages of pages and packs beside English (ISO 639-1)."""
