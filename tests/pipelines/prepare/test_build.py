"""Cells read back from a run: all that are labelled, or an even draw where there are too many."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from minerisk.pipelines.run import contents
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.train.land_samples import count_cells, run_cells


def test_a_region_whose_finds_were_not_drawn_is_joined_to_the_nearest(
    tiny_run: Path, monkeypatch: pytest.MonkeyPatch
):
    run = Run.open(tiny_run)
    whole = contents.read_cells(run)
    np.testing.assert_array_equal(whole.region, run.labels()["region"].to_numpy()[places(run)])
    missed = whole.region.max()
    drawn = (whole.state == 0) | (whole.region != missed)
    rows, columns, cell_ha = contents.labelled_cells(run)
    sample = rows[drawn], columns[drawn], cell_ha
    monkeypatch.setattr(contents, "labelled_cells", lambda run: sample)
    part = contents.read_cells(run)
    np.testing.assert_array_equal(part.state, whole.state[drawn])
    assert set(part.region) == set(whole.region) - {missed}
    others = whole.region[drawn] != missed
    np.testing.assert_array_equal(part.region[others], whole.region[drawn][others])


def places(run: Run) -> tuple[np.ndarray, np.ndarray]:
    rows, columns, _ = contents.labelled_cells(run)
    return rows, columns


def test_past_the_most_cells_every_label_is_drawn_alike(tiny_run: Path):
    run = Run.open(tiny_run)
    whole = contents.read_cells(run)
    count, positive = len(whole.state), int((whole.state == 1).sum())
    model = run.config.model.model_copy(update={"most_cells": count // 2})
    part = contents.read_cells(replace(run, config=run.config.model_copy(update={"model": model})))
    assert len(part.state) == count // 2
    # Fewer cells stand for the same land, and the counts of the run are of all.
    assert part.cell_ha * (count // 2) == pytest.approx(whole.cell_ha * count)
    known = count_cells(run, part)
    assert (known.positive, known.negative) == (positive, count - positive)
    assert known.unlabelled == run_cells(run) - count
    assert known.drawn == count // 2
    assert known.drawn_positive == int((part.state == 1).sum())
    # Cells as they were, none twice.
    place = [tuple(pair) for pair in whole.coordinates]
    rows = pd.Index(place).get_indexer([tuple(pair) for pair in part.coordinates])
    assert (np.diff(rows) > 0).all()
    pd.testing.assert_frame_equal(part.cells, whole.cells.iloc[rows].reset_index(drop=True))
    np.testing.assert_array_equal(part.state, whole.state[rows])
    # Positives drawn without replacement: hypergeometric.
    expected, share = positive / 2, positive / count
    deviation = math.sqrt(expected * (1 - share) * 0.5)
    assert abs(int((part.state == 1).sum()) - expected) < 5 * deviation + 1
