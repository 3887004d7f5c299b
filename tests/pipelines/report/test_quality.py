import numpy as np
from odc.geo.geobox import GeoBox

from minerisk.pipelines.formats.cog import write_raster
from minerisk.pipelines.report.quality import quality_facts

GRID = GeoBox.from_bbox((0, 0, 2_000, 1_000), "EPSG:3035", shape=(10, 20))


def reliability(region, predicted):
    return {
        "region": region,
        "cells": 1_200,
        "positive": 60,
        "predicted": predicted,
        "observed": 0.05,
        "low": 0.03,
        "high": 0.08,
        "ratio": 0.05 / predicted,
    }


def test_a_region_whose_probability_lies_outside_is_named(tmp_path):
    scored = {"region": 4, "roc_auc": 0.8, "intervals": {"roc_auc": [0.8, 0.7, 0.9]}}
    data = {
        "regions": [scored],
        "reliability_by_region": [
            reliability(4, 0.05),
            reliability(5, 0.02),
            reliability(6, 0.2),
        ],
    }
    rows = quality_facts(tmp_path, data)["regions"]
    assert [row["outside"] for row in rows] == ["", "too low", "too high"]
    assert rows[0]["auc"] == ("0.800", "0.700 to 0.900")
    assert rows[1]["auc"] == ("–", "")
    assert rows[0]["observed"] == ("5 %", "3 to 8 %")


def test_finds_of_a_class_are_told_by_thirds_of_the_land(tmp_path):
    rows = [
        {"hazard": "at", "third": third, "finds": share, "positive": count}
        for third, share, count in ((1, 0.1, 2), (2, 0.2, 4), (3, 0.7, 14))
    ]
    found = quality_facts(tmp_path, {"reliability_by_hazard": rows})["hazards"]
    assert found == [
        {
            "words": "anti-tank",
            "positive": 20,
            "lowest": "10 %",
            "middle": "20 %",
            "highest": "70 %",
        }
    ]


def test_cover_is_told_beside_what_was_stated_and_left_out_where_it_is_not_known(tmp_path):
    measured = {"level": 0.9, "cover": [0.92, 0.88, 0.95], "groups": 1_100, "blocks": 300}
    rows = quality_facts(tmp_path, {"interval_cover": {"far": measured, "near": None}})["cover"]
    assert rows == [
        {
            "name": "far",
            "stated": "90 %",
            "cover": ("92 %", "88 to 95 %"),
            "groups": "1,100",
            "blocks": "300",
        }
    ]


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
    like, unlike = quality_facts(tmp_path, {})["novelty"]
    assert (like["share"], like["density"], like["error"]) == ("67 %", "40", "-0.040")
    assert (unlike["share"], unlike["density"], unlike["error"]) == ("33 %", "0", "cannot say")


def test_a_run_of_old_says_nothing(tmp_path):
    assert not any(quality_facts(tmp_path, {}).values())


def test_the_page_of_a_run_shows_them(tiny_run):
    page = (tiny_run / "report.html").read_text(encoding="utf-8")
    for words in ("Region by region", "How like the surveyed land", "expected_error.tif", "Held"):
        assert words in page
