"""What each class holds, against counts by hand."""

import numpy as np
import pandas as pd
import pytest
from odc.geo.geobox import GeoBox

from minerisk.models.calibration.conformal import IntervalScaler
from minerisk.pipelines.language.marks import Marks
from minerisk.pipelines.language.messages import ENGLISH, texts
from minerisk.pipelines.predict.class_draws import regions_off
from minerisk.pipelines.predict.class_table import class_rows, held_out_classes
from minerisk.pipelines.predict.risk_classes import class_legend, rate_cuts, rule_tag
from minerisk.pipelines.records.rasters import ClassCuts, ClassRule, RegionOff, RiskClasses
from minerisk.pipelines.records.review import State
from minerisk.pipelines.report.class_words import cut_words, interval_words, lower_words

GRID = GeoBox.from_bbox((0, 0, 4_000, 2_000), crs="EPSG:32638", resolution=1_000)
CLASSES = np.array([[3, 2, 1, 1], [1, 1, 0, 255]], dtype=np.uint8)
PROBABILITY = np.array([[0.4, 0.2, 0.1, 0.1], [0.1, 0.1, np.nan, np.nan]], dtype=np.float32)
UPPER = np.array([[0.6, 0.3, 0.2, 0.2], [0.2, 0.5, np.nan, np.nan]], dtype=np.float32)
OPEN = np.ones(CLASSES.shape, dtype=np.float32)
DRAWS = np.random.default_rng(3).uniform(0.5, 1.5, (4_000, 9))


def apart(cells: pd.DataFrame) -> np.ndarray:
    return cells["probability"].to_numpy() * DRAWS[:, : len(cells)]


def together(cells: pd.DataFrame) -> np.ndarray:
    return cells["probability"].to_numpy() * DRAWS[:, :1]


def rows(draw=apart, unsearched=OPEN, **more: float):
    parts = [(CLASSES, PROBABILITY, UPPER, unsearched)]
    return class_rows(parts, GRID, draw, level=0.9, **more)


def test_a_class_holds_the_sum_of_its_cells() -> None:
    found = rows()
    assert [row.risk_class for row in found] == ["higher", "elevated", "lower", "cannot_say"]
    assert [row.cells for row in found] == [1, 1, 4, 1]
    assert [row.land_share for row in found] == pytest.approx([1 / 7, 1 / 7, 4 / 7, 1 / 7])
    assert [row.expected.value for row in found[:3]] == pytest.approx([0.4, 0.2, 0.4])
    assert [row.share_of_expected for row in found[:3]] == pytest.approx([0.4, 0.2, 0.4])
    assert [row.per_km2 for row in found[:3]] == pytest.approx([0.4, 0.2, 0.1])
    assert [row.highest_upper for row in found[:3]] == pytest.approx([0.6, 0.3, 0.5])


def test_of_land_that_the_model_cannot_speak_for_nothing_is_said() -> None:
    silent = rows()[3]
    told = (silent.expected, silent.share_of_expected, silent.per_km2, silent.highest_upper)
    assert told == (None, None, None, None)


def test_the_interval_of_a_class_is_that_of_the_sums_of_its_draws() -> None:
    lower = rows(together)[2].expected
    assert (lower.low, lower.high) == pytest.approx((0.4 * 0.55, 0.4 * 1.45), rel=0.02)


def test_cells_that_err_apart_make_the_interval_of_their_sum_narrower() -> None:
    one, other = rows(together)[2].expected, rows(apart)[2].expected
    assert other.high - other.low < 0.7 * (one.high - one.low)


def test_what_is_expected_is_counted_on_land_that_nobody_has_searched() -> None:
    searched = OPEN.copy()
    searched[0, 2] = searched[0, 0] = 0.0
    searched[0, 3] = 0.5
    higher, elevated, lower, _ = rows(unsearched=searched)
    assert (higher.unsearched_share, higher.expected, higher.per_km2) == (None, None, None)
    assert higher.highest_upper == pytest.approx(0.6)
    assert lower.unsearched_share == pytest.approx(2.5 / 4)
    assert lower.expected.value == pytest.approx(0.25)
    assert lower.per_km2 == pytest.approx(0.1)
    assert lower.share_of_expected == pytest.approx(0.25 / 0.45)
    assert elevated.expected.low < 0.2 < elevated.expected.high


def test_few_cells_of_a_class_on_much_land_have_an_interval_too(monkeypatch) -> None:
    monkeypatch.setattr("minerisk.pipelines.predict.class_table.SAMPLE", 1)
    higher = rows()[0].expected
    assert higher.low < higher.value < higher.high


def test_a_large_cell_counts_for_the_cells_of_the_run_in_it() -> None:
    assert rows(fine_cells=16.0)[0].expected.value == pytest.approx(6.4)


def test_held_out_land_is_cut_where_the_map_is() -> None:
    cells = pd.DataFrame(
        {
            "easting": np.arange(10) * 1_000.0,
            "northing": 0.0,
            "state": [1, 0, 1, 0, 0, 1, 0, 0, 0, 1],
            "far_probability": [0.9, 0.8, 0.3, 0.3, 0.3, 0.1, 0.1, 0.1, 0.05, 0.05],
        }
    )
    found = held_out_classes(cells, ClassCuts(higher=0.8, elevated=0.3), block_m=1_000)
    assert [found[name].cells for name in ("higher", "elevated", "lower")] == [2, 3, 5]
    assert [found[name].positive for name in ("higher", "elevated", "lower")] == [1, 1, 2]
    assert found["lower"].found_share.value == 0.5
    assert found["lower"].found_share.low < 0.5 < found["lower"].found_share.high
    assert found["lower"].expected_share == pytest.approx(0.4 / 3.0)
    assert held_out_classes(cells, ClassCuts(higher=None, elevated=None), block_m=1_000) == {}


def test_regions_learn_from_what_was_left_out_by_region() -> None:
    rng = np.random.default_rng(0)
    cells = pd.DataFrame(
        {
            "easting": np.arange(4_000) * 100.0,
            "northing": 0.0,
            "state": (rng.random(4_000) < 0.1).astype(int),
            "far_probability": 0.1,
            "fold_far": np.arange(4_000) // 500,
        }
    )
    scaler = IntervalScaler(0.9, block_sd=0.3)
    cuts = ClassCuts(higher=None, elevated=None)
    known = regions_off(scaler, cells, cuts, block_m=1_000, seed=0)
    assert known.sums == 8
    assert known.sd <= 0.5
    assert known.cover > 0.8


def test_rates_cut_at_their_probability_of_a_cell() -> None:
    # Of a cell of 0.25 km2, two contaminated cells a km2 are a half.
    assert rate_cuts((0.4, 2.0), resolution_m=500) == ClassCuts(higher=0.5, elevated=0.1)


def test_words_say_by_what_classes_are_cut_and_what_lower_holds() -> None:
    cuts = ClassCuts(higher=0.4, elevated=0.2)
    shares = ClassRule(higher_share=0.05, elevated_share=0.15)
    rates = shares.model_copy(update={"cuts": (0.2, 0.4)})
    told = Marks(State.DRAFT, simulated=True).columns
    told |= {"level": 0.9, "regions": RegionOff(sd=0.3, sums=30, cover=0.967)}
    known = [RiskClasses.of(cuts=cuts, rule=rule, rows=rows(), **told) for rule in (shares, rates)]
    assert "highest 5 % is higher, the next 15 % elevated" in cut_words(known[0], ENGLISH)
    assert "agreed rates: from 0.2 expected" in cut_words(known[1], ENGLISH)
    assert rule_tag(shares).startswith("cut by share")
    assert rule_tag(rates).startswith("cut by agreed rates: elevated from 0.2")
    assert "nobody has searched it holds 40 %" in lower_words(rows(), ENGLISH)
    held = interval_words(known[0], ENGLISH)
    assert "On 30 sums" in held
    assert "held what was found in 97 %" in held
    unknown = known[0].model_copy(update={"regions": RegionOff(sd=2.0, sums=0, cover=None)})
    assert "too little to check" in interval_words(unknown, ENGLISH)
    assert "reaches 50 %" in lower_words(rows(), ENGLISH)


def test_a_legend_says_by_what_classes_are_cut():
    shares = class_legend(ClassRule(higher_share=0.05, elevated_share=0.15)).words
    assert list(shares.values()) == [
        "higher: survey first · highest 5 % of land",
        "elevated: survey next · next 15 % of land",
        "lower: survey later · the rest of the land",
        "cannot say: the data do not support a statement",
    ]
    rates = ClassRule(higher_share=0.05, elevated_share=0.15, cuts=(0.2, 1.0))
    assert [words.partition(" · ")[2] for words in class_legend(rates).words.values()] == [
        "from 1 a km²", "from 0.2 a km²", "under 0.2 a km²", ""
    ]  # fmt: skip
    assert "верхние 5 % земли" in " ".join(
        class_legend(rates.model_copy(update={"cuts": None}), texts("ru")).words.values()
    )
