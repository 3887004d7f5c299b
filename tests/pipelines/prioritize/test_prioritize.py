import csv
import io
import sqlite3
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio
from odc.geo.geobox import GeoBox
from scipy.ndimage import gaussian_filter

from minerisk.features.errors import InputError
from minerisk.models.tasks.priorities import make_tasks
from minerisk.models.tasks.survey_tasks import Arm, Firmness, TaskLand, TaskRequest
from minerisk.pipelines.formats.cog import read_raster, write_raster
from minerisk.pipelines.formats.csv_table import csv_text
from minerisk.pipelines.formats.palette import CLASS_LEGEND, LOWER, OUTSIDE
from minerisk.pipelines.language.marks import Marks
from minerisk.pipelines.language.messages import ENGLISH, texts
from minerisk.pipelines.prioritize.prioritize import task_frame, write_task_package, write_tasks
from minerisk.pipelines.prioritize.words import why
from minerisk.pipelines.records.review import State
from minerisk.pipelines.records.tasks import Capture, Criterion, Lack, Rule, TaskFile
from minerisk.pipelines.run.folder import Run

REAL, MADE_UP = (Marks(State.DRAFT, simulated) for simulated in (False, True))
GRID = GeoBox.from_bbox((4.9e6, 2.3e6, 4.92e6, 2.315e6), "EPSG:3035", shape=(60, 80))
STANDING = gpd.GeoDataFrame(
    {"kind": ["registered area"], "Land_Class": ["SHA"], "layer": ["sha"], "row": [1]},
    geometry=gpd.points_from_xy([4.91e6], [2.31e6]).buffer(400),
    crs="EPSG:3035",
)


@pytest.fixture
def tasks():
    noise = gaussian_filter(np.random.default_rng(5).normal(size=(60, 80)), 4)
    probability = 0.2 * (noise - noise.min()) / np.ptp(noise)
    inside, applicable = np.ones((60, 80), dtype=bool), np.ones((60, 80), dtype=bool)
    inside[:, :3], applicable[40:] = False, False
    land = TaskLand(
        probability=probability,
        lower=probability / 2,
        upper=probability * 2,
        applicable=applicable,
        inside=inside,
        open_land=inside,
        cell_ha=6.25,
        effort=np.full((60, 80), 0.02),
    )
    return make_tasks(land, TaskRequest(2000, 50, 300, 0.1, 1, learn_share=0.1))


def test_the_package_holds_every_task_as_one_valid_polygon(tasks, tmp_path):
    frame = task_frame(tasks, GRID, marks=REAL)
    write_task_package(tmp_path / "tasks.gpkg", frame, STANDING, marks=REAL)
    frame = pyogrio.read_dataframe(tmp_path / "tasks.gpkg", layer="tasks")
    assert len(frame) == len(tasks.table)
    assert frame.geometry.is_valid.all()
    assert set(frame.geometry.geom_type) == {"Polygon"}
    np.testing.assert_allclose(frame.geometry.area / 10_000, frame["hectares"])
    centres = gpd.GeoSeries.from_xy(frame["longitude"], frame["latitude"], crs="EPSG:4326")
    assert frame.geometry.contains(centres.to_crs(frame.crs), align=False).all()
    assert frame["hectares"].sum() <= 2000
    assert set(frame["evidence"]) == {"Indirect"}
    assert set(frame["arm"]) == {"ranked", "learn", "control"}
    assert len(pyogrio.read_dataframe(tmp_path / "tasks.gpkg", layer="standing")) == 1


def test_the_package_opens_styled_and_says_what_it_is(tasks, tmp_path):
    frame = task_frame(tasks, GRID, marks=MADE_UP)
    write_task_package(tmp_path / "tasks.gpkg", frame, STANDING, marks=MADE_UP)
    with sqlite3.connect(tmp_path / "tasks.gpkg") as database:
        styles = database.execute(
            "SELECT f_table_name, useAsDefault, styleQML FROM layer_styles ORDER BY id"
        ).fetchall()
        (words,) = database.execute(
            "SELECT description FROM gpkg_contents WHERE table_name = 'tasks'"
        ).fetchone()
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        marks = set(database.execute("SELECT simulated FROM tasks"))
    assert [row[:2] for row in styles] == [("tasks", 1), ("standing", 1)]
    assert 'attr="arm"' in styles[0][2]
    assert all(f'value="{arm}"' in styles[0][2] for arm in ("ranked", "learn", "control"))
    assert 'attr="Land_Class"' in styles[1][2]
    assert words.startswith("DRAFT: nobody has approved this run. SIMULATED")
    assert marks == {(1,)}


def test_the_same_tasks_give_the_same_bytes_at_another_time(tasks, tmp_path):
    frame = task_frame(tasks, GRID, marks=REAL)
    path = tmp_path / "tasks.gpkg"
    write_task_package(path, frame, STANDING, marks=REAL)
    before = path.read_bytes()
    time.sleep(1.1)
    write_task_package(path, frame, STANDING, marks=REAL)
    assert before == path.read_bytes()
    assert not list(tmp_path.glob(".*"))


def test_csv_words_are_never_formulas_and_numbers_stay_numbers():
    table = pd.DataFrame(
        {"word": ["=1+1", "+a", "-a", "@a", "a=b", None], "longitude": [-1.5, 2, 3, 4, 5, 6]}
    )
    rows = list(csv.DictReader(io.StringIO(csv_text(table))))
    assert [row["word"] for row in rows] == ["'=1+1", "'+a", "'-a", "'@a", "a=b", ""]
    assert float(rows[0]["longitude"]) == -1.5


def asked_of(run: Run, **changed):
    return run.config.tasks.model_copy(update=changed)


@pytest.fixture
def run(tiny_copy: Path) -> Run:
    """A run whose probability rises from west to east and that speaks for all land."""
    rasters = tiny_copy / "rasters"
    classes, geobox = read_raster(rasters / "risk_class.tif")
    rising = np.broadcast_to(np.linspace(0.05, 0.4, geobox.width), geobox.shape)
    rising = np.where(classes == OUTSIDE, np.nan, rising).astype(np.float32)
    for name, values in (
        ("probability", rising),
        ("probability_lower", rising / 2),
        ("probability_upper", rising * 1.5),
        ("dissimilarity", rising),
    ):
        write_raster(rasters / f"{name}.tif", values, geobox, description=name, unit="1")
    spoken = np.where(classes == OUTSIDE, OUTSIDE, LOWER).astype(np.uint8)
    write_raster(
        rasters / "risk_class.tif", spoken, geobox, description="class", style=CLASS_LEGEND
    )
    return Run.open(tiny_copy)


def test_every_task_says_why_and_how_sure_and_its_nearest_evidence(run: Run, tmp_path: Path):
    write_tasks(run, folder=tmp_path)
    frame = pyogrio.read_dataframe(tmp_path / "tasks.gpkg", layer="tasks")
    ranked = frame[frame["arm"] == "ranked"]
    assert ranked["why"].str.contains("Mean probability of contamination").all()
    assert ranked["why"].str.contains("ranks? ").all()
    assert frame["why"].str.contains("Nearest evidence").all()
    assert frame["why"].str.contains("travel is not counted").all()
    layers = run.layers()
    row = ranked.iloc[0]
    records = layers.vector(row["evidence_layer"], crs=str(frame.crs))
    metres = records.distance(row["geometry"])
    place = int(row["evidence_id"].removeprefix("row ")) - 1
    assert row["evidence_m"] == pytest.approx(metres.min(), abs=0.5)
    assert metres.iloc[place] == pytest.approx(metres.min(), abs=1e-6)
    assert str(row["evidence_date"])[:10] == records["date"].iloc[place][:10]


def test_what_is_said_of_a_task_is_kept_as_codes_and_said_in_any_language(tiny_run: Path):
    known = TaskFile.read(tiny_run / "tasks.json")
    table = pd.read_csv(tiny_run / "tasks.csv", keep_default_na=False)
    assert [why(item, known.missing, ENGLISH) for item in known.reasons] == list(table["why"])
    assert [item.task for item in known.reasons] == list(table["task"])
    for language in ("az", "ru"):
        told = [why(item, known.missing, texts(language)) for item in known.reasons]
        assert not set(told) & set(table["why"])
    capture = known.left_out_regions
    assert isinstance(capture, Capture)
    assert set(capture.found) == set(Rule)
    assert known.ranked == (table["arm"] == Arm.RANKED).sum()
    assert known.undecided == (table["place"] == Firmness.UNDECIDED).sum()


def test_no_task_lies_on_searched_or_registered_land(tiny_run: Path):
    frame = pyogrio.read_dataframe(tiny_run / "tasks.gpkg", layer="tasks")
    searched = Run.open(tiny_run).layers().vector("simulated_surveyed", crs=str(frame.crs))
    standing = pyogrio.read_dataframe(tiny_run / "tasks.gpkg", layer="standing")
    assert set(standing["kind"]) == {"registered area", "accident buffer"}
    registered = standing[standing["kind"] == "registered area"]
    for land in (searched, registered):
        share = frame.geometry.intersection(land.union_all()).area / frame.geometry.area
        assert share.max() < 0.5  # by cell centres: a cell of 25 ha may hold part of either
    assert "probability" not in standing


def test_hazard_impact_and_effort_are_rasters_of_their_own(tiny_run: Path):
    summary = TaskFile.read(tiny_run / "tasks.json").summary
    assert summary.seed == Run.open(tiny_run).config.model.seed
    assert summary.gap is not None
    assert 0 <= summary.gap < 0.01
    for name in ("impact", "effort"):
        with rasterio.open(tiny_run / "tasks" / f"{name}.tif") as raster:
            values = raster.read(1, masked=True).compressed()
            assert raster.tags()["FINDINGS"] == "SIMULATED"
        assert (values > 0).all()
        assert (tiny_run / "tasks" / f"{name}.qml").is_file()
    # Level ground: 50 hectares a team-day; steep ground at most five times that.
    assert values.min() >= 1 / 50 - 1e-6
    assert values.max() <= 5 / 50 + 1e-6


def test_anama_takes_the_criteria_that_layers_allow_and_names_the_others(run, tmp_path):
    write_tasks(run, folder=tmp_path, asked=asked_of(run, preset="anama"))
    known = TaskFile.read(tmp_path / "tasks.json")
    assert set(known.criteria) == {Criterion.CASUALTIES, Criterion.SOCIO_ECONOMIC}
    named = [item for item in known.missing if item.code == Lack.NO_CRITERION_LAYER]
    assert [item.values["criterion"] for item in named] == [
        *("resettlement", "reconstruction", "food_security", "other")
    ]
    table = pd.read_csv(tmp_path / "tasks.csv")
    assert table["impact"].nunique() > 1
    assert {"impact_casualties", "impact_socio_economic"} <= set(table)


def test_filters_keep_to_the_land_asked_for(run, tmp_path):
    write_tasks(run, folder=tmp_path, asked=asked_of(run, near={"settlements": 2_000.0}))
    frame = pyogrio.read_dataframe(tmp_path / "tasks.gpkg", layer="tasks")
    places = run.layers().vector("settlements", crs=str(frame.crs))
    # Cell centres lie within 2 km of the settlement itself.
    assert frame.geometry.distance(places.union_all()).max() <= 2_000
    for wrong in ({"near": {"schools": 500.0}}, {"districts": {"settlements.district": ("x",)}}):
        with pytest.raises(InputError, match=r"settlements|there are"):
            write_tasks(run, folder=tmp_path, asked=asked_of(run, **wrong))
    with pytest.raises(InputError, match=r"model\.hazards"):
        write_tasks(run, folder=tmp_path, asked=asked_of(run, hazard="ap"))
    with pytest.raises(InputError, match="No task"):
        write_tasks(run, folder=tmp_path, asked=asked_of(run, budget_ha=20.0))
