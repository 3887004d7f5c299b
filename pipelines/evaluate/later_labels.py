"""`minerisk evaluate later`: score a run on finds that came after it, the test that counts."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.features.grid import cells_inside
from minerisk.features.layers.intake import sha256_of
from minerisk.features.layers.sources import Layers, VectorSource
from minerisk.features.raster.rasterise import burn_mask
from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.intervals import effective_rows, wilson
from minerisk.models.evaluation.measures import Measures
from minerisk.models.evaluation.metrics import block_bootstrap
from minerisk.models.evaluation.results import SuccessPoint
from minerisk.models.folds.blocks import assign_blocks
from minerisk.models.land_curves import land_curves
from minerisk.pipelines.evaluate.predicted_land import (
    RASTERS,
    LandStrip,
    PredictedLand,
    cells_of,
    find_places,
    read_land,
)
from minerisk.pipelines.formats.palette import CLASS_NAMES
from minerisk.pipelines.language.numbers import number
from minerisk.pipelines.provenance.files import sha256_path, write_whole
from minerisk.pipelines.records.evaluations import (
    ClassShare,
    FindCounts,
    FindPlace,
    LabelsFile,
    LaterLabels,
    Presence,
    SearchedLand,
    SearchedScores,
    TrainedAs,
)
from minerisk.pipelines.run.folder import Run

CANNOT_SAY = "cannot_say"
LEVEL = 0.9


def evaluate_labels(
    run_dir: Path,
    labels_path: Path,
    *,
    layer: str | None = None,
    searched_layer: str | None = None,
    out: Path | None = None,
) -> LaterLabels:
    """Score a run on finds, and on land searched without one, that came after it.

    Nothing is trained and no file of the run is touched. A find in a cell that the run learned as
    positive tests nothing, and is counted apart.

    Parameters
    ----------
    run_dir
        Folder of a run with rasters.
    labels_path
        GeoPackage or another vector file, any CRS, with finds as points or polygons.
    layer
        Layer of the finds, where the file has more than one.
    searched_layer
        Layer of the same file: polygons that were searched. Without it nothing is known of land
        without finds, and only where the finds lie can be measured.
    out
        Folder or ``.json`` file to write the result to (``later_labels.json``), outside the run.

    Raises
    ------
    InputError
        If the run has no rasters or they are not as it wrote them, no find lies in its study
        area, or `out` lies in the run folder.
    """
    run = Run.open(run_dir)
    target = _target(out, run_dir)
    land = read_land(run)
    finds = _frame(labels_path, layer, run.config.study_area.crs)
    searched = None
    if searched_layer is not None:
        searched = _frame(labels_path, searched_layer, run.config.study_area.crs)
    places = find_places(land, finds)
    if not any(place.inside for place in places):
        raise InputError(
            f"None of the {len(finds)} finds of {labels_path.name} lies in the study area of "
            f"{run_dir}. Check the layer, and that the run is of the same land."
        )
    result = LaterLabels(
        schema_version=LaterLabels.version,
        study_area=run.config.study_area.name,
        simulated=run.simulated,
        labels=LabelsFile(file=labels_path.name, sha256=sha256_of(labels_path.resolve())),
        run={name: sha256_path(run.files.rasters / name) for name in RASTERS},
        finds=_counts(places),
        classes=tuple(_by_class(land, places)),
        presence=_presence(land, finds),
        scored=None if searched is None else _scored(land, finds, searched),
        places=tuple(places),
    )
    if target is not None:
        write_whole(target, result.to_json())
    return result


def _target(out: Path | None, run_dir: Path) -> Path | None:
    if out is None:
        return None
    if out.resolve().is_relative_to(run_dir.resolve()):
        raise InputError(
            f"{out} lies in the run folder {run_dir}, whose files are hashed and stay as they are. "
            "Choose another place."
        )
    return out if out.suffix == ".json" else out / "later_labels.json"


def _frame(path: Path, layer: str | None, crs: str) -> gpd.GeoDataFrame:
    source = VectorSource(path.resolve(), layer=layer)
    return Layers({"labels": source}, source.path.parent).vector("labels", crs=crs)


def _find_mask(strip: LandStrip, finds: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Mark the cells whose centre a find holds, and the cell each find lies in."""
    found = burn_mask(strip.geobox, finds, False)
    rows, columns = cells_of(strip.geobox, finds)
    height, width = found.shape
    on_map = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    found[rows[on_map], columns[on_map]] = True
    return found & strip.asked


def _counts(places: Sequence[FindPlace]) -> FindCounts:
    inside, new = [place for place in places if place.inside], _new(places)
    counted = Counter(place.trained_as for place in inside)
    return FindCounts(
        total=len(places),
        outside_study_area=len(places) - len(inside),
        trained_as={known: counted[known] for known in TrainedAs},
        new=len(new),
        new_in_cannot_say=sum(place.risk_class == CANNOT_SAY for place in new),
    )


def _new(places: Sequence[FindPlace]) -> list[FindPlace]:
    return [place for place in places if place.new]


def _by_class(land: PredictedLand, places: Sequence[FindPlace]) -> Iterator[ClassShare]:
    """Yield the share of new finds and of land in each class; intervals by blocks of finds."""
    new, shares = _new(places), land.class_shares()
    points = np.array([[place.easting, place.northing] for place in new])
    blocks = assign_blocks(points, block_m=land.block_m) if new else None
    for _, name in sorted(CLASS_NAMES.items(), reverse=True):
        share = shares[name]
        if blocks is None:
            yield ClassShare(risk_class=name, land_share=share)
            continue
        hit = np.array([place.risk_class == name for place in new], dtype=np.float64)
        found = float(hit.mean())
        low, high = wilson(found, effective_rows(hit, np.ones(len(hit)), blocks), level=LEVEL)
        yield ClassShare(
            risk_class=name,
            land_share=share,
            finds=int(hit.sum()),
            find_share=Estimate(found, low, high),
            ratio=found / share if share else None,
        )


Cells = Iterator[tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]]
"""Whether something was found in cells of a strip, their probability, and their block."""


def _presence(land: PredictedLand, finds: gpd.GeoDataFrame) -> Presence | None:
    """Measure where new finds lie on all land that the run had not learned as positive."""

    def cells() -> Cells:
        for strip in land.strips():
            chosen = strip.answered & (strip.trained != 1)
            y = _find_mask(strip, finds)[chosen].astype(np.int64)
            yield y, strip.probability[chosen], strip.blocks(chosen)

    curves = land_curves(cells, level=LEVEL)
    if curves is None:
        return None
    curve, plot = curves.success, curves.plot
    lines = (curve.found, curve.low, curve.high)
    rows = np.round(np.column_stack([curve.land, *lines]), 5).tolist()
    top_5, top_10, top_20 = (
        Estimate.of(float(np.interp(share, curve.land, line)) for line in lines)
        for share in (0.05, 0.10, 0.20)
    )
    return Presence(
        find_cells=curves.found,
        cells=curves.cells,
        boyce=Estimate.of(curves.boyce.index),
        area_under_success_rate=Estimate.of(curve.area),
        prediction_area_crossing=Estimate.of(plot.crossing),
        found_in_top_5=top_5,
        found_in_top_10=top_10,
        found_in_top_20=top_20,
        success_rate=tuple(SuccessPoint(*row) for row in rows),
    )


@dataclass(frozen=True)
class _Tested:
    """Searched cells that the run had no label for; arrays of shape ``(n,)``."""

    found: NDArray[np.int8]
    probability: NDArray[np.float64]
    block: NDArray[np.int64]
    applicable: NDArray[np.bool_]


def _scored(
    land: PredictedLand, finds: gpd.GeoDataFrame, searched: gpd.GeoDataFrame
) -> SearchedScores:
    """Score searched cells that the run had no label for."""
    parts = [_tested(strip, finds, searched) for strip in land.strips()]
    tested = _Tested(
        found=np.concatenate([part.found for part in parts]),
        probability=np.concatenate([part.probability for part in parts]),
        block=np.concatenate([part.block for part in parts]),
        applicable=np.concatenate([part.applicable for part in parts]),
    )
    everywhere = np.ones(len(tested.found), dtype=bool)
    return SearchedScores(
        block_m=land.block_m,
        all=_measures(land, tested, everywhere),
        applicable=_measures(land, tested, tested.applicable),
    )


def _tested(strip: LandStrip, finds: gpd.GeoDataFrame, searched: gpd.GeoDataFrame) -> _Tested:
    fresh = cells_inside(strip.geobox, searched) & strip.answered & (strip.trained == -1)
    return _Tested(
        found=_find_mask(strip, finds)[fresh].astype(np.int8),
        probability=strip.probability[fresh].astype(np.float64),
        block=strip.blocks(fresh),
        applicable=strip.applicable[fresh],
    )


def _measures(land: PredictedLand, tested: _Tested, chosen: NDArray[np.bool_]) -> SearchedLand:
    y, blocks = tested.found[chosen], tested.block[chosen]
    count, measures = len(np.unique(blocks)), None
    if 0 < y.sum() < y.size and count > 1:
        p = tested.probability[chosen]
        measures = Measures.of(block_bootstrap(y, p, blocks, cell_ha=land.cell_ha, level=LEVEL))
    return SearchedLand(cells=int(y.size), find_cells=int(y.sum()), blocks=count, measures=measures)


def later_lines(found: LaterLabels) -> Iterator[str]:
    """Write the scores on later finds for a person at a terminal."""
    finds = found.finds
    if found.simulated:
        yield "SIMULATED findings: these numbers claim nothing about real land."
    yield (
        f"{finds.total} finds, {finds.outside_study_area} outside the study area; "
        f"{finds.trained_as[TrainedAs.POSITIVE]} lie in cells that the model learned as positive "
        f"and test nothing; {finds.new} are new."
    )
    if wrong := finds.trained_as[TrainedAs.NEGATIVE]:
        yield (f"Finds on land recorded as searched without a find: {wrong}. Check those searches.")
    if finds.new_in_cannot_say:
        yield f"New finds where the run cannot say: {finds.new_in_cannot_say}."
    for row in found.classes if finds.new else ():
        yield (
            f"{row.risk_class}: {row.land_share:.1%} of the land, {_share(row.find_share)} of the "
            f"new finds ({row.finds})."
        )
    if found.presence is not None:
        yield (
            f"New finds in the top 20 % of land: {_share(found.presence.found_in_top_20)}; "
            "20 % is what chance gives."
        )
    yield _searched_line(found.scored)


def _searched_line(scored: SearchedScores | None) -> str:
    if scored is None:
        return (
            "No layer of searched land was given, so nothing is known of land without finds: where "
            "people looked decides where finds lie."
        )
    part = scored.all
    if part.measures is None:
        return (
            f"Searched land without a label in the run: {part.cells} cells with "
            f"{part.find_cells} finds in {part.blocks} blocks; too little to score (both kinds of "
            "cell and two blocks are needed)."
        )
    value, low, high = (number(end) for end in part.measures.roc_auc)
    return (
        f"On {part.cells:,} searched cells without a label in the run, {part.find_cells} with "
        f"finds: ROC-AUC {value} ({low} to {high})."
    )


def _share(found: Estimate | None) -> str:
    if found is None or found.value is None or found.low is None or found.high is None:
        return "an unknown share"
    return f"{found.value:.0%} ({found.low:.0%} to {found.high:.0%})"
