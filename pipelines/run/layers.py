"""From a configuration to the layers it names."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from minerisk.configs.bounds import HAZARD_CLASSES, names_in
from minerisk.configs.load import ConfigError, data_root
from minerisk.configs.schema import (
    Config,
    Evidence,
    RasterLayer,
    Search,
    VectorLayer,
)
from minerisk.features.errors import InputError
from minerisk.features.layers.problems import LayerCode, LayerProblem, warning
from minerisk.features.layers.sources import Coverage, Layers, RasterSource, Source, VectorSource
from minerisk.features.layers.stored_frames import StoredFrames
from minerisk.features.vector_files.columns import ClassColumn, Column, NumberColumn, record_weights
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.provenance.clock import now

FeatureSpec = tuple[str, dict[str, Any]]
"""Kind and parameters of a feature."""


class Placed(NamedTuple):
    """A layer in a folder of its own: the folder, and the path in it."""

    folder: Path
    path: str


def open_layers(
    config: Config,
    *,
    config_path: Path,
    overrides: Mapping[str, Placed] | None = None,
    stored: StoredFrames | None = None,
) -> Layers:
    """Return the layers of a configuration; none is opened yet.

    An optional layer whose file is not there is left out, as if it had not been named.

    Parameters
    ----------
    config
        The study area.
    config_path
        Its file: a relative data root is relative to it.
    overrides
        Layer name to a file that the run itself has written, such as simulated findings, and the
        folder it lies in, which it cannot leave. The layer keeps its other settings.
    stored
        What was read of files already; none: nothing.

    Raises
    ------
    InputError
        If the data root names an environment variable that is not set, or is no folder.
    """
    try:
        root = data_root(config, config_path)
    except ConfigError as error:
        raise InputError(str(error)) from error
    sources = {
        name: _source(layer)
        for name, layer in config.layers.items()
        if not layer.optional or (root / layer.path).exists()
    }
    roots: dict[str, Path] = {}
    for name, placed in (overrides or {}).items():
        path = placed.folder.absolute() / placed.path
        sources[name] = dataclasses.replace(_source(config.layers[name]), path=path)
        roots[name] = placed.folder
    return Layers(sources, root, roots=roots, today=now().date(), stored=stored)


def absent_layers(config: Config, layers: Layers) -> list[str]:
    """Name the optional layers of a configuration whose file is not there."""
    return [name for name in config.layers if name not in layers.names()]


def present_features(
    config: Config, layers: Layers
) -> tuple[list[FeatureSpec], list[LayerProblem]]:
    """Sort the features into those that can be built and those that are left out.

    A feature is left out whole if any layer that it reads is absent: made of other layers, or of
    zeros, it would mean something else here than where the layer is at hand.

    Returns
    -------
    features, left_out
        Kind and parameters of each feature, in order; and a problem for each one left out.

    Raises
    ------
    InputError
        If none can be built.
    """
    from minerisk.features.kinds import layers_of  # builders, which a request does not need

    absent = set(absent_layers(config, layers))
    asked: list[FeatureSpec] = [
        (item.kind, item.model_dump(exclude={"kind"})) for item in config.features
    ]
    missing = [tuple(name for name in layers_of(*item) if name in absent) for item in asked]
    left_out = [
        _left_out(kind, ", ".join(names_in(params["layer"])), names)
        for (kind, params), names in zip(asked, missing, strict=True)
        if names
    ]
    kept = [item for item, names in zip(asked, missing, strict=True) if not names]
    if not kept:
        words = "; ".join(ENGLISH.say(problem) for problem in left_out)
        raise InputError(f"No feature is left: {words}. Add a feature whose layers are at hand.")
    return kept, left_out


def _left_out(kind: str, layer: str, absent: tuple[str, ...]) -> LayerProblem:
    return warning(layer, LayerCode.FEATURE_LEFT_OUT, kind=kind, layer=layer, absent=absent)


def effort_features(config: Config, layers: Layers) -> list[FeatureSpec]:
    """List the search effort whose layer is there; years count back from ``study_area.as_of``."""
    present = [item for item in config.effort if item.layer in layers.names()]
    as_of = config.study_area.as_of
    return [
        (item.kind, item.model_dump(exclude={"kind"}) | {"as_of": item.as_of or as_of})
        for item in present
    ]


def evidence_columns(item: Evidence | Search) -> dict[str, NumberColumn | ClassColumn]:
    """Return the columns that records of finds and searches are read by, by what they say."""
    columns: dict[str, NumberColumn | ClassColumn] = {}
    if item.weight_column is not None:
        columns["weight"] = record_weights(item.weight_column)
    if isinstance(item, Evidence) and item.hazard_column is not None:
        columns["hazard"] = ClassColumn(
            item.hazard_column,
            "hazard_column",
            {name: item.hazard_values.get(name, ()) for name in HAZARD_CLASSES},
            blank=item.hazard,
            mapping="hazard_values",
        )
    return columns


def layer_columns(config: Config, layers: Layers) -> dict[str, list[Column]]:
    """List the columns that are read of each layer beside its dates."""
    from minerisk.features.kinds import columns_of  # builders, which a request does not need

    found: dict[str, list[Column]] = {}
    records: list[Evidence | Search] = [*config.labels.positive, *config.labels.searches]
    for item in records:
        found.setdefault(item.layer, []).extend(evidence_columns(item).values())
    features, _ = present_features(config, layers)
    for _, params in (*features, *effort_features(config, layers)):
        for name in names_in(params["layer"]):
            found.setdefault(name, []).extend(columns_of(params))
    return found


def _source(layer: RasterLayer | VectorLayer) -> Source:
    fields: dict[str, Any] = layer.model_dump(exclude={"kind", "optional"})
    fields["path"] = Path(layer.path)
    if layer.coverage is not None:
        fields["coverage"] = Coverage(**layer.coverage.model_dump())
    if isinstance(layer, RasterLayer):
        return RasterSource(**fields)
    return VectorSource(**fields)
