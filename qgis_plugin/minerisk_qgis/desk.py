"""The request desk: asked by its API, with a token from QGIS's store."""

from __future__ import annotations

import json
import time
import zipfile
from pathlib import Path
from typing import Any

from qgis.core import QgsBlockingNetworkRequest, QgsProcessingException, QgsProcessingFeedback
from qgis.PyQt.QtCore import QByteArray, QUrl
from qgis.PyQt.QtNetwork import QNetworkRequest

from .settings import desk_address, desk_headers

EVERY_S = 1.0
MOST_FILES, MOST_BYTES = 500, 4_000_000_000
OVER = {"done", "failed", "cancelled", "expired"}


class Desk:
    """A desk, and who asks it."""

    def __init__(self, feedback: QgsProcessingFeedback) -> None:
        self.address, self.headers, self.feedback = desk_address(), desk_headers(), feedback

    def run_id(self, named: str) -> str:
        """Find the run of that name or id; without a name, the only one that may be asked."""
        runs = [run for run in self._json("GET", "/api/runs")["runs"] if run["usable"]]
        fitting = [run for run in runs if not named or named in (run["id"], run["title"])]
        if len(fitting) != 1:
            there = "; ".join(f"{run['title']} ({run['id']})" for run in runs) or "none"
            raise QgsProcessingException(
                f"{len(fitting)} runs on the desk fit {named or '(no name given)'}; those that "
                f"may be asked: {there}. Name one of them by its id."
            )
        return str(fitting[0]["id"])

    def send_area(self, polygons: bytes) -> str:
        """Send polygons as GeoJSON, and return the id that the desk gives them."""
        return str(self._json("POST", "/api/areas?name=area.geojson", polygons)["id"])

    def ask(self, asked: dict[str, Any], folder: Path) -> None:
        """Ask, wait for the answer, and put its pack into a folder.

        Raises
        ------
        QgsProcessingException
            If the desk refuses or fails, with what it said; if it is stopped here.
        """
        made = self._json("POST", "/api/requests", json.dumps(asked).encode())
        place = f"/api/requests/{made['id']}"
        while made["state"] not in OVER:
            if self.feedback.isCanceled():
                self._json("DELETE", place)
                raise QgsProcessingException("Cancelled, on the desk too.")
            if made["steps"]:
                self.feedback.setProgress(100 * made["step"] / made["steps"])
            waits = f"{made['place']} before it" if made["place"] else ""
            self.feedback.setProgressText(f"On the desk: {made['state']} {waits}".strip())
            time.sleep(EVERY_S)
            made = self._json("GET", place)
        if made["state"] != "done":
            why = made.get("why") or {}
            raise QgsProcessingException(
                f"The desk: {made['state']}. {why.get('words', '')} {why.get('next', '')}"
            )
        packed = folder.with_name(folder.name + ".zip")
        packed.write_bytes(self._call("GET", f"{place}/pack.zip", b""))
        _unpack(packed, folder)
        packed.unlink()

    def _json(self, method: str, place: str, body: bytes = b"") -> dict[str, Any]:
        answer = json.loads(self._call(method, place, body) or b"{}")
        if not isinstance(answer, dict):
            raise QgsProcessingException(f"{self.address}{place} did not answer as a desk does.")
        return answer

    def _call(self, method: str, place: str, body: bytes) -> bytes:
        request = QNetworkRequest(QUrl(self.address + place))
        for name, value in self.headers.items():
            request.setRawHeader(name.encode(), value.encode())
        request.setRawHeader(b"Content-Type", b"application/json")
        caller = QgsBlockingNetworkRequest()
        if method == "POST":
            caller.post(request, QByteArray(body), True, self.feedback)
        elif method == "DELETE":
            caller.deleteResource(request)
        else:
            caller.get(request, True, self.feedback)
        reply = caller.reply()
        content = bytes(reply.content())
        status = reply.attribute(QNetworkRequest.Attribute.HttpStatusCodeAttribute)
        if status is None or int(status) >= 300:
            raise QgsProcessingException(_refusal(self.address, content, caller.errorMessage()))
        return content


def _refusal(address: str, content: bytes, error: str) -> str:
    """Say what a desk refused, in its own words (RFC 9457), or that it was not reached."""
    try:
        told = json.loads(content)
        words = [str(told[name]) for name in ("title", "detail") if told.get(name)]
    except (ValueError, TypeError, KeyError):
        words = []
    return " ".join(words) or f"The desk at {address} did not answer: {error}"


def _unpack(packed: Path, folder: Path) -> None:
    """Unpack what a desk sent, without the folder that holds it; names and sizes checked first."""
    with zipfile.ZipFile(packed) as archive:
        files = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(files) > MOST_FILES or sum(entry.file_size for entry in files) > MOST_BYTES:
            raise QgsProcessingException(
                f"The desk sent {len(files)} files, or more than {MOST_BYTES / 1e9:g} GB. Ask for "
                "a smaller area."
            )
        for entry in files:
            entry.filename = entry.filename.partition("/")[2]
            if folder.resolve() not in (folder / entry.filename).resolve().parents:
                raise QgsProcessingException("The desk sent a file that leaves its folder.")
            archive.extract(entry, folder)
