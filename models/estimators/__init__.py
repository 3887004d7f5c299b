"""What learns from labelled cells: ensembles, rules of thumb, the encoder of past findings."""

from typing import TYPE_CHECKING

from minerisk.lazy import import_on_first_use

if TYPE_CHECKING:
    from minerisk.models.estimators.column_pipeline import (
        baselines,
        risk_columns,
        risk_pipeline,
    )
    from minerisk.models.estimators.distance_rule import DistanceRule
    from minerisk.models.estimators.ensemble import Ensemble
    from minerisk.models.estimators.estimators import (
        LightGBMEnsemble,
        LogisticEnsemble,
    )
    from minerisk.models.estimators.findings_encoder import FindingsEncoder
    from minerisk.models.estimators.member_growth import TrainBooster
    from minerisk.models.estimators.members import LinearMembers, NearestMembers, TreeMembers
    from minerisk.models.estimators.past_findings import PastFindings
    from minerisk.models.estimators.random_forest import RandomForest
    from minerisk.models.estimators.stored_members import members_from_files
else:
    __getattr__, __dir__ = import_on_first_use(__name__)

__all__ = [
    "DistanceRule",
    "Ensemble",
    "FindingsEncoder",
    "LightGBMEnsemble",
    "LinearMembers",
    "LogisticEnsemble",
    "NearestMembers",
    "PastFindings",
    "RandomForest",
    "TrainBooster",
    "TreeMembers",
    "baselines",
    "members_from_files",
    "risk_columns",
    "risk_pipeline",
]
