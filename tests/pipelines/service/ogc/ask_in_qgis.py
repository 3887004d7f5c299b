"""Ask the desk, wait, and open the result: by QGIS alone, run by the Python that QGIS has.

Arguments: address of the desk, a file with a token, an id of a run, a folder to write in.
"""

import json
import sys
import time
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsAuthMethodConfig,
    QgsBlockingNetworkRequest,
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsLayerDefinition,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProject,
)
from qgis.PyQt.QtCore import QByteArray, QEventLoop, QSize, QUrl
from qgis.PyQt.QtNetwork import QNetworkRequest

ENTRY = "minedsk"
desk, token, run, folder = (
    sys.argv[1],
    Path(sys.argv[2]).read_text().strip(),
    sys.argv[3],
    sys.argv[4],
)


def store(manager):
    """Put the token into the store of sign-ins."""
    manager.setMasterPassword("only for this test", True)
    entry = QgsAuthMethodConfig("Basic")
    entry.setId(ENTRY)
    entry.setName("minerisk")
    entry.setConfig("username", "token")
    entry.setConfig("password", token)
    assert manager.storeAuthenticationConfig(entry)


def call(address, body=None):
    request = QNetworkRequest(QUrl(address))
    request.setRawHeader(b"Accept", b"application/json")
    caller = QgsBlockingNetworkRequest()
    caller.setAuthCfg(ENTRY)
    if body is None:
        code = caller.get(request, True)
    else:
        request.setHeader(QNetworkRequest.ContentTypeHeader, "application/json")
        code = caller.post(request, QByteArray(json.dumps(body).encode()))
    assert code == QgsBlockingNetworkRequest.NoError, (
        caller.errorMessage(),
        bytes(caller.reply().content()),
    )
    return bytes(caller.reply().content())


application = QgsApplication([], False)
application.initQgis()
store(application.authManager())
made = json.loads(call(f"{desk}/api/ogc/processes/risk-map/execution", {"inputs": {"run": run}}))
job = f"{desk}/api/ogc/jobs/{made['jobID']}"
while json.loads(call(job))["status"] in ("accepted", "running"):
    time.sleep(1)
results = json.loads(call(f"{job}/results"))
definition = Path(folder) / "layers.qlr"
definition.write_bytes(call(f"{results['qgis']['href']}?authcfg={ENTRY}"))
project = QgsProject.instance()
done, why = QgsLayerDefinition.loadLayerDefinition(
    str(definition), project, project.layerTreeRoot()
)
assert done, why
layers = {layer.id(): layer for layer in project.mapLayers().values()}
order = [layer for layer in project.layerTreeRoot().layerOrder() if layer.isValid()]
shown = [layer for layer in order if project.layerTreeRoot().findLayer(layer.id()).isVisible()]
for layer in shown:  # features are kept: offscreen there is no window to tell when more came
    if layer.providerType() == "OAPIF":
        assert list(layer.getFeatures()), layer.name()
settings = QgsMapSettings()
settings.setLayers(shown)
settings.setOutputSize(QSize(900, 700))
raster = next(layer for layer in order if "risk_class" in layer.source())
settings.setDestinationCrs(raster.crs())
settings.setExtent(raster.extent())
settings.setTransformContext(project.transformContext())
context = QgsExpressionContext()
context.appendScope(QgsExpressionContextUtils.globalScope())
context.appendScope(QgsExpressionContextUtils.mapSettingsScope(settings))
settings.setExpressionContext(context)
job = QgsMapRendererParallelJob(settings)
loop = QEventLoop()  # features come by the network, which needs it
job.finished.connect(loop.quit)
job.start()
loop.exec_()
job.renderedImage().save(str(Path(folder) / "map.png"))
sys.stdout.write(
    json.dumps(
        {
            "layers": len(layers),
            "invalid": [layer.source() for layer in layers.values() if not layer.isValid()],
            "shown": [layer.name() for layer in shown],
            "sources": [layer.source() for layer in layers.values()],
        }
    )
)
