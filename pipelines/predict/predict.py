"""From a trained run to risk rasters, for all its land or a part of it."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from minerisk.features.coverage import LINES_KNOWN
from minerisk.features.cube.store import families_of, open_cube
from minerisk.features.cube.zarr_files import remove_store
from minerisk.features.errors import MakeAgainError
from minerisk.features.grid import count_marked, mask_sha256, strips
from minerisk.pipelines.formats.cog import RasterWriter, raster_files, read_raster_like
from minerisk.pipelines.formats.palette import OUTSIDE
from minerisk.pipelines.language.marks import Marks
from minerisk.pipelines.plotting.preview import preview_png
from minerisk.pipelines.predict.bands import (
    ALL_BANDS,
    AREA,
    DERIVED,
    DISSIMILARITY,
    LINES,
    PROBABILITY,
    REASONS,
    RISK_CLASS,
    SPEAKING,
    STORED,
    UPPER_END,
)
from minerisk.pipelines.predict.class_draws import class_draws, left_out, regions_off, unsearched
from minerisk.pipelines.predict.class_table import CLASSES, Part, class_rows, held_out_classes
from minerisk.pipelines.predict.reasons import REASON_BANDS, reason_codes, write_reason_raster
from minerisk.pipelines.predict.risk_classes import (
    area_of_applicability,
    class_cuts,
    class_legend,
    class_shares,
    classify_with,
    count_classes,
    known_values,
    rate_cuts,
    rule_tag,
)
from minerisk.pipelines.predict.tiles import (
    TILE,
    TileStore,
    begin_store,
    predict_tiles,
    read_rows,
    store_key,
)
from minerisk.pipelines.predict.window import CubeWindow, whole_window
from minerisk.pipelines.provenance.files import write_whole
from minerisk.pipelines.records.rasters import (
    ClassCuts,
    ClassRule,
    HeldOutClass,
    RasterFacts,
    RiskClasses,
)
from minerisk.pipelines.records.review import State
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.hazards import HAZARD_TITLES, model_home
from minerisk.pipelines.run.progress import Progress
from minerisk.pipelines.run.readers import load_model
from minerisk.pipelines.run.row_blocks import thinned, thinned_grid

log = logging.getLogger(__name__)

ClassBlock = tuple[slice, tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]]
"""Rows of a window; their probabilities, where the model can speak, and the cells asked for."""


@dataclass(frozen=True)
class Target:
    """Where rasters go.

    Attributes
    ----------
    run
        The run they are of.
    window
        The cells asked for.
    folder
        The folder of the rasters.
    hazard
        The class they are of; none is any hazard.
    marks
        What they say of themselves.
    """

    run: Run
    window: CubeWindow
    folder: Path
    hazard: str | None
    marks: Marks

    @property
    def tags(self) -> dict[str, str]:
        """Metadata of every raster."""
        return {
            "RUN": self.run.config.study_area.name,
            "HAZARD": self.hazard or "any",
            "USE": "one indirect source for desk assessment; rank land for survey, decide nothing",
        }

    def raster(self, name: str) -> Path:
        """Name a raster of the folder."""
        return self.folder / f"{name}.tif"


def predict(
    run: Run,
    *,
    progress: Progress,
    window: CubeWindow | None = None,
    folder: Path | None = None,
    hazard: str | None = None,
    state: State = State.DRAFT,
    seen: Callable[[Sequence[Path]], None] = lambda _: None,
) -> tuple[Sequence[Path], RasterFacts]:
    """Write the rasters of a run: what is predicted, area of applicability, classes, preview.

    Parameters
    ----------
    run
        A trained run.
    window
        The cells asked for; none is the whole study area, by which classes are cut.
    folder
        Where the rasters go; none is ``rasters/`` of the run.
    hazard
        Class whose model predicts, and folder in `folder`; none is any hazard.
    state
        How the run stands. Nobody can have approved one whose rasters are only being written.
    seen
        Called with the files when all but the preview are written.
    """
    cube = open_cube(run.files.cube)
    whole = window is None
    window = window or whole_window(cube)
    target = Target(
        run,
        window,
        (folder or run.files.rasters) / (hazard or ""),
        hazard,
        Marks(state, run.simulated),
    )
    paths = _write_predicted(target, list(families_of(cube)), progress)
    paths += _write_area(target)
    if hazard is None and LINES_KNOWN in cube:
        paths += _write_lines(target, cube[LINES_KNOWN])
    cuts = _cut_whole(target) if whole else _stored(target).cuts
    made, shares = _write_classes(target, cuts)
    made.append(_store_classes(target, cuts, None if whole else _stored(target)))
    facts = RasterFacts(
        cells=count_marked(window.asked), shape=tuple(window.geobox.shape), classes=shares
    )
    seen([*paths, *made])
    return [*paths, *made, _write_preview(target)], facts


def _tile_store(target: Target) -> TileStore:
    run, window = target.run, target.window
    home = model_home(target.run.folder, target.hazard)
    asked = mask_sha256(window.asked)
    place = (window.row, window.column, *window.asked.shape)
    key = store_key(home, run.files.cube, repr((asked, ALL_BANDS, place, TILE)))
    path = target.folder / ".bands.zarr"
    return TileStore(path, run.files.cube, home, window.row, window.column, key, TILE)


def _write_predicted(target: Target, families: Sequence[str], progress: Progress) -> list[Path]:
    store, workers = _tile_store(target), target.run.workers
    begin_store(store, target.window.asked, ALL_BANDS)
    predict_tiles(store, load=load_model, workers=workers, progress=progress.step)
    write = partial(_write_band, store, families, target)
    names = [*STORED, REASONS]
    written = {}
    for name, paths in workers.run(write, names):
        written[name] = paths
        progress.step("rasters", len(written), len(names))
    remove_store(store.path)
    return [path for name in names for path in written[name]]


def _write_band(
    store: TileStore, families: Sequence[str], target: Target, name: str
) -> tuple[str, list[Path]]:
    """Write a raster from the store of tiles; another worker may be at the same one."""
    path, geobox, tags = target.raster(name), target.window.geobox, target.tags
    with TemporaryDirectory(dir=store.path) as scratch:
        if name == REASONS:
            blocks = _reason_blocks(store, geobox.shape)
            made = write_reason_raster(
                path, geobox, blocks, families, tags, marks=target.marks, scratch=Path(scratch)
            )
            return name, made
        source, band = STORED[name]
        with RasterWriter(
            path,
            geobox,
            description=band.description,
            style=band.style,
            unit=band.unit,
            tags={**tags, **band.tags},
            marks=target.marks,
            scratch=Path(scratch),
        ) as writer:
            for rows in strips(geobox.shape):
                values = read_rows(store, source, rows)
                if name in SPEAKING:
                    spoken = read_rows(store, DISSIMILARITY, rows) <= 1
                    values = np.where(spoken, values, np.float32(np.nan))
                writer.write(values, row=rows.start)
    return name, raster_files(path)


def _reason_blocks(
    store: TileStore, shape: Iterable[int]
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    for rows in strips(shape):
        codes = np.stack([read_rows(store, name, rows) for name in REASON_BANDS])
        yield rows.start, reason_codes(codes)


def _write_area(target: Target) -> list[Path]:
    """Write where the data support a statement, from the dissimilarity on disk."""
    geobox = target.window.geobox
    with _derived_writer(target, AREA) as writer:
        for rows in strips(geobox.shape):
            part = read_raster_like(target.raster(DISSIMILARITY), geobox[rows, :])
            writer.write(area_of_applicability(part), row=rows.start)
    return raster_files(target.raster(AREA))


def _write_lines(target: Target, known: xr.DataArray) -> list[Path]:
    """Write where front lines and positions are known, from the cube."""
    window = target.window
    height, width = window.asked.shape
    part = known[window.row : window.row + height, window.column : window.column + width]
    with _derived_writer(target, LINES) as writer:
        for rows in strips(window.asked.shape):
            codes = np.where(window.asked[rows], part[rows].to_numpy(), OUTSIDE)
            writer.write(codes.astype(np.uint8), row=rows.start)
    return raster_files(target.raster(LINES))


def _write_classes(target: Target, cuts: ClassCuts) -> tuple[list[Path], dict[str, float]]:
    """Write the class raster; return its files and the share of each class."""
    counts = np.zeros(256, dtype=np.int64)
    with _derived_writer(target, RISK_CLASS) as writer:
        for rows, part in _class_blocks(target):
            classes = classify_with(*part, cuts=cuts)
            counts += count_classes(classes)
            writer.write(classes, row=rows.start)
    shares = {name: round(share, 6) for name, share in class_shares(counts).items()}
    return raster_files(target.raster(RISK_CLASS)), shares


def _derived_writer(target: Target, name: str) -> RasterWriter:
    band, rule = DERIVED[name], rule_of(target.run)
    classes = name == RISK_CLASS
    return RasterWriter(
        target.raster(name),
        target.window.geobox,
        description=band.description,
        style=class_legend(rule) if classes else band.style,
        unit=band.unit,
        tags=target.tags | ({"CLASSES": rule_tag(rule)} if classes else {}),
        marks=target.marks,
    )


def _cut_whole(target: Target) -> ClassCuts:
    """Cut the classes of the whole study area, by share of its area of applicability or rates."""
    asked = target.run.config.classes
    if asked.cuts is not None:
        return rate_cuts(asked.cuts, resolution_m=target.run.config.study_area.resolution_m)
    return class_cuts(
        lambda: (known_values(*part) for _, part in _class_blocks(target)),
        higher_share=asked.higher_share,
        elevated_share=asked.elevated_share,
    )


def _store_classes(target: Target, cuts: ClassCuts, stored: RiskClasses | None) -> Path:
    """Write where classes are cut, by what, and what each holds of the land asked for.

    What held-out land showed is that of the whole run, `stored` where it is a part that is asked
    for.
    """
    known = target.run.metrics(target.hazard)
    home = model_home(target.run.folder, target.hazard)
    block_m, seed = known.block_m, target.run.config.model.seed
    if stored is None:
        cells = left_out(home)
        held_out = held_out_classes(cells, cuts, block_m=block_m)
        regions = regions_off(known.interval, cells, cuts, block_m=block_m, seed=seed)
    else:
        held_out, regions = held_out_of(stored), stored.regions
    rows = class_rows(
        _held_blocks(target),
        target.window.geobox,
        class_draws(home, open_cube(target.run.files.cube), regions, block_m=block_m, seed=seed),
        level=known.interval.level,
        held_out=held_out,
    )
    made = RiskClasses.of(
        **target.marks.columns,
        cuts=cuts,
        rule=rule_of(target.run),
        level=known.interval.level,
        regions=regions,
        rows=rows,
    )
    return write_whole(target.folder / CLASSES, made.to_json())


def _held_blocks(target: Target) -> Iterator[Part]:
    window, labels = target.window, target.run.labels()
    width = window.geobox.width
    for rows in strips(window.geobox.shape):
        classes, probability, upper = (
            read_raster_like(target.raster(name), window.geobox[rows, :])
            for name in (RISK_CLASS, PROBABILITY, UPPER_END)
        )
        of_run = slice(window.row + rows.start, window.row + rows.stop)
        columns = slice(window.column, window.column + width)
        yield classes, probability, upper, unsearched(labels, of_run, columns)


def rule_of(run: Run) -> ClassRule:
    """Return by what a run cuts its classes."""
    asked = run.config.classes
    return ClassRule(
        higher_share=asked.higher_share, elevated_share=asked.elevated_share, cuts=asked.cuts
    )


def held_out_of(known: RiskClasses) -> dict[str, HeldOutClass]:
    """Return what held-out land showed of each class."""
    return {row.risk_class: row.held_out for row in known.rows if row.held_out is not None}


def _stored(target: Target) -> RiskClasses:
    path = target.run.files.rasters / (target.hazard or "") / CLASSES
    if not path.is_file():
        raise MakeAgainError(
            f"{target.run.folder} has no rasters of its whole study area, by which classes are "
            "cut. Predict the whole first (`minerisk predict`)."
        )
    return RiskClasses.read(path)


def _write_preview(target: Target) -> Path:
    title, path = target.run.config.study_area.title, target.raster(RISK_CLASS)
    if target.hazard is not None:
        title += f": {HAZARD_TITLES[target.hazard]}"
    geobox, shape = target.window.geobox, target.window.asked.shape
    return preview_png(
        target.folder / "preview.png",
        thinned(lambda rows: read_raster_like(path, geobox[rows, :]), shape),
        thinned_grid(geobox),
        title=title,
        marks=target.marks.words(),
    )


def _class_blocks(target: Target) -> Iterator[ClassBlock]:
    """Read what classes are made of: probabilities, where they hold, and what was asked for."""
    for rows in strips(target.window.geobox.shape):
        part = target.window.geobox[rows, :]
        probability = read_raster_like(target.raster(PROBABILITY), part)
        dissimilarity = read_raster_like(target.raster(DISSIMILARITY), part)
        yield rows, (probability, dissimilarity <= 1, target.window.asked[rows])
