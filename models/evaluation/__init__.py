"""How good a model is on land held out: measures with intervals, curves, leaks, gates."""

from typing import TYPE_CHECKING

from minerisk.lazy import import_on_first_use

if TYPE_CHECKING:
    from minerisk.models.evaluation.area_curves import (
        Boyce,
        PredictionArea,
        SuccessRate,
        boyce_index,
        prediction_area,
        success_rate,
    )
    from minerisk.models.evaluation.comparison import compare
    from minerisk.models.evaluation.feature_lint import (
        FeatureLint,
        lint_features,
        within_region_share,
    )
    from minerisk.models.evaluation.gates import hold_to_gates
    from minerisk.models.evaluation.intervals import (
        effective_rows,
        exact_binomial,
        percentile_interval,
        wilson,
    )
    from minerisk.models.evaluation.metrics import (
        block_bootstrap,
        capture_curve,
        measured_draws,
        miss_rate_bound,
        rank_score,
        score,
    )
    from minerisk.models.evaluation.out_of_fold_scores import (
        Drawing,
        OutOfFold,
        calibrate_across_folds,
        fit_pipeline,
        grouped_importance,
        out_of_fold,
    )
    from minerisk.models.evaluation.permutation import permute_labels_within, within_block_auc
    from minerisk.models.evaluation.strata import assess_strata
else:
    __getattr__, __dir__ = import_on_first_use(__name__)

__all__ = [
    "Boyce",
    "Drawing",
    "FeatureLint",
    "OutOfFold",
    "PredictionArea",
    "SuccessRate",
    "assess_strata",
    "block_bootstrap",
    "boyce_index",
    "calibrate_across_folds",
    "capture_curve",
    "compare",
    "effective_rows",
    "exact_binomial",
    "fit_pipeline",
    "grouped_importance",
    "hold_to_gates",
    "lint_features",
    "measured_draws",
    "miss_rate_bound",
    "out_of_fold",
    "percentile_interval",
    "permute_labels_within",
    "prediction_area",
    "rank_score",
    "score",
    "success_rate",
    "wilson",
    "within_block_auc",
    "within_region_share",
]
