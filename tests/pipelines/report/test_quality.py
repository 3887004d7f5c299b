import re
from dataclasses import replace

import numpy as np
import pytest
from odc.geo.geobox import GeoBox

from minerisk.models.calibration.conformal import Cover
from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.measures import ModelName
from minerisk.models.evaluation.results import (
    FindScores,
    HazardReliability,
    PartReliability,
    RegionReliability,
)
from minerisk.models.folds.protocol import ProtocolName
from minerisk.pipelines.formats.cog import write_raster
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.report import quality
from minerisk.pipelines.report.quality import HazardThirds, Side
from minerisk.pipelines.report.report import write_report
from minerisk.pipelines.report.summary import score_lines

GRID = GeoBox.from_bbox((0, 0, 2_000, 1_000), "EPSG:3035", shape=(10, 20))


def reliability(region, predicted):
    return RegionReliability(
        region=region, cells=1_200, positive=60, predicted=predicted, observed=0.05, low=0.03,
        high=0.08, ratio=0.05 / predicted,
    )  # fmt: skip


def test_a_region_whose_probability_lies_outside_is_named(metrics_of):
    scored = metrics_of().protocols["far"].models["model"]
    regions = (replace(metrics_of().regions[0], region=4, intervals=scored),)
    rows = quality.regions(
        metrics_of(
            regions=regions,
            reliability_by_region=(
                reliability(4, 0.05), reliability(5, 0.02), reliability(6, 0.2),
            ),
        )
    )  # fmt: skip
    assert [row.side for row in rows] == [Side.WITHIN, Side.BELOW, Side.ABOVE]
    assert rows[0].roc_auc == scored.roc_auc
    assert rows[1].roc_auc == Estimate(None, None, None)
    assert rows[0].observed == Estimate(0.05, 0.03, 0.08)


def test_finds_of_a_class_are_counted_by_thirds_of_the_land(metrics_of):
    rows = tuple(
        HazardReliability(
            hazard="at",
            third=third,
            finds=share,
            land=PartReliability(
                cells=100, positive=count, predicted=0.1, observed=0.1, low=0.0, high=0.2, ratio=1.0
            ),
        )
        for third, share, count in ((1, 0.1, 2), (2, 0.2, 4), (3, 0.7, 14))
    )
    assert quality.hazard_thirds(metrics_of(reliability_by_hazard=rows)) == (
        HazardThirds("at", 20, highest=0.7, middle=0.2, lowest=0.1),
    )


def test_cover_is_shown_beside_what_was_stated_and_left_out_where_it_is_not_known(
    tmp_path, metrics_of
):
    cover = {
        "far": Cover(0.9, Estimate(0.92, 0.88, 0.95), groups=1_100, blocks=300, folds=()),
        "near": None,
    }
    files = RunFolder(tmp_path)
    files.metrics.write_text(metrics_of(interval_cover=cover).to_json())
    page = write_report(files, title="x").read_text(encoding="utf-8")
    (row,) = re.findall(r"<tr><td>far</td>.*?</tr>", page)
    assert re.sub("<[^>]*>", " ", row).split() == [
        *("far", "90", "%", "92", "%", "88", "to", "95", "%", "1,100", "300")
    ]
    assert "<tr><td>near</td>" not in page


def test_land_is_told_by_its_likeness_and_never_an_error_where_it_cannot_be_said(tmp_path):
    ratio = np.full((10, 20), 0.05, dtype=np.float32)
    ratio[:, 10:15], ratio[:, 15:] = 3.0, np.nan
    error = np.where(ratio <= 1, np.float32(-0.04), np.float32(np.nan))
    density = np.where(ratio <= 1, np.float32(40), np.float32(0))
    density[:4, :10], density[5, :10] = 41, 7  # in the middle: 40 and 41 of 10, 50 and 40 cells
    layers = {"dissimilarity": ratio, "local_point_density": density, "expected_error": error}
    for name, values in layers.items():
        path = tmp_path / "rasters" / f"{name}.tif"
        write_raster(path, values.astype(np.float32), GRID, description=name, unit="1")
    like, unlike = quality.novelty(RunFolder(tmp_path))
    assert like.share == pytest.approx(100 / 150)
    assert (like.density, like.error) == (40, pytest.approx(-0.04))
    assert unlike.share == pytest.approx(50 / 150)
    assert (unlike.density, unlike.error) == (0, None)


def test_before_the_rasters_are_written_nothing_is_known_of_likeness(tmp_path):
    assert quality.novelty(RunFolder(tmp_path)) == ()


def test_the_page_of_a_run_shows_them(tiny_run):
    page = (tiny_run / "report.html").read_text(encoding="utf-8")
    for words in ("Region by region", "How like the surveyed land", "expected_error.tif", "Held"):
        assert words in page


def test_every_table_shows_finds_beside_the_whole_and_against_the_plain_rule(metrics_of):
    rule = ModelName.DISTANCE_RULE
    finds = FindScores(
        evidence="accident",
        cells=1_912,
        found={ModelName.MODEL: Estimate(0.61, 0.5, 0.7), rule: Estimate(0.64, 0.55, 0.71)},
        minus={rule: Estimate(-0.03, -0.07, 0.004)},
    )
    plain = metrics_of()
    far = plain.far.model_copy(update={"finds": (finds,)})
    whole = replace(plain.far.model, found_in_top_20=Estimate(0.14, 0.09, 0.18))
    metrics = plain.model_copy(
        update={
            "protocols": {**plain.protocols, ProtocolName.FAR: far},
            "comparison": {ProtocolName.FAR: {rule: whole}, ProtocolName.NEAR: {rule: whole}},
        }
    )
    rows = quality.over_rule_rows(metrics)
    assert [(row.evidence, row.cells) for row in rows] == [(None, None), ("accident", 1_912)]
    assert rows[1].minus == {ProtocolName.FAR: Estimate(-0.03, -0.07, 0.004)}
    lines = list(score_lines(metrics))
    head = next(line for line in lines if line.startswith("| protocol"))
    assert head.endswith("| accidents (1,912 cells) in the first 20 % of land |")
    model, *_ = (line for line in lines if line.startswith("| far | the model"))
    assert model.endswith("| 0.610 (0.500 to 0.700) |")
    near, *_ = (line for line in lines if line.startswith("| near | the model"))
    assert near.endswith("| – |")
    assert "| all positives | 0.140 (0.090 to 0.180) | 0.140 (0.090 to 0.180) |" in lines
    assert "| accidents (1,912 cells) | -0.030 (-0.070 to 0.004) | – |" in lines
    assert {line.count("|") for line in lines if line.startswith("| far")} == {head.count("|")}
    first = lines.index(head)
    rule_of_table = "| --- |" + " --- |" * (head.count("|") - 2)
    assert lines[first + 1] == rule_of_table
    assert all(line.startswith("| ") for line in lines[first + 2 : first + 10])  # no gap in it
    assert quality.over_rule_rows(plain) == ()
