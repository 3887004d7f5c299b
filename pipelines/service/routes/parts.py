"""Files in parts, by the header ``Range`` (RFC 9110, section 14)."""

import re
from pathlib import Path

from fastapi import Request
from fastapi.responses import FileResponse

from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.service.errors import RefusedError

RANGES = re.compile(r"bytes\s*=\s*[0-9-]+(?:\s*,\s*[0-9-]+)*\s*", re.IGNORECASE)
PART = re.compile(r"(\d{0,18})-(\d{0,18})")


def in_parts(request: Request, path: Path, kind: str, name: str) -> FileResponse:
    """Return a file, or the parts of it that a call asks for.

    What is no range of bytes is passed over, as if it had not been sent.

    Raises
    ------
    RefusedError
        If a range lies beyond the end of the file.
    """
    asked = request.headers.get("range")
    if asked is not None:
        starts = _starts(asked, size := path.stat().st_size)
        if starts is None:
            scope = request.scope
            scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"range"]
        elif "if-range" not in request.headers and any(start >= size for start in starts):
            raise RefusedError(DeskCode.RANGE_WRONG, size=size)
    return FileResponse(path, media_type=kind, filename=name)


def _starts(asked: str, size: int) -> list[int] | None:
    """Return where ranges begin; None where they are none."""
    if not RANGES.fullmatch(asked):
        return None
    starts = []
    for part in asked.partition("=")[2].split(","):
        found = PART.fullmatch(part.strip())
        if found is None or found.group(0) == "-":
            return None
        first, last = found.groups()
        if first and last and int(last) < int(first):
            return None
        starts.append(int(first) if first else max(size - int(last), 0))
    return starts
