"""A model per hazard class, where there are labels enough; else it is said that there is none."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from odc.geo.geobox import GeoBox

from minerisk.configs.model import Found
from minerisk.features.errors import FindingError, InputError
from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.measures import Measure, Measures, ModelName
from minerisk.models.evaluation.out_of_fold_scores import OutOfFold
from minerisk.models.evaluation.results import HazardScores
from minerisk.models.folds.protocol import Protocol, ProtocolName, Splitter
from minerisk.models.folds.splits import folds_from_ids
from minerisk.models.selection.held_out_measures import measure_hazards
from minerisk.models.selection.held_out_scores import HeldOutScores
from minerisk.models.selection.protocols import HeldOut
from minerisk.models.table import KINDS, CellTable
from minerisk.pipelines.formats.cog import write_raster
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.language.metric_words import hazard_words
from minerisk.pipelines.predict.hazard_rasters import compare_with_any, predict_classes
from minerisk.pipelines.records.metrics import HazardModel
from minerisk.pipelines.records.rasters import HazardComparison, RasterFacts
from minerisk.pipelines.report.quality import hazard_model_rows
from minerisk.pipelines.report.wording import Wording
from minerisk.pipelines.run.contents import read_cells
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.hazards import hazard_folder, trained_hazards
from minerisk.pipelines.run.progress import progress
from minerisk.pipelines.train.hazard_models import ClassResult, TrainClass, train_hazards
from minerisk.pipelines.train.train import hold_out_table, train_table

LEAST = 20
AP, AT, UXO, ANY = 1, 2, 4, 8
FAR = Measures(**{measure.value: Estimate(0.2, 0.1, 0.3) for measure in Measure})


def table() -> CellTable:
    """30 cells of ap, 10 of at, 40 of a kind that is not known, 100 searched without a find."""
    hazard = np.repeat([AP, AT, ANY, 0], [30, 10, 40, 100]).astype(np.uint8)
    rng = np.random.default_rng(0)
    cells = pd.DataFrame(rng.uniform(0, 50_000, (180, 2)), columns=["easting", "northing"])
    cells["slope"], cells["finding_hazard"] = 1.0, hazard
    region = np.arange(180, dtype=np.int32) % 4
    return CellTable(cells, (hazard > 0).astype(np.int8), np.ones(180, np.float32), region, 25.0)


def test_the_gate_of_a_class_goes_by_its_own_positive_cells(tiny_run: Path, tmp_path: Path) -> None:
    run = Run.open(tiny_run)
    whole = read_cells(run)
    rows = np.arange(len(whole.state))
    part = whole.take(np.delete(rows, np.flatnonzero(whole.state == 1)[::3]))
    own = int((part.state == 1).sum())
    with progress("Model") as bar:
        metrics = train_table(run, part, hold_out_table(run, part), tmp_path, progress=bar)
    assert metrics.cells.positive == own < (whole.state == 1).sum()
    assert metrics.gates[0].value == own


def trained(
    cells: CellTable,
    folder: Path,
    train_class: TrainClass,
    hazards: tuple[str, ...],
    by_any: Sequence[HazardScores] = (),
) -> dict[str, HazardModel]:
    return train_hazards(
        cells, folder, train_class, hazards=hazards, found=Found(), least=LEAST, by_any=by_any
    )


def write_model(name: str, part: CellTable, folder: Path) -> ClassResult:
    """Stand in for the training of a run."""
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "model.json").write_text(json.dumps({"rows": len(part.state)}))
    return ClassResult(FAR, gates_passed=False)


def worded(name: str, facts: dict[str, HazardModel]) -> str:
    return hazard_words(name, **facts[name].model_dump(exclude={"trained", "far", "far_by_any"}))


def test_a_class_is_trained_on_its_own_table_and_a_rare_one_is_said_to_have_too_few(
    tmp_path: Path,
) -> None:
    facts = trained(table(), tmp_path, write_model, ("ap", "at", "uxo"))
    assert trained_hazards(tmp_path) == ["ap"]
    stored = json.loads((hazard_folder(tmp_path, "ap") / "model" / "model.json").read_text())
    assert stored == {"rows": 130}
    assert facts["ap"].far == FAR
    assert not facts["ap"].gates_passed
    assert "does not pass every gate" in worded("ap", facts)
    assert (facts["at"].trained, facts["at"].positive) == (False, 10)
    assert facts["at"].least == LEAST
    assert "no model for at: 10 positive and 100 negative cells, expected at least 20" in worded(
        "at", facts
    )
    assert facts["uxo"].positive == 0


def test_without_classes_asked_for_there_is_nothing_and_old_ones_go(tmp_path: Path) -> None:
    trained(table(), tmp_path, write_model, ("ap",))
    assert trained(table(), tmp_path, write_model, ()) == {}
    assert not (tmp_path / "hazards").exists()


def test_a_class_whose_land_cannot_be_held_out_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    def refuse(name: str, part: CellTable, folder: Path) -> ClassResult:
        write_model(name, part, folder)
        raise InputError("two folds would be empty")

    facts = trained(table(), tmp_path, refuse, ("ap",))
    assert worded("ap", facts) == "no model for ap: two folds would be empty"
    assert trained_hazards(tmp_path) == []


def test_a_leak_stops_the_run(tmp_path: Path) -> None:
    def leak(name: str, part: CellTable, folder: Path) -> ClassResult:
        raise FindingError("permuted labels are still predicted")

    with pytest.raises(FindingError):
        trained(table(), tmp_path, leak, ("ap",))


def measured(score: np.ndarray, cells: CellTable) -> tuple[HazardScores, ...]:
    far = Protocol(ProtocolName.FAR, Splitter.REGIONS, folds_from_ids(cells.region))
    held = HeldOut({ProtocolName.FAR: far}, far, 0.0, 10_000.0, None, {}, ())
    out = OutOfFold(score, np.full(len(score), np.nan), ())
    scores = {(ProtocolName.FAR, ModelName.MODEL): out}
    return measure_hazards(HeldOutScores(cells, held, scores, {}, "shrunk", {}))


def test_the_model_of_any_hazard_is_measured_for_each_class(tmp_path: Path) -> None:
    cells = table()
    score = np.full(180, 0.5)
    score[cells.hazard == AP] = 0.9
    score[cells.hazard == AT] = 0.1
    rows = {row.hazard: row for row in measured(score, cells)}
    # All ap cells rank above all searched cells, all at cells below.
    assert rows["ap"].intervals.roc_auc.value == 1
    assert rows["at"].intervals.roc_auc.value == 0
    assert rows["uxo"].positive == 0
    by_any = list(rows.values())
    facts = trained(cells, tmp_path, write_model, ("ap", "uxo"), by_any=by_any)
    assert facts["ap"].far_by_any.roc_auc.value == 1
    assert facts["uxo"].far_by_any is None


wording = Wording(ENGLISH)


def test_a_class_is_told_beside_the_model_of_any_hazard(tmp_path: Path) -> None:
    better = dataclasses.replace(FAR, roc_auc=Estimate(0.75, 0.65, 0.85))
    by_any = [HazardScores("ap", cells=130, positive=30, intervals=better)]
    facts = trained(table(), tmp_path, write_model, ("ap", "at"), by_any=by_any)
    ap, at = hazard_model_rows(facts)
    assert (ap.hazard, ap.model.positive) == ("ap", 30)
    assert ap.own == Estimate(0.2, 0.1, 0.3)
    assert ap.any_hazard == Estimate(0.75, 0.65, 0.85)
    assert wording.hazard_model(ap.model) == "does not pass every gate"
    assert at.hazard == "at"
    assert at.own == Estimate(None, None, None)
    assert wording.hazard_model(at.model).startswith("no model: 10 positive and")
    assert hazard_model_rows({}) == ()


def test_findings_of_unknown_class_are_not_measured_by_class() -> None:
    cells = table()
    cells.cells["finding_hazard"] = np.where(cells.state == 1, ANY, 0).astype(np.uint8)
    assert measured(np.full(180, 0.5), cells) == ()


def numbers(compared: HazardComparison) -> tuple[float, float, float]:
    return compared.mean, compared.mean_any, compared.above_any


def test_rasters_are_written_for_trained_classes_and_old_ones_go(tmp_path: Path) -> None:
    trained(table(), tmp_path, write_model, ("ap",))
    rasters = tmp_path / "rasters"
    (rasters / "at").mkdir(parents=True)

    geobox = GeoBox.from_bbox((0, 0, 200, 200), crs="EPSG:32638", resolution=100)

    def write(name: str | None) -> tuple[list[Path], RasterFacts]:
        path = rasters / (name or "") / "probability.tif"
        share = np.full((2, 2), 0.1 if name else 0.2, dtype=np.float32)
        write_raster(path, share, geobox, description="p", unit="1")
        return [path], RasterFacts(cells=4, shape=(2, 2), classes={})

    paths, facts = predict_classes(tmp_path, rasters, write)
    assert paths == [rasters / "probability.tif", rasters / "ap" / "probability.tif"]
    assert not (rasters / "at").exists()
    assert facts.cells == 4
    assert numbers(facts.hazards["ap"]) == pytest.approx((0.1, 0.2, 0))


def test_a_class_above_any_hazard_is_told(tmp_path: Path) -> None:
    geobox = GeoBox.from_bbox((0, 0, 200, 200), crs="EPSG:32638", resolution=100)
    whole = np.array([[0.2, 0.2], [0.2, np.nan]], dtype=np.float32)
    part = np.array([[0.1, 0.3], [np.nan, 0.9]], dtype=np.float32)
    (tmp_path / "ap").mkdir()
    for folder, values in ((tmp_path, whole), (tmp_path / "ap", part)):
        write_raster(folder / "probability.tif", values, geobox, description="p", unit="1", tags={})
    # Two cells are known to both; in one of them the class is above any hazard.
    found = compare_with_any(tmp_path, ["ap"])
    assert numbers(found["ap"]) == pytest.approx((0.2, 0.2, 0.5))
    words = wording.above_any("ap", found["ap"])
    assert words.startswith("Anti-personnel mines: in 50 % of the cells")
    assert "go by the higher of the two" in words
    assert wording.above_any("ap", found["ap"].model_copy(update={"above_any": 0.0})) == ""


def test_cells_of_a_run_tell_what_was_found(tiny_run: Path) -> None:
    cells = read_cells(Run.open(tiny_run))
    positive = cells.state == 1
    assert ((cells.hazard > 0) == positive).all()
    assert ((cells.cells["finding_evidence"] > 0) == positive).all()
    assert cells.cells["finding_day"].notna()[positive].any()
    assert cells.cells["finding_day"].isna()[~positive].all()
    assert not set(cells.features) & {"finding_hazard", "finding_evidence", "finding_day"}


def test_the_layer_of_what_was_found_needs_finds_and_learns_from_all_land(tmp_path: Path) -> None:
    cells = table()
    kinds = np.repeat([1, 2, 8, 0], [30, 10, 40, 100]).astype(np.uint8)
    marked = replace(cells, cells=cells.cells.assign(**{KINDS: kinds}))
    given: list[CellTable] = []

    def keep(name: str, part: CellTable, folder: Path) -> ClassResult:
        given.append(part)
        return write_model(name, part, folder)

    facts = trained(marked, tmp_path, keep, ("found",))
    assert facts["found"].positive == 40  # finds and accidents, not the 40 suspicions
    assert trained_hazards(tmp_path) == ["found"]
    np.testing.assert_array_equal(given[0].state, cells.state)
    np.testing.assert_array_equal(given[0].weight, np.repeat([20, 1], [40, 140]))
    few = replace(cells, cells=cells.cells.assign(**{KINDS: np.minimum(kinds, 0)}))
    assert not trained(few, tmp_path, keep, ("found",))["found"].trained
    assert trained_hazards(tmp_path) == []
