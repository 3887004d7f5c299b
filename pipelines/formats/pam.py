"""Legends of rasters as GDAL reads them (PAM, ``.aux.xml``)."""

from collections.abc import Mapping

from minerisk.pipelines.formats.palette import Legend, rgba
from minerisk.pipelines.formats.templating import template


def aux_xml(
    statistics: Mapping[str, str], legend: Legend | None, said: Mapping[str, str] | None = None
) -> str:
    """Write the side file that GDAL and ArcGIS read: statistics, and names of codes.

    Parameters
    ----------
    said
        What the raster says of itself: tags of the file.
    """
    classes = []
    if legend is not None:
        for code, words in sorted(legend.words.items()):
            red, green, blue, _ = rgba(legend.colours[code])
            classes.append((code, words, red, green, blue))
    return template("aux.xml.j2").render(statistics=statistics, classes=classes, said=said or {})
