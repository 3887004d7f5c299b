"""The districts of a run as people look for them: by any spelling that their layer has."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from minerisk.features.errors import MineriskError
from minerisk.pipelines.run.folder import Run

SPELLINGS = ("name", "alt", "local", "variant")
MOST = 400
"""Letters of all spellings of a district."""


@dataclass(frozen=True)
class District:
    """A district, by the name that a request gives, and its other spellings."""

    name: str
    spellings: str


def districts_of(run: Run, names: Sequence[str]) -> list[District]:
    """List districts with their spellings: what else of their layer is called a name."""
    asked = run.config.study_area.districts
    if asked is None or not names:
        return []
    try:
        frame = run.layers().vector(asked.layer, crs=run.config.study_area.crs)
    except (MineriskError, OSError):
        return [District(name, "") for name in names]
    columns = [
        str(column) for column in frame.columns
        if column not in (asked.name_column, frame.geometry.name)
        and any(word in str(column).lower() for word in SPELLINGS)
        and pd.api.types.is_string_dtype(frame[column])
    ]  # fmt: skip
    found = dict[str, dict[str, None]]()
    for row in frame[[asked.name_column, *columns]].itertuples(index=False):
        others = found.setdefault(str(row[0]), {})
        others |= {str(value): None for value in row[1:] if isinstance(value, str) and value}
    return [
        District(name, ", ".join(other for other in found.get(name, {}) if other != name)[:MOST])
        for name in names
    ]
