"""What all algorithms share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsFields,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSource,
    QgsProcessingFeedback,
    QgsVectorFileWriter,
)
from qgis.PyQt.QtGui import QIcon

NOT_A_CLEARANCE = (
    "A risk map is one indirect source for desk assessment. A low value never means that land may "
    "be used, and where the model cannot say, it says so."
)


class Algorithm(QgsProcessingAlgorithm):
    """An algorithm with a name, a title and a text of help, given as attributes."""

    NAME, TITLE, GROUP, HELP = "", "", "", ""

    def createInstance(self) -> Algorithm:
        """Return another of its kind."""
        return type(self)()

    def name(self) -> str:
        """Return the name after the provider's."""
        return self.NAME

    def displayName(self) -> str:
        """Return the name that is shown."""
        return self.TITLE

    def group(self) -> str:
        """Return the group that is shown."""
        return self.GROUP

    def groupId(self) -> str:
        """Return the name of the group."""
        return self.GROUP.lower().replace(" ", "_")

    def shortHelpString(self) -> str:
        """Say what it does."""
        return f"{self.HELP}\n\n{NOT_A_CLEARANCE}"

    def icon(self) -> QIcon:
        """Return the picture beside it."""
        return QIcon(str(Path(__file__).with_name("icon.svg")))

    def text(self, given: dict[str, Any], name: str, context: QgsProcessingContext) -> str:
        """Return a parameter as text without spaces around it."""
        return str(self.parameterAsString(given, name, context) or "").strip()

    def written(
        self,
        given: dict[str, Any],
        name: str,
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
        file: Path,
    ) -> Path | None:
        """Write the features of a vector parameter, selected alone where it is asked, as GeoJSON.

        Raises
        ------
        QgsProcessingException
            If they cannot be written.
        """
        source, title = self.source_of(given, name, context)
        if source is None:
            return None
        crs = source.sourceCrs()
        kept = (source.fields(), source.wkbType(), crs)
        error = write_geojson(file, _until(source.getFeatures(), feedback), kept, context)
        if error:
            raise QgsProcessingException(f"{title}: {error}")
        return file

    def source_of(
        self, given: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> tuple[QgsProcessingFeatureSource | None, str]:
        """Return the features of a vector parameter, none where it is empty, and its title.

        Raises
        ------
        QgsProcessingException
            If they have no CRS.
        """
        source = self.parameterAsSource(given, name, context)
        title = self.parameterDefinition(name).description()
        if source is not None and not source.sourceCrs().isValid():
            raise QgsProcessingException(f"{title}: the layer has no CRS. Set it.")
        return source, title


def write_geojson(
    file: Path,
    features: Iterable[QgsFeature],
    kept: tuple[QgsFields, int, QgsCoordinateReferenceSystem],
    context: QgsProcessingContext,
) -> str:
    """Write features of one kind of fields, geometry and CRS; return what went wrong, or nothing.

    GeoJSON alone keeps no time of the writing: the same features are the same file.
    """
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = "GeoJSON"
    options.layerOptions = ["COORDINATE_PRECISION=9"]
    writer = QgsVectorFileWriter.create(str(file), *kept, context.transformContext(), options)
    for feature in features:
        writer.addFeature(feature)
    error = writer.errorMessage()
    del writer  # closes the file
    return str(error)


def _until(features: Iterable[QgsFeature], feedback: QgsProcessingFeedback) -> Iterator[QgsFeature]:
    for feature in features:
        if feedback.isCanceled():
            return
        yield feature
