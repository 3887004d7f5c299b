"""The plugin as a file: what it may import, for which Python and Qt, and how it is packed."""

import ast
import configparser
import sys
import zipfile
from pathlib import Path

import pytest

from qgis_plugin.pack import PLUGIN, pack

SOURCES = sorted(PLUGIN.glob("*.py"))
QT_CLASSES = {"Qt", "QNetworkRequest", "QProcess", "QIODevice"}


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_it_is_read_by_the_python_of_qgis_3_22(source: Path) -> None:
    ast.parse(source.read_text(encoding="utf-8"), feature_version=(3, 9))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_it_needs_nothing_but_qgis_and_the_standard_library(source: Path) -> None:
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [str(node.module)]
        for name in names:
            root = name.split(".")[0]
            assert root in {"qgis", "processing"} | set(sys.stdlib_module_names), name
            assert not name.startswith("PyQt"), "QGIS with Qt 6 has qgis.PyQt alone"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_enumerations_of_qt_are_named_in_full_as_qt_6_asks(source: Path) -> None:
    """``QNetworkRequest.Attribute.X``, never ``QNetworkRequest.X``."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            of_qt = node.value.id in QT_CLASSES
            assert not (of_qt and node.attr.endswith("Attribute")) or node.attr == "Attribute"
        if isinstance(node, ast.Attribute):
            assert node.attr != "exec_", "Qt 6 has exec alone"


def test_the_same_files_make_the_same_zip_in_one_folder(tmp_path: Path) -> None:
    one, two = tmp_path / "one.zip", tmp_path / "two.zip"
    pack(one)
    pack(two)
    assert one.read_bytes() == two.read_bytes()
    with zipfile.ZipFile(one) as archive:
        names = archive.namelist()
        text = archive.read("minerisk_qgis/metadata.txt").decode()
    assert {name.split("/")[0] for name in names} == {"minerisk_qgis"}
    assert "minerisk_qgis/LICENSE" in names
    found = configparser.ConfigParser()
    found.read_string(text)
    general = found["general"]
    assert general["qgisMinimumVersion"] == "3.22"
    assert general.getboolean("hasProcessingProvider")
    assert general.getboolean("supportsQt6")
    assert f"minerisk_qgis/{general['icon']}" in names
