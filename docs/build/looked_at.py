"""Pictures of a pack as its reader opens it, file by file: browser, A4, QGIS, spreadsheet, phone.

``python -m docs.build.looked_at PACK docs/looked-at NAME`` writes them. It needs Chromium, QGIS,
LibreOffice and poppler, as Debian has them; what is looked for in the pictures is said in
``docs/looked-at.md``.
"""

import argparse
import contextlib
import io
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM, PYTHON = "/usr/bin/chromium", "/usr/bin/python3"
WIDEST, COLOURS = 900, 255
QGIS = """
import os, sys
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from qgis.core import *
from qgis.PyQt.QtCore import QRectF
app = QgsApplication([], False)
app.initQgis()
pack, out = sys.argv[1:3]
project = QgsProject.instance()
assert project.read(pack + "/map.qgs")
settings = QgsLayoutExporter.ImageExportSettings()
settings.dpi = 80
names = iter(("layout", "sheet"))
for layout in sorted(project.layoutManager().printLayouts(), key=lambda one: one.atlas().enabled()):
    if layout.atlas().enabled():
        layout.atlas().beginRender()
        layout.atlas().updateFeatures()
        layout.atlas().seekTo(0)
    QgsLayoutExporter(layout).exportToImage(out + "/" + next(names) + ".png", settings)
project.clear()
raster = QgsRasterLayer(pack + "/risk_class.tif", "risk_class")
project.addMapLayer(raster)
layout = QgsPrintLayout(project)
layout.initializeDefaults()
shown = QgsLayoutItemMap(layout)
shown.attemptSetSceneRect(QRectF(5, 5, 140, 200))
shown.setExtent(raster.extent())
shown.setLayers([raster])
legend = QgsLayoutItemLegend(layout)
legend.attemptSetSceneRect(QRectF(150, 5, 140, 80))
legend.setLinkedMap(shown)
legend.setWrapString(" · ")
for item in (shown, legend):
    layout.addLayoutItem(item)
QgsLayoutExporter(layout).exportToImage(out + "/raster.png", settings)
os._exit(0)
"""


def pages_of(pdf: Path, first: int, last: int) -> Iterator[bytes]:
    """Draw pages of a PDF."""
    with TemporaryDirectory() as folder:
        asked = ["pdftoppm", "-r", "75", "-png", "-f", str(first), "-l", str(last), str(pdf)]
        subprocess.run([*asked, f"{folder}/page"], check=True)
        for path in sorted(Path(folder).iterdir()):
            yield path.read_bytes()


def in_the_browser(browser: Browser, pack: Path) -> Iterator[tuple[str, bytes]]:
    """Look at the pages: wide, on a phone, zoomed from a row of the table, and on paper."""
    for name, width, height in (("wide", 1200, 850), ("phone", 390, 844)):
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto((pack / "report.html").as_uri())
        yield f"report_{name}", page.screenshot()
        yield f"classes_{name}", _at(page, "figure.zoom ~ .wide table")
        if name == "wide":
            row = page.locator("a[id^='row-']").first
            row.click()
            page.locator("label[for=zoom4]").click()
            page.locator(":target").evaluate("one => one.scrollIntoView({block: 'center'})")
            yield "zoomed", page.screenshot()
            page.emulate_media(media="print")
            yield from _printed(page, "report")
            if (pack / "task_sheets.html").is_file():
                page.goto((pack / "task_sheets.html").as_uri())
                yield from _printed(page, "task_sheet")
        page.close()


def _at(page: Page, place: str) -> bytes:
    page.locator(place).first.evaluate("one => one.scrollIntoView({block: 'start'})")
    return page.screenshot()


def _printed(page: Page, name: str) -> Iterator[tuple[str, bytes]]:
    with TemporaryDirectory() as folder:
        pdf = Path(folder) / "page.pdf"
        page.pdf(path=pdf, format="A4", print_background=True)
        for picture in pages_of(pdf, 1, 1):
            yield f"{name}_a4", picture


def in_qgis(pack: Path) -> Iterator[tuple[str, bytes]]:
    """Print the layouts, and open one raster by itself."""
    with TemporaryDirectory() as folder:
        asked = [PYTHON, "-c", QGIS, str(pack.resolve()), folder]
        subprocess.run(asked, check=True, capture_output=True, timeout=600)
        for name in ("layout", "sheet", "raster"):
            yield f"qgis_{name}", (Path(folder) / f"{name}.png").read_bytes()


def in_a_spreadsheet(pack: Path) -> Iterator[tuple[str, bytes]]:
    """Open the workbook in LibreOffice, printed: its first sheet, and the first of its table."""
    with TemporaryDirectory() as folder:
        asked = ["soffice", "--headless", "--convert-to", "pdf", "--outdir", folder]
        subprocess.run([*asked, str(pack / "tasks.xlsx")], check=True, capture_output=True)
        for number, picture in enumerate(pages_of(Path(folder) / "tasks.pdf", 1, 3), start=1):
            yield f"workbook_{number}", picture


def on_a_phone(pack: Path) -> Iterator[tuple[str, bytes]]:
    """Lay the nine tiles of the last zoom side by side that show most, if there is such a map."""
    path = pack / "phone.mbtiles"
    if not path.is_file():
        return
    with contextlib.closing(sqlite3.connect(path)) as database:
        tiles = {
            (column, row): png
            for column, row, png in database.execute(
                "SELECT tile_column, tile_row, tile_data FROM tiles "
                "WHERE zoom_level = (SELECT max(zoom_level) FROM tiles)"
            )
        }
    across = {middle: [(middle[0] + x, middle[1] + y, x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)]
              for middle in tiles}  # fmt: skip
    best = max(across.values(), key=lambda nine: sum(len(tiles.get(t[:2], b"")) for t in nine))
    sheet = Image.new("RGB", (768, 768), "white")
    for column, row, x, y in best:
        if (column, row) in tiles:
            tile = Image.open(io.BytesIO(tiles[column, row])).convert("RGB")
            sheet.paste(tile, (256 * (x + 1), 256 * (1 - y)))  # rows are counted from the south
    made = io.BytesIO()
    sheet.save(made, format="PNG")
    yield "phone_map", made.getvalue()


def small(picture: bytes) -> bytes:
    """Make a picture small enough for the documentation."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    if image.width > WIDEST:
        image = image.resize((WIDEST, round(image.height * WIDEST / image.width)))
    made = io.BytesIO()
    image.quantize(COLOURS).save(made, format="PNG", optimize=True)
    return made.getvalue()


def main() -> None:
    """Write the pictures of one pack."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pack", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("name", help="first part of the name of each picture")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        made = [*in_the_browser(browser, asked.pack.resolve())]
        browser.close()
    made += [*in_qgis(asked.pack), *in_a_spreadsheet(asked.pack), *on_a_phone(asked.pack)]
    for name, picture in made:
        (asked.out / f"{asked.name}_{name}.png").write_bytes(small(picture))


if __name__ == "__main__":
    main()
