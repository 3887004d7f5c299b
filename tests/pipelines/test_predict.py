import dataclasses
import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import box

from models.calibration import LogisticCalibrator
from pipelines import predict as predict_module
from pipelines.filters import Filters, predict_request
from pipelines.rasters import read_raster
from pipelines.run import redo_step
from pipelines.styles import CANNOT_SAY, OUTSIDE


def test_a_model_that_tells_nothing_apart_says_so_everywhere(
    tiny_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = predict_module.load_model(tiny_copy)
    flat = dataclasses.replace(known, calibrator=LogisticCalibrator(slope=0.0, intercept=-2.0))
    monkeypatch.setattr(predict_module, "load_model", lambda _: flat)
    (tiny_copy / "rasters" / "classes.json").unlink()
    redo_step(tiny_copy, "predict")
    cuts = json.loads((tiny_copy / "rasters" / "classes.json").read_text(encoding="utf-8"))["cuts"]
    assert cuts == {"higher": None, "elevated": None}
    classes, geobox = read_raster(tiny_copy / "rasters" / "risk_class.tif")
    assert set(np.unique(classes)) <= {CANNOT_SAY, OUTSIDE}

    left, bottom, right, top = geobox.boundingbox
    part = tmp_path / "part.gpkg"
    inner = box(left + 5_000, bottom + 5_000, right - 5_000, top - 5_000)
    gpd.GeoDataFrame(geometry=[inner], crs=str(geobox.crs)).to_file(part, driver="GPKG")
    predict_request(tiny_copy, Filters(aoi=part), out=tmp_path / "part", said=[].append)
    classes, _ = read_raster(tmp_path / "part" / "risk_class.tif")
    assert set(np.unique(classes)) <= {CANNOT_SAY, OUTSIDE}
