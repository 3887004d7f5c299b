"""The command line of a local install: started, followed, stopped."""

from __future__ import annotations

import os
import queue
import re
import signal
import subprocess
import threading
import time
from typing import IO, NamedTuple

from qgis.core import QgsProcessingException, QgsProcessingFeedback

from .settings import command_path

# QGIS sets these for its own Python and GDAL, and another Python would take them for its own.
NOT_OURS = (
    "PYTHONHOME", "PYTHONPATH", "PYTHONEXECUTABLE", "GDAL_DATA", "GDAL_DRIVER_PATH", "PROJ_LIB",
    "PROJ_DATA", "QT_PLUGIN_PATH",
)  # fmt: skip
STEP = re.compile(r"step (\d+) of (\d+)")
GRACE_S = 20.0


class Answer(NamedTuple):
    """What a command printed, and whether it ended well; not where a check found something."""

    text: str
    well: bool


def call(
    arguments: list[str], feedback: QgsProcessingFeedback, *, fine: tuple[int, ...] = (0,)
) -> Answer:
    """Do a command, and show what it prints.

    Parameters
    ----------
    arguments
        Of the command.
    feedback
        Is told of progress, and asked whether to stop.
    fine
        Exit codes that are no error; 1 is that a check found something.

    Raises
    ------
    QgsProcessingException
        If the command refuses, with what it said; if it is stopped.
    """
    line = [command_path(), *arguments]
    feedback.pushCommandInfo(" ".join(line))
    process = subprocess.Popen(
        line,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_environment(),
        text=True,
        encoding="utf-8",
        errors="replace",
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )
    printed, said = _follow(process, feedback)
    if feedback.isCanceled():
        raise QgsProcessingException("Stopped. The same request goes on where it was stopped.")
    if process.returncode not in fine:
        told = [line for line in said if line.startswith("minerisk: ")] or said[-5:]
        raise QgsProcessingException("\n".join(told) or f"exit code {process.returncode}")
    feedback.pushInfo(printed)
    return Answer(printed, process.returncode == 0)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
    return {**kept, "PYTHONIOENCODING": "utf-8", "COLUMNS": "100"}


def _follow(
    process: subprocess.Popen[str], feedback: QgsProcessingFeedback
) -> tuple[str, list[str]]:
    """Read both streams to their end; tell what is said, and stop when it is asked."""
    lines: queue.Queue[tuple[str, str]] = queue.Queue()
    readers = [
        threading.Thread(target=_read, args=(name, stream, lines), daemon=True)
        for name, stream in (("out", process.stdout), ("err", process.stderr))
        if stream is not None
    ]
    for reader in readers:
        reader.start()
    printed: list[str] = []
    said: list[str] = []
    asked: float | None = None
    while any(reader.is_alive() for reader in readers) or not lines.empty():
        if feedback.isCanceled() and process.poll() is None:
            if asked is None:
                asked = time.monotonic()
                process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGINT))
            _insist(process, waited=time.monotonic() - asked)
        try:
            name, line = lines.get(timeout=0.1)
        except queue.Empty:
            continue
        if name == "out":
            printed.append(line)
        else:
            said.append(line.rstrip())
            _tell(line.rstrip(), feedback)
    process.wait()
    return "".join(printed), said


def _read(name: str, stream: IO[str], lines: queue.Queue[tuple[str, str]]) -> None:
    with stream:
        for line in stream:
            lines.put((name, line))


def _tell(line: str, feedback: QgsProcessingFeedback) -> None:
    step = STEP.search(line)
    if step is not None and int(step[2]):
        feedback.setProgress(100 * int(step[1]) / int(step[2]))
    feedback.setProgressText(line)


def _insist(process: subprocess.Popen[str], *, waited: float) -> None:
    """End a program that was asked as Ctrl-C does and goes on: first so that it can tidy up."""
    if waited > 2 * GRACE_S:
        process.kill()
    elif waited > GRACE_S:
        process.terminate()
