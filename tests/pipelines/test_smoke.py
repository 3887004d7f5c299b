"""The whole path on the tiny study area: also run on the newest Python by CI."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyogrio
import rasterio

from minerisk.pipelines.formats.cog import read_raster


def test_a_run_leaves_everything_it_promises(tiny_run: Path) -> None:
    for name in (
        "config.yaml",
        "validation.json",
        "validation.html",
        "cube.zarr",
        "model/model.json",
        "metrics.json",
        "figures/capture_far.png",
        "rasters/probability.tif",
        "rasters/probability_lower.tif",
        "rasters/probability_upper.tif",
        "rasters/probability_unmasked.tif",
        "rasters/dissimilarity.tif",
        "rasters/area_of_applicability.tif",
        "rasters/local_point_density.tif",
        "rasters/expected_error.tif",
        "rasters/risk_class.tif",
        "rasters/reasons.tif",
        "rasters/preview.png",
        "tasks.gpkg",
        "tasks.csv",
        "report.html",
        "manifest.json",
        "mlflow.db",
    ):
        assert (tiny_run / name).exists(), name
    assert not list(tiny_run.rglob("*.partial*"))


def test_every_cell_of_the_study_area_has_a_probability_or_cannot_be_told(tiny_run: Path) -> None:
    probability, _ = read_raster(tiny_run / "rasters" / "probability.tif")
    lower, _ = read_raster(tiny_run / "rasters" / "probability_lower.tif")
    upper, _ = read_raster(tiny_run / "rasters" / "probability_upper.tif")
    classes, _ = read_raster(tiny_run / "rasters" / "risk_class.tif")
    unmasked, _ = read_raster(tiny_run / "rasters" / "probability_unmasked.tif")
    area, _ = read_raster(tiny_run / "rasters" / "area_of_applicability.tif")
    known = np.isfinite(probability)
    assert (known == (area == 1)).all()
    assert (known == np.isfinite(lower)).all()
    assert (known == np.isfinite(upper)).all()
    np.testing.assert_array_equal(probability[known], unmasked[known])
    assert np.isfinite(unmasked).sum() == (classes != 255).sum() > 3_000
    assert ((lower <= probability) & (probability <= upper))[known].all()
    assert (classes[~known] != 1).all()
    assert set(np.unique(classes)) <= {0, 1, 2, 3, 255}


def test_rasters_state_that_findings_are_simulated(tiny_run: Path) -> None:
    with rasterio.open(tiny_run / "rasters" / "probability.tif") as dataset:
        assert dataset.tags()["FINDINGS"] == "SIMULATED"
        assert "the model cannot say" in dataset.tags()["NODATA"]
        assert np.isnan(dataset.nodata)
        assert dataset.crs.to_epsg() is not None
    assert "SIMULATED" in (tiny_run / "report.html").read_text(encoding="utf-8")


def test_the_model_is_shown_beside_the_rules_of_thumb_on_the_same_folds(tiny_run: Path) -> None:
    metrics = json.loads((tiny_run / "metrics.json").read_text(encoding="utf-8"))
    models = {"model", "random_forest", "logistic_regression", "distance_rule", "prevalence"}
    for protocol in ("far", "near", "random"):
        assert set(metrics["protocols"][protocol]["models"]) == models
    held_out = pd.read_parquet(tiny_run / "held_out.parquet")
    assert held_out.filter(like="far_").notna().all().all()
    prevalence = metrics["protocols"]["far"]["models"]["prevalence"]
    assert abs(prevalence["found_in_top_20"][0] - 0.2) < 0.1


def test_tasks_can_be_read_by_another_tool(tiny_run: Path) -> None:
    frame = pyogrio.read_dataframe(tiny_run / "tasks.gpkg", layer="tasks")
    assert len(frame) == len(pd.read_csv(tiny_run / "tasks.csv")) > 0
    assert frame.geometry.is_valid.all()
