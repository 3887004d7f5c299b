"""`minerisk compare`: what two runs differ in, and what follows from it on the map."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from pydantic import JsonValue

from minerisk.features.errors import CoverError, InputError, MineriskError
from minerisk.features.layers.vectors import read_frame
from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.comparison import compare
from minerisk.models.folds.blocks import assign_blocks
from minerisk.pipelines.evaluate.districts import Districts, read_districts
from minerisk.pipelines.evaluate.land_kinds import read_land_kinds
from minerisk.pipelines.evaluate.predicted_land import read_land
from minerisk.pipelines.evaluate.ranking_shift import (
    Division,
    MovedStrip,
    Part,
    measure_moves,
    rank_both,
    task_moves,
    write_map,
)
from minerisk.pipelines.formats.cog import check_cover, read_raster_like
from minerisk.pipelines.formats.csv_table import csv_text
from minerisk.pipelines.predict.bands import RISK_CLASS, UNMASKED
from minerisk.pipelines.provenance.environment import environment_causes
from minerisk.pipelines.provenance.files import write_whole
from minerisk.pipelines.records.comparison import (
    Change,
    ChangeKind,
    Comparison,
    Moves,
    SharedScores,
    TaskMoves,
)
from minerisk.pipelines.records.lookback import Grouping
from minerisk.pipelines.records.manifest import Manifest
from minerisk.pipelines.run.folder import Run, marks_of

MEASURES = ("roc_auc", "average_precision", "found_in_top_20", "calibration_slope")
PROTOCOLS = ("far", "near")


def compare_runs(one: Run, two: Run, *, out: Path | None = None) -> Comparison:
    """Compare two finished runs; nothing of either is changed.

    Parameters
    ----------
    one, two
        Differences are those of the second from the first.
    out
        Folder for ``comparison.json``, ``districts.csv``, ``rank_shift.tif`` and
        ``rank_shift.png``, outside both.

    Raises
    ------
    InputError
        If either is not a finished run, or `out` lies in one.
    """
    for run in (one, two):
        if out is not None and out.resolve().is_relative_to(run.folder.resolve()):
            raise InputError(f"{out} lies in the run folder {run.folder}. Choose another --out.")
        run.manifest().done("train")
    maps = _maps(one, two, out)
    found = Comparison(
        schema_version=Comparison.version,
        first=one.manifest().head,
        second=two.manifest().head,
        simulated=one.simulated or two.simulated,
        settings=tuple(changes(_settings(one), _settings(two))),
        data=tuple(changes(_data(one.manifest()), _data(two.manifest()))),
        made_with=tuple(
            environment_causes(
                one.manifest().environment("train"), two.manifest().environment("train")
            )
        ),
        scores=shared_scores(one, two),
        regions=maps.regions,
        districts=maps.districts,
        no_regions=maps.no_regions,
        no_districts=maps.no_districts,
        tasks=_tasks(one, two),
    )
    if out is not None:
        write_whole(out / "comparison.json", found.to_json())
        if found.districts:
            table = _table(found.districts).assign(**marks_of(one, two).columns)
            write_whole(out / "districts.csv", csv_text(table))
    return found


def changes(before: Mapping[str, JsonValue], now: Mapping[str, JsonValue]) -> Iterator[Change]:
    """List what differs between two tables of names, by name."""
    for name in sorted(before.keys() | now.keys()):
        if name not in now:
            yield Change(kind=ChangeKind.REMOVED, name=name, then=before[name])
        elif name not in before:
            yield Change(kind=ChangeKind.ADDED, name=name, now=now[name])
        elif before[name] != now[name]:
            yield Change(kind=ChangeKind.CHANGED, name=name, then=before[name], now=now[name])


def shared_scores(one: Run, two: Run) -> SharedScores:
    """Score both runs on the cells that both held out with the same label."""
    tables = [_held_out(one), _held_out(two)]
    both = tables[0].merge(tables[1], on=["easting", "northing"], suffixes=("_first", "_second"))
    same = both[both["state_first"] == both["state_second"]]
    return SharedScores(
        cells=(len(tables[0]), len(tables[1])),
        shared=len(both),
        same_label=len(same),
        protocols=_differences(one, two, same),
    )


def _held_out(run: Run) -> pd.DataFrame:
    columns = {f"{name}_model": name for name in PROTOCOLS}
    table = run.held_out(*columns)
    return table[["easting", "northing", "state", *columns]].rename(columns=columns)


def _differences(one: Run, two: Run, same: pd.DataFrame) -> dict[str, dict[str, Estimate]]:
    """Compare by protocol and measure; empty where too few cells are shared."""
    if not len(same):
        return {}
    y = (same["state_first"].to_numpy() == 1).astype(np.int8)
    block_m = max(run.metrics().block_m for run in (one, two))
    blocks = assign_blocks(same[["easting", "northing"]].to_numpy(), block_m=block_m)
    if not 0 < y.sum() < y.size or len(np.unique(blocks)) < 2:
        return {}
    found = {}
    for name in PROTOCOLS:
        now, before = (same[f"{name}_{side}"].to_numpy(float) for side in ("second", "first"))
        differences = compare(y, now, before, blocks, cell_ha=_cell_ha(one))
        found[name] = {measure: Estimate.of(differences[measure]) for measure in MEASURES}
    return found


def _cell_ha(run: Run) -> float:
    """Area that a labelled cell stands for, as `CellTable.cell_ha`."""
    cells = run.metrics().cells
    labelled = cells.positive + cells.negative
    return run.config.study_area.cell_ha * labelled / (cells.drawn or labelled)


def _settings(run: Run) -> dict[str, JsonValue]:
    return dict(_flat(run.config.model_dump(mode="json")))


def _flat(value: JsonValue, name: str = "") -> Iterator[tuple[str, JsonValue]]:
    """Name each plain value of a nested one: ``features.0.cap_m``."""
    if isinstance(value, dict):
        pairs: list[tuple[str, JsonValue]] = list(value.items())
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        pairs = [(str(number), item) for number, item in enumerate(value)]
    else:
        yield name, value
        return
    for key, item in pairs:
        yield from _flat(item, f"{name}.{key}" if name else key)


def _data(manifest: Manifest) -> dict[str, JsonValue]:
    """Name what the cube and the labels were made of: layers, and simulated findings."""
    inputs = manifest.done("build").inputs
    return {
        name.replace("layer:", "layer "): digest
        for name, digest in inputs.items()
        if name.startswith("layer:") or name == "simulated"
    }


class _Maps(NamedTuple):
    """What the maps of two runs show, or why they cannot be compared."""

    regions: tuple[Moves, ...] | None = None
    districts: tuple[Moves, ...] | None = None
    no_regions: str | None = None
    no_districts: str | None = None


def _maps(one: Run, two: Run, out: Path | None) -> _Maps:
    land = read_land(one)
    read_land(two)  # its rasters are as it wrote them
    try:
        for name in (UNMASKED, RISK_CLASS):
            check_cover(two.files.raster(name), land.geobox)
    except CoverError as error:
        return _Maps(no_regions=str(error), no_districts=str(error))
    second = two.files.raster(UNMASKED), two.files.raster(RISK_CLASS)
    rankings = rank_both(
        (strip.probability, read_raster_like(second[0], strip.geobox)) for strip in land.strips()
    )

    def moved() -> Iterator[MovedStrip]:
        for strip in land.strips():
            probability, classes = (read_raster_like(path, strip.geobox) for path in second)
            shift = rankings.shift(strip.probability, probability)
            yield MovedStrip(strip.rows, strip.geobox, shift, strip.classes, classes)

    if out is not None:
        marks = marks_of(one, two)
        write_map(
            out,
            moved(),
            land.geobox,
            title=f"{two.config.study_area.title}: what moved in the ranking",
            marks=marks,
        )
    divided = [_everything(), _regions(one)]
    try:
        districts = read_districts(two)
    except MineriskError as error:
        whole, regions = measure_moves(moved(), divided, cell_ha=land.cell_ha)
        return _Maps(regions=(*whole, *regions), no_districts=str(error))
    divided.append(_districts(districts))
    whole, regions, named = measure_moves(moved(), divided, cell_ha=land.cell_ha)
    ordered = sorted(named, key=lambda row: (-row.changed_ha, row.district or ""))
    return _Maps(regions=(*whole, *regions), districts=tuple(ordered))


def _everything() -> Division:
    return lambda strip: np.zeros(strip.one.shape, dtype=np.int64), [Part()]


def _regions(run: Run) -> Division:
    """Divide the land by the regions of a run, and land that nobody surveyed."""
    names, codes = read_land_kinds(run)[Grouping.REGION]
    return lambda strip: codes(strip.rows), [Part(region=int(name)) for name in names]


def _districts(districts: Districts) -> Division:
    parts = [Part(district=name) for name in districts.names]
    return lambda strip: districts.codes(strip.geobox), parts


def _table(rows: Sequence[Moves]) -> pd.DataFrame:
    named = [
        {
            **row.model_dump(exclude={"region", "changes"}),
            "changes": "; ".join(
                f"{change.before} → {change.after} {change.hectares:,.0f} ha"
                for change in row.changes
            ),
        }
        for row in rows
    ]
    return pd.DataFrame(named)


def _tasks(one: Run, two: Run) -> TaskMoves:
    frames = [read_frame(run.files.tasks_gpkg, layer="tasks") for run in (one, two)]
    return task_moves(frames[0], frames[1].to_crs(frames[0].crs))
