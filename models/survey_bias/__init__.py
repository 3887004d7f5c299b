"""What the choice of where to survey does to labels, and how it is undone."""

from typing import TYPE_CHECKING

from minerisk.lazy import import_on_first_use

if TYPE_CHECKING:
    from minerisk.models.survey_bias.facts import Prevalence
    from minerisk.models.survey_bias.non_negative import NonNegativePU
    from minerisk.models.survey_bias.positive_unlabelled import BaggedPositiveUnlabelled, ElkanNoto
    from minerisk.models.survey_bias.prevalence import compare_readings, unsurveyed_prevalence
    from minerisk.models.survey_bias.propensity import (
        Overlap,
        overlap,
        smooth_logistic,
        standardised_differences,
        survey_chance,
        transport_weights,
    )
    from minerisk.models.survey_bias.readings import label_readings
    from minerisk.models.survey_bias.transport import carry_over
    from minerisk.models.survey_bias.unsurveyed import assess_unsurveyed
else:
    __getattr__, __dir__ = import_on_first_use(__name__)

__all__ = [
    "BaggedPositiveUnlabelled",
    "ElkanNoto",
    "NonNegativePU",
    "Overlap",
    "Prevalence",
    "assess_unsurveyed",
    "carry_over",
    "compare_readings",
    "label_readings",
    "overlap",
    "smooth_logistic",
    "standardised_differences",
    "survey_chance",
    "transport_weights",
    "unsurveyed_prevalence",
]
