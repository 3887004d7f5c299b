from pathlib import Path

import pytest

from minerisk.features.errors import FindingError, InputError
from minerisk.features.grid import count_marked
from minerisk.pipelines.records.metrics import Metrics
from minerisk.pipelines.run.folder import Run

ROOT = Path(__file__).resolve().parents[3]
TINY = ROOT / "configs" / "tiny.yaml"
DATA = ROOT / "data" / "tiny"
KARABAKH = ROOT / "configs" / "karabakh.yaml"


def test_a_run_opened_again_is_the_run_that_was_begun(tmp_path: Path) -> None:
    begun = Run.start(TINY, tmp_path / "run")
    opened = Run.open(tmp_path / "run")
    assert opened.config == begun.config
    assert opened.config_path.resolve() == TINY
    assert opened.simulated
    assert opened.layer_inputs() == begun.layer_inputs()


def test_simulated_layers_are_read_from_the_run_and_are_no_input(tmp_path: Path) -> None:
    run = Run.start(TINY, tmp_path / "run")
    inputs = run.layer_inputs()
    assert "layer:elevation" in inputs
    assert not any("simulated" in name for name in inputs)
    simulated = tmp_path / "run" / "simulated"
    simulated.mkdir()
    (simulated / "findings.gpkg").write_bytes((DATA / "base.gpkg").read_bytes())
    assert run.layers().path("simulated_finds") == (simulated / "findings.gpkg").resolve()


def test_the_grid_holds_the_tiny_square(tmp_path: Path) -> None:
    run = Run.start(TINY, tmp_path / "run")
    geobox, inside = run.grid(run.layers())
    assert inside.shape == tuple(geobox.shape)
    assert count_marked(inside) == 3_600  # 30 km x 30 km at 500 m


def test_a_folder_is_of_one_study_area(tmp_path: Path) -> None:
    Run.start(TINY, tmp_path / "run")
    with pytest.raises(InputError, match="a run of tiny, not of karabakh"):
        Run.start(KARABAKH, tmp_path / "run")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 99}', '{"format": 1}'])
def test_a_damaged_manifest_is_named(tmp_path: Path, text: str) -> None:
    Run.start(TINY, tmp_path / "run")
    (tmp_path / "run" / "manifest.json").write_text(text, encoding="utf-8")
    cut = not text.startswith('{"')  # what was cut off is a finding of the trail: exit code 1
    with pytest.raises(FindingError if cut else InputError, match=r"manifest\.json"):
        Run.open(tmp_path / "run")


def test_metrics_that_are_missing_or_damaged_are_named(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    with pytest.raises(InputError, match="make it first"):
        Metrics.read(path)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="is not JSON"):
        Metrics.read(path)
