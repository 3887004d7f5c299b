"""minerisk in QGIS: Processing algorithms that call a local install, or a request desk."""

from __future__ import annotations


def classFactory(iface: object) -> object:
    """Return the plugin, as QGIS asks for it."""
    from .plugin import Plugin

    return Plugin()
