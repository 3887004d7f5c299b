"""`minerisk evaluate by`: what is known of a run, told by the kind of land."""

from pathlib import Path

import pytest

from minerisk.features.errors import InputError
from minerisk.pipelines.evaluate.by_land import evaluate_by, numbers_of, strata_lines
from minerisk.pipelines.run.folder import Run


def test_it_shares_out_the_labelled_land_of_the_run(tiny_run: Path) -> None:
    found = evaluate_by(tiny_run, "front_distance_m", [1_000, 3_000])
    cells = Run.open(tiny_run).metrics().cells
    assert sum(row.positive for row in found.strata) == cells.positive
    assert sum(row.cells for row in found.strata) == cells.positive + cells.negative
    lines = list(strata_lines(found))
    assert lines[0].startswith("SIMULATED")
    assert [line.split(" | ")[0] for line in lines[-3:]] == [
        "| under 1,000",
        "| 1,000 to 3,000",
        "| 3,000 and over",
    ]


def test_without_edges_strata_hold_about_a_fifth_each(tiny_run: Path) -> None:
    shares = [row.land for row in evaluate_by(tiny_run, "elevation_m").strata]
    assert len(shares) == 5
    assert shares == pytest.approx([0.2] * 5, abs=0.02)


def test_an_unknown_feature_is_refused_with_the_choices(tiny_run: Path) -> None:
    with pytest.raises(InputError, match="front_distance_m"):
        evaluate_by(tiny_run, "front")


def test_edges_are_numbers() -> None:
    assert numbers_of("2000, 5000") == [2000.0, 5000.0]
    with pytest.raises(InputError, match="2km"):
        numbers_of("2km")
