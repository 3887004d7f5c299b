"""The model that map, service and audit share: the one path from features to probability."""

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from minerisk.features.additions import (
    CALIBRATORS,
    ESTIMATORS,
    Addition,
    addition_of,
    check_installed,
)
from minerisk.features.coverage import EDGE_M
from minerisk.features.errors import InputError
from minerisk.models.applicability.area_of_applicability import Applicability
from minerisk.models.applicability.error_profiles import ErrorProfile
from minerisk.models.calibration.calibrator import Calibrator
from minerisk.models.calibration.calibrators import calibrator_from_dict
from minerisk.models.calibration.conformal import IntervalScaler
from minerisk.models.estimators.members import Members, mean_and_spread
from minerisk.models.estimators.stored_members import members_from_files
from minerisk.models.inputs import COORDINATES
from minerisk.models.plain_values import read_record

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from minerisk.models.estimators.past_findings import PastFindings

FORMAT = 5
MOST_VALUES = 500_000_000


@dataclass(frozen=True)
class Prediction:
    """What is said of each cell; arrays of shape ``(n,)``.

    Attributes
    ----------
    probability, lower, upper
        Calibrated probability of contamination and its interval, float32; NaN where a cell has no
        feature at all.
    dissimilarity
        Dissimilarity index against the training cells, float32.
    applicable
        Whether the training data support a statement. Where not, the answer is *cannot say*.
    density
        Local point density: training cells within the threshold of dissimilarity, float32.
    expected_error
        Log loss to be expected there minus that of saying the prevalence, float32; below 0 the
        model says more than the prevalence. NaN where not applicable, or without a profile.
    """

    probability: NDArray[np.float32]
    lower: NDArray[np.float32]
    upper: NDArray[np.float32]
    dissimilarity: NDArray[np.float32]
    applicable: NDArray[np.bool_]
    density: NDArray[np.float32]
    expected_error: NDArray[np.float32]


@dataclass(frozen=True)
class SilentLand:
    """The interval of land of which a layer says nothing.

    What the model does not know of there makes blocks differ more from it than over all land held
    out: an interval for all would be too narrow.

    Attributes
    ----------
    columns
        Features without a value where a layer is silent.
    interval
        Learned on held-out land that lacks any of them.
    """

    columns: tuple[str, ...]
    interval: IntervalScaler

    def among(self, cells: pd.DataFrame) -> NDArray[np.bool_]:
        """Mark the cells of such land, shape (n,)."""
        return np.asarray(cells[list(self.columns)].isna().any(axis=1), dtype=bool)


@dataclass(frozen=True)
class RiskModel:
    """Findings encoder, members, calibrator and area of applicability, as one value.

    Attributes
    ----------
    features
        Feature columns, in the order the members know them.
    findings
        Fitted encoder of past findings, or none.
    members
        Members of the ensemble.
    calibrator
        From ensemble probability to calibrated probability.
    applicability
        Area of applicability over the members' columns.
    interval
        From the ensemble's spread to an interval, learned on land held out.
    profile
        From dissimilarity and local point density to the error to be expected; none if unknown.
    silent
        The interval where a layer says nothing; none is that of all land.
    """

    features: tuple[str, ...]
    findings: "PastFindings | None"
    members: Members
    calibrator: Calibrator
    applicability: Applicability
    interval: IntervalScaler
    profile: ErrorProfile | None = None
    silent: SilentLand | None = None
    threads: int = 2

    def columns(self, cells: pd.DataFrame) -> pd.DataFrame:
        """Return the columns that the members see, for cells with coordinates and features.

        Raises
        ------
        InputError
            If a feature is missing.
        """
        missing = [name for name in (*COORDINATES, *self.features) if name not in cells]
        if missing:
            raise InputError(
                f"The cells lack {missing}; the model was trained on {list(self.features)}. "
                "Build the cube with the configuration of the run."
            )
        known = cells[list(self.features)]
        if self.findings is None:
            return known
        encoded = pd.DataFrame(
            np.asarray(self.findings.transform(cells[list(COORDINATES)].to_numpy())),
            columns=list(self.findings.get_feature_names_out()),
            index=cells.index,
        )
        return pd.concat([known, encoded], axis=1)

    def predict(self, cells: pd.DataFrame) -> Prediction:
        """Predict each cell.

        Parameters
        ----------
        cells
            ``easting``, ``northing`` (metres) and every feature, one row per cell.
        """
        return self.predict_columns(self.columns(cells))

    def predict_columns(self, columns: pd.DataFrame) -> Prediction:
        """Predict each cell from what `columns` returned for it."""
        matrix = columns.to_numpy(dtype=np.float32)
        mean, spread = mean_and_spread(self.members.log_odds(matrix, threads=self.threads))
        probability = self._calibrated(mean)
        lower, upper = self._ends(columns, probability, spread)
        novelty = self.applicability.novelty(columns)
        known = [name for name in self.features if name != EDGE_M]
        blank = np.isnan(columns[known].to_numpy()).all(axis=1)
        applicable = self.applicability.applicable(novelty.dissimilarity) & ~blank
        expected = np.full(len(columns), np.nan, dtype=np.float32)
        if self.profile is not None:
            expected = np.where(applicable, self.profile.expected(novelty), expected)
        return Prediction(
            probability=_blanked(probability, blank),
            lower=_blanked(np.minimum(lower, probability), blank),
            upper=_blanked(np.maximum(upper, probability), blank),
            dissimilarity=novelty.dissimilarity,
            applicable=applicable,
            density=novelty.density,
            expected_error=expected,
        )

    def to_files(self) -> dict[str, bytes]:
        """Return the model as plain files: LightGBM text, JSON and Parquet. No pickles."""
        files = self.members.to_files()
        record: dict[str, Any] = {
            "format": FORMAT,
            "features": list(self.features),
            "interval": self.interval.to_dict(),
            "calibrator": self.calibrator.to_dict(),
            "profile": None if self.profile is None else self.profile.to_dict(),
            "silent": None,
            "findings": None,
        }
        if self.findings is not None:
            record["findings"] = self.findings.to_dict()
            files["findings.parquet"] = _parquet(self.findings.to_frame())
        if self.silent is not None:
            interval = self.silent.interval.to_dict()
            record["silent"] = {"columns": list(self.silent.columns), "interval": interval}
        arrays = self.applicability.to_arrays()
        for name, array in arrays.items():
            frame = pd.DataFrame(np.atleast_2d(np.asarray(array).T).T)
            files[f"applicability_{name}.parquet"] = _parquet(frame.rename(columns=str))
        record["applicability"] = sorted(arrays)
        kind = str(json.loads(files["members.json"])["kind"])
        added = (
            addition_of(ESTIMATORS, kind),
            addition_of(CALIBRATORS, self.calibrator.kind),
        )
        if any(added):
            record["added"] = [asdict(item) for item in added if item is not None]
        files["model.json"] = (json.dumps(record, indent=1, sort_keys=True) + "\n").encode()
        return files

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], *, threads: int = 2) -> "RiskModel":
        """Rebuild a model from its files, each checked before a parser sees it.

        Raises
        ------
        InputError
            If a file is missing, of another format, or not what it says.
        """
        if "model.json" not in files:
            raise InputError("The model folder has no model.json; expected a minerisk model.")
        record = read_record(files["model.json"], "model.json")
        try:
            return cls._from_record(record, files, threads)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise InputError(
                f"The files of the model do not fit each other ({str(error)[:200]!r}). Train again."
            ) from error

    @classmethod
    def _from_record(
        cls, record: Mapping[str, Any], files: Mapping[str, bytes], threads: int
    ) -> Self:
        if record.get("format") != FORMAT:
            raise InputError(
                f"The model has format {record.get('format')}; this version reads {FORMAT}."
            )
        for added in _additions(record):
            check_installed(added)
        parts = [f"applicability_{name}.parquet" for name in record["applicability"]]
        missing = [name for name in parts if name not in files]
        if missing:
            raise InputError(f"The model folder lacks {missing}; it is incomplete.")
        findings = None
        if record["findings"] is not None:
            from minerisk.models.estimators.past_findings import PastFindings

            known = _frame(files["findings.parquet"])
            findings = PastFindings.from_dict(record["findings"], known)
        width = len(record["features"])
        width += 0 if findings is None else len(findings.get_feature_names_out())
        arrays = {
            name: _frame(files[f"applicability_{name}.parquet"]).to_numpy()
            for name in record["applicability"]
        }
        return cls(
            features=tuple(record["features"]),
            findings=findings,
            members=members_from_files(files, columns=width),
            calibrator=calibrator_from_dict(record["calibrator"]),
            applicability=Applicability.from_arrays(arrays),
            interval=IntervalScaler.from_dict(record["interval"]),
            profile=ErrorProfile.from_dict(record["profile"]) if record.get("profile") else None,
            silent=_silent(record.get("silent"), record["features"]),
            threads=threads,
        )

    def _ends(
        self,
        columns: pd.DataFrame,
        probability: NDArray[np.float64],
        spread: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        lower, upper = self.interval.interval(probability, spread)
        if self.silent is not None and (silent := self.silent.among(columns)).any():
            ends = self.silent.interval.interval(probability[silent], spread[silent])
            lower[silent], upper[silent] = ends
        return lower, upper

    def _calibrated(self, log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self.calibrator.transform(1.0 / (1.0 + np.exp(-log_odds))))


def assemble(
    pipeline: "Pipeline",
    *,
    features: list[str],
    calibrator: Calibrator,
    applicability: Applicability,
    interval: IntervalScaler,
    profile: ErrorProfile | None = None,
    silent: SilentLand | None = None,
) -> RiskModel:
    """Make the risk model of a fitted pipeline (see `estimators.risk_pipeline`)."""
    columns = pipeline.named_steps["columns"]
    ensemble = pipeline.named_steps["classifier"]
    return RiskModel(
        features=tuple(features),
        findings=columns.named_transformers_.get("findings"),
        members=ensemble.members_,
        calibrator=calibrator,
        applicability=applicability,
        interval=interval,
        profile=profile,
        silent=silent,
        threads=ensemble.threads,
    )


def _silent(record: Mapping[str, Any] | None, features: list[str]) -> SilentLand | None:
    if record is None:
        return None
    names = tuple(str(name) for name in record["columns"])
    unknown = [name for name in names if name not in features]
    if unknown or not names:
        raise InputError(
            f"The model's interval of silent land goes by {unknown or 'no column'}; expected "
            "features of the model. Train again."
        )
    return SilentLand(names, IntervalScaler.from_dict(record["interval"]))


def _blanked(values: NDArray[np.float64], blank: NDArray[np.bool_]) -> NDArray[np.float32]:
    return np.where(blank, np.nan, values).astype(np.float32)


def members_made_by(files: Mapping[str, bytes]) -> tuple[str, Addition | None]:
    """Tell of what kind the members of a model are, and which package they need, if one.

    Parameters
    ----------
    files
        ``members.json`` and ``model.json`` of a model, by name.

    Raises
    ------
    InputError
        If they do not say it.
    """
    kind = read_record(files["members.json"], "members.json").get("kind")
    try:
        added = _additions(read_record(files["model.json"], "model.json"))
    except (AttributeError, TypeError) as error:
        raise InputError(
            f"model.json does not say what packages it needs ({error!r}). Train again."
        ) from error
    named = (item for item in added if (item.group, item.name) == (ESTIMATORS, kind))
    return str(kind), next(named, None)


def _additions(record: Mapping[str, Any]) -> list[Addition]:
    """List what other packages added to a model."""
    return [
        Addition(**{name: str(value) for name, value in item.items()})
        for item in record.get("added", ())
    ]


def _parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def _frame(content: bytes) -> pd.DataFrame:
    """Read a table of numbers or words; one that would fill the memory is refused."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(io.BytesIO(content))
        words = [each.name for each in schema if pa.types.is_large_string(each.type)]
        # A word that is stored once and named a million times stays one word in memory.
        stored = pq.ParquetFile(io.BytesIO(content), read_dictionary=words)
        plain = all(each.name in words or pa.types.is_primitive(each.type) for each in schema)
        values = stored.metadata.num_rows * stored.metadata.num_columns
        if not plain or values > MOST_VALUES:
            raise InputError(
                f"A table of the model has {values:,} values, or others than numbers and words; "
                f"expected at most {MOST_VALUES:,}. Train again."
            )
        return stored.read().to_pandas()
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"A table of the model cannot be read ({error}). Train again.") from error
