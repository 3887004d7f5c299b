"""minerisk: a risk model for land that nobody has surveyed for mines.

The names below are the public face; ``docs/api.md`` states what each is for and what is stable.
Importing minerisk imports none of them: a name is imported when it is first used.
"""

from typing import TYPE_CHECKING

from minerisk.lazy import import_on_first_use

if TYPE_CHECKING:
    from minerisk.configs.load import load_config
    from minerisk.features.cube.store import open_cube
    from minerisk.features.errors import InputError, MineriskError
    from minerisk.features.evidence.labels import label_cells
    from minerisk.features.grid import study_grid
    from minerisk.models.applicability import Applicability, ErrorProfile
    from minerisk.models.attribution import attribute_to_families
    from minerisk.models.calibration import (
        BetaCalibrator,
        InterceptCalibrator,
        IntervalScaler,
        IsotonicCalibrator,
        LogisticCalibrator,
        VennAbersCalibrator,
        correct_prior,
        cross_calibrate,
        fit_kind,
    )
    from minerisk.models.estimators import (
        DistanceRule,
        FindingsEncoder,
        LightGBMEnsemble,
        LogisticEnsemble,
        risk_pipeline,
    )
    from minerisk.models.evaluation.area_curves import boyce_index, prediction_area, success_rate
    from minerisk.models.evaluation.metrics import (
        block_bootstrap,
        capture_curve,
        reliability,
        score,
    )
    from minerisk.models.fitting.risk_classifier import RiskClassifier
    from minerisk.models.folds import (
        KNNDM,
        BlockKFold,
        BufferedKFold,
        LeaveRegionOut,
        LeaveTimeOut,
        autocorrelation_range,
        with_buffer,
    )
    from minerisk.models.risk_model import Prediction, RiskModel
    from minerisk.models.survey_bias import survey_chance, transport_weights, unsurveyed_prevalence
    from minerisk.models.table import CellTable
    from minerisk.pipelines.notebook.dataset_prediction import predict_dataset
    from minerisk.pipelines.notebook.one_feature import build_feature
    from minerisk.pipelines.plotting.figures import (
        capture_figure,
        fold_figure,
        importance_figure,
        region_figure,
        reliability_figure,
    )
    from minerisk.pipelines.plotting.map_figure import map_figure
    from minerisk.pipelines.run.folder import Run
else:
    __getattr__, __dir__ = import_on_first_use(__name__)

__all__ = [
    "KNNDM",
    "Applicability",
    "BetaCalibrator",
    "BlockKFold",
    "BufferedKFold",
    "CellTable",
    "DistanceRule",
    "ErrorProfile",
    "FindingsEncoder",
    "InputError",
    "InterceptCalibrator",
    "IntervalScaler",
    "IsotonicCalibrator",
    "LeaveRegionOut",
    "LeaveTimeOut",
    "LightGBMEnsemble",
    "LogisticCalibrator",
    "LogisticEnsemble",
    "MineriskError",
    "Prediction",
    "RiskClassifier",
    "RiskModel",
    "Run",
    "VennAbersCalibrator",
    "attribute_to_families",
    "autocorrelation_range",
    "block_bootstrap",
    "boyce_index",
    "build_feature",
    "capture_curve",
    "capture_figure",
    "correct_prior",
    "cross_calibrate",
    "fit_kind",
    "fold_figure",
    "importance_figure",
    "label_cells",
    "load_config",
    "map_figure",
    "open_cube",
    "predict_dataset",
    "prediction_area",
    "region_figure",
    "reliability",
    "reliability_figure",
    "risk_pipeline",
    "score",
    "study_grid",
    "success_rate",
    "survey_chance",
    "transport_weights",
    "unsurveyed_prevalence",
    "with_buffer",
]
