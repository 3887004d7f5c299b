"""From a trained run to risk rasters, for all its land or a part of it."""

import hashlib
import json
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.cube.store import families_of, open_cube
from minerisk.features.cube.zarr_files import remove_store
from minerisk.features.errors import InputError
from minerisk.pipelines.formats.cog import RasterWriter, read_raster_like
from minerisk.pipelines.formats.palette import (
    AREA_COLOURS,
    AREA_WORDS,
    CLASS_COLOURS,
    CLASS_WORDS,
    DENSITY_RAMP,
    DISSIMILARITY_RAMP,
    EXPECTED_ERROR_RAMP,
)
from minerisk.pipelines.plotting.preview import preview_png
from minerisk.pipelines.predict.reasons import REASON_BANDS, write_reason_raster
from minerisk.pipelines.predict.risk_classes import (
    area_of_applicability,
    class_cuts,
    class_shares,
    classify_with,
    count_classes,
    known_values,
)
from minerisk.pipelines.predict.tiles import (
    TILE,
    Draft,
    begin_draft,
    draft_key,
    predict_tiles,
    read_draft,
)
from minerisk.pipelines.predict.window import Window, whole_window
from minerisk.pipelines.provenance.files import write_json
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.hazards import HAZARD_TITLES, hazard_folder
from minerisk.pipelines.run.progress import Progress
from minerisk.pipelines.run.readers import load_model
from minerisk.pipelines.run.strips import strips, thinned, thinned_grid

log = logging.getLogger(__name__)

BANDS = {
    "probability": ("calibrated probability of contamination", "1"),
    "probability_lower": ("lower end of the interval of the probability", "1"),
    "probability_upper": ("upper end of the interval of the probability", "1"),
    "dissimilarity": (
        "dissimilarity index by its threshold; above 1 is outside the area of applicability",
        "1",
    ),
    "local_point_density": ("surveyed cells like this one, of those the model was taught on", "1"),
    "expected_error": (
        "log loss to be expected minus that of the same probability everywhere; above 0 the model "
        "says less than that",
        "1",
    ),
}
AREA = "area_of_applicability"
CLASSES = "risk_class"
CODE_BANDS = {
    AREA: ("1 inside the area of applicability, 0 outside: the model cannot say", "class"),
    CLASSES: ("risk class; cannot_say is not low", "class"),
}
LEGENDS = {AREA: (AREA_COLOURS, AREA_WORDS), CLASSES: (CLASS_COLOURS, CLASS_WORDS)}
REASONS = "reasons"
ALL_BANDS = (*BANDS, *REASON_BANDS)
RAMPS = {
    "dissimilarity": DISSIMILARITY_RAMP,
    "local_point_density": DENSITY_RAMP,
    "expected_error": EXPECTED_ERROR_RAMP,
}


ClassStrip = tuple[slice, tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.bool_]]]
"""Rows of a window; their probabilities, where the model can speak, and the cells asked for."""


def predict(
    run: Run,
    *,
    progress: Progress,
    window: Window | None = None,
    folder: Path | None = None,
    hazard: str | None = None,
) -> tuple[Sequence[Path], dict[str, Any]]:
    """Write probability, interval, dissimilarity, area of applicability, class and preview.

    Parameters
    ----------
    run
        A trained run.
    window
        The cells asked for; none is the whole study area, by which classes are cut.
    folder
        Where the rasters go; none is ``rasters/`` of the run.
    """
    home = run.folder if hazard is None else hazard_folder(run.folder, hazard)
    folder = (folder or run.files.rasters) / (hazard or "")
    cube = open_cube(run.files.cube)
    whole, window = window is None, window or whole_window(cube)
    tags = {
        "RUN": run.config.study_area.name,
        "FINDINGS": "SIMULATED" if run.simulated else "recorded",
        "HAZARD": hazard or "any",
        "USE": "one indirect source for desk assessment; rank land for survey, decide nothing",
    }
    draft = _draft(run.files.cube, home, window, folder)
    paths = _write_bands(run, draft, window, list(families_of(cube)), tags, progress)
    paths += _write_area(window.geobox, folder, tags)
    made, shares = _write_classes(run, window, folder, tags, hazard, whole=whole)
    facts = {"cells": int(window.asked.sum()), "shape": list(window.geobox.shape)}
    return [*paths, *made], facts | {"classes": shares}


def _draft(cube: Path, home: Path, window: Window, folder: Path) -> Draft:
    asked = hashlib.sha256(np.packbits(window.asked).tobytes()).hexdigest()
    place = (window.row, window.column, *window.asked.shape)
    content = {"asked": asked, "bands": ALL_BANDS, "place": place, "side": TILE}
    key = draft_key(home, cube, content)
    return Draft(folder / ".bands.zarr", cube, home, window.row, window.column, key, TILE)


def _write_bands(
    run: Run,
    draft: Draft,
    window: Window,
    families: Sequence[str],
    tags: Mapping[str, str],
    progress: Progress,
) -> list[Path]:
    begin_draft(draft, window.asked, ALL_BANDS)
    predict_tiles(draft, load=load_model, workers=run.workers, progress=progress.step)
    write = partial(_write_band, draft, window.geobox, families, tags)
    names = [*BANDS, REASONS]
    written = {}
    for name, paths in run.workers.run(write, names):
        written[name] = paths
        progress.step("rasters", len(written), len(names))
    remove_store(draft.path)
    return [path for name in names for path in written[name]]


def _write_band(
    draft: Draft, geobox: GeoBox, families: Sequence[str], tags: Mapping[str, str], name: str
) -> tuple[str, list[Path]]:
    """Make a raster of what tiles have drafted; another worker may be at the same one."""
    path = draft.path.parent / f"{name}.tif"
    with TemporaryDirectory(dir=draft.path) as scratch:
        if name == REASONS:
            blocks = _reason_strips(draft, geobox.height)
            made = write_reason_raster(path, geobox, blocks, families, tags, scratch=Path(scratch))
            return name, made
        words, unit = BANDS[name]
        with RasterWriter(
            path,
            geobox,
            dtype="float32",
            description=words,
            unit=unit,
            tags=tags,
            colormap=RAMPS.get(name),
            scratch=Path(scratch),
        ) as writer:
            for strip in strips(geobox.height):
                writer.write(read_draft(draft, name, strip), row=strip.start)
    return name, _with_sidecars(path)


def _reason_strips(draft: Draft, height: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
    for strip in strips(height):
        yield strip.start, np.stack([read_draft(draft, name, strip) for name in REASON_BANDS])


def _write_area(geobox: GeoBox, folder: Path, tags: Mapping[str, str]) -> list[Path]:
    """Write where the data support a statement, from the dissimilarity on disk."""
    path = folder / f"{AREA}.tif"
    with RasterWriter(
        path,
        geobox,
        dtype="uint8",
        description=CODE_BANDS[AREA][0],
        unit=CODE_BANDS[AREA][1],
        tags=tags,
        colormap=AREA_COLOURS,
        categories=AREA_WORDS,
    ) as writer:
        for rows in strips(geobox.height):
            part = read_raster_like(folder / "dissimilarity.tif", geobox[rows, :])
            writer.write(area_of_applicability(part), row=rows.start)
    return _with_sidecars(path)


def _write_classes(
    run: Run,
    window: Window,
    folder: Path,
    tags: Mapping[str, str],
    hazard: str | None,
    *,
    whole: bool,
) -> tuple[list[Path], dict[str, float]]:
    """Write the class raster and its preview; give their paths and the share of each class."""
    stored = run.files.rasters / (hazard or "") / "classes.json"
    made = []
    if whole:
        shares = run.config.classes.model_dump()
        cuts = class_cuts(
            lambda: (known_values(*part) for _, part in _class_strips(folder, window)), **shares
        )
        plain = {name: None if math.isnan(cut) else cut for name, cut in cuts.items()}
        made.append(write_json(stored, {"cuts": plain, "shares": shares}))
    elif stored.is_file():
        plain = json.loads(stored.read_text(encoding="utf-8"))["cuts"]
        cuts = {name: math.nan if cut is None else float(cut) for name, cut in plain.items()}
    else:
        raise InputError(
            f"{run.folder} has no rasters of its whole study area, by which classes are cut. "
            "Predict the whole first (`minerisk predict`)."
        )
    path, counts = folder / "risk_class.tif", np.zeros(256, dtype=np.int64)
    with RasterWriter(
        path,
        window.geobox,
        dtype="uint8",
        description="risk class; cannot_say is not low",
        unit="class",
        tags=dict(tags),
        colormap=CLASS_COLOURS,
        categories=CLASS_WORDS,
    ) as writer:
        for strip, part in _class_strips(folder, window):
            classes = classify_with(*part, cuts=cuts)
            counts += count_classes(classes)
            writer.write(classes, row=strip.start)
    title = run.config.study_area.title
    if hazard is not None:
        title += f": {HAZARD_TITLES[hazard]}"
    preview = preview_png(
        folder / "preview.png",
        thinned(lambda rows: read_raster_like(path, window.geobox[rows, :]), window.asked.shape),
        thinned_grid(window.geobox),
        title=title,
        simulated=run.simulated,
    )
    found = {name: round(share, 6) for name, share in class_shares(counts).items()}
    return [*made, *_with_sidecars(path), preview], found


def _class_strips(folder: Path, window: Window) -> Iterator[ClassStrip]:
    """Read what classes are made of: probabilities, where they hold, and what was asked for."""
    for strip in strips(window.geobox.height):
        part = window.geobox[strip, :]
        probability = read_raster_like(folder / "probability.tif", part)
        ratio = read_raster_like(folder / "dissimilarity.tif", part)
        yield strip, (probability, ratio <= 1, window.asked[strip])


def _with_sidecars(path: Path) -> list[Path]:
    names = [path, path.with_suffix(".qml"), path.with_name(path.name + ".aux.xml")]
    return [name for name in names if name.exists()]
