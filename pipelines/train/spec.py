"""What a configuration asks of a model, as the settings that `models` takes."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from minerisk.configs.model import Found, Model
from minerisk.models.estimators.findings_encoder import FindingsEncoder
from minerisk.models.estimators.member_growth import TrainBooster
from minerisk.models.selection.candidates import ModelSpec


def model_spec(
    model: Model,
    *,
    as_of: dt.date | None,
    covered: Sequence[str] = (),
    place_columns: Sequence[str] = (),
    train_large: TrainBooster | None = None,
) -> ModelSpec:
    """Return what the model of a configuration is made of.

    Parameters
    ----------
    model
        That part of a configuration.
    as_of
        Date of the evidence, which the age of findings counts from.
    covered
        Columns of layers that state their coverage.
    place_columns
        Columns that are constant within a region.
    train_large
        Trains on sets that are too large for this machine.
    """
    choice = model.choice
    alone = {} if choice.kind or not choice.added else {"kind": choice.added[0]}
    left_out = {"trials", "inner_folds", "forward_fits", "added"}
    return ModelSpec(
        trees=model.lightgbm.model_dump() | alone,
        encoder=findings_encoder(model, as_of=as_of),
        encoder_members=model.findings.members,
        monotone=model.monotone,
        covered=tuple(covered),
        place_columns=tuple(place_columns),
        beyond_cover=model.beyond_cover,
        blend_m=model.blend_m,
        members=model.members,
        threads=model.threads,
        seed=model.seed,
        negatives_per_positive=model.negatives_per_positive,
        space={**choice.model_dump(exclude=left_out), "kind": (*choice.kind, *choice.added)},
        trials=choice.trials,
        inner_folds=choice.inner_folds,
        forward_fits=choice.forward_fits,
        train_large=train_large,
    )


def found_spec(spec: ModelSpec, found: Found) -> ModelSpec:
    """Return what the layer of what was found is made of: the settings stated, beside the rule."""
    return replace(spec.without_search(), rule_power=found.rule_power)


def findings_encoder(model: Model, *, as_of: dt.date | None) -> FindingsEncoder | None:
    """Make the encoder of past findings, if it is asked for."""
    if not model.findings.use:
        return None
    return FindingsEncoder(
        **model.findings.model_dump(exclude={"use", "members"}),
        as_of=None if as_of is None else as_of.isoformat(),
    )
