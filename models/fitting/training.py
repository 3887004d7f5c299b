"""Training from labelled cells to the model that is kept, in the one order in which it is honest.

Land is held out and scored, permuted labels must not be predicted, and only then is a model fitted
on all land.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score

from minerisk.features.errors import FindingError
from minerisk.models.evaluation.measures import ModelName
from minerisk.models.evaluation.out_of_fold_scores import grouped_importance
from minerisk.models.evaluation.results import Importance, PermutedSkill
from minerisk.models.fitting.final_model import FAR, fit_final_model
from minerisk.models.risk_model import RiskModel
from minerisk.models.selection.candidates import ModelSpec, makers
from minerisk.models.selection.held_out_scores import HeldOutScores, Step, score_held_out
from minerisk.models.selection.leakage import permuted_within_blocks
from minerisk.models.selection.nested_search import NestedChoice
from minerisk.models.selection.protocols import HeldOut
from minerisk.models.table import CellTable


@dataclass(frozen=True)
class Trained:
    """A model and what is known of it.

    Attributes
    ----------
    model
        Fitted on all labelled cells.
    scores
        Of land held out, without the pipelines that gave them.
    permuted
        What it predicts of permuted labels.
    importance
        What it loses on far land without each family, the largest loss first.
    choices
        What was tried inside each training set, by protocol, and for the model itself (``final``).
    """

    model: RiskModel
    scores: HeldOutScores
    permuted: PermutedSkill
    importance: tuple[Importance, ...]
    choices: Mapping[str, NestedChoice]


def train_model(
    table: CellTable,
    held: HeldOut,
    spec: ModelSpec,
    *,
    families: Mapping[str, Sequence[str]],
    interval: float,
    permutations: int,
    step: Step,
) -> Trained:
    """Score a model on land held out, check it for leaks, and fit it on all land.

    Parameters
    ----------
    table
        Labelled cells.
    held
        How they are held out.
    spec
        What the model is made of.
    families
        Family of features to its columns.
    interval
        Level of the interval.
    permutations
        How often labels are permuted.
    step
        Shows progress.

    Raises
    ------
    FindingError
        If permuted labels can be predicted: something leaks.
    """
    scores = score_held_out(table, held, spec, families=families, step=step)
    permuted = permuted_within_blocks(
        table,
        held.blocks,
        spec,
        families=families,
        block_m=held.block_m,
        permutations=permutations,
        step=step,
    )
    refuse_leak(permuted)
    make = makers(table.features, spec, families=families, block_m=held.block_m)[ModelName.MODEL]
    with ThreadPoolExecutor(max_workers=1) as pool:
        step("importance", 0, 1)
        importance = pool.submit(_importance, scores, spec, families)
        step("final model", 0, 1)  # it needs no importance
        model = fit_final_model(
            scores,
            make,
            drawing=spec.drawing(held.block_m),
            interval=interval,
            covered=spec.covered,
        )
    choices: dict[str, NestedChoice] = {name.value: one for name, one in scores.choices.items()}
    if isinstance(make, NestedChoice):
        choices["final"] = make
    return Trained(model, scores.without_fits(), permuted, tuple(importance.result()), choices)


def refuse_leak(permuted: PermutedSkill) -> None:
    """Refuse to go on if a model knows labels that it must not know.

    Raises
    ------
    FindingError
        With the skill and its interval, or the share of scores that were moved.
    """
    if permuted.passed:
        return
    if permuted.moved > 0:
        raise FindingError(
            f"{permuted.moved:.2%} of the scores of a fold left out change when the labels of that "
            "fold are turned around; expected none. Something tells the model the labels of its "
            "test cells. Look for a feature or an encoder made from all findings; no model was "
            "written."
        )
    raise FindingError(
        "Labels permuted within blocks are still predicted: ROC-AUC and 99 % interval "
        f"{list(permuted.within_blocks)}, expected to hold 0.5. Something tells the model the "
        "labels of its test cells. Look for a feature made from findings; no model was written."
    )


def _importance(
    scores: HeldOutScores, spec: ModelSpec, families: Mapping[str, Sequence[str]]
) -> list[Importance]:
    encoder = spec.encoder
    groups: dict[str, Sequence[str]] = dict(families)
    if encoder is not None:
        groups["past_findings"] = list(encoder.get_feature_names_out())
    return grouped_importance(
        scores.scores[FAR, ModelName.MODEL],
        scores.table,
        scores.protocols[FAR],
        groups=groups,
        metric=lambda y, score: float(roc_auc_score(y, score)),
        rng=np.random.default_rng([spec.seed, 2]),
    )
