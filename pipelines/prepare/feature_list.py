"""`minerisk features`: every kind of feature, and every column that a configuration builds."""

import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pydantic
import xarray as xr
from odc.geo.geobox import GeoBox

from minerisk.configs.schema import Config, Feature
from minerisk.features.families import FAMILIES, build_feature
from minerisk.features.grid import study_grid
from minerisk.features.layers.problems import LayerCode, LayerProblem, note
from minerisk.features.layers.sources import Layers, layers_of
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.run.layers import Asked, effort_features, open_layers, present_features

_DOI = re.compile(r"doi:(10\.[^\s,;]+?)(?=[\s,;]|\.\s|\.?\"|\)?\.?$)", re.MULTILINE)
_WINDOW = 6


def describe_kinds() -> list[dict[str, Any]]:
    """Describe every kind of feature, in the order of `minerisk.features.families.FAMILIES`.

    Returns
    -------
    list of dict
        ``kind``, ``words``, ``about``, ``role``, ``unit``, ``halo_m`` (with the default settings;
        None where a setting without default decides), ``settings`` (name, default, words),
        ``method`` (the module) and ``sources`` (DOIs of what it follows).
    """
    models = {model.model_fields["kind"].default: model for model in _models()}
    return [_describe(kind, models[kind]) for kind in FAMILIES if kind in models]


def describe_columns(
    config: Config, layers: Layers
) -> tuple[list[dict[str, Any]], list[LayerProblem]]:
    """Describe every column that a configuration builds, and what is left out.

    Returns
    -------
    columns, left_out
        Each column with ``column``, ``kind``, ``unit``, ``halo_m``, ``layer``, ``source``,
        ``words`` and ``role``; columns of search effort, which the model does not read, last.
    """
    asked, left_out = present_features(config, layers)
    window, columns = _window(config, layers), []
    for item in [*asked, *effort_features(config, layers)]:
        unmade = [name for name in layers_of(item[1]) if _made_by_run(layers, name)]
        if unmade:
            made = ", ".join(unmade)
            left_out.append(note(made, LayerCode.LISTED_LATER, kind=item[0], layer=made))
        else:
            columns += columns_of(layers, window, item)
    return columns, left_out


def columns_of(layers: Layers, window: GeoBox, asked: Asked) -> list[dict[str, Any]]:
    """Describe the columns of one feature, by building it on a few cells."""
    kind, params = asked
    dataset = build_feature(layers, window, kind=kind, params=params)
    return [_column(str(name), variable) for name, variable in dataset.data_vars.items()]


def listed(config_path: Path | None) -> dict[str, Any]:
    """Give what `minerisk features` prints: the kinds, or the columns of a configuration."""
    if config_path is None:
        return {"kinds": describe_kinds()}
    from minerisk.pipelines.run.folder import read_config

    config = read_config(config_path)
    layers = open_layers(config, config_path=config_path)
    columns, left_out = describe_columns(config, layers)
    return {"columns": columns, "left_out": [ENGLISH.say(problem) for problem in left_out]}


def lines_of(found: Mapping[str, Any]) -> list[str]:
    """Write what `listed` gives for a person at a terminal."""
    lines: list[str] = []
    for kind in found.get("kinds", ()):
        effort = "; not a feature of the model by default" if kind["role"] == "effort" else ""
        lines += [
            f"{kind['kind']}: {kind['words']}{effort}",
            f"    {kind['about']}",
            f"    unit {kind['unit']} · {reach_words(kind['halo_m'])} · {kind['method']}",
        ]
    for column in found.get("columns", ()):
        effort = (
            " (search effort: the model does not read it)" if column["role"] == "effort" else ""
        )
        lines += [
            f"{column['column']} [{column['unit']}]: {column['words']}{effort}",
            f"    {column['kind']} of {column['layer']} · {reach_words(column['halo_m'])} · "
            f"{column['source'] or 'source not stated'}",
        ]
    lines += found.get("left_out", ())
    return lines


def reach_words(halo_m: float | None) -> str:
    """Say how far a feature looks."""
    if halo_m is None:
        return "reach by its settings"
    return f"looks {halo_m:,.0f} m around each cell" if halo_m else "looks at the cell alone"


def setting_words(setting: Mapping[str, Any]) -> str:
    """Give the default of a setting as it is written in a configuration."""
    if setting["required"]:
        return "must be given"
    default = setting["default"]
    if default in (None, {}, ()):
        return "none"
    shown = list(default) if isinstance(default, tuple) else default
    return f"{shown:g}" if isinstance(shown, float) else str(shown)


def _models() -> tuple[type[pydantic.BaseModel], ...]:
    return get_args(get_args(Feature)[0])


def _describe(kind: str, model: type[pydantic.BaseModel]) -> dict[str, Any]:
    family = FAMILIES[kind]
    settings = [
        {
            "name": name,
            "required": field.is_required(),
            "default": None
            if field.is_required()
            else field.get_default(call_default_factory=True),
            "words": field.description or "",
        }
        for name, field in model.model_fields.items()
        if name != "kind"
    ]
    module = inspect.getmodule(inspect.unwrap(family.build))
    text = inspect.getsource(module) if module else ""
    return {
        "kind": kind,
        "words": family.words,
        "about": " ".join((model.__doc__ or "").split()),
        "role": family.role,
        "unit": ", ".join(family.units) or "that of the layer",
        "halo_m": _default_halo(kind, settings),
        "settings": settings,
        "method": f"{module.__name__.replace('.', '/')}.py" if module else "",
        "sources": sorted({found.rstrip(".)") for found in _DOI.findall(text)}),
    }


def _default_halo(kind: str, settings: list[dict[str, Any]]) -> float | None:
    defaults = {item["name"]: item["default"] for item in settings if not item["required"]}
    try:
        return FAMILIES[kind].halo_m(defaults)
    except (KeyError, TypeError):  # a setting without a default decides
        return None


def _window(config: Config, layers: Layers) -> GeoBox:
    """Give a few cells in the middle of the study area: enough to learn names, units and words."""
    area, cell = config.study_area, config.study_area.resolution_m
    west, south, east, north = layers.vector(area.boundary, crs=area.crs).total_bounds
    easting, northing = (west + east) / 2, (south + north) / 2
    reach = _WINDOW / 2 * cell
    bounds = (easting - reach, northing - reach, easting + reach, northing + reach)
    return study_grid(bounds, crs=area.crs, resolution_m=cell)


def _made_by_run(layers: Layers, name: str) -> bool:
    return str(layers.source(name).path).startswith("@")


def _column(name: str, variable: xr.DataArray) -> dict[str, Any]:
    attrs = variable.attrs
    return {
        "column": name,
        "kind": attrs["family"],
        **{key: attrs[key] for key in ("unit", "halo_m", "layer", "source", "words", "role")},
    }
