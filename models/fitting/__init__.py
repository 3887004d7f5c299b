"""The model that is kept: fitted on all land, calibrated on land held out."""

from typing import TYPE_CHECKING

from minerisk.lazy import import_on_first_use

if TYPE_CHECKING:
    from minerisk.models.fitting.final_model import calibrate, fit_final_model
    from minerisk.models.fitting.risk_classifier import RiskClassifier
    from minerisk.models.fitting.training import Trained, train_model
else:
    __getattr__, __dir__ = import_on_first_use(__name__)

__all__ = ["RiskClassifier", "Trained", "calibrate", "fit_final_model", "train_model"]
