"""The table of `docs/digitise.md`: scanned sheets, digitised and held against a tracing of them.

``MINERISK_DATA=DIR python -m docs.build.digitise_page [--sheets 9,11] [--pictures DIR]`` prints it;
``--into docs/digitise.md`` writes it into the page.
"""

import argparse
import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd

from docs.build.records import with_table
from minerisk.features.digitise.agreement import Agreement, hold_against
from minerisk.features.digitise.colours import read_colour
from minerisk.features.digitise.scan import read_scan
from minerisk.features.digitise.sheet import read_outline
from minerisk.pipelines.prepare.digitise import (
    Drawing,
    Provenance,
    cover_on_ground,
    georeference_of,
    line_layer,
    position_error,
    trace_drawing,
)
from minerisk.pipelines.prepare.digitised_picture import write_picture
from minerisk.pipelines.provenance.files import write_whole

FOLDER = Path("docs/digitise")
SHEETS, OWN_POINTS = FOLDER / "sheets.csv", FOLDER / "graticule.csv"
WITHIN_M = 500.0
"""A piece counts as found where the other drawing is no farther."""
DEGREES = "EPSG:4326"
LOOKED_AT = "looked at"


@dataclass(frozen=True)
class SheetRow:
    """One sheet, and how it agrees with the tracing of it, where there is one.

    Attributes
    ----------
    over, under
        From what was digitised to the tracing, and back.
    """

    sheet: str
    title: str
    use: str
    points: int
    left_out_m: float
    error_m: float
    length_km: float
    over: Agreement | None
    under: Agreement | None


def rows_of(
    data: Path, root: Path, *, only: Sequence[str], pictures: Path | None
) -> Iterator[SheetRow]:
    """Digitise the sheets and hold them against the tracing."""
    with (root / SHEETS).open(encoding="utf-8", newline="") as file:
        for facts in csv.DictReader(file):
            if not only or facts["sheet"] in only:
                yield _row(facts, data, root, pictures)


def _row(facts: dict[str, str], data: Path, root: Path, pictures: Path | None) -> SheetRow:
    scan = data / "war_maps" / facts["file"]
    pixels = read_scan(scan)
    points = root / OWN_POINTS if facts["use"] == LOOKED_AT else scan.with_name("graticule.csv")
    georeference = georeference_of(points, scan, pixels, crs=DEGREES, known=Provenance())
    drawing = Drawing(
        colour=read_colour(facts["colour"]),
        width_px=float(facts["width_px"]),
        frame=read_outline(facts["frame"], name="frame"),
        leave_out=tuple(
            read_outline(text, name="leave_out") for text in facts["leave_out"].split(";")
        ),
    )
    sheet = trace_drawing(pixels, drawing)
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
        picture = pictures / f"map{facts['sheet']}.png"
        write_picture(picture, pixels, sheet, drawing.frame, georeference.pixels)
    lines = line_layer(sheet, georeference)
    cover = cover_on_ground(sheet, georeference)
    over, under = _agreement(lines.geometry, cover, facts, data)
    return SheetRow(
        facts["sheet"],
        facts["title"],
        facts["use"],
        len(georeference.pixels),
        georeference.error_m,
        position_error(drawing.width_px, georeference, Provenance()).total_m,
        float(lines.length.sum()) / 1000,
        over,
        under,
    )


def _agreement(
    lines: gpd.GeoSeries, cover: gpd.GeoSeries, facts: dict[str, str], data: Path
) -> tuple[Agreement | None, Agreement | None]:
    """Hold lines against the tracing, on the land that both sheets show."""
    if facts["use"] == LOOKED_AT:
        return None, None
    path = data / "bosnia" / "front_lines_1992_94.gpkg"
    both = cover.union_all()
    traced = []
    for layer in ("sheet_frames", "front_lines"):
        frame = gpd.read_file(path, layer=layer)
        traced.append(frame[frame["sheet"] == f"Map {facts['sheet']}"].to_crs(lines.crs).geometry)
    both = both.intersection(traced[0].union_all())
    own, other = lines.intersection(both), traced[1].intersection(both)
    own, other = own[~own.is_empty], other[~other.is_empty]
    return (
        hold_against(own, other, within_m=WITHIN_M),
        hold_against(other, own, within_m=WITHIN_M),
    )


def table_lines(rows: Sequence[SheetRow]) -> Iterator[str]:
    """Return the table in Markdown."""
    yield (
        "| sheet | use | control points, missed by | position error | length | to the tracing: "
        "median, 9 in 10, found | from it: median, 9 in 10, found |"
    )
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for row in rows:
        yield (
            f"| {row.sheet}, {row.title} | {row.use} | {row.points}, {row.left_out_m:.0f} m | "
            f"{row.error_m:.0f} m | {row.length_km:.0f} km | {_words(row.over)} | "
            f"{_words(row.under)} |"
        )


def _words(found: Agreement | None) -> str:
    if found is None:
        return "–"
    return f"{found.median_m:.0f} m, {found.ninetieth_m:.0f} m, {100 * found.found:.1f} %"


def main() -> None:
    """Print the table, and write it where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sheets", default="")
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--into", type=Path)
    given = parser.parse_args()
    only = [number for number in given.sheets.split(",") if number]
    root = Path(__file__).resolve().parents[2]
    data = Path(os.environ["MINERISK_DATA"])
    text = "\n".join(table_lines(list(rows_of(data, root, only=only, pictures=given.pictures))))
    print(text)  # noqa: T201 - a program of the documentation
    if given.into is not None:
        page = given.into.read_text(encoding="utf-8")
        write_whole(given.into, with_table(page, text))


if __name__ == "__main__":
    main()
