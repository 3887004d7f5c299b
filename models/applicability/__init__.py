"""Where a model may speak: dissimilarity, area of applicability, expected error."""

from typing import TYPE_CHECKING

from minerisk.lazy import import_on_first_use

if TYPE_CHECKING:
    from minerisk.models.applicability.area_of_applicability import Applicability, Novelty
    from minerisk.models.applicability.by_gower import GowerApplicability
    from minerisk.models.applicability.error_profiles import ErrorProfile, log_loss_above_prevalence
    from minerisk.models.applicability.feature_distance import nearest_and_near
else:
    __getattr__, __dir__ = import_on_first_use(__name__)

__all__ = [
    "Applicability",
    "ErrorProfile",
    "GowerApplicability",
    "Novelty",
    "log_loss_above_prevalence",
    "nearest_and_near",
]
