"""From a configuration to the layers it names."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from configs.load import ConfigError, data_root
from configs.schema import Config, RasterLayer, VectorLayer
from features.errors import InputError
from features.sources import Layers, RasterSource, Source, VectorSource


def open_layers(
    config: Config, *, config_path: Path, overrides: Mapping[str, Path] | None = None
) -> Layers:
    """Give the layers of a configuration; no layer is opened yet.

    Parameters
    ----------
    config
        The study area.
    config_path
        Its file: a relative data root is relative to it.
    overrides
        Layer name to a file that the run itself has written, such as simulated findings. The
        layer keeps its other settings; a name the configuration lacks becomes a vector layer.

    Raises
    ------
    InputError
        If the data root names an environment variable that is not set, or is no folder.
    """
    try:
        root = data_root(config, config_path)
    except ConfigError as error:
        raise InputError(str(error)) from error
    sources = {name: _source(layer) for name, layer in config.layers.items()}
    roots: dict[str, Path] = {}
    for name, given in (overrides or {}).items():
        path = Path(given).resolve()
        known = sources.get(name, VectorSource(path))
        sources[name] = dataclasses.replace(known, path=path)
        roots[name] = path.parent
    return Layers(sources, root, roots=roots)


def _source(layer: RasterLayer | VectorLayer) -> Source:
    fields: dict[str, Any] = layer.model_dump(exclude={"kind"})
    fields["path"] = Path(layer.path)
    if isinstance(layer, RasterLayer):
        return RasterSource(**fields)
    return VectorSource(**fields)
