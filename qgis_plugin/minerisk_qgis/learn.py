"""What surveys found: recorded, and held against the map."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputString,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFile,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterString,
)

from .base import Algorithm
from .program import call


class RecordResults(Algorithm):
    """Survey results on record of a run."""

    NAME, TITLE, GROUP = "recordresults", "Record survey results", "Learn"
    HELP = (
        "Checks survey results row by row and adds them to those on record, all or none. They can "
        "be a layer of this project, or a file as KoBo or Survey123 export it. What the map had "
        "said there is then listed."
    )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Say what can be given."""
        folder = QgsProcessingParameterFile.Folder
        self.addParameter(QgsProcessingParameterFile("RUN", "Run folder", behavior=folder))
        self.addParameter(
            QgsProcessingParameterFeatureSource(
                "RESULTS",
                "Survey results: a layer",
                [QgsProcessing.TypeVectorAnyGeometry],
                optional=True,
            )
        )
        self.addParameter(
            QgsProcessingParameterFile("FILE", "Survey results: a file", optional=True)
        )
        self.addParameter(
            QgsProcessingParameterString("BY", "Who does this: a role or staff number is enough")
        )
        self.addOutput(QgsProcessingOutputString("SUMMARY", "What was recorded"))

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Record them, and list what the map had said."""
        run, file = (self.text(parameters, name, context) for name in ("RUN", "FILE"))
        with tempfile.TemporaryDirectory() as scratch:
            kept = Path(scratch) / "results.geojson"
            layer = self.written(parameters, "RESULTS", context, feedback, kept)
            if (layer is None) == (not file):
                raise QgsProcessingException("Give survey results once: as a layer or as a file.")
            by = self.text(parameters, "BY", context)
            line = ["feedback", "add", run, file or str(layer), "--by", by]
            recorded = call(line, feedback)
        shown = call(["feedback", "show", run], feedback)
        return {"SUMMARY": recorded.text + shown.text}


class LookBack(Algorithm):
    """What was predicted where something happened later."""

    NAME, TITLE, GROUP = "lookback", "Look back", "Learn"
    HELP = (
        "Reports what the run had predicted where accidents or finds happened later, and counts "
        "misses by region, kind, distance from the front line and land cover."
    )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Say what can be given."""
        folder = QgsProcessingParameterFile.Folder
        self.addParameter(QgsProcessingParameterFile("RUN", "Run folder", behavior=folder))
        self.addParameter(
            QgsProcessingParameterFeatureSource(
                "EVENTS", "Accidents or finds after the run", [QgsProcessing.TypeVectorAnyGeometry]
            )
        )
        self.addParameter(
            QgsProcessingParameterField(
                "KIND", "Field of the kinds to count separately", None, "EVENTS", optional=True
            )
        )
        self.addParameter(QgsProcessingParameterFolderDestination("OUT", "Folder for the report"))
        self.addOutput(QgsProcessingOutputString("SUMMARY", "What was found"))

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Look back."""
        out = self.parameterAsString(parameters, "OUT", context)
        kind = self.text(parameters, "KIND", context)
        with tempfile.TemporaryDirectory() as scratch:
            kept = Path(scratch) / "events.geojson"
            self.written(parameters, "EVENTS", context, feedback, kept)
            line = ["lookback", self.text(parameters, "RUN", context), str(kept), "--out", out]
            found = call([*line, *(["--kind", kind] if kind else [])], feedback)
        return {"OUT": out, "SUMMARY": found.text}
