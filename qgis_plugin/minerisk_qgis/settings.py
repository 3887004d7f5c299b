"""Where the command and the desk are: kept by QGIS, the token in its own encrypted store."""

from __future__ import annotations

import shutil
from urllib.parse import urlsplit

from processing.core.ProcessingConfig import ProcessingConfig
from qgis.core import QgsApplication, QgsAuthMethodConfig, QgsProcessingException

COMMAND, DESK, AUTH = "MINERISK_COMMAND", "MINERISK_DESK", "MINERISK_AUTH"
HERE = {"localhost", "127.0.0.1", "::1"}


def command_path() -> str:
    """Return the command of the local install.

    Raises
    ------
    QgsProcessingException
        If there is none.
    """
    named = str(ProcessingConfig.getSetting(COMMAND) or "").strip()
    found = shutil.which(named or "minerisk")
    if found is None:
        raise QgsProcessingException(
            f"The command {named or 'minerisk'} was not found. Install minerisk (`pipx install "
            "minerisk`), or name its command in Settings > Options > Processing > Providers > "
            "minerisk."
        )
    return found


def desk_address() -> str:
    """Return the address of the desk, without a slash at its end.

    Raises
    ------
    QgsProcessingException
        If there is none, or a token would travel in the clear.
    """
    address = str(ProcessingConfig.getSetting(DESK) or "").strip().rstrip("/")
    if not address:
        raise QgsProcessingException(
            "Neither a run folder was chosen nor a request desk is named. Choose a run folder, or "
            "name the desk in Settings > Options > Processing > Providers > minerisk."
        )
    parts = urlsplit(address)
    if parts.username or parts.query or parts.fragment:
        raise QgsProcessingException(
            "The address of the desk has a name, a query or a fragment in it. Give scheme, host "
            "and path alone: the token goes into QGIS's own store."
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in HERE):
        raise QgsProcessingException(
            f"The address of the desk is {address}; expected https://… (http:// only for this "
            "machine), since the token would travel in the clear."
        )
    return address


def desk_headers() -> dict[str, str]:
    """Return the headers that tell the desk who asks, from QGIS's own store.

    Raises
    ------
    QgsProcessingException
        If the configuration is not there or holds no token.
    """
    name = str(ProcessingConfig.getSetting(AUTH) or "").strip()
    kept = QgsAuthMethodConfig()
    manager = QgsApplication.authManager()
    found = bool(name) and manager.loadAuthenticationConfig(name, kept, True)[0]
    if not found:
        raise QgsProcessingException(
            f"There is no authentication {name or '(none is named)'} in QGIS's store, or its "
            "master password was not given. Make one of the method Basic whose password is the "
            "token, in Settings > Options > Authentication, and name its id in Settings > Options "
            "> Processing > Providers > minerisk."
        )
    given = kept.configMap()
    if kept.method() == "APIHeader":
        return {str(key): str(value) for key, value in given.items()}
    if not given.get("password"):
        raise QgsProcessingException(
            f"The authentication {name} is of the method {kept.method()} and has no password. "
            "Make one of the method Basic whose password is the token."
        )
    return {"Authorization": f"Bearer {given['password']}"}
