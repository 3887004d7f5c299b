"""What each class holds, against counts by hand."""

import numpy as np
import pandas as pd
import pytest
from odc.geo.geobox import GeoBox

from minerisk.models.calibration.conformal import IntervalScaler
from minerisk.models.calibration.logistic import expit
from minerisk.models.calibration.score_bins import logit
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.predict.class_table import Spread, class_rows, held_out_classes
from minerisk.pipelines.predict.risk_classes import rate_cuts, rule_tag
from minerisk.pipelines.records.rasters import ClassCuts, ClassRule, RiskClasses
from minerisk.pipelines.report.class_words import cut_words, lower_words

GRID = GeoBox.from_bbox((0, 0, 4_000, 2_000), crs="EPSG:32638", resolution=1_000)
CLASSES = np.array([[3, 2, 1, 1], [1, 1, 0, 255]], dtype=np.uint8)
PROBABILITY = np.array([[0.4, 0.2, 0.1, 0.1], [0.1, 0.1, np.nan, np.nan]], dtype=np.float32)
UPPER = np.array([[0.6, 0.3, 0.2, 0.2], [0.2, 0.5, np.nan, np.nan]], dtype=np.float32)


def rows(block_sd: float = 0.0, **more: float):
    scaler = IntervalScaler(0.9, 1.0, block_sd, 1.0, 10, 100)
    spread = Spread(scaler, block_m=500.0, seed=1)
    return class_rows([(CLASSES, PROBABILITY, UPPER)], GRID, spread, **more)


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


def test_a_class_of_one_cell_has_the_interval_of_that_cell() -> None:
    higher = rows()[0].expected
    assert higher.high == pytest.approx(0.6, abs=0.02)
    assert higher.low == pytest.approx(
        float(expit(2 * logit(np.array(0.4)) - logit(np.array(0.6)))), abs=0.02
    )


def test_blocks_that_err_apart_make_the_interval_of_their_sum_narrower() -> None:
    together, apart = rows()[2].expected, rows(block_sd=10.0)[2].expected
    assert apart.high - apart.low < together.high - together.low


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


def test_rates_cut_at_their_probability_of_a_cell() -> None:
    # Of a cell of 0.25 km2, two contaminated cells a km2 are a half.
    assert rate_cuts((0.4, 2.0), resolution_m=500) == ClassCuts(higher=0.5, elevated=0.1)


def test_words_say_by_what_classes_are_cut_and_what_lower_holds() -> None:
    cuts = ClassCuts(higher=0.4, elevated=0.2)
    shares = ClassRule(higher_share=0.05, elevated_share=0.15)
    rates = shares.model_copy(update={"cuts": (0.2, 0.4)})
    known = [RiskClasses.of(cuts=cuts, rule=rule, rows=rows()) for rule in (shares, rates)]
    assert "highest 5 % is higher, the next 15 % elevated" in cut_words(known[0], ENGLISH)
    assert "agreed rates: from 0.2 expected" in cut_words(known[1], ENGLISH)
    assert rule_tag(shares).startswith("cut by share")
    assert rule_tag(rates).startswith("cut by agreed rates: elevated from 0.2")
    assert "holds 40 % of all expected contaminated cells" in lower_words(rows(), ENGLISH)
    assert "reaches 50 %" in lower_words(rows(), ENGLISH)
