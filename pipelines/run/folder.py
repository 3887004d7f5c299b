"""The folder of one run, with its configuration and its layers."""

import datetime as dt
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd
import xarray as xr
from odc.geo.geobox import GeoBox

from minerisk.configs.load import ConfigError, load_config
from minerisk.configs.schema import Config, VectorLayer
from minerisk.features.cube.store import open_cube
from minerisk.features.errors import FindingError, InputError
from minerisk.features.grid import RowMask, drawn_mask, study_grid
from minerisk.features.layers.sources import Layers
from minerisk.features.layers.stored_frames import StoredFrames
from minerisk.features.layers.vectors import areas
from minerisk.pipelines.language.marks import Marks
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.provenance.files import FOLDER, sha256_path, write_whole
from minerisk.pipelines.provenance.links import refuse_links
from minerisk.pipelines.provenance.manifest import read_manifest, write_manifest
from minerisk.pipelines.provenance.reviews import ReviewLog, read_reviews
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.provenance.standing import standing_of
from minerisk.pipelines.records.manifest import BuildFacts, Manifest
from minerisk.pipelines.records.metrics import Metrics
from minerisk.pipelines.records.review import Standing, State
from minerisk.pipelines.run.layers import Placed, open_layers
from minerisk.pipelines.run.readers import held_out_cells, load_model, open_labels
from minerisk.pipelines.run.workers import ALONE, Workers

if TYPE_CHECKING:
    from minerisk.models.risk_model import RiskModel

T = TypeVar("T")

SIMULATED_PREFIX = "@simulated/"
RESULTS = "@results/"


@dataclass(frozen=True)
class Run:
    """A run folder.

    Attributes
    ----------
    folder
        Where everything of the run is.
    config
        What was asked for.
    config_path
        The file it came from; a relative data root is relative to it.
    workers
        Who works on tiles; it changes no byte of any output.
    given
        Whether the configuration was given for this command. One that lay in the run folder may be
        from anybody.
    stored
        What was read of the layers already, for stages that read the same; none: nothing is kept.
    """

    folder: Path
    config: Config
    config_path: Path
    workers: Workers = ALONE
    given: bool = False
    stored: StoredFrames | None = None

    @classmethod
    def start(cls, config_path: Path, folder: Path) -> "Run":
        """Begin a run, or go on with one.

        Raises
        ------
        InputError
            If the configuration has problems, or the folder is not empty and not a run's.
        """
        config, files = read_config(config_path), RunFolder(folder)
        place = _place(config_path, folder)
        if not files.manifest.exists():
            if folder.exists() and any(item != files.lock for item in folder.iterdir()):
                raise InputError(
                    f"{folder} is not empty and holds no run; expected a new folder or one that "
                    "`minerisk run` made. Choose another --out."
                )
            folder.mkdir(mode=FOLDER, parents=True, exist_ok=True)
            write_manifest(files, _first_manifest(config, place))
        else:
            manifest = read_manifest(files)
            if manifest.study_area != config.study_area.name:
                raise InputError(
                    f"{folder} is a run of {manifest.study_area}, not of "
                    f"{config.study_area.name}. Choose another --out."
                )
            if manifest.config_file != place:  # one of the two was moved
                moved = manifest.model_copy(update={"config_file": place})
                write_whole(files.manifest, moved.to_json())
        write_whole(files.config, config_path.read_bytes())
        return cls(folder, config, config_path, given=True)

    @classmethod
    def open(cls, folder: Path) -> "Run":
        """Open the folder of a run that was made before.

        Raises
        ------
        InputError
            If it holds no run.
        FindingError
            If it holds a link, or its manifest was changed.
        """
        files = RunFolder(folder)
        refuse_links(folder)
        manifest = read_manifest(files)
        return cls.of(files, manifest, read_config(files.config))

    @classmethod
    def of(cls, files: RunFolder, manifest: Manifest, config: Config) -> "Run":
        """Put a run together from what was read of it already."""
        place = files.path / manifest.config_file
        return cls(files.path, config, Path(os.path.normpath(place)))

    @classmethod
    def again(cls, known: "Run", folder: Path) -> "Run":
        """Begin a run in a new folder with the configuration and the layers of another.

        Raises
        ------
        InputError
            If the folder holds anything but an earlier try of the same.
        """
        folder.mkdir(mode=FOLDER, parents=True, exist_ok=True)
        files, content = RunFolder(folder), known.files.config.read_bytes()
        if any(item != files.lock for item in folder.iterdir()):
            if not files.config.is_file() or files.config.read_bytes() != content:
                raise InputError(f"{folder} is not empty; expected a new folder. Choose another.")
        else:
            write_whole(files.config, content)
            place = _place(known.config_path, folder)
            first = _first_manifest(known.config, place)
            write_manifest(files, first.model_copy(update={"repeats": known.day}))
        return cls(folder, known.config, known.config_path)

    @cached_property
    def files(self) -> RunFolder:
        """Where everything of the run lies."""
        return RunFolder(self.folder)

    def manifest(self) -> Manifest:
        """Read what went into each stage and what it wrote."""
        return self.kept(self.files.manifest, lambda: read_manifest(self.files))

    @property
    def day(self) -> dt.date | None:
        """When the layers of the run were read; None where it is not on record."""
        manifest = self.manifest()
        built = manifest.stage("build")
        return None if built is None else manifest.facts("build", BuildFacts).day

    def reviews(self) -> ReviewLog:
        """Read the decisions on the run; checked at each call."""
        return read_reviews(self.files, self.manifest())

    def standing(self, outputs: Collection[str] | None = None) -> Standing:
        """Verify the run and decide how it stands; see `standing_of`: it hashes at each call."""
        return standing_of(self.files, self.manifest(), outputs)

    def cube(self) -> xr.Dataset:
        """Open the feature cube lazily."""
        return open_cube(self.files.cube)

    def labels(self) -> xr.Dataset:
        """Open the labels lazily."""
        return open_labels(self.folder)

    def held_out(self, *columns: str) -> pd.DataFrame:
        """Read each labelled cell with its held-out scores; `columns` must be among them."""
        return held_out_cells(self.folder, columns)

    def metrics(self, hazard: str | None = None) -> Metrics:
        """Read every score, or those of the model of a hazard class."""
        path = (self.files if hazard is None else self.files.hazard(hazard)).metrics
        return self.kept(path, lambda: Metrics.read(path))

    def model(self, hazard: str | None = None) -> "RiskModel":
        """Read the model, or that of a hazard class."""
        home = self.files if hazard is None else self.files.hazard(hazard)
        return self.kept(home.model, lambda: load_model(home.path))

    @cached_property
    def _read(self) -> dict[Path, tuple[tuple[int, int, int], Any]]:
        return {}

    def kept(self, path: Path, read: Callable[[], T]) -> T:
        """Read once; again where the file was replaced since. Of a file always read the same."""
        if not path.exists():
            return read()
        facts = path.stat()
        mark = (facts.st_ino, facts.st_mtime_ns, facts.st_size)
        if path not in self._read or self._read[path][0] != mark:
            self._read[path] = mark, read()
        found: T = self._read[path][1]
        return found

    @property
    def simulated(self) -> bool:
        """Whether findings are simulated."""
        return self.config.simulated

    def layers(self) -> Layers:
        """Return the layers; simulated ones are read from the run folder."""
        return open_layers(
            self.config,
            config_path=self.config_path,
            overrides=self._overrides(),
            stored=self.stored,
        )

    def layer_inputs(self) -> dict[str, str]:
        """Map ``layer:<name>`` to SHA-256, for the layers that are not simulated."""
        layers = self.layers()
        return {
            f"layer:{name}": layers.sha256(name)
            for name in layers.names()
            if name not in self._placed(SIMULATED_PREFIX, Path())
        }

    def config_input(self) -> dict[str, str]:
        """Map ``config.yaml`` to its SHA-256."""
        return {"config.yaml": sha256_path(self.files.config)}

    def grid(self, layers: Layers) -> tuple[GeoBox, RowMask]:
        """Return the grid of the study area and which cells lie in it, drawn rows at a time."""
        return grid_of(self.config, layers)

    def _overrides(self) -> Mapping[str, Placed]:
        simulated = self._placed(SIMULATED_PREFIX, self.files.simulated)
        return simulated | self._placed(RESULTS, self.config_path.parent)  # of survey, beside it

    def _placed(self, prefix: str, folder: Path) -> dict[str, Placed]:
        return {
            name: Placed(folder, layer.path.removeprefix(prefix))
            for name, layer in self.config.layers.items()
            if isinstance(layer, VectorLayer) and layer.path.startswith(prefix)
        }


def grid_of(config: Config, layers: Layers) -> tuple[GeoBox, RowMask]:
    """Return the grid of a study area and which cells lie in it, drawn rows at a time."""
    area = config.study_area
    boundary = areas(layers.vector(area.boundary, crs=area.crs), name=area.boundary)
    geobox = study_grid(tuple(boundary.total_bounds), crs=area.crs, resolution_m=area.resolution_m)
    return geobox, drawn_mask(geobox, boundary)


def read_config(path: Path) -> Config:
    """Load a configuration, its problems as an error for the user."""
    try:
        return load_config(path)
    except ConfigError as error:
        raise InputError(str(error)) from error


def marks_of(*runs: Run) -> Marks:
    """Return the marks of what is made of runs: approved if all are, simulated if any is.

    Chain, reviews and keys are verified, no outputs: whoever reads those verifies them.
    """
    states = [run.standing(()).state for run in runs]
    first = next((state for state in states if state is not State.APPROVED), State.APPROVED)
    return Marks(first, any(run.simulated for run in runs))


def refuse_unverified(folder: Path, standing: Standing, words: str) -> None:
    """Stop where a run does not verify; `words` say what was not done.

    Raises
    ------
    FindingError
        If it does not.
    """
    if standing.state is State.UNVERIFIED:
        count = len(standing.reasons)
        more = f" ({count} reasons in all)" if count > 1 else ""
        raise FindingError(
            f"{folder} does not verify: {ENGLISH.say(standing.reasons[0])}{more}. {words}; "
            f"`minerisk audit verify {folder}` lists what is wrong."
        )


def _place(config_path: Path, folder: Path) -> str:
    return os.path.relpath(config_path.resolve(), folder.resolve())


def _first_manifest(config: Config, place: str) -> Manifest:
    return Manifest.of(
        study_area=config.study_area.name,
        title=config.study_area.title,
        simulated=config.simulated,
        config_file=place,
    )
