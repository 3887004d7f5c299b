"""What can be installed beside the base, and what a command says where it is not."""

from collections.abc import Mapping
from enum import StrEnum
from importlib.util import find_spec

from minerisk.features.errors import InputError


class Extra(StrEnum):
    """A part of the installation that is asked for by name: ``pip install 'minerisk[train]'``."""

    TRAIN = "train"
    DASK = "dask"
    DIGITISE = "digitise"
    SERVE = "serve"
    POSTGRESQL = "postgresql"


MODULES: Mapping[Extra, tuple[str, ...]] = {
    Extra.TRAIN: ("mlflow", "optuna", "sqlalchemy"),
    Extra.DASK: ("dask", "distributed"),
    Extra.DIGITISE: ("skimage",),
    Extra.SERVE: ("fastapi", "uvicorn", "titiler.core", "authlib", "joserfc", "pyotp", "argon2"),
    Extra.POSTGRESQL: ("psycopg2",),
}
"""What each brings, by the names that are imported."""
PURPOSE: Mapping[Extra, str] = {
    Extra.TRAIN: "training a model, and its record in MLflow",
    Extra.DASK: "workers on several machines",
    Extra.DIGITISE: "lines from scanned maps",
    Extra.SERVE: "the request desk",
    Extra.POSTGRESQL: "a desk whose database is PostgreSQL",
}


def missing_modules(extra: Extra) -> list[str]:
    """List what an extra brings and is not installed here."""
    return [name for name in MODULES[extra] if not _is_here(name)]


def need(extra: Extra) -> None:
    """Refuse to begin what an extra is needed for.

    Raises
    ------
    InputError
        With the command that installs it.
    """
    if missing := missing_modules(extra):
        raise InputError(not_installed(extra, ", ".join(missing)))


def extra_of(module: str | None) -> Extra | None:
    """Return the extra that brings a module, which could not be imported."""
    top = (module or "").partition(".")[0]
    return next((extra for extra, names in MODULES.items() if _tops(names) & {top}), None)


def not_installed(extra: Extra, what: str) -> str:
    """Say that a part is not installed, and how it is."""
    return (
        f"What is asked for needs {what}, which this installation lacks: it is for "
        f"{PURPOSE[extra]}. Install it: pip install 'minerisk[{extra}]'."
    )


def _tops(names: tuple[str, ...]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def _is_here(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # of the package that a module is in
        return False
