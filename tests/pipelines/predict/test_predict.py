import dataclasses
import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import box

from minerisk.models.calibration.calibrators import LogisticCalibrator
from minerisk.pipelines.formats.cog import read_raster
from minerisk.pipelines.formats.palette import CANNOT_SAY, OUTSIDE
from minerisk.pipelines.predict import predict as predict_module
from minerisk.pipelines.predict.risk_classes import area_of_applicability
from minerisk.pipelines.records.request import Filters
from minerisk.pipelines.request.answer import write_maps
from minerisk.pipelines.request.opening import open_request
from minerisk.pipelines.run.readers import load_model
from minerisk.pipelines.steps import redo_step


def test_the_area_of_applicability_is_where_dissimilarity_is_at_most_1(tiny_run: Path) -> None:
    dissimilarity, _ = read_raster(tiny_run / "rasters" / "dissimilarity.tif")
    area, _ = read_raster(tiny_run / "rasters" / "area_of_applicability.tif")
    classes, _ = read_raster(tiny_run / "rasters" / "risk_class.tif")
    known = np.isfinite(dissimilarity)
    np.testing.assert_array_equal(area[known], dissimilarity[known] <= 1)
    assert (area[~known] == OUTSIDE).all()
    assert set(np.unique(area)) == {0, 1, OUTSIDE}
    assert (classes[area == 0] == CANNOT_SAY).all()
    np.testing.assert_array_equal(area == 1, ~np.isin(classes, [CANNOT_SAY, OUTSIDE]))


def test_a_threshold_itself_is_inside_and_nodata_is_neither_inside_nor_outside() -> None:
    values = np.array([[0.0, 1.0, np.nextafter(np.float32(1), 2), np.nan]], dtype=np.float32)
    assert area_of_applicability(values).tolist() == [[1, 1, 0, OUTSIDE]]
    assert area_of_applicability(values).dtype == np.uint8


def test_a_model_that_tells_nothing_apart_says_so_everywhere(
    tiny_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = load_model(tiny_copy)
    flat = dataclasses.replace(known, calibrator=LogisticCalibrator(slope=0.0, intercept=-2.0))
    monkeypatch.setattr(predict_module, "load_model", lambda _: flat)
    (tiny_copy / "rasters" / "classes.json").unlink()
    redo_step(tiny_copy, "predict")
    cuts = json.loads((tiny_copy / "rasters" / "classes.json").read_text(encoding="utf-8"))["cuts"]
    assert cuts == {"higher": None, "elevated": None}
    classes, geobox = read_raster(tiny_copy / "rasters" / "risk_class.tif")
    assert set(np.unique(classes)) <= {CANNOT_SAY, OUTSIDE}

    for step in (
        "prioritize",
        "report",
    ):  # a run whose rasters are not those of its tasks is refused
        redo_step(tiny_copy, step)
    left, bottom, right, top = geobox.boundingbox
    part = tmp_path / "part.gpkg"
    inner = box(left + 5_000, bottom + 5_000, right - 5_000, top - 5_000)
    gpd.GeoDataFrame(geometry=[inner], crs=str(geobox.crs)).to_file(part, driver="GPKG")
    write_maps(open_request(tiny_copy, Filters(aoi=part)), tmp_path / "part")
    classes, _ = read_raster(tmp_path / "part" / "risk_class.tif")
    assert set(np.unique(classes)) <= {CANNOT_SAY, OUTSIDE}
