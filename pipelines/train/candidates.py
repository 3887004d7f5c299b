"""The models that a configuration asks for: what is made for each training set."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sklearn.base import clone
from sklearn.pipeline import Pipeline

from minerisk.configs.schema import Config
from minerisk.models.estimators.ensemble import Ensemble
from minerisk.models.estimators.estimators import (
    DistanceRule,
    LightGBMEnsemble,
    LogisticEnsemble,
    TrainBooster,
    baselines,
    risk_pipeline,
)
from minerisk.models.estimators.findings_encoder import FindingsEncoder
from minerisk.models.evaluation.measures import ModelName
from minerisk.models.evaluation.out_of_fold import Drawing
from minerisk.models.selection.nested_search import NestedChoice
from minerisk.models.table import CellTable

Maker = Callable[[CellTable], Pipeline]


def findings_encoder(config: Config) -> FindingsEncoder | None:
    """Make the encoder of past findings, if it is asked for."""
    encoder, as_of = config.model.findings, config.study_area.as_of
    if not encoder.use:
        return None
    return FindingsEncoder(
        **encoder.model_dump(exclude={"use", "members"}),
        as_of=None if as_of is None else as_of.isoformat(),
    )


def _classifier(
    config: Config,
    settings: Mapping[str, Any],
    *,
    members: int,
    rule_column: str | None,
    train_large: TrainBooster | None,
) -> Ensemble:
    """Make the classifier of the kind that settings, or else the configuration, ask for."""
    model = config.model
    seeded: dict[str, Any] = {"members": members, "seed": model.seed, "threads": model.threads}
    kind = settings.get("kind", model.lightgbm.kind)
    if kind == "logistic":
        return LogisticEnsemble(**seeded)
    if kind == "distance_rule" and rule_column is not None:
        return DistanceRule(rule_column, threads=model.threads)
    stated = model.lightgbm.model_dump() | dict(settings)
    return LightGBMEnsemble(
        **seeded, **stated, monotone=dict(model.monotone), train_large=train_large
    )


def makers(
    table: CellTable,
    config: Config,
    families: Mapping[str, Sequence[str]],
    block_m: float,
    *,
    train_large: TrainBooster | None = None,
) -> dict[ModelName, Maker]:
    """Give the maker of the model and of each rule of thumb, by name.

    `train_large` trains on sets that are too large for this machine (see `LightGBMEnsemble`).
    """
    names = table.features
    rule_column = _rule_column(families, names)
    others = baselines(
        names,
        findings=findings_encoder(config),
        rule_column=rule_column,
        seed=config.model.seed,
        threads=config.model.threads,
    )
    made: dict[ModelName, Maker] = {
        ModelName.MODEL: _model_maker(names, config, block_m, rule_column, train_large)
    }
    return made | {ModelName(name): partial(_copy, other) for name, other in others.items()}


def _copy(pipeline: Pipeline, _: CellTable) -> Pipeline:
    return clone(pipeline)


def _model_maker(
    names: list[str],
    config: Config,
    block_m: float,
    rule_column: str | None,
    train_large: TrainBooster | None,
) -> Maker:
    """Give the maker of the model: a choice inside each training set, or the settings given."""

    def full(settings: Mapping[str, Any], members: int = config.model.members) -> Pipeline:
        own = {name: value for name, value in settings.items() if name != "findings"}
        encoder = findings_encoder(config)
        seen = settings.get("findings", config.model.findings.members)
        if encoder is not None and seen == "half":
            own["hidden"] = tuple(encoder.get_feature_names_out())
        encoder = None if seen == "none" else encoder
        classifier = _classifier(
            config, own, members=members, rule_column=rule_column, train_large=train_large
        )
        return risk_pipeline(names, findings=encoder, classifier=classifier)

    def quick(settings: Mapping[str, Any]) -> Pipeline:
        return full(settings, members=4)

    choice = config.model.choice
    if choice.trials == 0:
        return lambda _: full({})
    space = choice.model_dump(exclude={"trials", "inner_folds"})
    if not config.model.findings.use:
        space.pop("findings")
    given = config.model.lightgbm.model_dump()
    given["findings"] = config.model.findings.members
    start = {name: given[name] for name in space}
    for name, value in start.items():
        space[name] = tuple(dict.fromkeys([value, *space[name]]))
    if rule_column is None:
        space["kind"] = tuple(kind for kind in space["kind"] if kind != "distance_rule")
    return NestedChoice(
        space=space,
        quick=quick,
        full=full,
        trials_each=choice.trials,
        first=[start | {"kind": kind} for kind in space["kind"]],
        inner_folds=choice.inner_folds,
        drawing=drawing(config, block_m),
    )


def _rule_column(families: Mapping[str, Sequence[str]], names: Sequence[str]) -> str | None:
    """Pick the column of the rule of thumb: the front line, else the first distance."""
    distances = [name for name in names if name.endswith("_distance_m")]
    front = [name for name in families.get("front_line", ()) if name in distances]
    return next(iter([*front, *distances]), None)


def drawing(config: Config, block_m: float) -> Drawing:
    """Say how training rows are drawn."""
    return Drawing(config.model.negatives_per_positive, block_m, config.model.seed)


def without_choice(config: Config) -> Config:
    """Give the configuration with the settings it states, none searched."""
    model = config.model
    fixed = model.model_copy(update={"choice": model.choice.model_copy(update={"trials": 0})})
    return config.model_copy(update={"model": fixed})
