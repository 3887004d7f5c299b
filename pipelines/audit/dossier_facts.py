"""What the pages of a dossier show besides the model card: settings tried, dates, figures."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from odc.geo.geom import point
from pydantic import JsonValue

from minerisk.features.cube.store import open_store
from minerisk.features.errors import InputError
from minerisk.features.grid import strips
from minerisk.models.evaluation.results import RegionScores
from minerisk.models.selection.trials import Search, Setting, Trial
from minerisk.pipelines.evaluate.ablation import setup_words
from minerisk.pipelines.language.messages import Texts
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.evaluations import AblationRow, Ablations
from minerisk.pipelines.records.metrics import Trials

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
    searches = Trials.read(files.trials).searches
    return tuple(_tried(protocol, search) for protocol, search in searches.items())


def _tried(protocol: str, search: Search) -> TriedTable:
    recorded = [_recorded(trial) for trial in search.trials]
    names = {name: None for values in recorded for name in values}
    columns = tuple(sorted(names, key=lambda name: (name not in {"choice", "trial"}, name)))
    rows = tuple(
        TriedRow(
            trial.failed is None and search.is_chosen(trial),
            tuple(plain(values.get(column)) for column in columns),
        )
        for trial, values in zip(search.trials, recorded, strict=True)
    )
    return TriedTable(protocol, columns, rows)


def _recorded(trial: Trial) -> dict[str, Setting]:
    """Gather what is on record of a trial, by name."""
    values: dict[str, Setting] = {"choice": trial.choice, "trial": trial.trial, **trial.settings}
    if trial.failed is not None:
        values["failed"] = trial.failed
    return values | ({} if trial.scores is None else asdict(trial.scores))


def plain(value: JsonValue) -> str:
    """Show a setting: numbers with six digits, – where there is none."""
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.6g}"
    return "–" if value is None else str(value)


def evidence_dates(labels: Path) -> tuple[str, str] | None:
    """Find the first and last date of evidence, ISO 8601; None where none carries a date."""
    if not labels.exists():
        return None
    days, least, most = open_store(labels)["last_date"], math.inf, -math.inf
    for rows in strips(days.shape):
        part = days[rows].to_numpy()
        known = part[np.isfinite(part)]
        least, most = min(least, known.min(initial=least)), max(most, known.max(initial=most))
    if least > most:
        return None
    first, last = (str(np.datetime64(int(day), "D")) for day in (least, most))
    return first, last


def region_places(rows: Sequence[RegionScores], crs: str) -> dict[int, tuple[float, float]]:
    """Compute latitude and longitude of the middle of each region."""
    found = {}
    for row in rows:
        middle = point(row.easting, row.northing, crs).to_crs("EPSG:4326")
        (longitude, latitude), *_ = middle.coords
        found[row.region] = (latitude, longitude)
    return found


@dataclass(frozen=True)
class AblationPart:
    """What an ablation measured on one study area, and what every model was scored with."""

    setup: str
    rows: tuple[AblationRow, ...]


def read_ablation(path: Path, *, study_area: str, texts: Texts) -> AblationPart:
    """Read what `minerisk ablate` measured on a study area.

    Raises
    ------
    InputError
        If the file is no ablation, or of other study areas.
    """
    areas = Ablations.read(path).areas
    if study_area not in areas:
        raise InputError(
            f"{path} is an ablation of {', '.join(areas)}; expected one of {study_area}."
        )
    found = areas[study_area]
    return AblationPart(setup_words(found.setup, texts), found.rows)
