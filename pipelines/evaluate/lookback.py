"""`minerisk lookback`: what a run predicted where something happened later, and why."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.features.layers.intake import sha256_of
from minerisk.features.layers.sources import Layers, VectorSource
from minerisk.features.layers.vectors import read_frame
from minerisk.models.attribution import attribute_to_families
from minerisk.pipelines.evaluate.land_kinds import LandKinds, read_land_kinds
from minerisk.pipelines.evaluate.miss_patterns import Shares, miss_patterns, pattern_lines
from minerisk.pipelines.evaluate.predicted_land import (
    PredictedLand,
    cells_at,
    find_places,
    read_land,
)
from minerisk.pipelines.formats.csv_table import csv_text
from minerisk.pipelines.provenance.files import write_whole
from minerisk.pipelines.records.evaluations import FindPlace
from minerisk.pipelines.records.lookback import Event, EventsFile, FamilyReason, Grouping, Lookback
from minerisk.pipelines.run.contents import feature_families, read_places
from minerisk.pipelines.run.folder import Run, marks_of
from minerisk.pipelines.run.row_blocks import cells_of_rows

SHOWN = 3

Explain = Callable[[Run, NDArray[np.int64], NDArray[np.int64]], list[dict[str, float]]]
"""From a run and the rows and columns of cells to what each family of features added, log-odds."""


def reasons_by_family(
    run: Run, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> list[dict[str, float]]:
    """Compute what each family of features added to the score of cells.

    Parameters
    ----------
    rows, columns
        Places in the grid, shape ``(n,)``; a cell may come more than once.

    Returns
    -------
    list of dict
        For each place, family to log-odds, of any kind of model (see
        `minerisk.models.attribution.attribute_to_families`).
    """
    places, order = np.unique(np.column_stack([rows, columns]), axis=0, return_inverse=True)
    cells, model = read_places(run, *places.T).cells, run.model()
    names, values = attribute_to_families(model, model.columns(cells), feature_families(run))
    return [dict(zip(names, map(float, values[place]), strict=True)) for place in order.ravel()]


def look_back(
    run: Run,
    events: Path,
    *,
    layer: str | None = None,
    kind: str | None = None,
    out: Path | None = None,
    explain: Explain = reasons_by_family,
) -> Lookback:
    """Look up what a run predicted where something happened after it.

    Nothing of the run is changed.

    Parameters
    ----------
    events
        Vector file, any CRS: accidents or finds, as points or polygons.
    layer
        Layer of that file, where it has more than one.
    kind
        Column by which events are counted apart, such as the kind of accident.
    out
        Folder for ``lookback.json`` and ``lookback.csv``, outside the run.
    explain
        Computes why; see `reasons_by_family`.

    Raises
    ------
    InputError
        If no event lies in the study area, or the run's rasters are not as it wrote them.
    """
    if out is not None and out.resolve().is_relative_to(run.folder.resolve()):
        raise InputError(f"{out} lies in the run folder {run.folder}. Choose another place.")
    land = read_land(run)
    frame = _frame(run, events, layer, kind)
    places = find_places(land, frame)
    inside = [place for place in places if place.inside]
    if not inside:
        raise InputError(
            f"None of the {len(places)} events of {events.name} lies in the study area of "
            f"{run.folder}. Check the layer, and that the run is of the same land."
        )
    kinds = [None if kind is None else str(frame[kind].iloc[place.find]) for place in inside]
    land_kinds = read_land_kinds(run)
    found = _events(run, land, inside, kinds, land_kinds, explain)
    data = Lookback(
        schema_version=Lookback.version,
        study_area=run.config.study_area.name,
        simulated=run.simulated,
        events_file=EventsFile(file=events.name, sha256=sha256_of(events.resolve())),
        head=run.manifest().head,
        outside_study_area=len(places) - len(inside),
        events=tuple(found),
        patterns=miss_patterns(land, found, _shares(land, land_kinds)),
    )
    if out is not None:
        write_whole(out / "lookback.json", data.to_json())
        write_whole(out / "lookback.csv", csv_text(_table(found).assign(**marks_of(run).columns)))
    return data


def lookback_lines(data: Lookback) -> Iterator[str]:
    """Word what was looked up."""
    patterns = data.patterns
    if data.simulated:
        yield "SIMULATED findings: nothing here is about real land."
    yield (
        f"{len(data.events)} events lie in the study area ({data.outside_study_area} do not); "
        f"{patterns.known_before} lie in cells that the run was trained on as positive, "
        f"{patterns.new} are new."
    )
    if patterns.new:
        for row in patterns.classes:
            yield (
                f"{row.risk_class}: {row.events} of {patterns.new} new events, on "
                f"{row.land_share:.1%} of land."
            )
        yield (
            f"{patterns.missed} were missed (class lower), {patterns.cannot_say} lie where the run "
            f"cannot say, {patterns.tasked} lie in a survey task."
        )
    yield from pattern_lines(patterns)


def _frame(run: Run, events: Path, layer: str | None, kind: str | None) -> gpd.GeoDataFrame:
    source = VectorSource(events.resolve(), layer=layer)
    layers = Layers({"events": source}, source.path.parent)
    frame = layers.vector("events", crs=run.config.study_area.crs)
    if kind is not None and kind not in frame:
        raise InputError(f"{events.name} has no column {kind!r}; it has {list(frame.columns)}.")
    return frame


def _events(
    run: Run,
    land: PredictedLand,
    places: Sequence[FindPlace],
    kinds: Sequence[str | None],
    land_kinds: dict[Grouping, LandKinds],
    explain: Explain,
) -> list[Event]:
    """Add to each place what the land is like there, its task, and the reasons."""
    rows, columns = cells_at(land.geobox, places)

    def values(by: Grouping) -> list[str | None]:
        if by not in land_kinds:
            return [None] * len(places)
        names, read = land_kinds[by]
        codes = cells_of_rows(read, land.geobox.shape, rows, columns)
        return [names[code] if code >= 0 else None for code in codes.tolist()]

    made = zip(
        places,
        kinds,
        values(Grouping.REGION),
        values(Grouping.LINE),
        values(Grouping.COVER),
        _tasks(run, places),
        _reasons(run, land, places, explain),
        strict=True,
    )
    return [
        Event(
            place=place,
            kind=kind,
            region=None if region is None else int(region),
            line=line,
            cover=cover,
            task=task,
            task_rank=rank,
            reasons=reasons,
        )
        for place, kind, region, line, cover, (task, rank), reasons in made
    ]


def _shares(land: PredictedLand, land_kinds: dict[Grouping, LandKinds]) -> Shares:
    """Compute which share of the study area is of each kind of land."""
    cells, counts = 0, {by: np.zeros(len(kinds.names)) for by, kinds in land_kinds.items()}
    for strip in land.strips():
        cells += int(np.count_nonzero(strip.asked))
        for by, kinds in land_kinds.items():
            codes = kinds.codes(strip.rows)
            known = codes[strip.asked & (codes >= 0)]
            counts[by] += np.bincount(known, minlength=len(kinds.names))
    shares: dict[Grouping, dict[str | int, float]] = {}
    for by, kinds in land_kinds.items():
        keys = [int(name) if by is Grouping.REGION else name for name in kinds.names]
        shares[by] = dict(zip(keys, (counts[by] / cells).tolist(), strict=True))
    return shares


def _tasks(run: Run, places: Sequence[FindPlace]) -> list[tuple[str | None, int | None]]:
    """Find the task that each place lies in, and its rank; control tasks have none."""
    path = run.files.tasks_gpkg
    if not path.is_file():
        return [(None, None)] * len(places)
    tasks = read_frame(path, layer="tasks")
    found: list[tuple[str | None, int | None]] = []
    for place in places:
        hit = tasks[tasks.intersects(shapely.Point(place.easting, place.northing))]
        if not len(hit):
            found.append((None, None))
            continue
        rank = hit["rank"].iloc[0]
        found.append((str(hit["task"].iloc[0]), None if pd.isna(rank) else int(rank)))
    return found


def _reasons(
    run: Run, land: PredictedLand, places: Sequence[FindPlace], explain: Explain
) -> list[tuple[FamilyReason, ...]]:
    """Order what each family added, greatest first; nothing where the run cannot say."""
    known = [number for number, place in enumerate(places) if place.probability is not None]
    found: list[tuple[FamilyReason, ...]] = [()] * len(places)
    if not known:
        return found
    rows, columns = cells_at(land.geobox, [places[number] for number in known])
    for number, added in zip(known, explain(run, rows, columns), strict=True):
        ordered = sorted(added.items(), key=lambda item: (-abs(item[1]), item[0]))
        found[number] = tuple(FamilyReason(family=n, log_odds=value) for n, value in ordered)
    return found


def _table(events: Sequence[Event]) -> pd.DataFrame:
    rows = []
    for event in events:
        shown = [f"{reason.family} {reason.log_odds:+.2f}" for reason in event.reasons[:SHOWN]]
        facts = event.model_dump(exclude={"place", "reasons"})
        rows.append({**event.place.model_dump(), **facts, "reasons": "; ".join(shown)})
    return pd.DataFrame(rows)
