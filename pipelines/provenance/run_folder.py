"""Where everything of a run lies: the one place that spells the names in a run folder."""

from dataclasses import dataclass
from pathlib import Path

MODEL_CARD_READS = ("config.yaml", "metrics.json", "model", "hazards", "held_out.parquet")
"""Outputs that a model card is made of."""
MLFLOW_MODEL = Path("model")
"""The folder of a model in MLflow, below the artifacts of its run."""
MLFLOW_FILES = Path("data", "model")
"""The files of the run's model in that folder: MLflow puts data in ``data``."""


@dataclass(frozen=True)
class RunFolder:
    """The names in a run folder, or in the folder of a hazard class or of a request.

    Nothing is read; a path may be of something that is not there.
    """

    path: Path

    @property
    def config(self) -> Path:
        """The configuration, as it was given."""
        return self.path / "config.yaml"

    @property
    def simulated(self) -> Path:
        """Folder of SIMULATED findings."""
        return self.path / "simulated"

    @property
    def validation_json(self) -> Path:
        """What validation found, for programs."""
        return self.path / "validation.json"

    @property
    def validation_html(self) -> Path:
        """What validation found, as a page."""
        return self.path / "validation.html"

    @property
    def finding_rows(self) -> Path:
        """Hashes of the rows of finding layers."""
        return self.path / "rows.parquet"

    @property
    def cube(self) -> Path:
        """The feature cube."""
        return self.path / "cube.zarr"

    @property
    def effort(self) -> Path:
        """Features of search effort."""
        return self.path / "effort.zarr"

    @property
    def labels(self) -> Path:
        """Labels and regions."""
        return self.path / "labels.zarr"

    @property
    def model(self) -> Path:
        """Folder of the model."""
        return self.path / "model"

    @property
    def metrics(self) -> Path:
        """Every score."""
        return self.path / "metrics.json"

    @property
    def trials(self) -> Path:
        """Every setting tried."""
        return self.path / "trials.json"

    @property
    def held_out(self) -> Path:
        """Every held-out prediction."""
        return self.path / "held_out.parquet"

    @property
    def hazards(self) -> Path:
        """Folder of the models of hazard classes."""
        return self.path / "hazards"

    def hazard(self, name: str) -> "RunFolder":
        """Name the folder of a hazard class: it is laid out as a run is."""
        return RunFolder(self.hazards / name)

    @property
    def figures(self) -> Path:
        """Folder of figures."""
        return self.path / "figures"

    @property
    def rasters(self) -> Path:
        """Folder of rasters."""
        return self.path / "rasters"

    def raster(self, name: str) -> Path:
        """Name the raster of a band, such as ``probability``."""
        return self.rasters / f"{name}.tif"

    @property
    def tasks_gpkg(self) -> Path:
        """Survey tasks, as polygons."""
        return self.path / "tasks.gpkg"

    @property
    def tasks_csv(self) -> Path:
        """Survey tasks, as a table."""
        return self.path / "tasks.csv"

    @property
    def tasks_json(self) -> Path:
        """What the ranking of survey tasks rests on."""
        return self.path / "tasks.json"

    @property
    def report(self) -> Path:
        """The report."""
        return self.path / "report.html"

    @property
    def manifest(self) -> Path:
        """What went into each stage, and what it wrote."""
        return self.path / "manifest.json"

    @property
    def trail(self) -> Path:
        """Folder of listings of outputs that are folders."""
        return self.path / "trail"

    def listing(self, name: str) -> Path:
        """Name the listing of an output that is a folder."""
        return self.trail / f"{name.replace('/', '__')}.sha256"

    def output(self, name: str) -> Path:
        """Locate an output by its name in the manifest."""
        return self.path / name

    def name_of(self, path: Path) -> str:
        """Name a file or folder as the manifest does: relative, with ``/``."""
        return path.relative_to(self.path).as_posix()

    @property
    def reviews(self) -> Path:
        """The log of reviews."""
        return self.path / "reviews.jsonl"

    @property
    def lock(self) -> Path:
        """The file that keeps the folder for one process."""
        return self.path / ".lock"

    @property
    def requests(self) -> Path:
        """Folder of requests."""
        return self.path / "requests"

    @property
    def feedback(self) -> Path:
        """Folder of survey results that came back."""
        return self.path / "feedback"

    @property
    def deliveries(self) -> Path:
        """The log of deliveries of survey results."""
        return self.feedback / "deliveries.jsonl"

    def delivery(self, number: int) -> Path:
        """Name the survey results of a delivery."""
        return self.feedback / f"{number:04d}.fgb"

    def retraining(self, last: int) -> "RunFolder":
        """Name the folder of the next run's configuration, by the last delivery it includes."""
        return RunFolder(self.feedback / f"labels_{last:04d}")

    @property
    def results(self) -> Path:
        """Survey results beside the configuration that reads them."""
        return self.path / "results.fgb"

    @property
    def mlflow(self) -> Path:
        """The MLflow record."""
        return self.path / "mlflow.db"

    def mlflow_model(self, run_id: str) -> Path:
        """Name the copy of the model that MLflow keeps."""
        return self.path / "mlflow" / run_id / "artifacts" / MLFLOW_MODEL / MLFLOW_FILES

    @property
    def untracked(self) -> frozenset[Path]:
        """What lies in a run folder and is no output of a stage."""
        files = (self.manifest, self.reviews, self.lock, self.mlflow, *self.translations)
        return frozenset({*files, self.path / "mlflow", self.requests, self.feedback})

    def report_in(self, language: str) -> Path:
        """Where the report lies in a language: that in English is an output of a stage."""
        return self.report if language == "en" else self.path / f"report_{language}.html"

    @property
    def translations(self) -> tuple[Path, ...]:
        """Reports in other languages than English."""
        return tuple(sorted(self.path.glob("report_??.html")))
