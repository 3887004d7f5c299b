"""Every model put to the test by every protocol, before any number is made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minerisk.configs.schema import Config
from minerisk.models.calibration.cross_calibration import choose_kind
from minerisk.models.estimators.estimators import TrainBooster
from minerisk.models.evaluation.measures import ModelName
from minerisk.models.evaluation.out_of_fold import (
    OutOfFold,
    calibrate_across_folds,
    out_of_fold,
)
from minerisk.models.folds.protocol import Protocol, ProtocolName
from minerisk.models.selection.nested_search import NestedChoice
from minerisk.models.table import CellTable
from minerisk.pipelines.run.progress import Progress
from minerisk.pipelines.train.candidates import drawing, makers, without_choice
from minerisk.pipelines.train.protocols import HeldOut, hold_out


@dataclass(frozen=True)
class Test:
    """A model put to the test by every protocol.

    Attributes
    ----------
    table
        Labelled cells.
    held
        The folds.
    scores
        Held-out scores, by names of protocol and model.
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

    @property
    def protocols(self) -> Mapping[ProtocolName, Protocol]:
        """The protocols by name."""
        return self.held.protocols

    @property
    def block_m(self) -> float:
        """Side of the blocks, metres."""
        return self.held.block_m


def put_to_the_test(
    table: CellTable,
    config: Config,
    families: Mapping[str, Sequence[str]],
    *,
    progress: Progress,
    target: NDArray[np.float64] | None = None,
    train_large: TrainBooster | None = None,
) -> Test:
    """Score every model on every protocol's held-out land.

    Parameters
    ----------
    table
        Labelled cells.
    families
        Family of features to its columns.
    target
        Easting and northing of the land to be predicted, shape ``(m, 2)``.
    train_large
        Trains on sets that are too large for this machine; see `LightGBMEnsemble`.
    """
    held = hold_out(table, config, target=target)
    scores: dict[tuple[ProtocolName, ModelName], OutOfFold] = {}
    choices: dict[ProtocolName, NestedChoice] = {}
    for protocol in held.protocols.values():
        settings = config if protocol.name is not ProtocolName.RANDOM else without_choice(config)
        made = makers(table, settings, families, held.block_m, train_large=train_large)
        for name, make in made.items():
            progress.step(
                f"{protocol.name} folds, {name}", len(scores), len(held.protocols) * len(made)
            )
            scores[protocol.name, name] = out_of_fold(
                make, table, protocol, drawing=drawing(config, held.block_m)
            )
            if isinstance(make, NestedChoice):
                choices[protocol.name] = make
    y = (table.state == 1).astype(np.int8)
    far = ProtocolName.FAR
    score = {name: scores[name, ModelName.MODEL].score for name in (far, ProtocolName.NEAR)}
    fold = {name: held.protocols[name].fold_of_row(len(y)) for name in score}
    tested = np.isfinite(score[far])
    kind = choose_kind(score[far][tested], y[tested], fold[far][tested])
    probability = {
        name: calibrate_across_folds(score[name], y, fold[name], kind=kind) for name in score
    }
    return Test(table, held, scores, choices, kind, probability)
