"""What packages offer by name is there, is typed, and is imported when it is used."""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("features", "models", "pipelines")
HEAVY = {"geopandas", "lightgbm", "matplotlib", "mlflow", "numba", "numpy", "pandas", "sklearn"}


def packages() -> list[str]:
    """List minerisk and its packages that state public names."""
    files = [ROOT / "minerisk" / "__init__.py"]
    files += [
        path for room in ("features", "models") for path in ROOT.glob(f"{room}/*/__init__.py")
    ]
    stated = [path for path in files if "__all__" in path.read_text(encoding="utf-8")]
    return [
        ".".join(("minerisk", *path.relative_to(ROOT).parent.parts)).removesuffix(".minerisk")
        for path in sorted(stated)
    ]


@pytest.mark.parametrize("name", packages())
def test_every_public_name_is_there(name: str) -> None:
    package = importlib.import_module(name)
    for public in package.__all__:
        assert getattr(package, public) is not None
        assert public in dir(package)


@pytest.mark.parametrize("name", packages())
def test_no_public_name_is_that_of_a_module(name: str) -> None:
    """Importing the module would put it in the place of what the package offers."""
    package = importlib.import_module(name)
    assert package.__file__ is not None
    modules = {path.stem for path in Path(package.__file__).parent.iterdir()}
    assert not modules & set(package.__all__)


@pytest.mark.parametrize("name", packages())
def test_a_package_imports_nothing_before_it_is_used(name: str) -> None:
    code = f"import {name}, json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert not HEAVY & set(json.loads(done.stdout))


def test_an_unknown_name_is_an_attribute_error() -> None:
    package = importlib.import_module("minerisk.models.folds")
    with pytest.raises(AttributeError, match="no attribute 'KFold'"):
        _ = package.KFold


def test_the_page_of_stable_names_has_them_all() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    names = importlib.import_module("minerisk").__all__
    assert [name for name in names if not re.search(rf"`{name}\b", page)] == []
