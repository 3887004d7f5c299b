from pathlib import Path

import pytest

from minerisk.features.cube.store import open_cube
from minerisk.pipelines.prepare.line_error import DRAWS, line_error
from minerisk.pipelines.records.manifest import BuildFacts
from minerisk.pipelines.run.folder import Run, read_config
from minerisk.pipelines.run.layers import open_layers, present_features

TINY = Path(__file__).parents[3] / "configs" / "tiny.yaml"
UNITS = dict.fromkeys(
    ("front_distance_m", "front_expected_m", "front_signed_m", "streams_distance_m"), "m"
)


def found(**errors: float):
    config = read_config(TINY)
    kept = {
        name: layer.model_copy(update={"position_error_m": errors[name]})
        if name in errors
        else layer
        for name, layer in config.layers.items()
    }
    config = config.model_copy(update={"layers": kept})
    layers = open_layers(config, config_path=TINY)
    return line_error(config, layers, present_features(config, layers)[0], units=UNITS)


def test_columns_made_of_drawn_lines_are_told_the_most_moved_first() -> None:
    told = found()
    assert told.cell_m == 500  # 3,600 cells: as fine as the study area
    assert told.draws == DRAWS
    assert {row.column for row in told.rows} == set(UNITS)
    shares = [row.share for row in told.rows]
    assert shares == sorted(shares, reverse=True)
    for row in told.rows:
        assert row.share == pytest.approx(row.change / row.spread, rel=1e-3)
        assert row.unit == "m"
    assert told == found()


def test_a_layer_without_a_stated_error_is_not_moved() -> None:
    told = found(streams=0.0)
    assert {row.column for row in told.rows} == set(UNITS) - {"streams_distance_m"}
    assert found(streams=0.0, front_line=0.0, area_held=0.0).rows == ()


def test_a_run_keeps_it_and_its_report_shows_it(tiny_run: Path) -> None:
    told = Run.open(tiny_run).manifest().facts("build", BuildFacts).line_error
    cube = open_cube(tiny_run / "cube.zarr")
    assert {row.column: row.unit for row in told.rows} == {
        name: cube[name].attrs["unit"] for name in UNITS
    }
    page = (tiny_run / "report.html").read_text(encoding="utf-8")
    assert "A distance to a drawn line is as uncertain as the line" in page
    assert "front signed m" in page
