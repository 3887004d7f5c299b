"""Layers: checked before a run, and made of a scanned map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputBoolean,
    QgsProcessingOutputHtml,
    QgsProcessingOutputString,
    QgsProcessingParameterColor,
    QgsProcessingParameterCrs,
    QgsProcessingParameterFile,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
)

from .base import Algorithm
from .program import call

FOUND = 1
"""Exit code of a check that found something."""


class ValidateLayers(Algorithm):
    """The layers of a configuration, checked."""

    NAME, TITLE, GROUP = "validatelayers", "Validate layers", "Layers"
    HELP = (
        "Checks every layer of a configuration before anything is built: CRS, dates, cover, "
        "geometry, units. What is wrong is listed with what to do."
    )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Say what can be given."""
        self.addParameter(QgsProcessingParameterFile("CONFIG", "Configuration", extension="yaml"))
        self.addParameter(QgsProcessingParameterFolderDestination("OUT", "Folder for the page"))
        self.addOutput(QgsProcessingOutputHtml("PAGE", "Page of what was found"))
        self.addOutput(QgsProcessingOutputBoolean("FIT", "Whether a run may be made of them"))
        self.addOutput(QgsProcessingOutputString("SUMMARY", "What was found"))

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Check them; that something was found is an answer, not an error."""
        out = self.parameterAsString(parameters, "OUT", context)
        line = ["validate", self.text(parameters, "CONFIG", context), "--out", out]
        answer = call(line, feedback, fine=(0, FOUND))
        page = str(Path(out) / "validation.html")
        return {"OUT": out, "PAGE": page, "FIT": answer.well, "SUMMARY": answer.text}


class DigitiseMap(Algorithm):
    """A layer of the lines of one colour on a scanned map."""

    NAME, TITLE, GROUP = "digitisemap", "Digitise a scanned map", "Layers"
    HELP = (
        "Makes a layer of the lines of one colour on a scanned map, with the sheet's frame as its "
        "coverage and a position error. Outside the frame no line is drawn, which is not the same "
        "as far away. Take control points with QGIS's Georeferencer and save them (.points)."
    )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Say what can be given."""
        double = QgsProcessingParameterNumber.Double
        for parameter in (
            QgsProcessingParameterFile("SCAN", "Scanned map: JPEG, PNG or TIFF"),
            QgsProcessingParameterFile("POINTS", "Control points: .points, CSV or world file"),
            QgsProcessingParameterCrs("CRS", "CRS of the control points", "EPSG:4326"),
            QgsProcessingParameterColor("COLOUR", "Colour of the line", opacityEnabled=False),
            QgsProcessingParameterNumber("WIDTH", "Drawn width, pixels", double, minValue=1),
            QgsProcessingParameterString("FRAME", "Frame, pixels: left,top,right,bottom"),
            QgsProcessingParameterString(
                "LEAVE_OUT", "Legends and insets in it, one a line", multiLine=True, optional=True
            ),
            QgsProcessingParameterString("EPOCH", "State that is shown, such as 1994"),
            QgsProcessingParameterString(
                "SOURCE", "Who drew the map, and its title", optional=True
            ),
            QgsProcessingParameterVectorDestination("LINES", "Lines", QgsProcessing.TypeVectorLine),
        ):
            self.addParameter(parameter)
        self.addOutput(QgsProcessingOutputString("SUMMARY", "Residuals and position error"))

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Digitise it."""
        lines = self.parameterAsOutputLayer(parameters, "LINES", context)
        line = ["digitise", self.text(parameters, "SCAN", context), "--out", lines]
        line += ["--points", self.text(parameters, "POINTS", context)]
        line += ["--crs", self.parameterAsCrs(parameters, "CRS", context).authid()]
        line += ["--colour", self.parameterAsColor(parameters, "COLOUR", context).name()]
        line += ["--width", f"{self.parameterAsDouble(parameters, 'WIDTH', context):.12g}"]
        line += ["--frame", self.text(parameters, "FRAME", context)]
        for part in self.text(parameters, "LEAVE_OUT", context).splitlines():
            line += ["--leave-out", part.strip()] if part.strip() else []
        for name in ("EPOCH", "SOURCE"):
            given = self.text(parameters, name, context)
            line += [f"--{name.lower()}", given] if given else []
        return {"LINES": lines, "SUMMARY": call(line, feedback).text}
