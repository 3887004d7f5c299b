import csv
import io
import sqlite3
import time

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
from odc.geo.geobox import GeoBox
from scipy.ndimage import gaussian_filter

from features.errors import InputError
from pipelines import rasters, risk_classes, styles
from pipelines.prioritize import csv_text, write_tasks

ASKED = {"budget_ha": 2000, "min_ha": 50, "max_ha": 300, "random_share": 0.1, "seed": 1}
GRID = GeoBox.from_bbox((4.9e6, 2.3e6, 4.92e6, 2.315e6), "EPSG:3035", shape=(60, 80))


@pytest.fixture
def run_dir(tmp_path):
    noise = gaussian_filter(np.random.default_rng(5).normal(size=(60, 80)), 4)
    probability = (0.2 * (noise - noise.min()) / np.ptp(noise)).astype(np.float32)
    inside = np.ones((60, 80), dtype=bool)
    inside[:, :3] = False
    applicable = np.ones((60, 80), dtype=bool)
    applicable[40:] = False
    probability[~inside] = np.nan
    classes, _ = risk_classes.classify(
        probability, applicable, inside, higher_share=0.05, elevated_share=0.15
    )
    for name, values in (
        ("probability", probability),
        ("probability_lower", probability / 2),
        ("probability_upper", probability * 2),
    ):
        rasters.write_raster(
            tmp_path / "rasters" / f"{name}.tif", values, GRID, description=name, unit="1"
        )
    rasters.write_raster(
        tmp_path / "rasters/risk_class.tif",
        classes,
        GRID,
        description="Risk class",
        unit="1",
        colormap=styles.CLASS_COLOURS,
        categories=styles.CLASS_NAMES,
    )
    return tmp_path


def test_the_package_holds_every_task_as_one_valid_polygon(run_dir):
    tasks = write_tasks(run_dir, **ASKED, simulated=False)
    frame = pyogrio.read_dataframe(run_dir / "tasks.gpkg", layer="tasks")
    assert len(frame) == len(tasks.table)
    assert frame.geometry.is_valid.all()
    assert set(frame.geometry.geom_type) == {"Polygon"}
    np.testing.assert_allclose(frame.geometry.area / 10_000, frame["hectares"])
    centres = gpd.GeoSeries.from_xy(frame["longitude"], frame["latitude"], crs="EPSG:4326")
    assert frame.geometry.contains(centres.to_crs(frame.crs), align=False).all()
    assert frame["hectares"].sum() <= ASKED["budget_ha"]
    assert set(frame["evidence"]) == {"Indirect"}


def test_ranked_tasks_keep_to_land_the_model_speaks_for(run_dir):
    write_tasks(run_dir, **ASKED, simulated=False)
    frame = pyogrio.read_dataframe(run_dir / "tasks.gpkg", layer="tasks")
    ranked = frame[frame["arm"] == "ranked"]
    assert (ranked["applicable_share"] == 1).all()
    assert (ranked["lower"] <= ranked["probability"]).all()
    assert frame.loc[frame["arm"] == "control", "rank"].isna().all()


def test_the_package_opens_styled_and_says_what_it_is(run_dir):
    write_tasks(run_dir, **ASKED, simulated=True)
    with sqlite3.connect(run_dir / "tasks.gpkg") as database:
        name, default, style = database.execute(
            "SELECT f_table_name, useAsDefault, styleQML FROM layer_styles"
        ).fetchone()
        (words,) = database.execute(
            "SELECT description FROM gpkg_contents WHERE table_name = 'tasks'"
        ).fetchone()
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        marks = set(database.execute("SELECT simulated FROM tasks"))
    assert (name, default) == ("tasks", 1)
    assert 'attr="arm"' in style
    assert words.startswith("SIMULATED")
    assert marks == {(1,)}


def test_the_same_rasters_give_the_same_bytes_at_another_time(run_dir):
    write_tasks(run_dir, **ASKED, simulated=False)
    before = [(run_dir / name).read_bytes() for name in ("tasks.gpkg", "tasks.csv")]
    time.sleep(1.1)
    write_tasks(run_dir, **ASKED, simulated=False)
    assert before == [(run_dir / name).read_bytes() for name in ("tasks.gpkg", "tasks.csv")]
    assert not list(run_dir.glob(".*"))


def test_csv_words_are_never_formulas_and_numbers_stay_numbers():
    table = pd.DataFrame(
        {"word": ["=1+1", "+a", "-a", "@a", "a=b", None], "longitude": [-1.5, 2, 3, 4, 5, 6]}
    )
    rows = list(csv.DictReader(io.StringIO(csv_text(table))))
    assert [row["word"] for row in rows] == ["'=1+1", "'+a", "'-a", "'@a", "a=b", ""]
    assert float(rows[0]["longitude"]) == -1.5


def test_missing_rasters_and_impossible_sizes_are_refused(run_dir):
    with pytest.raises(InputError, match="No task"):
        write_tasks(run_dir, **(ASKED | {"budget_ha": 20}), simulated=False)
    (run_dir / "rasters/probability.tif").unlink()
    with pytest.raises(InputError, match="missing"):
        write_tasks(run_dir, **ASKED, simulated=False)
