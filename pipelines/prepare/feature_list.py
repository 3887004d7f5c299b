"""Every kind of feature, and every column that a configuration builds."""

import inspect
from pathlib import Path
from typing import get_args

import pydantic
import xarray as xr
from odc.geo.geobox import GeoBox

from minerisk.configs.schema import Config, Feature
from minerisk.features.cube.feature import build_feature
from minerisk.features.feature_kind import FeatureKind
from minerisk.features.grid import study_grid
from minerisk.features.kinds import FEATURE_KINDS, layers_of
from minerisk.features.layers.problems import LayerCode, LayerProblem, note
from minerisk.features.layers.sources import Layers
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.records.record import Record
from minerisk.pipelines.run.layers import (
    FeatureSpec,
    effort_features,
    open_layers,
    present_features,
)

_WINDOW = 6


class Setting(Record):
    """One setting of a kind of feature, its default as it is written in a configuration."""

    name: str
    required: bool
    default: str
    words: str


class KindFacts(Record):
    """One kind of feature.

    `halo_m` is with the default settings; None where a setting without default decides. `method`
    is the module, `references` the DOIs of what it follows.
    """

    kind: str
    words: str
    about: str
    role: str
    unit: str
    halo_m: float | None
    settings: tuple[Setting, ...]
    method: str
    references: tuple[str, ...]


class Column(Record):
    """One column of a feature cube."""

    column: str
    kind: str
    unit: str
    halo_m: float
    layer: str
    source: str
    words: str
    role: str


class KindList(Record):
    """What `minerisk kinds` prints."""

    kinds: tuple[KindFacts, ...]


class ColumnList(Record):
    """What `minerisk features` prints."""

    columns: tuple[Column, ...]
    left_out: tuple[str, ...]


def describe_kinds() -> list[KindFacts]:
    """Describe every kind of feature, in the order of `minerisk.features.kinds.FEATURE_KINDS`."""
    models = {model.model_fields["kind"].default: model for model in _models()}
    return [_describe(name, kind, models[name]) for name, kind in FEATURE_KINDS.items()]


def describe_columns(config: Config, layers: Layers) -> tuple[list[Column], list[LayerProblem]]:
    """Describe every column that a configuration builds, and what is left out.

    Columns of search effort, which the model does not read, come last.
    """
    asked, left_out = present_features(config, layers)
    window, columns = _window(config, layers), []
    for kind, params in [*asked, *effort_features(config, layers)]:
        unmade = [name for name in layers_of(kind, params) if _made_by_run(layers, name)]
        if unmade:
            made = ", ".join(unmade)
            left_out.append(note(made, LayerCode.LISTED_LATER, kind=kind, layer=made))
        else:
            columns += columns_of(layers, window, (kind, params))
    return columns, left_out


def columns_of(layers: Layers, window: GeoBox, asked: FeatureSpec) -> list[Column]:
    """Describe the columns of one feature, by building it on a few cells."""
    kind, params = asked
    dataset = build_feature(layers, window, kind=kind, params=params)
    return [_column(str(name), variable) for name, variable in dataset.data_vars.items()]


def list_kinds() -> KindList:
    """Return what `minerisk kinds` prints."""
    return KindList(kinds=tuple(describe_kinds()))


def list_columns(config_path: Path) -> ColumnList:
    """Return what `minerisk features` prints of a configuration."""
    from minerisk.pipelines.run.folder import read_config

    config = read_config(config_path)
    layers = open_layers(config, config_path=config_path)
    columns, left_out = describe_columns(config, layers)
    words = tuple(ENGLISH.say(problem) for problem in left_out)
    return ColumnList(columns=tuple(columns), left_out=words)


def kind_lines(found: KindList) -> list[str]:
    """Write kinds of features for a person at a terminal."""
    lines: list[str] = []
    for kind in found.kinds:
        effort = "; not a feature of the model by default" if kind.role == "effort" else ""
        lines += [
            f"{kind.kind}: {kind.words}{effort}",
            f"    {kind.about}",
            f"    unit {kind.unit} · {reach_words(kind.halo_m)} · {kind.method}",
        ]
    return lines


def column_lines(found: ColumnList) -> list[str]:
    """Write columns, and what is left out, for a person at a terminal."""
    lines: list[str] = []
    for column in found.columns:
        effort = " (search effort: the model does not read it)" if column.role == "effort" else ""
        lines += [
            f"{column.column} [{column.unit}]: {column.words}{effort}",
            f"    {column.kind} of {column.layer} · {reach_words(column.halo_m)} · "
            f"{column.source or 'source not stated'}",
        ]
    return [*lines, *found.left_out]


def reach_words(halo_m: float | None) -> str:
    """State how far a feature looks.

    Examples
    --------
    >>> reach_words(5_000), reach_words(0)
    ('looks 5,000 m around each cell', 'looks at the cell alone')
    """
    if halo_m is None:
        return "reach by its settings"
    return f"looks {halo_m:,.0f} m around each cell" if halo_m else "looks at the cell alone"


def _models() -> tuple[type[pydantic.BaseModel], ...]:
    return get_args(get_args(Feature)[0])


def _describe(name: str, kind: FeatureKind, model: type[pydantic.BaseModel]) -> KindFacts:
    fields = {name: field for name, field in model.model_fields.items() if name != "kind"}
    defaults = {
        name: field.get_default(call_default_factory=True)
        for name, field in fields.items()
        if not field.is_required()
    }
    settings = tuple(
        Setting(
            name=name,
            required=field.is_required(),
            default=_written(defaults[name]) if name in defaults else "must be given",
            words=field.description or "",
        )
        for name, field in fields.items()
    )
    module = inspect.unwrap(kind.build).__module__
    return KindFacts(
        kind=name,
        words=kind.words,
        about=" ".join((model.__doc__ or "").split()),
        role=kind.role,
        unit=", ".join(kind.units) or "that of the layer",
        halo_m=_default_halo(kind, defaults),
        settings=settings,
        method=f"{module.removeprefix('minerisk.').replace('.', '/')}.py",
        references=kind.references,
    )


def _written(default: object) -> str:
    """Write the default of a setting as it stands in a configuration."""
    if default in (None, {}, ()):
        return "none"
    shown = list(default) if isinstance(default, tuple) else default
    return f"{shown:g}" if isinstance(shown, float) else str(shown)


def _default_halo(kind: FeatureKind, defaults: dict[str, object]) -> float | None:
    try:
        return kind.halo_m(defaults)
    except (KeyError, TypeError):  # a setting without a default decides
        return None


def _window(config: Config, layers: Layers) -> GeoBox:
    """Return a few cells in the middle of the study area: enough for names, units and words."""
    area, cell = config.study_area, config.study_area.resolution_m
    west, south, east, north = layers.vector(area.boundary, crs=area.crs).total_bounds
    easting, northing = (west + east) / 2, (south + north) / 2
    reach = _WINDOW / 2 * cell
    bounds = (easting - reach, northing - reach, easting + reach, northing + reach)
    return study_grid(bounds, crs=area.crs, resolution_m=cell)


def _made_by_run(layers: Layers, name: str) -> bool:
    return str(layers.source(name).path).startswith("@")


def _column(name: str, variable: xr.DataArray) -> Column:
    read = set(Column.model_fields) - {"column"}
    return Column(column=name, **{key: variable.attrs[key] for key in read})
