"""Study areas that come with minerisk can be used where they are, and copied."""

from pathlib import Path

import pytest

from minerisk import datasets
from minerisk.configs.load import load_config
from minerisk.features.errors import InputError
from minerisk.pipelines.notebook.example_area import write_example
from minerisk.pipelines.run.layers import open_layers


def test_every_layer_of_an_example_is_there() -> None:
    for area in (datasets.karabakh(), datasets.tiny()):
        for name in area.layers.names():
            if not str(area.layers.source(name).path).startswith("@"):
                assert area.layers.path(name).is_file()
        assert (area.data / "README.md").read_text(encoding="utf-8").count("licence")
        assert "SIMULATED" in area.config.study_area.title


def test_a_copy_reads_its_own_layers(tmp_path: Path) -> None:
    path = write_example("tiny", tmp_path / "own")
    config = load_config(path)
    layers = open_layers(config, config_path=path)
    assert layers.path("elevation").is_relative_to(tmp_path)
    assert config.model_copy(update={"data_root": "x"}) == datasets.tiny().config.model_copy(
        update={"data_root": "x"}
    )
    with pytest.raises(InputError, match="is not empty"):
        write_example("tiny", tmp_path / "own")
    with pytest.raises(InputError, match="expected one of"):
        write_example("bosnia", tmp_path / "other")


def test_the_package_that_extends_minerisk_is_written_whole(tmp_path: Path) -> None:
    folder = write_example("additions", tmp_path / "own")
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    modules = {"__init__", "calibrator", "estimator", "feature"}
    assert names == {"pyproject.toml", *(f"minerisk_template/{name}.py" for name in modules)}
