"""A finished pack in the open project: styled, grouped, with its marks."""

from __future__ import annotations

from pathlib import Path

from qgis.core import (
    QgsLayerTreeGroup,
    QgsLayerTreeLayer,
    QgsProcessingException,
    QgsProject,
)


def load_pack(folder: Path, project: QgsProject, *, only: str = "") -> QgsLayerTreeGroup:
    """Add the layers of a pack above all others, as its own project has them.

    Styles, names and marks are those of ``map.qgs``: the layer that writes on the canvas what the
    map is stands first in the group, and the group's name says it too.

    Parameters
    ----------
    only
        File name whose layers are added, beside the marks; empty is all.

    Raises
    ------
    QgsProcessingException
        If the pack has no project that can be read.
    """
    pack = QgsProject()
    if not pack.read(str(folder / "map.qgs")):
        raise QgsProcessingException(f"{folder / 'map.qgs'} cannot be read: {pack.error()}")
    group = project.layerTreeRoot().insertGroup(0, pack.title())
    _take(pack.layerTreeRoot(), group, project, only)
    return group


def _take(
    source: QgsLayerTreeGroup, group: QgsLayerTreeGroup, project: QgsProject, only: str
) -> None:
    for node in source.children():
        if isinstance(node, QgsLayerTreeGroup):
            _take(node, group, project, only)
        elif isinstance(node, QgsLayerTreeLayer) and node.layer() is not None:
            if only and not {only, "layername=marks"} & set(_parts(node.layer().source())):
                continue
            layer = node.layer().clone()
            project.addMapLayer(layer, False)
            added = group.addLayer(layer)
            added.setItemVisibilityChecked(node.isVisible() or bool(only))
            added.setExpanded(False)


def _parts(source: str) -> list[str]:
    path, *options = source.split("|")
    return [Path(path).name, *options]
