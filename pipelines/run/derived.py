"""A run made from another: its configuration with something changed, in a file of its own."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from minerisk.configs.load import ConfigError, data_root
from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.files import write_whole
from minerisk.pipelines.run.folder import Run, read_config

HEAD = "# Made by minerisk from the configuration of {run}: {words}.\n"


def derive_config(
    run: Run, path: Path, change: Callable[[dict[str, Any]], None], *, words: str
) -> Path:
    """Write the configuration of a run with something changed.

    The content is changed as its author wrote it, not as a `Config` with every default filled in,
    so that the new file differs from the first in nothing else.

    Parameters
    ----------
    run
        The run it begins from.
    path
        File to write. A relative data root is adapted, so that the same layers are read; an
        address of a tracking server is left out.
    change
        Changes the content in place.
    words
        What was changed, for the first line.

    Returns
    -------
    Path
        The file. The same run and change give the same bytes.

    Raises
    ------
    InputError
        If the result is no configuration.
    """
    head = HEAD.format(run=run.folder.name, words=words)
    return derive_from(run.files.config, run.config_path, path, change, head=head)


def derive_from(
    source: Path, place: Path, path: Path, change: Callable[[dict[str, Any]], None], *, head: str
) -> Path:
    """Write a configuration with something changed; see `derive_config`.

    Parameters
    ----------
    source
        The file that is read.
    place
        Where it lay when it was given: a relative data root is relative to that.
    path
        File to write.
    change
        Changes the content in place.
    head
        The first line.
    """
    config = read_config(source)
    content = yaml.safe_load(source.read_text(encoding="utf-8"))
    try:
        root = data_root(config, place)
    except ConfigError as error:
        raise InputError(str(error)) from error
    if "${" not in config.data_root:
        content["data_root"] = os.path.relpath(root, path.resolve().parent)
    (content.get("tracking") or {}).pop("uri", None)  # see `Run.given`
    change(content)
    text = head
    text += yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    write_whole(path, text)
    read_config(path)
    return path
