"""Legends of rasters as GDAL reads them (PAM, ``.aux.xml``)."""

from collections.abc import Mapping
from xml.sax.saxutils import escape

from minerisk.pipelines.formats.palette import Ramp, rgba


def aux_xml(
    numbers: Mapping[str, str],
    categories: Mapping[int, str],
    colormap: Mapping[int, str] | Ramp | None,
) -> str:
    """Write the side file that GDAL and ArcGIS read: statistics, and names of classes."""
    lines = "".join(f'      <MDI key="{key}">{value}</MDI>\n' for key, value in numbers.items())
    metadata = f"    <Metadata>\n{lines}    </Metadata>\n" if numbers else ""
    colours = colormap if isinstance(colormap, Mapping) else {}
    table = _attribute_table(categories, colours) if categories else ""
    return (
        '<PAMDataset>\n  <PAMRasterBand band="1">\n'
        f"{table}{metadata}  </PAMRasterBand>\n</PAMDataset>\n"
    )


def _attribute_table(categories: Mapping[int, str], colours: Mapping[int, str]) -> str:
    fields = (("Value", 0, 5), ("Class", 2, 2), ("Red", 0, 6), ("Green", 0, 7), ("Blue", 0, 8))
    head = "".join(
        f'      <FieldDefn index="{place}"><Name>{name}</Name><Type>{kind}</Type>'
        f"<Usage>{usage}</Usage></FieldDefn>\n"
        for place, (name, kind, usage) in enumerate(fields)
    )
    rows = ""
    for place, (code, words) in enumerate(sorted(categories.items())):
        red, green, blue, _ = rgba(colours.get(code, "#000000"))
        cells = "".join(f"<F>{escape(str(v))}</F>" for v in (code, words, red, green, blue))
        rows += f'      <Row index="{place}">{cells}</Row>\n'
    return (
        f'    <GDALRasterAttributeTable tableType="thematic">\n{head}{rows}'
        "    </GDALRasterAttributeTable>\n"
    )
