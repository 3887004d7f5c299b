"""What a request names, held against the configuration alone: refused before much is imported."""

import difflib
import math
from collections.abc import Sequence
from pathlib import Path

from minerisk.configs.load import ConfigError, load_config
from minerisk.configs.schema import Config, VectorLayer
from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.clock import now
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.request import Filters
from minerisk.pipelines.run.hazards import ANY, trained_hazards

SHOWN = 60


def refuse_unknown(folder: Path, filters: Filters) -> None:
    """Refuse what a run folder cannot know; what is wrong with the folder itself is told later.

    Raises
    ------
    InputError
        With the choices there are.
    """
    try:
        config = load_config(RunFolder(folder).config)
    except ConfigError:
        return
    check_named(folder, config, filters)


def check_named(folder: Path, config: Config, filters: Filters) -> None:
    """Refuse a layer, distance, hazard class, budget or day that cannot be.

    Raises
    ------
    InputError
        With the choices there are.
    """
    layers = sorted(name for name, one in config.layers.items() if isinstance(one, VectorLayer))
    if bool(filters.near) != (filters.within_m is not None):
        raise InputError(
            "--near and --within go together: a layer, and metres, such as --near "
            f"{layers[0]} --within 500."
        )
    if filters.within_m is not None and not 0 < filters.within_m <= 1_000_000:
        raise InputError(f"--within is {filters.within_m:g}; expected metres above 0.")
    for name in filters.near:
        check_known("layer", name, layers)
    if filters.hazard is not None:
        check_known("hazard class", filters.hazard, [ANY, *trained_hazards(folder)])
    if filters.budget_ha is not None and not config.tasks.min_ha <= filters.budget_ha < math.inf:
        raise InputError(
            f"--budget is {filters.budget_ha:g} ha; expected {config.tasks.min_ha:g} ha or more, "
            "the least size of a task in this run (tasks.min_ha)."
        )
    if filters.as_of is not None and filters.as_of > now().date():
        raise InputError(
            f"--as-of is {filters.as_of}, a day to come; expected one up to {now().date()}."
        )


def check_known(what: str, given: str, choices: Sequence[str]) -> None:
    """Refuse a name that is none of the choices, and say which there are.

    Raises
    ------
    InputError
        With the nearest name.
    """
    if given in choices:
        return
    close = difflib.get_close_matches(given, choices, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    more = f" and {len(choices) - SHOWN} more" if len(choices) > SHOWN else ""
    raise InputError(
        f"No {what} is named {given!r}.{hint} There are: {', '.join(choices[:SHOWN])}{more}."
    )
