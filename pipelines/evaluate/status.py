"""`minerisk status`: what changed since a run was made, and how much of its ranking it touches."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.types import AnyArray

from minerisk.features.errors import InputError, MineriskError
from minerisk.features.grid import resolution, strips
from minerisk.features.layers.sources import Layers, VectorSource
from minerisk.features.raster.within import FAR, cells_within, rows_since_mark, squared_reach
from minerisk.features.vector_files.dates import iso_day
from minerisk.models.order_statistics import ValueCounts, no_values
from minerisk.pipelines.evaluate.predicted_land import (
    LandStrip,
    PredictedLand,
    find_places,
    land_above,
    read_land,
)
from minerisk.pipelines.prepare.build import findings_of
from minerisk.pipelines.provenance.clock import now
from minerisk.pipelines.provenance.files import sha256_path
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.comparison import (
    FamilyWorth,
    IncidentCounts,
    LabelChanges,
    LayerChange,
    StateChange,
    Status,
)
from minerisk.pipelines.run.finding_rows import finding_layers, layer_rows, read_rows
from minerisk.pipelines.run.folder import Run

_ROWS = 64
NAMES = {1: "positive", 0: "searched, nothing found", -1: "unlabelled"}


@dataclass(frozen=True)
class Incidents:
    """A file of accidents or finds.

    Attributes
    ----------
    path
        Vector file, any CRS.
    layer
        Layer of it, where there are more than one.
    date
        Column of dates; without it every row counts.
    since
        Day (YYYY-MM-DD) after which rows count; none is the run's ``study_area.as_of``.
    """

    path: Path
    layer: str | None = None
    date: str | None = None
    since: str | None = None


def run_status(run: Run, *, incidents: Incidents | None = None) -> Status:
    """Find what made the rasters of a run stale. Nothing is changed and nothing trained.

    Raises
    ------
    InputError
        If the run is not finished, or the incidents cannot be read.
    """
    land = read_land(run)
    layers = _changed_layers(run)
    changed = {row.layer for row in layers}
    labels = None
    if changed & set(finding_layers(run.config)) and not any(row.missing for row in layers):
        labels = _label_changes(run, land)
    counts = None if incidents is None else _incidents(run, land, incidents)
    return Status(
        schema_version=Status.version,
        stale=bool(layers) or bool(counts and counts.new),
        simulated=run.simulated,
        layers=tuple(layers),
        labels=labels,
        incidents=counts,
        rasters=tuple(_rasters(run.files)),
    )


def _changed_layers(run: Run) -> list[LayerChange]:
    """Compare layers by hash, then finding layers row by row."""
    recorded: dict[str, str] = {}
    for stage in run.manifest().stages:
        recorded |= stage.inputs
    layers, findings = run.layers(), finding_layers(run.config)
    written = {name for name in findings if f"layer:{name}" not in recorded}
    simulated = run.files.simulated
    remade = simulated.is_dir() and sha256_path(simulated) != recorded.get("simulated")
    names = [name.removeprefix("layer:") for name in sorted(recorded) if name.startswith("layer:")]
    rows = []
    for name in [*names, *sorted(written if remade else ())]:
        missing = None
        try:
            if name not in written and layers.sha256(name) == recorded[f"layer:{name}"]:
                continue
        except MineriskError as error:
            missing = str(error)
        new = gone = None
        if missing is None and name in findings:
            new, gone = _row_changes(run, layers, name)
            if name in written and not new + gone:
                continue
        rows.append(_layer_change(run, name, missing, new, gone))
    return rows


def _row_changes(run: Run, layers: Layers, name: str) -> tuple[int, int]:
    """Count the rows that are new, and those that are gone."""
    before, now = read_rows(run).get(name), layer_rows(layers, name)
    if before is None:
        raise InputError(f"{run.folder} has no rows of layer {name} on record. Make the run again.")
    return (now - before).total(), (before - now).total()


def _layer_change(
    run: Run, name: str, missing: str | None, new: int | None, gone: int | None
) -> LayerChange:
    """Find the features that were made of a layer, and what their families are worth."""
    cube = run.cube()
    made = [
        column
        for column in cube.attrs["variables"]
        if name in str(cube[column].attrs.get("layer", "")).split(", ")
    ]
    families = sorted({str(cube[column].attrs.get("family", "")) for column in made})
    worth = {row.family: row.drop for row in run.metrics().importance}
    return LayerChange(
        layer=name,
        missing=missing,
        columns=tuple(made),
        of_columns=len(cube.attrs["variables"]),
        families=tuple(FamilyWorth(family=f, auc_drop=worth.get(f)) for f in families),
        boundary=name == run.config.study_area.boundary,
        rows_new=new,
        rows_gone=gone,
    )


def _label_changes(run: Run, land: PredictedLand) -> LabelChanges:
    """Label the land from the layers as they are now, and compare strip by strip."""
    counts = np.zeros((len(NAMES), len(NAMES)), dtype=np.int64)
    range_m = run.metrics().range_m

    new = no_values()
    with TemporaryDirectory() as place:
        store = begin_changes(Path(place) / "changes.zarr", land.geobox.shape.yx)
        for strip, now in _labelled_anew(run, land):
            np.add.at(counts, (strip.trained + 1, now + 1), 1)
            put_changes(store, strip.rows, strip.trained != now)
            raised = (now == 1) & (strip.trained != 1) & strip.answered
            new = new.with_values(strip.probability[raised])
        within = share_within(land, store, range_m)
    changes = [
        StateChange(before=NAMES[was], after=NAMES[becomes], cells=cells)
        for was in NAMES
        for becomes in NAMES
        if was != becomes and (cells := int(counts[was + 1, becomes + 1]))
    ]
    return LabelChanges(
        cells=tuple(changes),
        changed_cells=int(counts.sum() - np.trace(counts)),
        range_m=range_m,
        ranked_land_within_range=within,
        newly_positive_land_above=_middle_above(land, new),
    )


def _labelled_anew(run: Run, land: PredictedLand) -> Iterator[tuple[LandStrip, NDArray[np.int8]]]:
    """Yield each strip with its labels as they would be now."""
    findings, inside = findings_of(run.config, run.layers()), run.cube()["inside"]
    for strip in land.strips():
        state = findings.label(strip.geobox)["state"].to_numpy()
        yield strip, np.where(inside[strip.rows].to_numpy() == 1, state, np.int8(-1))


def _middle_above(land: PredictedLand, new: ValueCounts) -> float | None:
    """Find the median share of the land that is ranked above cells with these probabilities."""
    count = int(new.counts.sum())
    if not count:
        return None
    places = np.searchsorted(np.cumsum(new.counts), [(count - 1) // 2, count // 2], side="right")
    low, high = new.values[places].tolist()
    above, _ = land_above(land, [low, high])
    return (above[low] + above[high]) / 2


def _incidents(run: Run, land: PredictedLand, given: Incidents) -> IncidentCounts:
    source = VectorSource(given.path.resolve(), layer=given.layer, date_column=given.date)
    layers = Layers({"incidents": source}, source.path.parent, today=now().date())
    frame = layers.vector("incidents", crs=run.config.study_area.crs)
    since = _day(given.since) or run.config.study_area.as_of
    days = layers.days("incidents", frame)
    if days is not None and since is not None:
        frame = frame[days.after(since) | np.isnan(days.last)]  # an unknown date counts
    places = find_places(land, frame)
    new = [place.risk_class for place in places if place.new and place.risk_class is not None]
    return IncidentCounts(
        since=None if given.date is None else since,
        rows=len(frame),
        inside=sum(place.inside for place in places),
        new=len(new),
        classes={name: new.count(name) for name in sorted(set(new))},
    )


def _day(text: str | None) -> dt.date | None:
    day = None if text is None else iso_day(text)
    if text is not None and day is None:
        raise InputError(f"--since {text!r} is no day; expected YYYY-MM-DD.")
    return day


def _rasters(files: RunFolder) -> list[str]:
    found = [*files.rasters.glob("*.tif"), *files.requests.glob("*/*.tif")]
    return sorted(files.name_of(path) for path in found)


def status_lines(data: Status) -> Iterator[str]:
    """Word what changed since a run was made."""
    if data.simulated:
        yield "SIMULATED findings: nothing here is about real land."
    for row in data.layers:
        yield from _layer_lines(row)
    if data.labels:
        yield from _label_lines(data.labels)
    if data.incidents:
        counts = data.incidents
        when = f" since {counts.since}" if counts.since else ""
        classes = ", ".join(f"{count} in {name}" for name, count in counts.classes.items())
        yield (
            f"Incidents{when}: {counts.inside} in the study area, {counts.new} in cells that the "
            f"run was not trained on as positive ({classes or 'none'}). See `minerisk lookback`."
        )
    if data.stale:
        yield f"STALE: {', '.join(data.rasters)}. Make the run again (`minerisk run`)."
    else:
        yield "Nothing has changed since the run was made."


def _layer_lines(row: LayerChange) -> Iterator[str]:
    name = row.layer
    if row.missing:
        yield f"Layer {name} cannot be read: {row.missing}"
        return
    if row.rows_new is None:
        yield f"Layer {name} has other bytes."
    else:
        yield f"Layer {name} (findings): {row.rows_new} rows new, {row.rows_gone} gone."
    if row.boundary:
        yield f"Layer {name} bounds the study area: all of the ranking is touched."
    if row.columns:
        worth = ", ".join(
            f"{item.family} {item.auc_drop:+.3f}"
            for item in row.families
            if item.auc_drop is not None
        )
        yield (
            f"{len(row.columns)} of {row.of_columns} columns are made of {name}; all of the "
            f"ranking can move. ROC-AUC lost on far land without their families: {worth or 'none'}."
        )


def _label_lines(labels: LabelChanges) -> Iterator[str]:
    cells = "; ".join(
        f"{change.cells:,} {change.before} → {change.after}" for change in labels.cells
    )
    yield (
        f"Labels: {labels.changed_cells:,} cells change ({cells or 'none'}). "
        f"{labels.ranked_land_within_range:.0%} of the ranked land lies within "
        f"{labels.range_m / 1_000:.0f} km of one, the range of the findings."
    )
    if labels.newly_positive_land_above is not None:
        yield (
            f"The run ranks {labels.newly_positive_land_above:.0%} of the land above the newly "
            "positive cells (median)."
        )


def begin_changes(path: Path, shape: tuple[int, int]) -> AnyArray:
    """Make a store, on disk, for what `put_changes` finds."""
    return zarr.create_array(
        path,
        shape=shape,
        chunks=(min(_ROWS, shape[0]), shape[1]),
        dtype="int32",
        fill_value=int(FAR),
    )


def put_changes(store: AnyArray, rows: slice, changed: NDArray[np.bool_]) -> None:
    """Put the changed cells of a strip into a store; strips come from north to south."""
    before = np.full(changed.shape[1], FAR)
    if rows.start:
        before = np.asarray(store[rows.start - 1 : rows.start])[0]
    store[rows] = rows_since_mark(changed, before)


def share_within(land: PredictedLand, store: AnyArray, distance_m: float) -> float:
    """Measure the share of the answered land that lies within a distance of changed cells."""
    height, width = land.geobox.shape
    squared = squared_reach(
        distance_m, resolution_m=resolution(land.geobox), longest=height**2 + width**2
    )
    near = answered = 0
    last = np.full(width, FAR)
    for rows in reversed(list(strips((height, width)))):
        above = np.asarray(store[rows])
        below = rows_since_mark(above[::-1] == 0, last)[::-1]
        last = below[0]
        asked = land.strip(rows).answered
        near += int(np.count_nonzero(cells_within(np.minimum(above, below), squared) & asked))
        answered += int(np.count_nonzero(asked))
    return near / max(answered, 1)
