"""Estimators, calibrators and features that other packages add, found by their entry points.

An installed package adds one by naming it in its ``pyproject.toml``; docs/extend.md shows how, with
a package that works. Nothing is imported before its name is asked for, and a name that comes from a
file of somebody else only ever picks among what is installed here.
"""

import logging
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, entry_points, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

from minerisk.features.errors import InputError

log = logging.getLogger(__name__)

Group = Literal["minerisk.estimators", "minerisk.calibrators", "minerisk.features"]
ESTIMATORS: Final = "minerisk.estimators"
CALIBRATORS: Final = "minerisk.calibrators"
GROUPS: tuple[Group, ...] = ("minerisk.estimators", "minerisk.calibrators", "minerisk.features")


@dataclass(frozen=True)
class Addition:
    """What a package added to a model.

    Attributes
    ----------
    group, name
        Of its entry point.
    package, version
        Of the package.
    """

    group: str
    name: str
    package: str
    version: str


def addition_of(group: Group, name: str) -> Addition | None:
    """Tell which installed package adds a name to a group; None where none does."""
    for entry in entry_points(group=group, name=name):
        if entry.dist is not None:
            return Addition(group, name, entry.dist.name, entry.dist.version)
    return None


def check_installed(added: Addition) -> None:
    """Refuse what cannot be read without a package; tell where another version of it is here.

    Raises
    ------
    InputError
        If the package is not installed.
    """
    try:
        here = version(added.package)
    except PackageNotFoundError:
        raise InputError(
            f"The model was made with {added.name!r} of {added.package} {added.version} (one of "
            f"{added.group}), which is not installed here. Install that version of the package "
            f"(pip install '{added.package}=={added.version}'), and ask again."
        ) from None
    if here != added.version:
        log.warning(
            "The model was made with %r of %s %s; %s is installed here. Its numbers may differ.",
            added.name, added.package, added.version, here,
        )  # fmt: skip


def added_names(group: Group) -> list[str]:
    """List the names that installed packages add to a group."""
    return sorted({entry.name for entry in entry_points(group=group)})


def load_added(group: Group, name: str, *, own: tuple[str, ...] = ()) -> object:
    """Import what an installed package adds under a name.

    Parameters
    ----------
    group
        What is added.
    name
        The name of its entry point.
    own
        Names that minerisk itself has, for the message.

    Raises
    ------
    InputError
        If no package adds it, two do, or the one that does cannot be imported.
    """
    found = [entry for entry in entry_points(group=group) if entry.name == name]
    if len(found) != 1:
        came = f"{len(found)} packages add" if found else "no installed package adds"
        known = ", ".join([*own, *added_names(group)]) or "none"
        raise InputError(
            f"{name!r} is asked for as one of {group}, and {came} that name; there are: {known}. "
            "Install the package that has it, or correct the name."
        )
    try:
        return found[0].load()
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"{name!r} of {group} is {found[0].value}, which cannot be imported ({error}). Install "
            "its package again."
        ) from error


def added_sources() -> list[Path]:
    """List the source files of the packages that add something: they are code of a run too."""
    entries = (entry for group in GROUPS for entry in entry_points(group=group))
    packages = sorted({entry.module.partition(".")[0] for entry in entries})
    return [path for name in packages for path in _sources(name)]


def _sources(package: str) -> list[Path]:
    spec = find_spec(package)
    if spec is None:
        return []
    folders = [Path(place) for place in spec.submodule_search_locations or ()]
    files = [path for folder in folders for path in folder.rglob("*.py")]
    return sorted(files) if folders else [Path(str(spec.origin))]
