"""Every model scored on every protocol's held-out land, before any number is made of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from minerisk.models.calibration.cross_calibration import choose_kind
from minerisk.models.evaluation.measures import ModelName
from minerisk.models.evaluation.out_of_fold_scores import (
    OutOfFold,
    calibrate_across_folds,
    draw_folds,
    out_of_fold_models,
)
from minerisk.models.folds.protocol import Protocol, ProtocolName
from minerisk.models.selection.candidates import ModelSpec, makers
from minerisk.models.selection.nested_search import NestedChoice
from minerisk.models.selection.protocols import HeldOut
from minerisk.models.table import CellTable

Step = Callable[[str, int, int], None]
"""Called with what is being done, how many are done, and of how many."""


@dataclass(frozen=True)
class HeldOutScores:
    """Out-of-fold scores of every model on every protocol.

    Attributes
    ----------
    table
        Labelled cells.
    held
        The folds.
    scores
        By names of protocol and model; with the fitted pipelines of the model on far land alone.
    choices
        What was tried inside the training sets, by protocol.
    calibrator
        Kind of calibrator, chosen on left-out regions (`cross_calibration.choose_kind`).
    probability
        The model's probabilities by protocol (far, near), each fold calibrated by the others,
        shape ``(n,)``.
    """

    table: CellTable
    held: HeldOut
    scores: Mapping[tuple[ProtocolName, ModelName], OutOfFold]
    choices: Mapping[ProtocolName, NestedChoice]
    calibrator: str
    probability: Mapping[ProtocolName, NDArray[np.float64]]

    def scores_of(self, protocol: ProtocolName) -> dict[ModelName, NDArray[np.float64]]:
        """Return the held-out score of every model on one protocol."""
        return {name: out.score for (known, name), out in self.scores.items() if known is protocol}

    def without_fits(self) -> "HeldOutScores":
        """Return the scores without the pipelines that gave them."""
        scores = {name: replace(out, fitted=()) for name, out in self.scores.items()}
        return replace(self, scores=scores)

    @property
    def protocols(self) -> Mapping[ProtocolName, Protocol]:
        """The protocols by name."""
        return self.held.protocols

    @property
    def block_m(self) -> float:
        """Side of the blocks, metres."""
        return self.held.block_m


def score_held_out(
    table: CellTable,
    held: HeldOut,
    spec: ModelSpec,
    *,
    families: Mapping[str, Sequence[str]],
    step: Step,
) -> HeldOutScores:
    """Score every model on every protocol's held-out land.

    Parameters
    ----------
    table
        Labelled cells.
    held
        How they are held out.
    spec
        What the model is made of; on random folds nothing is searched.
    families
        Family of features to its columns.
    step
        Shows progress.
    """
    scores: dict[tuple[ProtocolName, ModelName], OutOfFold] = {}
    choices: dict[ProtocolName, NestedChoice] = {}
    for protocol in held.protocols.values():
        own = spec if protocol.name is not ProtocolName.RANDOM else spec.without_search()
        made = makers(table.features, own, families=families, block_m=held.block_m)
        found = out_of_fold_models(
            made,
            protocol,
            draw_folds(table, protocol, spec.drawing(held.block_m)),
            rows=len(table.state),
            threads=spec.threads,
            step=partial(_step_of_fold, step, protocol),
            keep={ModelName.MODEL} if protocol.name is ProtocolName.FAR else set(),
        )
        scores |= {(protocol.name, name): out for name, out in found.items()}
        model = made[ModelName.MODEL]
        if isinstance(model, NestedChoice):
            choices[protocol.name] = model
    y, far = (table.state == 1).astype(np.int8), ProtocolName.FAR
    score = {name: scores[name, ModelName.MODEL].score for name in (far, ProtocolName.NEAR)}
    fold = {name: held.protocols[name].fold_of_row(len(y)) for name in score}
    scored = np.isfinite(score[far])
    kind = choose_kind(score[far][scored], y[scored], fold[far][scored])
    probability = {
        name: calibrate_across_folds(score[name], y, fold[name], kind=kind) for name in score
    }
    return HeldOutScores(table, held, scores, choices, kind, probability)


def _step_of_fold(step: Step, protocol: Protocol, fold: int) -> None:
    step(f"{protocol.name} folds", fold, len(protocol.folds))
