"""The provider: its algorithms, and where it is set what they call."""

from __future__ import annotations

from pathlib import Path

from processing.core.ProcessingConfig import ProcessingConfig, Setting
from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from .ask import RiskMap, SurveyTasks
from .check import DigitiseMap, ValidateLayers
from .learn import LookBack, RecordResults
from .settings import AUTH, COMMAND, DESK

ICON = str(Path(__file__).with_name("icon.svg"))
GROUP = "minerisk"


class Provider(QgsProcessingProvider):
    """minerisk among the providers of Processing."""

    def id(self) -> str:
        """Return what stands before the names of its algorithms."""
        return "minerisk"

    def name(self) -> str:
        """Return the name that is shown."""
        return "minerisk"

    def icon(self) -> QIcon:
        """Return the picture beside it."""
        return QIcon(ICON)

    def load(self) -> bool:
        """Add the settings, and then the algorithms."""
        ProcessingConfig.settingIcons[GROUP] = self.icon()
        for setting in (
            Setting(GROUP, COMMAND, "Command of a local install (empty: found by itself)", ""),
            Setting(GROUP, DESK, "Address of the request desk, https://…", ""),
            Setting(
                GROUP,
                AUTH,
                "Authentication of the desk: id of a Basic configuration whose password is the "
                "token (Settings > Options > Authentication)",
                "",
            ),
        ):
            ProcessingConfig.addSetting(setting)
        ProcessingConfig.readSettings()
        self.refreshAlgorithms()
        return True

    def unload(self) -> None:
        """Take the settings away."""
        for name in (COMMAND, DESK, AUTH):
            ProcessingConfig.removeSetting(name)

    def loadAlgorithms(self) -> None:
        """Add the algorithms."""
        for kind in (RiskMap, SurveyTasks, RecordResults, LookBack, ValidateLayers, DigitiseMap):
            self.addAlgorithm(kind())
