"""The model of a run and the rules of thumb beside it: what is made for each training set."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal

from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from minerisk.features.coverage import EDGE_M
from minerisk.features.errors import InputError
from minerisk.models.estimators.beyond_cover import BeyondCover
from minerisk.models.estimators.column_pipeline import baselines, risk_columns
from minerisk.models.estimators.distance_rule import DistanceRule
from minerisk.models.estimators.ensemble import Ensemble
from minerisk.models.estimators.estimators import (
    LightGBMEnsemble,
    LogisticEnsemble,
)
from minerisk.models.estimators.findings_encoder import FindingsEncoder
from minerisk.models.estimators.member_growth import TrainBooster
from minerisk.models.estimators.stored_members import added_class
from minerisk.models.evaluation.measures import ModelName
from minerisk.models.evaluation.out_of_fold_scores import Drawing, Stated
from minerisk.models.selection.nested_search import FAMILIES, NestedChoice, Settings, Space
from minerisk.models.table import CellTable

LINES = ("front_line", "front_epochs", "fortifications")
"""Families of features whose distances the rule of thumb may go by."""
PLACES = "places"
"""Setting of a search: with the columns that are constant within a region, or without."""
TREES = ("boosted", "forest", "both")
"""Kinds that read the settings of trees; any other that is not simple comes from a package."""
SIMPLE = ("logistic", "distance_rule")
"""Kinds that are taken where trees are not better than they by more than one standard error."""
OF_COLUMNS = ("findings", PLACES, FAMILIES)
"""Settings of the columns that a model reads, and not of the model."""
Maker = Callable[[CellTable], Pipeline]


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """What a model is made of, and how its settings are searched.

    Attributes
    ----------
    trees
        Kind of model and arguments of `LightGBMEnsemble`.
    encoder
        Encoder of past findings, not fitted; None without one.
    encoder_members
        Which members of the ensemble see past findings.
    monotone
        Column to 1 or -1, where the probability may only rise or only fall with it.
    place_columns
        Columns constant within a region: they name the place. A search tries without them too.
    covered
        Columns of layers that state their coverage; NaN where those say nothing.
    beyond_cover, blend_m
        What is learned of land that they say nothing of; see `LightGBMEnsemble`.
    rule_power
        Power of the distance to the nearest line or position that divides the odds beside the
        trees; see `LightGBMEnsemble`.
    members, threads, seed
        Of the ensemble.
    negatives_per_positive
        Negatives drawn for training, corrected for by weights.
    space, trials, inner_folds
        Settings to search, how many are tried for each training set (0: none, those stated are
        used), and groups of regions inside it that they are scored on.
    forward_fits
        How many models may be fitted inside each training set to choose families of features;
        with 0 every column is read.
    train_large
        Trains on sets that are too large for this machine; see `LightGBMEnsemble`.
    """

    trees: Settings
    encoder: FindingsEncoder | None
    encoder_members: Literal["all", "half"] = "all"
    monotone: Mapping[str, int] = field(default_factory=dict)
    place_columns: tuple[str, ...] = ()
    covered: tuple[str, ...] = ()
    beyond_cover: BeyondCover = "nodata"
    blend_m: float = 3_000.0
    rule_power: float = 0.0
    members: int
    threads: int
    seed: int
    negatives_per_positive: float
    space: Space = field(default_factory=dict)
    trials: int = 0
    inner_folds: int = 3
    forward_fits: int = 0
    train_large: TrainBooster | None = None

    def without_search(self) -> "ModelSpec":
        """Return the same with the settings it states, none searched."""
        return replace(self, trials=0, forward_fits=0)

    def drawing(self, block_m: float) -> Drawing:
        """Return how training rows are drawn."""
        return Drawing(self.negatives_per_positive, block_m, self.seed)

    def new_encoder(self) -> FindingsEncoder | None:
        """Return an encoder of past findings that is not fitted."""
        return None if self.encoder is None else clone(self.encoder)


def makers(
    names: Sequence[str],
    spec: ModelSpec,
    *,
    families: Mapping[str, Sequence[str]],
    block_m: float,
) -> dict[ModelName, Maker]:
    """Return the maker of the model and of each rule of thumb, by name.

    Parameters
    ----------
    names
        Columns of features.
    spec
        What the model is made of.
    families
        Family of features to its columns.
    block_m
        Side of the blocks that training rows are drawn by, metres.
    """
    rule_columns = _rule_columns(families, names)
    # Pipelines that share one object of columns share what it makes of a fold's rows.
    encoder = spec.new_encoder()
    plain = risk_columns(list(names), None)
    encoded = plain if encoder is None else risk_columns(list(names), encoder)
    spec = replace(
        spec,
        covered=tuple(name for name in spec.covered if name in names),
        place_columns=tuple(
            name for name in spec.place_columns if name in names and name not in rule_columns
        ),
    )
    others = baselines(plain, encoded, rule_columns=rule_columns, seed=spec.seed)
    model = _model_maker(plain, encoded, spec, block_m, rule_columns, families)
    made: dict[ModelName, Maker] = {ModelName.MODEL: model}
    return made | {ModelName(name): Stated(other) for name, other in others.items()}


def _model_maker(
    plain: ColumnTransformer,
    encoded: ColumnTransformer,
    spec: ModelSpec,
    block_m: float,
    rule_columns: tuple[str, ...],
    families: Mapping[str, Sequence[str]],
) -> Maker:
    """Return the maker of the model: a search inside each training set, or the settings stated."""
    every = tuple(plain.transformers[0][2])
    named = {name: own for name, own in families.items() if set(own) & set(every)}

    @cache
    def read(
        chosen: str | None, places: str, trees: bool
    ) -> tuple[ColumnTransformer, ColumnTransformer]:
        """Return the columns of chosen families, without findings and with them, made once."""
        own = set(every if chosen is None else (c for f in chosen.split() for c in named[f]))
        left_out = set(spec.place_columns if places == "without" else ())
        kept = [name for name in every if name in (own - left_out or own)]
        bare = plain if len(kept) == len(every) else risk_columns(kept, None)
        with_findings = encoded if bare is plain else bare
        if bare is not plain and spec.encoder is not None:
            with_findings = risk_columns(kept, spec.new_encoder())
        return _with_edge(bare, with_findings, spec) if trees else (bare, with_findings)

    def full(settings: Settings, members: int = spec.members) -> Pipeline:
        own = {name: value for name, value in settings.items() if name not in OF_COLUMNS}
        seen = settings.get("findings", spec.encoder_members)
        if spec.encoder is not None and seen == "half":
            own["hidden"] = tuple(spec.encoder.get_feature_names_out())
        classifier = _classifier(spec, own, members=members, rule_columns=rule_columns)
        trees = isinstance(classifier, LightGBMEnsemble)
        chosen = None if isinstance(classifier, DistanceRule) else settings.get(FAMILIES)
        without, with_findings = read(chosen, settings.get(PLACES, "with"), trees)
        columns = without if seen == "none" else with_findings
        return Pipeline([("columns", columns), ("classifier", classifier)])

    def quick(settings: Settings) -> Pipeline:
        return full(settings, members=4)

    if spec.trials == 0 and spec.forward_fits == 0:
        return Stated(full({}))
    space, start = _space(spec, rule_columns, columns=len(every))
    if spec.trials == 0:
        space = {name: (value,) for name, value in start.items()}
    return NestedChoice(
        space=space,
        quick=quick,
        full=full,
        read=read_settings,
        trials_each=spec.trials,
        first=[
            {**start, "kind": kind, **places}
            for places in ([{PLACES: way} for way in space[PLACES]] if PLACES in space else [{}])
            for kind in space["kind"]
        ],
        families=tuple(named),
        forward_fits=spec.forward_fits,
        inner_folds=spec.inner_folds,
        simple=lambda settings: settings["kind"] in SIMPLE,
        whole=lambda settings: {**settings, PLACES: "with"} if PLACES in settings else settings,
        drawing=spec.drawing(block_m),
        covered=spec.covered,
    )


def _with_edge(
    plain: ColumnTransformer, encoded: ColumnTransformer, spec: ModelSpec
) -> tuple[ColumnTransformer, ColumnTransformer]:
    """Return the columns with what two models are blended by, if they may be."""
    ways = {spec.beyond_cover, *(spec.space.get("beyond_cover", ()) if spec.trials else ())}
    if not spec.covered or "blend" not in ways:
        return plain, encoded
    names = [*plain.transformers[0][2], EDGE_M]
    encoder = None if encoded is plain else spec.new_encoder()
    edged = risk_columns(names, None)
    return edged, edged if encoder is None else risk_columns(names, encoder)


def _space(
    spec: ModelSpec, rule_columns: tuple[str, ...], *, columns: int
) -> tuple[Space, Settings]:
    """Return the settings to search, those stated among them, and those stated."""
    left_out = set() if spec.encoder is not None else {"findings"}
    left_out |= set() if spec.covered else {"beyond_cover"}
    stated = {
        **spec.trees,
        "findings": spec.encoder_members,
        "beyond_cover": spec.beyond_cover,
    }
    space = {
        name: tuple(dict.fromkeys([stated[name], *values]))
        for name, values in spec.space.items()
        if name not in left_out
    }
    if 0 < len(spec.place_columns) < columns:
        space[PLACES] = ("with", "without")
    if not rule_columns:
        space["kind"] = tuple(kind for kind in space["kind"] if kind != "distance_rule")
    return space, {name: stated[name] for name in space if name != PLACES}


def read_settings(settings: Settings) -> Settings:
    """Leave out the settings that a kind of model does not read.

    Members of ensembles are told apart by themselves, so that nothing is left out of theirs.
    """
    if settings["kind"] in TREES:
        return settings
    read = {"kind": settings["kind"]}
    if "findings" in settings:
        # Half of the members not seeing a column is a matter of trees alone.
        read["findings"] = settings["findings"] == "none"
    if settings["kind"] != "distance_rule":
        read |= {name: settings[name] for name in (PLACES, FAMILIES) if name in settings}
    return read


def _classifier(
    spec: ModelSpec, settings: Settings, *, members: int, rule_columns: tuple[str, ...]
) -> Ensemble:
    """Make the classifier of the kind that `settings` ask for, or else the spec."""
    stated = {**spec.trees, **settings}
    seeded: dict[str, Any] = {"members": members, "seed": spec.seed, "threads": spec.threads}
    if stated["kind"] == "logistic":
        return LogisticEnsemble(**seeded)
    if stated["kind"] == "distance_rule" and rule_columns:
        return DistanceRule(rule_columns, threads=spec.threads)
    if stated["kind"] not in (*TREES, "distance_rule"):
        return _added_ensemble(str(stated["kind"]), **seeded)
    return LightGBMEnsemble(
        **seeded,
        **{"beyond_cover": spec.beyond_cover, **stated},
        monotone=dict(spec.monotone),
        covered=spec.covered,
        blend_m=spec.blend_m,
        rule_columns=rule_columns if spec.rule_power else (),
        rule_power=spec.rule_power,
        train_large=spec.train_large,
    )


def _added_ensemble(name: str, *, members: int, seed: int, threads: int) -> Ensemble:
    """Make an estimator that a package adds, with the settings that every ensemble has."""
    try:
        return added_class(name)(members=members, seed=seed, threads=threads)
    except TypeError as error:
        raise InputError(
            f"The estimator {name!r} that a package adds cannot be made with members, seed and "
            f"threads ({error}). Give its class these three arguments."
        ) from error


def _rule_columns(families: Mapping[str, Sequence[str]], names: Sequence[str]) -> tuple[str, ...]:
    """Pick the columns of the rule of thumb: front lines and positions, else the first distance."""
    distances = [name for name in names if name.endswith("_distance_m")]
    known = [name for family in LINES for name in families.get(family, ()) if name in distances]
    return tuple(known or distances[:1])
