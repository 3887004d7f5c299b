"""What the pages of a dossier show besides the model card: settings tried, dates, figures."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pydantic
import xarray as xr
from odc.geo.geom import point

from minerisk.features.errors import InputError
from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.measures import Measure
from minerisk.models.evaluation.results import RegionScores
from minerisk.models.folds.protocol import ProtocolName
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.metrics import Setting

FIGURE_WORDS: Mapping[str, str] = {
    "capture": marked("Land to survey, in the model's order, until this share is found"),
    "folds": marked("Which land was held out together"),
    "importance": marked("What the ranking loses when a family of features is shuffled"),
    "regions": marked("Each region left out whole; the dotted line is chance"),
    "reliability": marked("Predicted against found; the dotted line is as it should be"),
}


@dataclass(frozen=True)
class Figure:
    """A picture under ``figures/``: what it shows, and of what."""

    file: str
    words: str
    detail: str = ""


def figures_of(files: RunFolder, kinds: Sequence[str]) -> list[Figure]:
    """List the figures of a run of these kinds; folds include their maps."""
    return [
        Figure(
            path.name,
            FIGURE_WORDS[kind],
            path.stem.removeprefix(kind).strip("_").replace("_", " "),
        )
        for kind in kinds
        for path in sorted(files.figures.glob(f"{kind}*.png"))
    ]


class _Trial(pydantic.BaseModel):
    """A setting that was tried: of which training set, and everything else that is on record."""

    model_config = pydantic.ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, Setting | None]

    choice: int | None = None
    trial: int | None = None

    def value(self, column: str) -> Setting | None:
        """Return what is on record under a name."""
        return dict(self).get(column)


class _Search(pydantic.BaseModel):
    """The settings that were tried for a protocol, and those chosen in each training set."""

    trials: tuple[_Trial, ...]
    chosen: tuple[Mapping[str, Setting], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all that is on record: training set and trial first."""
        found = {name: None for trial in self.trials for name, _ in trial}
        return tuple(sorted(found, key=lambda name: (name not in {"choice", "trial"}, name)))

    def is_chosen(self, trial: _Trial) -> bool:
        """Check whether a trial has the settings that were chosen in its training set."""
        if trial.choice is None or not 0 <= trial.choice < len(self.chosen):
            return False
        return all(trial.value(name) == value for name, value in self.chosen[trial.choice].items())


_SEARCHES = pydantic.TypeAdapter(dict[str, _Search])


@dataclass(frozen=True)
class TriedRow:
    """A setting that was tried, as it is shown."""

    chosen: bool
    settings: tuple[str, ...]


@dataclass(frozen=True)
class TriedTable:
    """Settings that were tried for the folds of a protocol."""

    protocol: str
    columns: tuple[str, ...]
    rows: tuple[TriedRow, ...]


def read_tried(files: RunFolder) -> tuple[TriedTable, ...]:
    """List every setting that was tried; nothing where none was searched."""
    if not files.trials.is_file():
        return ()
    found = _SEARCHES.validate_json(files.trials.read_bytes())
    return tuple(
        TriedTable(
            protocol,
            search.columns,
            tuple(
                TriedRow(
                    search.is_chosen(trial),
                    tuple(plain(trial.value(column)) for column in search.columns),
                )
                for trial in search.trials
            ),
        )
        for protocol, search in found.items()
    )


def plain(value: Setting | None) -> str:
    """Show a setting: numbers with six digits, – where there is none."""
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.6g}"
    return "–" if value is None else str(value)


def evidence_dates(labels: Path) -> tuple[str, str] | None:
    """Find the first and last date of evidence, ISO 8601; None where none carries a date."""
    if not labels.exists():
        return None
    days = xr.open_zarr(labels, chunks=None, consolidated=False)["last_date"].to_numpy()
    known = days[np.isfinite(days)]
    if not known.size:
        return None
    first, last = (str(np.datetime64(int(day), "D")) for day in (known.min(), known.max()))
    return first, last


def region_places(rows: Sequence[RegionScores], crs: str) -> dict[int, tuple[float, float]]:
    """Compute latitude and longitude of the middle of each region."""
    found = {}
    for row in rows:
        middle = point(row.easting, row.northing, crs).to_crs("EPSG:4326")
        (longitude, latitude), *_ = middle.coords
        found[row.region] = (latitude, longitude)
    return found


class AblationRow(pydantic.BaseModel):
    """What a model gains by a family of features, or loses without it."""

    family: str
    change: str
    protocol: ProtocolName
    measure: Measure
    difference: float | None
    lower: float | None
    upper: float | None

    @property
    def estimate(self) -> Estimate:
        """The difference, with its interval."""
        return Estimate(self.difference, self.lower, self.upper)


class Ablation(pydantic.BaseModel):
    """The parts of ``ablation.json`` that a dossier shows."""

    words: str
    rows: tuple[AblationRow, ...]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `minerisk ablate` wrote.

        Raises
        ------
        InputError
            If it is no ablation.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValueError) as error:
            raise InputError(
                f"{path} cannot be read as an ablation ({error}); expected what `minerisk ablate` "
                "wrote."
            ) from error
