"""Simulated findings are marked, whole, apart from the truth, and the same from the same seed."""

import hashlib
import sqlite3
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio

from minerisk.configs.load import load_config
from minerisk.features.errors import InputError
from minerisk.features.grid import cells_inside, study_grid
from minerisk.pipelines.prepare.simulate import run_simulation
from minerisk.pipelines.run.layers import Placed, open_layers

CONFIGS = Path(__file__).resolve().parents[3] / "configs"
TABLES = {
    "simulated_finds",
    "simulated_accidents",
    "simulated_suspect_areas",
    "simulated_cleared",
    "simulated_surveyed",
}


def simulate(config, folder):
    layers = open_layers(config, config_path=CONFIGS / "tiny.yaml")
    area = layers.vector("study_area", crs=config.study_area.crs)
    geobox = study_grid(
        tuple(area.total_bounds),
        crs=config.study_area.crs,
        resolution_m=config.study_area.resolution_m,
    )
    return run_simulation(config, layers, geobox, cells_inside(geobox, area), folder)


def changed(config, **settings):
    simulation = config.simulation.model_copy(update=settings)
    return config.model_copy(update={"simulation": simulation})


@pytest.fixture(scope="module")
def config():
    return load_config(CONFIGS / "tiny.yaml")


@pytest.fixture(scope="module")
def written(config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "simulated"
    return folder, simulate(config, folder)


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_every_simulated_layer_of_the_config_gets_its_file(config, written):
    folder, paths = written
    assert set(paths) == TABLES
    assert set(paths.values()) == {folder / "findings.gpkg"}
    placed = {name: Placed(path.parent, path.name) for name, path in paths.items()}
    layers = open_layers(config, config_path=CONFIGS / "tiny.yaml", overrides=placed)
    for name in TABLES:
        assert len(layers.vector(name, crs="EPSG:32638")) > 0


def test_nothing_else_and_nothing_unfinished_is_left(written):
    assert set(digests(written[0])) == {
        "README.txt",
        "findings.gpkg",
        "positions.gpkg",
        "truth/truth.gpkg",
        "truth/truth.tif",
    }


def test_every_table_and_row_is_marked_simulated(written):
    for name in ("findings.gpkg", "positions.gpkg", "truth/truth.gpkg"):
        path = written[0] / name
        for table, _ in pyogrio.list_layers(path):
            frame = pyogrio.read_dataframe(path, layer=table)
            assert table.startswith("simulated_")
            assert (frame["simulated"] == 1).all()
            description = pyogrio.read_info(path, layer=table)["layer_metadata"]["DESCRIPTION"]
            assert description.startswith("SIMULATED")
    assert (written[0] / "README.txt").read_text().startswith("SIMULATED")
    with rasterio.open(written[0] / "truth" / "truth.tif") as file:
        assert file.tags()["SIMULATED"] == "yes"
        assert all(name.startswith("simulated_") for name in file.descriptions)


def test_truth_is_not_in_the_findings(written):
    with sqlite3.connect(written[0] / "findings.gpkg") as database:
        tables = {row[0] for row in database.execute("SELECT table_name FROM gpkg_contents")}
        columns = {
            row[1] for table in tables for row in database.execute(f"PRAGMA table_info({table})")
        }
    assert tables == TABLES
    assert columns == {
        *("fid", "geom", "hazard", "date", "evidence", "number", "method", "simulated")
    }


def test_positions_tell_their_type_and_no_more(written):
    frame = pyogrio.read_dataframe(written[0] / "positions.gpkg")
    assert pyogrio.list_layers(written[0] / "positions.gpkg")[:, 0] == ["simulated_positions_seen"]
    assert set(frame.columns) == {"type", "simulated", "geometry"}


@pytest.mark.parametrize(
    "setting", [{"positions_missed": 0.5}, {"positions_false": 0.5}, {"positions_error_m": 400.0}]
)
def test_settings_of_imagery_change_the_positions_alone(config, written, tmp_path, setting):
    simulate(changed(config, **setting), tmp_path)
    before, after = digests(written[0]), digests(tmp_path)
    assert {name for name in before if before[name] != after[name]} == {"positions.gpkg"}


def test_findings_are_drawn_apart_from_the_positions_that_are_mapped(config, written, tmp_path):
    """What is mapped does not hang on what was found: the survey changes, the positions do not."""
    simulate(changed(config, detection=0.5, surveyed_share=0.3), tmp_path)
    before, after = digests(written[0]), digests(tmp_path)
    assert before["positions.gpkg"] == after["positions.gpkg"]
    assert before["findings.gpkg"] != after["findings.gpkg"]


def test_truth_raster_holds_the_world_that_was_asked_for(config, written):
    with rasterio.open(written[0] / "truth" / "truth.tif") as file:
        bands = dict(zip(file.descriptions, file.read(), strict=True))
    there = bands["simulated_contaminated"] == 1
    counts = sum(bands[f"simulated_{name}_count"] for name in ("ap", "at", "uxo"))
    np.testing.assert_array_equal(counts > 0, there)
    inside = np.isfinite(bands["simulated_contaminated"])
    assert there.sum() == round(config.simulation.prevalence * inside.sum())


def test_same_seed_same_bytes(config, written, tmp_path):
    simulate(config, tmp_path / "again")
    assert digests(tmp_path / "again") == digests(written[0])


@pytest.mark.parametrize(
    "setting",
    [
        {"seed": 7},
        {"prevalence": 0.05},
        {"away_share": 0.3},
        {"surveyed_share": 0.4},
        {"detection": 0.6},
        {"false_suspicion": 1.0},
        {"rivers": None},
        {"roads": "streams"},
    ],
)
def test_every_setting_changes_the_findings(config, written, tmp_path, setting):
    simulate(changed(config, **setting), tmp_path)
    name = "findings.gpkg"
    assert digests(tmp_path)[name] != digests(written[0])[name]


def test_a_second_run_writes_over_the_first(config, tmp_path):
    simulate(changed(config, seed=7), tmp_path)
    before = digests(tmp_path)
    simulate(changed(config, seed=8), tmp_path)
    assert set(digests(tmp_path)) == set(before)
    assert digests(tmp_path)["findings.gpkg"] != before["findings.gpkg"]


def test_a_laying_that_does_not_fit_leaves_nothing(config, tmp_path):
    with pytest.raises(InputError, match="contaminated cells"):
        simulate(changed(config, prevalence=0.9, away_share=0.01), tmp_path / "simulated")
    assert not (tmp_path / "simulated").exists()


def test_without_a_simulation_section_it_is_refused(config, tmp_path):
    with pytest.raises(InputError, match="no simulation section"):
        simulate(config.model_copy(update={"simulation": None}), tmp_path)


@pytest.mark.parametrize("name", ["karabakh", "bosnia", "tiny"])
def test_shipped_configs_are_valid_and_simulated_ones_say_so(name):
    config = load_config(CONFIGS / f"{name}.yaml")
    assert ("SIMULATED" in config.study_area.title) == (config.simulation is not None)
