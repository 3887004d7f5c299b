"""Done by the Python of QGIS: ``in_qgis.py PLUGIN.zip SETTINGS.json STEPS.json PICTURES``.

Each step is an algorithm with its parameters, and settings from there on; what each returns, or
refuses, is printed as JSON.
"""

import json
import os
import sys
import zipfile
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"
plugins = Path(sys.argv[4]) / "plugins"
zipfile.ZipFile(sys.argv[1]).extractall(plugins)
sys.path += ["/usr/share/qgis/python/plugins", str(plugins)]

from qgis.core import *  # noqa: E402, F403
from qgis.PyQt.QtCore import QSize  # noqa: E402

app = QgsApplication([], False)  # noqa: F405
app.initQgis()

import processing  # noqa: E402
from processing.core.Processing import Processing  # noqa: E402
from processing.core.ProcessingConfig import ProcessingConfig  # noqa: E402

Processing.initialize()

from minerisk_qgis import classFactory  # noqa: E402

plugin = classFactory(None)
plugin.initProcessing()
settings = json.loads(Path(sys.argv[2]).read_text())
if "token" in settings:
    manager = QgsApplication.authManager()  # noqa: F405
    assert manager.setMasterPassword("of the test", True)
    kept = QgsAuthMethodConfig("Basic")  # noqa: F405
    kept.setName("the desk")
    kept.setConfig("username", "token")
    kept.setConfig("password", settings.pop("token"))
    assert manager.storeAuthenticationConfig(kept)
    settings["MINERISK_AUTH"] = kept.id()
for name, value in settings.items():
    ProcessingConfig.setSettingValue(name, value)


class Told(QgsProcessingFeedback):  # noqa: F405
    """Keeps what is said, and stops where a step asks for it."""

    def __init__(self, stop_at: str) -> None:
        super().__init__()
        self.said, self.progress, self.stop_at = [], [], stop_at
        self.progressChanged.connect(self.progress.append)

    def setProgressText(self, text: str) -> None:
        self.said.append(text)
        if self.stop_at and self.stop_at in text:
            self.cancel()

    def pushInfo(self, text: str) -> None:
        self.said.append(text)


KEPT = []


def picture(target: Path) -> int:
    """Draw the canvas as it is now; return how many pixels bear the mark's red."""
    project = QgsProject.instance()  # noqa: F405
    shown = project.layerTreeRoot().checkedLayers()
    drawn = QgsMapSettings()  # noqa: F405
    drawn.setLayers([one for one in project.layerTreeRoot().layerOrder() if one in shown])
    drawn.setDestinationCrs(drawn.layers()[-1].crs())
    drawn.setExtent(drawn.layers()[-1].extent())
    drawn.setOutputSize(QSize(600, 450))
    scope = QgsExpressionContextUtils.mapSettingsScope(drawn)  # noqa: F405
    drawn.setExpressionContext(QgsExpressionContext([scope]))  # noqa: F405
    job = QgsMapRendererSequentialJob(drawn)  # noqa: F405
    job.start()
    job.waitForFinished()
    KEPT.append((job, drawn, scope))  # QGIS falls over where Python takes them away
    image = job.renderedImage()
    image.save(str(target))
    pixels = (image.pixelColor(x, y).name() for x in range(600) for y in range(100))
    return sum(pixel == "#b00020" for pixel in pixels)


answers = []
for number, step in enumerate(json.loads(Path(sys.argv[3]).read_text())):
    feedback = Told(step.get("stop_at", ""))
    answer = {"refused": "", "result": {}}
    for name, value in step.get("settings", {}).items():
        ProcessingConfig.setSettingValue(name, value)
    try:
        given = step["parameters"]
        answer["result"] = processing.run(step["algorithm"], given, feedback=feedback)
    except QgsProcessingException as error:  # noqa: F405
        answer["refused"] = str(error)
    answer["result"] = {key: str(value) for key, value in answer["result"].items()}
    root = QgsProject.instance().layerTreeRoot()  # noqa: F405
    answer["groups"] = {
        group.name(): [layer.name() for layer in group.findLayers()]
        for group in root.children()
        if isinstance(group, QgsLayerTreeGroup)  # noqa: F405
    }
    answer["said"], answer["progress"] = feedback.said, feedback.progress
    if answer["groups"]:
        answer["red"] = picture(Path(sys.argv[4]) / f"{number}.png")
    root.clear()
    answers.append(answer)
sys.stdout.write(json.dumps(answers) + "\n")
sys.stdout.flush()
os._exit(0)
