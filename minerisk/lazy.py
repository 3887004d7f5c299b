"""Names of a package that are imported when they are first used.

A package lists what it offers and where that lives; importing the package, or one module of it,
then costs nothing for the others. Type checkers and readers see plain imports:

    if TYPE_CHECKING:
        from minerisk.models.folds.knndm import KNNDM
    else:
        __getattr__, __dir__ = import_on_first_use(__name__)

Python 3.15 has this in the language (PEP 810, ``lazy from … import …``); with it as the oldest
version this module can go.
"""

import ast
import functools
import importlib
import sys
from collections.abc import Callable
from pathlib import Path


def import_on_first_use(package: str) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Make the ``__getattr__`` and ``__dir__`` of a package (PEP 562).

    Parameters
    ----------
    package
        Its ``__name__``. What it imports under ``if TYPE_CHECKING:`` are the names it has.

    Returns
    -------
    get, names
        The first imports a name and keeps it, the second lists all names.
    """

    @functools.cache
    def homes() -> dict[str, str]:
        return _homes(Path(str(sys.modules[package].__file__)).read_text(encoding="utf-8"))

    def get(name: str) -> object:
        if name not in homes():
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(importlib.import_module(homes()[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes()})

    return get, names


def _homes(source: str) -> dict[str, str]:
    """Return the module of each name that a package imports under ``if TYPE_CHECKING:``."""
    return {
        alias.name: str(item.module)
        for block in ast.parse(source).body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for item in block.body
        if isinstance(item, ast.ImportFrom)
        for alias in item.names
    }
