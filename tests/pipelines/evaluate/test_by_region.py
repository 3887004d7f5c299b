"""`minerisk evaluate regions`: a run and its plain rule where each region was left out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from minerisk.features.coverage import LINES_KNOWN
from minerisk.models.estimate import Estimate
from minerisk.pipelines.evaluate import by_land
from minerisk.pipelines.evaluate.by_land import evaluate_regions, region_lines
from minerisk.pipelines.run.contents import read_cells
from minerisk.pipelines.run.folder import Run


def test_each_region_is_scored_by_its_own_cells(tiny_run: Path) -> None:
    found = evaluate_regions(tiny_run)
    held_out = Run.open(tiny_run).held_out()
    for row in found.regions:
        own = held_out[held_out["fold_far"] == row.region]
        assert (row.cells, row.positive) == (len(own), int((own["state"] == 1).sum()))
        if row.rule is not None:
            truth = own["state"] == 1
            assert row.rule == pytest.approx(roc_auc_score(truth, own["far_distance_rule"]))
            assert row.model.value == pytest.approx(roc_auc_score(truth, own["far_model"]))
    assert sum(row.cells for row in found.regions) == len(held_out)
    lines = list(region_lines(found))
    assert lines[0].startswith("SIMULATED")
    aucs = [float(line.split(" | ")[4].split(" ")[0]) for line in lines[5:]]
    assert len(aucs) == len(found.regions)
    assert aucs == sorted(aucs)


def test_it_says_where_a_line_is_silent(tiny_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = read_cells(Run.open(tiny_run))
    fold = Run.open(tiny_run).held_out("fold_far")["fold_far"].to_numpy()
    code = np.where(fold == 0, 1.0, 2.0)
    silent = replace(table, cells=table.cells.assign(**{LINES_KNOWN: code}))
    monkeypatch.setattr(by_land, "read_cells", lambda run: silent)
    known = {row.region: row.every_line_known for row in evaluate_regions(tiny_run).regions}
    assert known == {region: float(region != 0) for region in known}


def test_a_region_without_a_find_is_not_the_worst(tiny_run: Path) -> None:
    found = evaluate_regions(tiny_run)
    silent = found.regions[0].model_copy(update={"model": Estimate(None, None, None)})
    lines = list(region_lines(found.model_copy(update={"regions": (silent, *found.regions[1:])})))
    assert lines[-1].startswith(f"| {silent.region} |")
