"""What comes with minerisk to start from: study areas with their layers, a package to extend it."""

import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

from odc.geo.geobox import GeoBox

from minerisk.configs.load import load_config
from minerisk.configs.schema import Config
from minerisk.features.errors import InputError
from minerisk.features.layers.sources import Layers
from minerisk.pipelines.provenance.files import write_whole
from minerisk.pipelines.run.folder import grid_of
from minerisk.pipelines.run.layers import open_layers

AreaName = Literal["karabakh", "tiny"]
ADDITIONS = "additions"
"""Name of the package that adds a feature, an estimator and a calibrator; see docs/extend.md."""
LAYERS = "layers"
_HOME = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class ExampleArea:
    """A study area with open layers of real land. Its findings are SIMULATED by a run.

    Attributes
    ----------
    name
        ``karabakh``, or ``tiny``: a 30 km square of it at 500 m.
    """

    name: AreaName

    @property
    def path(self) -> Path:
        """The configuration, such as ``minerisk run`` takes."""
        return _HOME / "configs" / f"{self.name}.yaml"

    @property
    def data(self) -> Path:
        """The folder of the layers; its README names sources and licences."""
        return _HOME / "data" / self.name

    @cached_property
    def config(self) -> Config:
        """The settings."""
        return load_config(self.path)

    @cached_property
    def layers(self) -> Layers:
        """The layers, by name; none is read yet."""
        return open_layers(self.config, config_path=self.path)

    @cached_property
    def geobox(self) -> GeoBox:
        """The grid of the study area."""
        return grid_of(self.config, self.layers)[0]


def write_example(name: str, folder: Path) -> Path:
    """Copy a study area into a new folder, ``NAME.yaml`` and its layers, or the package.

    Returns
    -------
    Path
        The configuration; of the package its folder.

    Raises
    ------
    InputError
        If there is no such example, or the folder holds something.
    """
    names = [*get_args(AreaName), ADDITIONS]
    if name not in names:
        raise InputError(f"The example is {name!r}; expected one of {names}.")
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty; expected a new folder. Name another.")
    folder.mkdir(parents=True, exist_ok=True)
    if name == ADDITIONS:
        compiled = shutil.ignore_patterns("__pycache__")
        return shutil.copytree(_HOME / "data" / name, folder, ignore=compiled, dirs_exist_ok=True)
    area = ExampleArea("karabakh" if name == "karabakh" else "tiny")
    shutil.copytree(area.data, folder / LAYERS)
    own = area.path.read_text(encoding="utf-8")
    text = own.replace(f"data_root: ../data/{name}", f"data_root: {LAYERS}")
    return write_whole(folder / f"{name}.yaml", text)
