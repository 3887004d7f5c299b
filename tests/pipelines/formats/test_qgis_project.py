"""A folder of a request, opened in QGIS where Debian's QGIS is installed."""

import json
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import pytest
from matplotlib.image import imread
from odc.geo.geobox import GeoBox
from shapely.geometry import LineString, Point, box

from minerisk.pipelines.formats import palette, qml
from minerisk.pipelines.formats.cog import write_raster
from minerisk.pipelines.formats.forms import task_form
from minerisk.pipelines.formats.geopackage import PackageLayer, write_geopackage
from minerisk.pipelines.formats.qgis_project import ProjectLayer, Sheets, TaskLine, project_text
from minerisk.pipelines.formats.task_columns import COLUMNS
from minerisk.pipelines.language.messages import texts
from minerisk.pipelines.request.map_project import TASK_LINES

PYTHON = "/usr/bin/python3"
GRID = GeoBox.from_bbox((700_000, 4_400_000, 715_000, 4_410_000), "EPSG:32638", resolution=250)
LOOK = """
import json, os, sys
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from qgis.core import (
    QgsApplication, QgsExpressionContext, QgsExpressionContextUtils, QgsMapRendererSequentialJob,
    QgsMapSettings, QgsProject,
)
from qgis.core import QgsReadWriteContext, QgsTextFormat
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtXml import QDomDocument
app = QgsApplication([], False)
app.initQgis()
project = QgsProject.instance()
read = project.read(sys.argv[1])
layers = project.layerTreeRoot().layerOrder()
shown = project.layerTreeRoot().checkedLayers()
settings = QgsMapSettings()
settings.setLayers([layer for layer in layers if layer in shown])
settings.setDestinationCrs(project.crs())
settings.setExtent(layers[-1].extent())
settings.setOutputSize(QSize(300, 200))
scope = QgsExpressionContextUtils.mapSettingsScope(settings)
settings.setExpressionContext(QgsExpressionContext([scope]))
job = QgsMapRendererSequentialJob(settings)
job.start()
job.waitForFinished()
image = job.renderedImage()
document, letters = QDomDocument(), QgsTextFormat()
document.setContent(project.readEntry("TitleLabel", "/Font")[0])
letters.readXml(document.documentElement(), QgsReadWriteContext())
print(json.dumps({
    "read": read,
    "letters": [letters.color().name(), letters.size()],
    "crs": project.crs().authid(),
    "layers": [[l.name(), l.isValid(), l.crs().authid(), l.renderer().type()] for l in layers],
    "shown": sorted(l.name() for l in shown),
    "errors": [str(error) for error in job.errors()],
    "title": [project.readBoolEntry("TitleLabel", "/Enabled")[0],
              project.readEntry("TitleLabel", "/Label")[0]],
    "red": sum(image.pixelColor(x, y).name() == "#b00020" for x in range(300) for y in range(60)),
    "pixels": [image.pixelColor(x, 100).name() for x in (20, 100, 180, 280)],
}))
os._exit(0)
"""


def has_qgis():
    if not Path(PYTHON).is_file():
        return False
    return subprocess.run([PYTHON, "-c", "import qgis.core"], capture_output=True).returncode == 0


@pytest.fixture
def project(tmp_path):
    classes = np.full(GRID.shape, palette.LOWER, dtype=np.uint8)
    for place, code in enumerate(
        (palette.HIGHER, palette.ELEVATED, palette.LOWER, palette.CANNOT_SAY)
    ):
        classes[:, 15 * place : 15 * place + 15] = code
    write_raster(
        tmp_path / "risk_class.tif",
        classes,
        GRID,
        description="risk class",
        unit="class",
        style=palette.CLASS_LEGEND,
    )
    probability = np.linspace(0, 1, classes.size, dtype=np.float32).reshape(classes.shape)
    write_raster(tmp_path / "probability.tif", probability, GRID, description="p", unit="1")
    tasks = gpd.GeoDataFrame(
        {"task": ["NTS-0001"], "arm": ["ranked"]},
        geometry=[box(703_000, 4_407_000, 705_000, 4_409_000)],
        crs=GRID.crs,
    )
    line = gpd.GeoDataFrame(
        geometry=[LineString([(700_000, 4_401_000), (715_000, 4_401_000)])], crs=GRID.crs
    )
    places = gpd.GeoDataFrame(
        {"name": ["Ağdam"]}, geometry=[Point(710_000, 4_408_000)], crs=GRID.crs
    )
    far = GRID.extent.boundingbox.buffered(100_000, 100_000)
    marks = gpd.GeoDataFrame({"mark": ["DRAFT\nSIMULATED"]}, geometry=[box(*far)], crs=GRID.crs)
    write_geopackage(
        tmp_path / "map.gpkg",
        {
            "tasks": PackageLayer(tasks, "Tasks", "words", qml.tasks_qml()),
            "line": PackageLayer(line, "Line", "words", qml.line_qml()),
            "marks": PackageLayer(marks, "Marks", "words", qml.mark_qml()),
            "places": PackageLayer(places, "Places", "", qml.points_qml("#777777", label="name")),
        },
    )
    layers = [
        ProjectLayer("map.gpkg|layername=marks", "Marks", qml.mark_qml(), "Polygon", True),
        ProjectLayer("map.gpkg|layername=tasks", "Tasks", qml.tasks_qml(), "Polygon", True),
        ProjectLayer(
            "map.gpkg|layername=places",
            "Places",
            qml.points_qml("#777777", label="name"),
            "Point",
        ),
        ProjectLayer("map.gpkg|layername=line", "Line", qml.line_qml(), "Line", True),
        ProjectLayer(
            "risk_class.tif", "Risk class", (tmp_path / "risk_class.qml").read_text(), shown=True
        ),
        ProjectLayer("probability.tif", "Probability", (tmp_path / "probability.qml").read_text()),
    ]
    path = tmp_path / "map.qgs"
    path.write_text(
        project_text(layers, title="Land & <water>", geobox=GRID, mark="DRAFT & more\nSIMULATED"),
        encoding="utf-8",
    )
    return path


def test_the_project_is_well_formed_and_points_at_files_beside_it(project):
    root = ElementTree.fromstring(project.read_text(encoding="utf-8").split("\n", 1)[1])
    assert root.find("title").text == "Land & <water>"
    for source in root.iter("datasource"):
        assert source.text.startswith("./")
        assert (project.parent / source.text.split("|")[0]).is_file()
    tree = [layer.get("id") for layer in root.iter("layer-tree-layer")]
    assert tree == [layer.find("id").text for layer in root.iter("maplayer")]


def test_the_canvas_opens_with_room_above_the_land_for_the_mark():
    root = ElementTree.fromstring(
        project_text([], title="Land", geobox=GRID, mark="DRAFT").split("\n", 1)[1]
    )
    opened = {side.tag: float(side.text) for side in root.find("mapcanvas/extent")}
    assert opened == {"xmin": 700_000, "ymin": 4_400_000, "xmax": 715_000, "ymax": 4_411_500}


@pytest.mark.skipif(not has_qgis(), reason="QGIS is not installed")
def test_qgis_opens_it_in_order_styled_and_in_its_crs(project):
    done = subprocess.run(
        [PYTHON, "-c", LOOK, str(project)], capture_output=True, text=True, timeout=120, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["read"]
    assert found["errors"] == []
    assert found["crs"] == "EPSG:32638"
    assert found["layers"] == [
        ["Marks", True, "EPSG:32638", "nullSymbol"],
        ["Tasks", True, "EPSG:32638", "categorizedSymbol"],
        ["Places", True, "EPSG:32638", "singleSymbol"],
        ["Line", True, "EPSG:32638", "singleSymbol"],
        ["Risk class", True, "EPSG:32638", "paletted"],
        ["Probability", True, "EPSG:32638", "singlebandpseudocolor"],
    ]
    assert found["shown"] == ["Line", "Marks", "Risk class", "Tasks"]
    assert found["title"] == [True, "DRAFT & more\nSIMULATED"]
    assert found["letters"] == ["#ffffff", 10.0]  # white on its red
    assert found["red"] > 200  # in the picture, whatever part of the map is shown
    assert found["pixels"] == [
        palette.CLASS_COLOURS[code]
        for code in (palette.HIGHER, palette.ELEVATED, palette.LOWER, palette.CANNOT_SAY)
    ]


PRINT = """
import json, os, sys
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from qgis.core import QgsApplication, QgsLayoutExporter, QgsLayoutItemLabel, QgsProject
app = QgsApplication([], False)
app.initQgis()
project = QgsProject.instance()
project.read(sys.argv[1])
found = {}
for layout in project.layoutManager().printLayouts():
    exporter, settings = QgsLayoutExporter(layout), QgsLayoutExporter.ImageExportSettings()
    settings.dpi = 50
    atlas = layout.atlas()
    if atlas.enabled():
        atlas.beginRender()
        atlas.updateFeatures()
        atlas.seekTo(0)
    target = sys.argv[2] + "/" + layout.name() + ".png"
    words = [item.currentText() for item in layout.items() if isinstance(item, QgsLayoutItemLabel)]
    legend = layout.itemById("legend").model().rootGroup().findLayers()
    found[layout.name()] = {
        "made": int(exporter.exportToImage(target, settings)),
        "sheets": atlas.count() if atlas.enabled() else 1,
        "words": words,
        "legend": [node.layer().name() for node in legend],
    }
tasks = project.mapLayersByName("Tasks")[0]
form, fields = tasks.editFormConfig(), tasks.fields()
found["form"] = {
    "tabs": [tab.name() for tab in form.tabs()],
    "widgets": {name: tasks.editorWidgetSetup(fields.indexOf(name)).type()
                for name in ("arm", "simulated", "why")},
    "aliases": {name: tasks.attributeAlias(fields.indexOf(name)) for name in ("arm", "task")},
    "locked": [name for name in fields.names() if form.readOnly(fields.indexOf(name))],
    "tip": tasks.mapTipTemplate(),
}
print(json.dumps(found))
os._exit(0)
"""


@pytest.fixture
def printed(project):
    """The project with the columns of tasks in words, and its print layouts."""
    folder = project.parent
    columns = {"task": ["NTS-0001", "NTS-0002"], "run_state": "DRAFT", "simulated": [1, 1],
               "source_kind": "one", "arm": ["ranked", "control"], "hectares": [400.0, 100.0],
               "why": "Raised most by past findings."}  # fmt: skip
    frame = gpd.GeoDataFrame(
        columns,
        geometry=[box(703_000, 4_407_000, 705_000, 4_409_000), box(710_000, 4_403_000, 711_000,
                                                                  4_404_000)],
        crs=GRID.crs,
    )  # fmt: skip
    style = qml.tasks_qml(form=task_form(list(frame.columns)))
    write_geopackage(folder / "tasks.gpkg", {"tasks": PackageLayer(frame, "Tasks", "w", style)})
    tasks = ProjectLayer("tasks.gpkg|layername=tasks", "Tasks", style, "Polygon", True)
    classes = ProjectLayer(
        "risk_class.tif", "Risk class", (folder / "risk_class.qml").read_text(), shown=True
    )
    lines = [TaskLine("Kind", '[% represent_value("arm") %]'), TaskLine("Why", '[% "why" %]')]
    sheets = Sheets(
        "Map", "Task sheets", "Land & water", "DRAFT · SIMULATED", "it decides nothing", lines,
        tasks.id, [tasks, classes],
    )  # fmt: skip
    path = folder / "printed.qgs"
    path.write_text(
        project_text([tasks, classes], title="Land", geobox=GRID, sheets=sheets), encoding="utf-8"
    )
    return path


@pytest.mark.skipif(not has_qgis(), reason="QGIS is not installed")
def test_qgis_prints_the_map_and_a_sheet_for_each_task_and_shows_its_columns_in_words(
    printed, tmp_path
):
    asked = [PYTHON, "-c", PRINT, str(printed), str(tmp_path)]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=240, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    whole, task = found["Map"], found["Task sheets"]
    assert (whole["made"], task["made"], task["sheets"]) == (0, 0, 2)
    assert {"Land & water", "DRAFT · SIMULATED", "it decides nothing"} <= set(whole["words"])
    assert {"NTS-0001 · Land & water", "DRAFT · SIMULATED", "ranked by the model",
            "Raised most by past findings."} <= set(task["words"])  # fmt: skip
    assert whole["legend"] == task["legend"] == ["Tasks", "Risk class"]
    for name, size in (("Map", (413, 585)), ("Task sheets", (585, 413))):
        picture = imread(tmp_path / f"{name}.png")[..., :3]
        assert np.abs(np.array(picture.shape[:2]) - size).max() <= 2
        red = (np.abs(255 * picture - (176, 0, 32)).max(axis=2) < 3).mean()
        assert red > 0.02
        cells = (255 * picture).round().astype(int)
        shown = {tuple(palette.rgba(palette.CLASS_COLOURS[code])[:3]) for code in (3, 2, 1)}
        assert any((np.abs(cells - colour).max(axis=2) < 3).sum() > 500 for colour in shown)
    form = found["form"]  # the columns of a task in words
    assert form["tabs"] == ["Where, and how much", "Why", "What it is"]
    assert form["widgets"] == {"arm": "ValueMap", "simulated": "ValueMap", "why": "TextEdit"}
    assert form["aliases"] == {"arm": COLUMNS["arm"].words, "task": "task number"}
    assert form["locked"] == ["run_state", "simulated", "source_kind"]
    assert "run_state" in form["tip"]


WRITE = """
import json, os, sys
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from qgis.core import QgsApplication, QgsExpression, QgsExpressionContext, QgsFeature, QgsField
from qgis.core import QgsFields
from qgis.PyQt.QtCore import QLocale, QVariant
app = QgsApplication([], False)
app.initQgis()
values = {"hectares": 12345.6, "team_days": 9.5, "probability": 0.012, "lower": 0.003,
          "upper": 0.09, "expected_finds": 1.25, "latitude": 39.5, "longitude": 47.25,
          "evidence_m": 1200.0}
fields = QgsFields()
for name in values:
    fields.append(QgsField(name, QVariant.Double))
for name in ("evidence_kind", "evidence_id", "evidence_date"):
    fields.append(QgsField(name, QVariant.String))
task = QgsFeature(fields)
for name, value in {**values, "evidence_kind": "find", "evidence_id": "7"}.items():
    task[name] = value
context = QgsExpressionContext()
context.setFeature(task)
context.setFields(fields)
found = {}
for locale in ("en_US", "de_DE", "ru_RU"):
    QLocale.setDefault(QLocale(locale))
    found[locale] = [QgsExpression.replaceExpressionText(line, context)
                     for line in json.loads(sys.argv[1])]
print(json.dumps(found))
os._exit(0)
"""


@pytest.mark.skipif(not has_qgis(), reason="QGIS is not installed")
@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ["12,345.6", "9.5", "1.2 % (0.3 – 9.0 %)", "1.3", "find 7, 1,200 m"]),
        ("az", ["12 345,6", "9,5", "1,2 % (0,3 – 9,0 %)", "1,3", "find 7, 1 200 m"]),
        ("ru", ["12 345,6", "9,5", "1,2 % (0,3 – 9,0 %)", "1,3", "find 7, 1 200 m"]),
    ],
)
def test_a_sheet_writes_numbers_in_the_language_of_the_project_and_not_of_qgis(language, expected):
    lines = {
        words: qml.in_language(expression, texts(language))
        for words, _, expression in TASK_LINES
        if "format_number" in expression
    }
    asked = [PYTHON, "-c", WRITE, json.dumps(list(lines.values()))]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=120, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    for written in found.values():
        told = dict(zip(lines, (line.replace("\xa0", " ") for line in written), strict=True))
        assert told.pop("Centre") == "39.5000, 47.2500"
        assert list(told.values()) == expected
