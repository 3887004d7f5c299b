"""Risk maps and survey tasks: asked of a run folder on this machine, or of the desk."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeature,
    QgsFields,
    QgsGeometry,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputFolder,
    QgsProcessingOutputVectorLayer,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterEnum,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFile,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
    QgsProject,
)

from .base import Algorithm, write_geojson
from .desk import Desk
from .program import call
from .results import load_pack

HAZARDS = ["any", "ap", "at", "uxo", "found"]
HAZARD_NAMES = [
    "any hazard",
    "anti-personnel mines",
    "anti-tank mines",
    "unexploded ordnance",
    "any hazard, ranked for finds",
]
LANGUAGES = ["en", "az", "ru"]
LANGUAGE_NAMES = ["English", "Azerbaijani", "Russian"]


class Request(Algorithm):
    """A request: its land, its filters, and where it is asked."""

    GROUP = "Ask"
    ONLY = ""

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Say what can be given."""
        folder = QgsProcessingParameterFile.Folder
        run = QgsProcessingParameterFile(
            "RUN", "Run folder (empty: ask the request desk)", behavior=folder, optional=True
        )
        on_desk = QgsProcessingParameterString(
            "DESK_RUN", "Run on the desk, by title or id (if it has several)", optional=True
        )
        area = QgsProcessingParameterFeatureSource(
            "AREA", "Area: polygons", [QgsProcessing.TypeVectorPolygon], optional=True
        )
        extent = QgsProcessingParameterExtent(
            "EXTENT", "Area: extent, such as that of the canvas", optional=True
        )
        district = QgsProcessingParameterString(
            "DISTRICT", "Area: districts by name, one a line", multiLine=True, optional=True
        )
        clip = QgsProcessingParameterBoolean(
            "CLIP", "Of the area, take the part in the study area", False
        )
        hazard = QgsProcessingParameterEnum("HAZARD", "Hazard", HAZARD_NAMES, defaultValue=0)
        as_of = QgsProcessingParameterString(
            "AS_OF", "Use only what was known on this day, YYYY-MM-DD", optional=True
        )
        budget = QgsProcessingParameterNumber(
            "BUDGET",
            "Land to be tasked, hectares",
            QgsProcessingParameterNumber.Double,
            optional=True,
            minValue=0,
        )
        weights = QgsProcessingParameterString(
            "WEIGHTS", "Weights, NAME=NUMBER, one a line", multiLine=True, optional=True
        )
        language = QgsProcessingParameterEnum(
            "LANGUAGE", "Language of report and legends", LANGUAGE_NAMES, defaultValue=0
        )
        pack = QgsProcessingParameterFolderDestination("PACK", "Folder for the pack")
        load = QgsProcessingParameterBoolean("LOAD", "Add the result to this project", True)
        for parameter in (
            run, on_desk, area, extent, district, clip, hazard, as_of, budget, weights, language,
            pack, load,
        ):  # fmt: skip
            self.addParameter(parameter)
        self.addOutput(QgsProcessingOutputFolder("PACK", "Folder of the pack"))

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Ask, and put the answer into the folder."""
        folder = Path(self.parameterAsString(parameters, "PACK", context))
        if folder.exists() and any(folder.iterdir()):
            raise QgsProcessingException(f"{folder} is not empty. Name a new folder for the pack.")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch:
            area = self._area(parameters, context, feedback, Path(scratch))
            run = self.text(parameters, "RUN", context)
            if run:
                self._by_command(run, area, folder, parameters, context, feedback)
            else:
                self._by_desk(area, folder, parameters, context, feedback)
        if not (folder / "map.qgs").is_file():
            raise QgsProcessingException(f"{folder} holds no map.qgs: it is not a whole pack.")
        self._loads = self.parameterAsBool(parameters, "LOAD", context)
        self._folder = folder
        return {"PACK": str(folder)}

    def postProcessAlgorithm(
        self, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Add the result to the project, in the thread that may do so."""
        if self._loads:
            load_pack(self._folder, context.project() or QgsProject.instance(), only=self.ONLY)
        return {}  # what the algorithm returned stays

    def _area(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
        scratch: Path,
    ) -> Path | None:
        """Write the land asked for as GeoJSON (longitude, latitude)."""
        inner = QgsCoordinateReferenceSystem("EPSG:4326")
        source, _ = self.source_of(parameters, "AREA", context)
        extent = self.parameterAsExtentGeometry(parameters, "EXTENT", context, inner)
        by_extent = parameters.get("EXTENT") not in (None, "")
        asked: list[QgsGeometry] = [extent] if by_extent else []
        if source is not None:
            turn = QgsCoordinateTransform(source.sourceCrs(), inner, context.transformContext())
            for feature in source.getFeatures():
                geometry = feature.geometry()
                if geometry.isNull():
                    continue
                geometry.transform(turn)
                asked.append(geometry)
            if not asked:
                raise QgsProcessingException("The layer of polygons holds none.")
        if not asked:
            return None
        if source is not None and by_extent:
            raise QgsProcessingException("Both polygons and an extent were given. Give one.")
        features = []
        for one in asked:
            feature = QgsFeature()
            feature.setGeometry(one)
            features.append(feature)
        file = scratch / "area.geojson"
        error = write_geojson(file, features, (QgsFields(), asked[0].wkbType(), inner), context)
        if error:
            raise QgsProcessingException(f"The area could not be written: {error}")
        return file

    def _lines(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> list[str]:
        lines = self.text(parameters, name, context).splitlines()
        return [line.strip() for line in lines if line.strip()]

    def _budget(self, parameters: dict[str, Any], context: QgsProcessingContext) -> float | None:
        given = parameters.get("BUDGET")
        return None if given is None else self.parameterAsDouble(parameters, "BUDGET", context)

    def _by_command(
        self,
        run: str,
        area: Path | None,
        folder: Path,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> None:
        line = ["request", run, "--out", str(folder)]
        line += [] if area is None else ["--aoi", str(area)]
        line += ["--clip"] if self.parameterAsBool(parameters, "CLIP", context) else []
        for name in self._lines(parameters, "DISTRICT", context):
            line += ["--district", name]
        for weight in self._lines(parameters, "WEIGHTS", context):
            line += ["--weight", weight]
        hazard = self.parameterAsEnum(parameters, "HAZARD", context)
        line += ["--hazard", HAZARDS[hazard]] if hazard else []
        day = self.text(parameters, "AS_OF", context)
        line += ["--as-of", day] if day else []
        budget = self._budget(parameters, context)
        line += [] if budget is None else ["--budget", f"{budget:.12g}"]
        line += ["--language", LANGUAGES[self.parameterAsEnum(parameters, "LANGUAGE", context)]]
        call(line, feedback)

    def _by_desk(
        self,
        area: Path | None,
        folder: Path,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> None:
        desk = Desk(feedback)
        hazard = self.parameterAsEnum(parameters, "HAZARD", context)
        filters: dict[str, Any] = {
            "districts": self._lines(parameters, "DISTRICT", context),
            "hazard": HAZARDS[hazard] if hazard else None,
            "as_of": self.text(parameters, "AS_OF", context) or None,
            "budget_ha": self._budget(parameters, context),
            "weights": _weights(self._lines(parameters, "WEIGHTS", context)),
            "clip": self.parameterAsBool(parameters, "CLIP", context),
        }
        asked = {
            "run": desk.run_id(self.text(parameters, "DESK_RUN", context)),
            "filters": filters,
            "area": None if area is None else desk.send_area(area.read_bytes()),
            "language": LANGUAGES[self.parameterAsEnum(parameters, "LANGUAGE", context)],
            "note": "asked from QGIS",
        }
        desk.ask(asked, folder)


class RiskMap(Request):
    """A risk map of the canvas, of polygons or of districts."""

    NAME, TITLE = "riskmap", "Request a risk map"
    HELP = (
        "Writes the pack of a request: risk class, probability with its interval, reasons, survey "
        "tasks and report. The layers come into a group whose name says DRAFT and SIMULATED where "
        "that is so. Without an area it is the whole study area."
    )


class SurveyTasks(Request):
    """Survey tasks for a budget."""

    NAME, TITLE, ONLY = "surveytasks", "Survey tasks", "tasks.gpkg"
    HELP = (
        "Writes the pack of a request and adds its survey tasks, in bands: within a band the order "
        "is luck, so choose by access and need. With a budget, tasks fill so many hectares."
    )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Say what can be given, and that the tasks can go on to another algorithm."""
        super().initAlgorithm(configuration)
        self.addOutput(QgsProcessingOutputVectorLayer("TASKS", "Survey tasks"))

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Ask, and return the tasks as a layer too."""
        found = super().processAlgorithm(parameters, context, feedback)
        return {**found, "TASKS": f"{self._folder / 'tasks.gpkg'}|layername=tasks"}


def _weights(lines: list[str]) -> dict[str, float]:
    found = {}
    for line in lines:
        name, _, number = line.partition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError as error:
            raise QgsProcessingException(
                f"The weight {line!r} is not NAME=NUMBER, such as casualties=2."
            ) from error
    return found
