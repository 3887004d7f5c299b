"""From scores to probabilities with intervals."""

from typing import TYPE_CHECKING

from minerisk.lazy import import_on_first_use

if TYPE_CHECKING:
    from minerisk.models.calibration.calibrator import Calibrator
    from minerisk.models.calibration.calibrators import (
        CALIBRATORS,
        BetaCalibrator,
        IsotonicCalibrator,
        LogisticCalibrator,
        calibrator_from_dict,
        correct_prior,
    )
    from minerisk.models.calibration.conformal import IntervalScaler, cover_across_folds
    from minerisk.models.calibration.cross_calibration import (
        calibration_losses,
        choose_kind,
        cross_calibrate,
        fit_kind,
    )
    from minerisk.models.calibration.intercept_only import InterceptCalibrator
    from minerisk.models.calibration.venn_abers import VennAbersCalibrator
else:
    __getattr__, __dir__ = import_on_first_use(__name__)

__all__ = [
    "CALIBRATORS",
    "BetaCalibrator",
    "Calibrator",
    "InterceptCalibrator",
    "IntervalScaler",
    "IsotonicCalibrator",
    "LogisticCalibrator",
    "VennAbersCalibrator",
    "calibration_losses",
    "calibrator_from_dict",
    "choose_kind",
    "correct_prior",
    "cover_across_folds",
    "cross_calibrate",
    "fit_kind",
]
